package agreement

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"beanpole/internal/access"
	"beanpole/internal/check"
	"beanpole/internal/diagnose"
	"beanpole/internal/fact"
	"beanpole/internal/logs"
)

const (
	diagnosed = 2000 // worlds
	// named is the share of failing worlds whose cause must be named from logs
	// and account together.
	named = 0.99
)

// TestDiagnosisNamesThePlantedCause lets random worlds fail and diagnoses each
// from its event and log alone, and together with what check says of its
// account. The cause that was planted is the one that check finds with all facts
// known.
func TestDiagnosisNamesThePlantedCause(t *testing.T) {
	n := diagnosed
	if testing.Short() {
		n = 100
	}
	score := &scores{planted: map[string]int{}, right: map[string]int{}, called: map[string]int{}}
	seeds := make(chan uint64)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		b := newBench(t)
		wait.Go(func() {
			for seed := range seeds {
				if err := b.diagnose(newWorld(seed), score); err != nil {
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
	all, right := 0, 0
	for rule, count := range score.planted {
		t.Logf("%-26s %4d planted, recall %3.0f %%, precision %3.0f %%", rule, count,
			100*float64(score.right[rule])/float64(count), 100*float64(score.right[rule])/float64(max(score.called[rule], 1)))
		all, right = all+count, right+score.right[rule]
	}
	t.Logf("%d of %d causes named; from logs alone %d were certain, none of them wrong", right, all, score.certain)
	for _, w := range score.wrong[:min(len(score.wrong), 20)] {
		t.Log(w)
	}
	if float64(right) < named*float64(all) || all < n/4 {
		t.Errorf("%d of %d causes were named", right, all)
	}
}

// scores count by rule: planted, named, and named rightly.
type scores struct {
	sync.Mutex
	planted, right, called map[string]int
	certain                int
	wrong                  []string
}

// diagnose plays a world; one that fails is diagnosed in both ways.
func (b *bench) diagnose(w *world, score *scores) error {
	p, err := b.play(w)
	if err != nil {
		return err
	}
	defer os.RemoveAll(p.dir)
	chain := p.report.Chains[0]
	if p.failure == "" || chain.Answer.Verdict != fact.Broken || chain.Answer.Reason == "" {
		return nil
	}
	f := check.Explain(chain)
	if f == nil {
		return nil
	}
	for _, text := range []string{eventOf(p.failure), logOf(p.failure)} {
		if err := alone(text, f.Rule, chain, score); err != nil {
			return fmt.Errorf("%w\n%s\n%s", err, text, w)
		}
	}
	d, err := diagnosisOf(eventOf(p.failure) + logOf(p.failure))
	if err != nil {
		return err
	}
	slug := ""
	if e := diagnose.Explain(d, p.report); e.Cause != nil {
		slug = e.Slug()
	}
	score.Lock()
	defer score.Unlock()
	score.planted[f.Rule]++
	score.called[slug]++
	if slug != f.Rule {
		score.wrong = append(score.wrong, fmt.Sprintf("%s was named for %s: %.160s", slug, f.Rule, p.failure))
	} else {
		score.right[slug]++
	}
	return nil
}

// alone: what the text alone is certain of must be so, and what it holds for
// possible must include the cause.
func alone(text, rule string, c *access.Chain, score *scores) error {
	d, err := diagnosisOf(text)
	switch {
	case err != nil:
		return err
	case d.Cause == nil:
		return fmt.Errorf("no cause was found; it is %s", rule)
	case !d.Cause.May(rule) && !broken(d.Cause.Cause, c):
		return fmt.Errorf("found %s (certain: %v), but the cause is %s", d.Cause.Slug, d.Certain, rule)
	}
	if d.Certain {
		score.Lock()
		score.certain++
		score.Unlock()
	}
	return nil
}

// broken: worlds may have several mistakes, and the log shows the one that the
// agent met; it must be one of the chain's.
func broken(cause *diagnose.Cause, c *access.Chain) bool {
	return slices.ContainsFunc(cause.Links, func(n access.LinkName) bool { return c.Link(n).Verdict == fact.Broken })
}

func diagnosisOf(text string) (*diagnose.Diagnosis, error) {
	r := &logs.Reader{Words: diagnose.Words()}
	if err := r.Read("log", strings.NewReader(text)); err != nil {
		return nil, err
	}
	return diagnose.Logs(r.Reading()), nil
}

// eventOf is the event of the Amazon Linux AMI's host manager, which keeps the
// first line of the agent's error.
func eventOf(failure string) string {
	line, _, _ := strings.Cut(failure, "\n")
	return "2026-11-20 23:25:01    INFO    Environment update is starting.\n" +
		"2026-11-20 23:30:10    ERROR   [Instance: " + instanceID + "] Command failed on instance. Return code: 1 Output: " + line +
		". EBExtension failed. For more detail, check /var/log/eb-activity.log using console or EB CLI.\n" +
		"2026-11-20 23:30:13    ERROR   Failed to deploy application.\n"
}

func logOf(failure string) string {
	return "2026-11-20 23:30:09,100 [ERROR] Error encountered during build of prebuild_0_tls: " + failure + "\n" +
		"2026-11-20 23:30:09,101 [ERROR] -----------------------BUILD FAILED!------------------------\n"
}
