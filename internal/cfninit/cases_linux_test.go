package cfninit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"beanpole/internal/source"
)

// recorded is one recorded run of the real cfn-init 1.4 (see the README beside
// the cases for the meaning of the fields).
type recorded struct {
	Name         string
	Area         string
	Metadata     json.RawMessage
	MetadataText *string `json:"metadata_text"`
	NoFile       bool    `json:"no_file"`
	Args         []string
	ConfigSets   []string
	Environment  map[string]string
	Umask        string
	Pystache     *bool
	Before       []entry
	Absent       []string
	Tools        json.RawMessage
	HTTP         []*rule
	TLSNames     []string `json:"tls_names"`
	TLSUntrusted bool     `json:"tls_untrusted"`
	Expect       struct {
		Exit     int
		Error    *string
		Stderr   string
		Tree     []entry
		Removed  []string
		Users    []string
		Groups   []string
		Requests []request
		Waits    struct {
			Count int
			Max   float64 `json:"max_total_seconds"`
		}
		Log            []string
		CmdLog         []string `json:"cmd_log"`
		OrderDependent []string `json:"order_dependent"`
	}
}

// entry is a file, directory or link, in `before` and in `tree`.
type entry struct {
	Path, Type, Mode string
	Owner, Group     any
	Target           string
	Content          string `json:"content_b64"`
	SHA256           string
}

// areas that beanpole carries out.
var areas = []string{"files", "auth", "s3", "commands", "configsets", "mixed", "stack", "groups", "users"}

func TestRunsAsTheRecordedAgentDid(t *testing.T) {
	dir := shared(filepath.Join("cases", "cfn-init"))
	if dir == "" {
		t.Skip("recorded runs are not here: they stand beside the repository, in shared/cases/cfn-init")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: files get owners, and commands run by chroot")
	}
	if testing.Short() {
		t.Skip("takes a quarter of a minute")
	}
	base := readBase(t, dir)
	known := readDifferences(t)
	agreed, total := map[string]int{}, map[string]int{}
	for _, c := range readCases(t, dir) {
		if c.notCovered() != "" {
			continue
		}
		total[c.Area]++
		why := base.run(t, c)
		reason, listed := known[c.Name]
		switch {
		case why == "" && listed:
			t.Errorf("%s agrees now; take it out of testdata/differences.tsv", c.Name)
		case why == "":
			agreed[c.Area]++
		case !listed:
			t.Errorf("%s: %s", c.Name, why)
		case reason == "":
			t.Errorf("%s is listed without a reason", c.Name)
		}
	}
	for _, a := range areas {
		if total[a] > 0 {
			t.Logf("%-10s %3d of %3d agree (%.0f %%)", a, agreed[a], total[a], 100*float64(agreed[a])/float64(total[a]))
		}
	}
}

// shared finds a folder of shared/, which stands beside the repository, or
// further up when this is a worktree of it; "" when it is missing.
func shared(name string) string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	for err == nil && dir != "/" {
		dir = filepath.Dir(dir)
		at := filepath.Join(dir, "shared", name)
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return ""
}

// notCovered says why a case says nothing about beanpole: it is about options
// of the command, or about sections that are not carried out yet.
func (c *recorded) notCovered() string {
	switch {
	case c.Area == "stack" && c.option("--role") == "":
		return ""
	case c.MetadataText != nil || c.NoFile || c.Args != nil || c.Metadata == nil:
		return "is about the command line"
	case c.Tools != nil:
		return "has sections that are not carried out yet"
	}
	n, err := source.ParseJSON("metadata.json", c.Metadata)
	if err != nil {
		return ""
	}
	for _, f := range fields(n.Get(initKey)) {
		for _, s := range sections {
			if (s == "packages" || s == "sources" || s == "services") && truthy(f.Value.Get(s)) {
				return "has sections that are not carried out yet"
			}
		}
	}
	return ""
}

func readCases(t *testing.T, dir string) []*recorded {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*recorded
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		c := &recorded{}
		if err := json.Unmarshal(data, c); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, a := range areas {
			if c.Area == a {
				out = append(out, c)
			}
		}
	}
	return out
}

// readDifferences reads the cases that are known to differ, with the reason.
func readDifferences(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/differences.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && !strings.HasPrefix(name, "#") {
			out[name] = reason
		}
	}
	return out
}

// run carries one case out in a fresh root and says what differs, "" for nothing.
func (b *base) run(t *testing.T, c *recorded) string {
	t.Helper()
	dir := b.fresh(t, c)
	defer os.RemoveAll(dir)
	before := b.snapshot(t, dir)
	if c.Umask != "" {
		var mask int
		fmt.Sscanf(c.Umask, "%o", &mask)
		defer syscall.Umask(syscall.Umask(mask))
	}
	net := &replay{rules: c.HTTP, names: c.TLSNames, untrusted: c.TLSUntrusted, metadata: c.Metadata}
	var log, cmdLog bytes.Buffer
	waits, total := 0, time.Duration(0)
	now := time.Date(2029, 12, 31, 20, 0, 0, 0, time.UTC)
	r := &Runner{
		Root: dir, HTTP: net, Log: &log, CommandLog: &cmdLog,
		Sleep:      func(_ context.Context, d time.Duration) { waits++; total += d },
		Rand:       func() float64 { return 1 },
		Now:        func() time.Time { return now },
		Env:        b.environment(c),
		NoMustache: c.Pystache != nil && !*c.Pystache,
	}
	net.now = now
	result := &Result{}
	metadata, err := c.metadata(r)
	waited := waits // before the build
	if err == nil {
		result, err = r.Build(context.Background(), metadata, c.sets())
	}
	var d differences
	exit, text := 0, ""
	var fault *BuildError
	switch {
	case errors.As(err, &fault):
		text = fault.Text
		if exit = 1; fault.NoInit {
			exit, text = 0, ""
		}
	case err != nil:
		return "beanpole failed: " + err.Error()
	}
	d.compare("exit", exit, c.Expect.Exit)
	if want := c.Expect.Error; want != nil && !c.unordered("error") {
		d.compare("error", text, *want)
	} else if c.Area == "stack" && fault != nil && !fault.NoInit && !strings.HasSuffix(c.Expect.Stderr, text+"\n") {
		d.compare("standard error", text, c.Expect.Stderr)
	}
	d.compare("tree", c.changes(before, b.snapshot(t, dir)), c.tree())
	d.compare("users", newLines(t, dir+"/etc/passwd", b.Users), c.Expect.Users)
	d.compare("groups", newLines(t, dir+"/etc/group", b.Groups), c.Expect.Groups)
	d.compare("requests", strings.Join(net.seen, "\n"), strings.Join(expand(c.Expect.Requests), "\n"))
	d.compare("waits", fmt.Sprint(waits, total.Seconds()), fmt.Sprint(c.Expect.Waits.Count, c.Expect.Waits.Max))
	d.compare("waits in the result", len(result.Waits), waits-waited)
	if !c.unordered("log") {
		d.compare("log", logLines(log.String()), trimmed(c.Expect.Log))
	}
	d.compare("cmd_log", logLines(cmdLog.String()), trimmed(c.Expect.CmdLog))
	return strings.Join(d, "\n\t")
}

// metadata is the case's metadata, of a file or of a stack.
func (c *recorded) metadata(r *Runner) (*source.Node, error) {
	if c.Area == "stack" {
		return r.StackMetadata(context.Background(), c.option("-s"), c.option("-r"), c.option("--region"))
	}
	return source.ParseJSON("metadata.json", c.Metadata)
}

func (c *recorded) sets() []string {
	if given := c.option("--configsets"); given != "" {
		return strings.Split(given, ",")
	}
	return c.ConfigSets
}

// option is the value of an option among the arguments.
func (c *recorded) option(name string) string {
	for i := 0; i+1 < len(c.Args); i++ {
		if c.Args[i] == name {
			return c.Args[i+1]
		}
	}
	return ""
}

// unordered: the recorded result depends on the order of a Python 2 dict.
func (c *recorded) unordered(what string) bool {
	for _, o := range c.Expect.OrderDependent {
		if o == what {
			return true
		}
	}
	return false
}

type differences []string

func (d *differences) compare(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		*d = append(*d, fmt.Sprintf("%s:\n\t\tgot  %.1500q\n\t\twant %.1500q", what, got, want))
	}
}

// logLines takes apart a log as the cases have it: "LEVEL text", continuation
// lines joined.
func logLines(s string) []string {
	out := []string{}
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > 24 && strings.HasPrefix(line, "2029-12-31 ") {
			level, rest, _ := strings.Cut(line[strings.Index(line, "[")+1:], "] ")
			out = append(out, level+" "+rest)
			continue
		}
		out[len(out)-1] += "\n" + line
	}
	return out
}

// newLines are the lines of a file that were not there before.
func newLines(t *testing.T, file string, before []string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	must(t, err)
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(before, line) {
			out = append(out, line)
		}
	}
	return out
}

// trimmed are entries without newlines at their end, which logLines can't see.
func trimmed(entries []string) []string {
	out := []string{}
	for _, e := range entries {
		out = append(out, strings.TrimRight(e, "\n"))
	}
	return out
}

// tree is the expected tree as text, with the paths that are gone.
func (c *recorded) tree() []string {
	out := []string{}
	for _, e := range c.Expect.Tree {
		if c.unordered("tree") {
			e.SHA256 = ""
		}
		out = append(out, e.String())
	}
	for _, p := range c.Expect.Removed {
		out = append(out, p+" gone")
	}
	sort.Strings(out)
	return out
}

func (e entry) String() string {
	sum := e.SHA256
	if len(sum) > 12 {
		sum = sum[:12]
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %v %v %s %s", e.Path, e.Type, e.Mode, e.Owner, e.Group, sum, e.Target)), " ")
}

// changes are the differences between two states of a root.
func (c *recorded) changes(before, after map[string]entry) []string {
	out := []string{}
	for p, e := range after {
		if old, ok := before[p]; !ok || old.String() != e.String() {
			if c.unordered("tree") {
				e.SHA256 = "" // JSON whose keys stand in another order
			}
			out = append(out, e.String())
		}
	}
	for p := range before {
		if _, ok := after[p]; !ok {
			out = append(out, p+" gone")
		}
	}
	sort.Strings(out)
	return out
}

// snapshot is everything below dir that the cases compare.
func (b *base) snapshot(t *testing.T, dir string) map[string]entry {
	t.Helper()
	out := map[string]entry{}
	users, groups := names(t, dir+"/etc/passwd"), names(t, dir+"/etc/group")
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(name, dir)
		if b.ignored(path) {
			if d.IsDir() && path != "" {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		e := entry{Path: path, Mode: fmt.Sprintf("%04o", st.Mode&0o7777), Owner: nameOf(users, st.Uid), Group: nameOf(groups, st.Gid)}
		switch info.Mode().Type() {
		case os.ModeDir:
			e.Type = "dir"
		case os.ModeSymlink:
			e.Type, e.Mode = "link", ""
			e.Target, err = os.Readlink(name)
		default:
			e.Type = "file"
			var data []byte
			data, err = os.ReadFile(name)
			sum := sha256.Sum256(data)
			e.SHA256 = hex.EncodeToString(sum[:])
		}
		out[path] = e
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// names are the names by number in /etc/passwd or /etc/group.
func names(t *testing.T, file string) map[uint32]string {
	t.Helper()
	out := map[uint32]string{}
	for _, line := range newLines(t, file, nil) {
		if f := strings.Split(line, ":"); len(f) > 2 {
			id, _ := strconv.Atoi(f[2])
			out[uint32(id)] = f[0]
		}
	}
	return out
}

func nameOf(names map[uint32]string, id uint32) any {
	if n, ok := names[id]; ok {
		return n
	}
	return id
}

// decode is the content of an entry of `before`.
func (e entry) decode(t *testing.T) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(e.Content)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
