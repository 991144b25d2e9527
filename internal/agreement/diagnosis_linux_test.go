package agreement

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"beanpole/internal/access"
	"beanpole/internal/check"
	"beanpole/internal/cli"
	"beanpole/internal/diagnose"
	"beanpole/internal/fact"
)

const (
	diagnosed = 2000 // worlds
	// named is the share of failing worlds whose cause must be named from logs
	// and live APIs together, found that from the live APIs alone.
	named, found = 0.99, 0.98
)

// sitesPerCore is how many local AWSs are at work beside each other: most of a
// deployment's time is waiting for the disk.
const sitesPerCore = 4

// The ways of diagnosing.
const (
	fromLogs = iota
	fromLive
	fromBoth
	ways
)

var wayNames = [ways]string{"logs alone", "live APIs alone", "both"}

// TestDiagnosisNamesThePlantedCause lets random worlds fail, deploys each that
// does to an environment of a local AWS, and has `beanpole diagnose` name the
// cause: from logs and events alone, from the live APIs alone, and from both. The
// cause that was planted is the one that check finds with all facts known.
func TestDiagnosisNamesThePlantedCause(t *testing.T) {
	n := diagnosed
	if testing.Short() {
		n = 60
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the states of all sites are live
	var sites []*site
	keys := filepath.Join(t.TempDir(), "credentials")
	text := ""
	for i := range sitesPerCore * runtime.GOMAXPROCS(0) {
		s := newSite(t, fmt.Sprintf("site-%d", i))
		sites, text = append(sites, s), text+s.credentialsFile()
	}
	if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"AWS_SHARED_CREDENTIALS_FILE": keys, "AWS_CONFIG_FILE": "none", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_ENDPOINT_URL": "", "AWS_CA_BUNDLE": ""} {
		t.Setenv(k, v)
	}
	var all scores
	seeds := make(chan uint64)
	var wait sync.WaitGroup
	for _, s := range sites {
		wait.Go(func() {
			for seed := range seeds {
				if err := s.diagnose(t, newWorld(seed), &all); err != nil {
					t.Errorf("world %d: %v", seed, err)
				}
			}
		})
	}
	for i := range uint64(n) {
		seeds <- *first + i
	}
	close(seeds)
	wait.Wait()
	all.report(t)
	planted := len(all.worlds)
	if planted < n/4 {
		t.Errorf("%d of %d worlds failed", planted, n)
	}
	for way, least := range map[int]float64{fromLive: found, fromBoth: named} {
		if right := all.count(way, isNamed); float64(right) < least*float64(planted) {
			t.Errorf("from %s %d of %d causes were named", wayNames[way], right, planted)
		}
	}
}

// said is what `diagnose` said of a world in one way.
type said struct {
	slug    string // "" for none
	certain bool
	// right: it is the planted cause; other: another mistake of the same world.
	right, other bool
	headline     string
}

// isNamed: the planted cause stands in the first line as certain.
func isNamed(x *said) bool { return x.certain && x.right }

// isWrong: what stands there as certain is no mistake of the world.
func isWrong(x *said) bool { return x.certain && !x.right && !x.other }

// told is a world that failed, and what was said of it.
type told struct {
	seed    uint64
	planted string
	said    [ways]said
}

type scores struct {
	sync.Mutex
	worlds []*told
}

func (s *scores) count(way int, what func(*said) bool) (n int) {
	for _, w := range s.worlds {
		if what(&w.said[way]) {
			n++
		}
	}
	return n
}

// report logs precision and recall for each cause, and fails for each wrong
// cause that was stated as certain.
func (s *scores) report(t *testing.T) {
	t.Helper()
	causes := map[string]int{}
	for _, w := range s.worlds {
		causes[w.planted]++
	}
	t.Logf("%-36s%-16s%-16s%s", "recall and precision in percent of", wayNames[fromLogs], wayNames[fromLive], wayNames[fromBoth])
	t.Logf("%-24s %7s", "cause", "planted")
	for _, cause := range sorted(causes) {
		line := fmt.Sprintf("%-24s %7d  ", cause, causes[cause])
		for way := range ways {
			named, right := 0, 0
			for _, w := range s.worlds {
				x := &w.said[way]
				if x.certain && (x.slug == cause || x.right && w.planted == cause) {
					named++
				}
				if isNamed(x) && w.planted == cause {
					right++
				}
			}
			line += fmt.Sprintf("  %5s %5s   ", share(right, causes[cause]), share(right, named))
		}
		t.Log(strings.TrimRight(line, " "))
	}
	for way := range ways {
		open := s.count(way, func(x *said) bool { return !x.certain })
		other := s.count(way, func(x *said) bool { return x.certain && !x.right && x.other })
		t.Logf("%-15s of %d worlds: %d named, %d left open, %d another mistake of the same world, %d wrong", wayNames[way], len(s.worlds),
			s.count(way, isNamed), open, other, s.count(way, isWrong))
	}
	shown := 0
	for _, w := range s.worlds {
		for way := range ways {
			x := &w.said[way]
			switch {
			case isWrong(x):
				t.Errorf("world %d: from %s %q was stated as certain; it is %s", w.seed, wayNames[way], x.headline, w.planted)
			case way != fromLogs && !isNamed(x) && shown < 30:
				shown++
				t.Logf("world %d: %s: from %s: %s", w.seed, w.planted, wayNames[way], x.headline)
			}
		}
	}
}

func share(part, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*float64(part)/float64(of))
}

func sorted(m map[string]int) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// predicted is what check says of a world, in a folder of its own.
func (s *site) predicted(w *world, dir string) (*check.Report, error) {
	a, err := w.account()
	if err != nil {
		return nil, err
	}
	bundle, settings, err := s.bundle(w.config(), w, dir)
	if err != nil {
		return nil, err
	}
	defer bundle.Close()
	return predict(a, bundle, settings)
}

// diagnose deploys a world whose fetch fails, and diagnoses it in each way.
func (s *site) diagnose(t *testing.T, w *world, all *scores) error {
	dir, err := os.MkdirTemp(s.dir, "world")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := s.predicted(w, dir)
	if err != nil {
		return err
	}
	chain := r.Chains[0]
	f := check.Explain(chain)
	if chain.Answer.Verdict != fact.Broken || chain.Answer.Reason == "" || f == nil {
		return nil
	}
	environment, failure, err := s.deploy(t.Context(), w)
	if err != nil {
		return err
	}
	if (failure == "") != (w.refused() != "") {
		return fmt.Errorf("the agent's error is %q, where Elastic Beanstalk should refuse for %q\n%s", failure, w.refused(), w)
	}
	out := &told{seed: w.seed, planted: f.Rule}
	if refused := w.refused(); refused != "" {
		out.planted = refused
	}
	logs, reading := filepath.Join(dir, "logs"), filepath.Join(dir, "account.json")
	if err := os.WriteFile(logs, []byte(s.logs(t, environment, failure)), 0o600); err != nil {
		return err
	}
	for way, args := range [ways][]string{
		{"--log", logs},
		{"--environment", environment, "--endpoint-url", s.url, "--region", region, "--profile", s.profile, "--save", reading},
		{"--account", reading, "--log", logs},
	} {
		if out.said[way], err = ask(args, out.planted, r); err != nil {
			return fmt.Errorf("from %s: %w\n%s", wayNames[way], err, w)
		}
	}
	all.Lock()
	all.worlds = append(all.worlds, out)
	all.Unlock()
	return s.end(t.Context(), environment, w)
}

// mistakes are the rules that find the broken links of a chain, each as if it
// were the only one.
func mistakes(c *access.Chain) (out []string) {
	for i := range c.Links {
		if c.Links[i].Verdict != fact.Broken {
			continue
		}
		alone := *c
		alone.Links = slices.Clone(c.Links)
		for j := range alone.Links {
			if j != i && alone.Links[j].Verdict == fact.Broken {
				alone.Links[j].Verdict = fact.Holds
			}
		}
		if f := check.Explain(&alone); f != nil {
			out = append(out, f.Rule)
		}
		if l := &c.Links[i]; l.Name == access.Object && strings.Contains(l.Says, "does not exist") {
			out = append(out, "object-missing") // whoever signs
		}
	}
	return out
}

// ask runs `beanpole diagnose`.
func ask(args []string, planted string, r *check.Report) (out said, err error) {
	var text, errs bytes.Buffer
	status := cli.Run(append([]string{"beanpole", "diagnose", "--format", "json"}, args...), strings.NewReader(""), &text, &errs)
	var d struct {
		Headline string
		Cause    *struct{ Cause string }
		Certain  bool
	}
	if err := json.Unmarshal(text.Bytes(), &d); err != nil || status != 0 && status != 1 && status != 4 {
		return out, fmt.Errorf("diagnose %q ended with status %d: %v\n%s%s", args, status, err, text.String(), errs.String())
	}
	out.headline = d.Headline
	if d.Cause == nil {
		return out, nil
	}
	out.slug, out.certain = d.Cause.Cause, d.Certain
	out.right = out.slug == planted
	out.other = slices.Contains(mistakes(r.Chains[0]), out.slug)
	for _, cause := range diagnose.Causes() {
		if cause.Slug == out.slug {
			out.right = out.right || slices.Contains(cause.Rules, planted)
			out.other = out.other || check.Lookup(out.slug) == nil && slices.ContainsFunc(cause.Links, func(n access.LinkName) bool { return r.Chains[0].Link(n).Verdict == fact.Broken })
		}
	}
	return out, nil
}
