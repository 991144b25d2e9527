package recorded

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"syscall"
	"time"

	"beanpole/internal/agent"
	"beanpole/internal/cfninit"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// Difference is one way in which a run was not as recorded.
type Difference struct {
	What      string // "exit", "tree", "requests", …
	Got, Want string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s:\n\t\tgot  %.1500s\n\t\twant %.1500s", d.What, d.Got, d.Want)
}

// run is one case in the making.
type run struct {
	*Case
	base        *Base
	dir         string
	net         *replay
	out, errors bytes.Buffer
	commands    [][]string
	exits       []*int
	waits       int
	waited      time.Duration
	differences []Difference
}

// moment is the time at which every case runs.
var moment = time.Date(2029, 12, 31, 20, 0, 0, 0, time.UTC)

// Run carries a case out in a fresh root. The umask of the process is changed
// meanwhile. The error is that of the harness, not of the agent.
func (b *Base) Run(c *Case) ([]Difference, error) {
	dir, err := b.fresh(c)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	r := &run{Case: c, base: b, dir: dir}
	metadata := c.Metadata
	if c.MetadataText.Given {
		metadata = []byte(c.MetadataText.Text)
	}
	if !c.NoFile && !c.MetadataText.Null {
		if err := os.WriteFile(dir+metadataFile, metadata, 0o644); err != nil {
			return nil, err
		}
	}
	before, err := r.snapshot(b.ignored)
	if err != nil {
		return nil, err
	}
	exit, err := r.agent()
	if err != nil {
		return nil, err
	}
	after, err := r.snapshot(b.ignored)
	if err != nil {
		return nil, err
	}
	r.compareOutput(exit)
	r.compare("tree", r.changes(before, after), r.tree())
	r.compareAccounts()
	r.compare("requests", r.net.seen, expand(c.Expect.Requests))
	r.compare("waits", fmt.Sprint(r.waits, r.waited.Seconds()), fmt.Sprint(c.Expect.Waits.Count, c.Expect.Waits.Max))
	r.compareCommands()
	if !c.unordered("log") {
		r.compare("log", r.logLines("cfn-init.log"), trimmed(c.Expect.Log))
	}
	r.compare("cmd_log", r.logLines("cfn-init-cmd.log"), trimmed(c.Expect.CmdLog))
	return r.differences, r.compareState()
}

const metadataFile = "/tmp/metadata.json"

// agent runs cfn-init; the result is its exit status.
func (r *run) agent() (int, error) {
	mask := 0o022
	if r.Umask != "" {
		if _, err := fmt.Sscanf(r.Umask, "%o", &mask); err != nil {
			return 0, fmt.Errorf("umask of %s: %w", r.Name, err)
		}
	}
	defer syscall.Umask(syscall.Umask(mask))
	r.net = &replay{rules: r.HTTP, names: r.TLSNames, untrusted: r.TLSUntrusted, metadata: r.Metadata, now: moment}
	args := r.Args
	if r.ConfigSets != nil {
		args = append(args, "-c", strings.Join(r.ConfigSets, ","))
	}
	if !r.NoFile {
		args = append(args, metadataFile)
	}
	return agent.Init(context.Background(), &agent.Call{
		Program: "cfn-init", LocalCloud: true,
		Args: args, In: strings.NewReader(r.Stdin), Out: &r.out, Errors: &r.errors,
		Runner: cfninit.Runner{
			Root: r.dir, HTTP: r.net,
			Sleep:      func(_ context.Context, d time.Duration) { r.waits++; r.waited += d },
			Rand:       func() float64 { return 1 },
			Now:        func() time.Time { return moment },
			Env:        r.base.environment(r.Case),
			NoMustache: r.Pystache != nil && !*r.Pystache,
			Ran:        r.ran,
		},
	}), nil
}

// ran takes down a program that the agent started, or tried to.
func (r *run) ran(args []string, exit int, err error) {
	r.commands = append(r.commands, args)
	if err != nil {
		r.exits = append(r.exits, nil)
		return
	}
	r.exits = append(r.exits, &exit)
}

func (r *run) compare(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		r.differences = append(r.differences, Difference{what, fmt.Sprintf("%q", got), fmt.Sprintf("%q", want)})
	}
}

// compareOutput holds exit status and output against the recorded ones. Of a
// page of usage only the error counts: the rest is a program's own.
func (r *run) compareOutput(exit int) {
	if exit != r.Expect.Exit {
		r.compare("exit", fmt.Sprint(exit), fmt.Sprint(r.Expect.Exit))
	}
	r.compare("stdout", r.out.String(), r.Expect.Stdout)
	if r.unordered("error") || r.unordered("stderr") {
		return
	}
	r.compare("stderr", plain(r.errors.String()), plain(r.Expect.Stderr))
}

// read is a file that the run left, "" when there is none.
func (r *run) read(name string) string {
	data, _ := os.ReadFile(r.dir + name)
	return string(data)
}

// compareState holds the agent's own files against the recorded ones.
func (r *run) compareState() error {
	if r.Area != "state" {
		return nil
	}
	all, err := r.snapshot(func(path string) bool {
		return path != "" && path != "/var" && path != "/var/lib" &&
			!strings.HasPrefix(path+"/", "/var/log/") && !strings.HasPrefix(path+"/", "/var/lib/cfn-init/")
	})
	if err != nil {
		return err
	}
	got, want := []string{}, []string{}
	for path, e := range all {
		if path == "" || path == "/var" || path == "/var/lib" || path == "/var/log" {
			continue
		}
		e.SHA256 = ""
		got = append(got, e.String())
	}
	for _, e := range r.Expect.State {
		e.SHA256 = ""
		want = append(want, e.String())
		if e.Text != nil {
			r.compareJSON(e.Path, r.read(e.Path), *e.Text)
		}
	}
	sort.Strings(got)
	sort.Strings(want)
	r.compare("state", got, want)
	return nil
}

// compareJSON compares values, and how they are laid out: but for the order of
// lines, which is that of a dict.
func (r *run) compareJSON(name, got, want string) {
	var a, b any
	if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(want), &b) != nil || !reflect.DeepEqual(a, b) {
		r.compare(name, got, want)
		return
	}
	layout := func(s string) []string {
		lines := strings.Split(s, "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], ", ")
		}
		sort.Strings(lines)
		return append(lines, fmt.Sprint(strings.Count(s, ", \n")))
	}
	if strings.Contains(want, "\n") {
		r.compare(name, layout(got), layout(want))
	}
}

// stamps are the times of log lines in an error output.
var stamps = lazyregexp.New(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[`)

// plain is an error output without times and pages of usage, and without what the
// interpreter puts before an error that nobody caught or that it met while
// writing a log.
func plain(s string) string {
	s, _, _ = strings.Cut(s, "Usage: ")
	s = stamps.ReplaceAllString(s, "[")
	for strings.Contains(s, "\nLogged from file ") {
		_, s, _ = strings.Cut(s, "\nLogged from file ")
		_, s, _ = strings.Cut(s, "\n")
	}
	if rest, ok := strings.CutPrefix(s, "Traceback (most recent call last):\n"); ok {
		_, s, _ = strings.Cut(rest, ": ")
	}
	return s
}

func (r *run) compareAccounts() {
	r.compare("users", newLines(r.dir+"/etc/passwd", r.base.Users), r.Expect.Users)
	r.compare("groups", newLines(r.dir+"/etc/group", r.base.Groups), r.Expect.Groups)
}

func (r *run) compareCommands() {
	got, want := []string{}, []string{}
	for _, args := range r.commands {
		got = append(got, fmt.Sprintf("%q", args))
	}
	for _, args := range r.Expect.Commands {
		want = append(want, fmt.Sprintf("%q", texts(args)))
	}
	gotExits, wantExits := exits(r.exits), exits(r.Expect.CommandExits)
	if r.unordered("commands") {
		for _, l := range [][]string{got, want, gotExits, wantExits} {
			sort.Strings(l)
		}
	}
	r.compare("commands", got, want)
	r.compare("command_exits", gotExits, wantExits)
}

// texts are a command's arguments, which need not be texts.
func texts(args []json.RawMessage) []string {
	out := make([]string, len(args))
	for i, a := range args {
		n, err := source.ParseJSON("argument", a)
		if err != nil {
			n = source.NewString(string(a), source.Pos{})
		}
		out[i] = cfninit.Format(n)
	}
	return out
}

func exits(list []*int) []string {
	out := []string{}
	for _, e := range list {
		if e == nil {
			out = append(out, "not started")
			continue
		}
		out = append(out, fmt.Sprint(*e))
	}
	return out
}

// logLines takes apart a log as the cases have it: "LEVEL text", continuation
// lines joined.
func (r *run) logLines(name string) []string {
	data, _ := os.ReadFile(r.dir + "/var/log/" + name)
	out := []string{}
	stamp := moment.Format("2006-01-02 ")
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > 24 && strings.HasPrefix(line, stamp) {
			level, rest, _ := strings.Cut(line[strings.Index(line, "[")+1:], "] ")
			out = append(out, level+" "+rest)
			continue
		}
		if len(out) == 0 {
			out = append(out, "")
		}
		out[len(out)-1] += "\n" + line
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
