package cfninit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// entries lists a folder as "name content mode", links as "name -> target".
func entries(t *testing.T, dir string) string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel := strings.TrimPrefix(name, dir+"/")
		info, err := d.Info()
		switch {
		case err != nil:
		case d.IsDir():
			out = append(out, rel+"/")
		case info.Mode().Type() == os.ModeSymlink:
			target, _ := os.Readlink(name)
			out = append(out, rel+" -> "+strings.TrimPrefix(target, dir))
		default:
			data, _ := os.ReadFile(name)
			out = append(out, fmt.Sprintf("%s %q %04o", rel, data, info.Mode().Perm()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

func TestFilesAreWrittenAsTheAgentWritesThem(t *testing.T) {
	for _, c := range []struct{ name, before, file, err, want string }{
		{"mode", "", `{content: x, mode: "000640"}`, "", `f "x" 0640`},
		{"no mode", "", `{content: x}`, "", `f "x" 0644`},
		{"octal prefix with sign and blanks", "", `{content: x, mode: " + 0O600 "}`, "", `f "x" 0600`},
		{"digits of another script", "", `{content: x, mode: "٦٠٠"}`, "", `f "x" 0600`},
		{"mode beyond Latin-1", "", `{content: x, mode: "6€€"}`, "'decimal' codec can't encode characters in position 1-2: invalid decimal Unicode string", ``},
		{"mode in Latin-1", "", `{content: x, mode: "6é"}`, `invalid literal for int() with base 8: '6\xe9'`, ``},
		{"attributes are a text", "old", `a text`, "'unicode' object has no attribute 'get'", `f "old" 0644`},
		{"attributes are a text for a new file", "", `a text`, "'unicode' object has no attribute 'get'", `f "" 0644`},
		{"attributes are a text with a property's name", "", `its mode`, "string indices must be integers", ``},
		{"attributes are a list", "", `[a]`, "'list' object has no attribute 'get'", `f "" 0644`},
		{"attributes are a list with content", "", `[content]`, "'list' object has no attribute 'get'", ``},
		{"attributes are a list with mode", "", `[mode]`, "list indices must be integers, not str", ``},
		{"attributes are a number", "", `5`, "argument of type 'int' is not iterable", ``},
		{"group as a number", "", `{content: x, group: 4711}`, "4711 is not a valid group name", `f "x" 0644`},
		{"base64 beyond ASCII", "", `{content: "aGk=é", encoding: base64}`, `'ascii' codec can't encode character u'\xe9' in position 4: ordinal not in range(128)`, `f "" 0644`},
		{"one delimiter", "", `{content: "{{=<=}}x", context: {a: b}}`, "Failed to render content as a Mustache template: list index out of range", `f "" 0644`},
		{"three delimiters", "", `{content: "{{=< > x=}}<a>", context: {a: b}}`, "", `f "b" 0644`},
		{"values in a template", "", `{content: "{{{l}}} {{{m}}} {{{f}}} {{{g}}}", context: {l: [1, true, null, "ä"], m: {a: 0.1}, f: 123456.7890123456, g: 1e+16}}`, "",
			`f "[1, True, None, u'\\xe4'] {u'a': 0.1} 123456.789012 1e+16" 0644`},
		{"floats in an object", "", `{content: {a: [1e400, 0.1, 1e16, -0]}}`, "", `f "{\"a\": [Infinity, 0.1, 1e+16, 0]}" 0644`},
		{"octal prefix", "", `{content: x, mode: "0o600"}`, "", `f "x" 0600`},
		{"mode as number", "", `{content: x, mode: 420}`, "int() can't convert non-string with explicit base", ``},
		{"letters as mode", "", `{content: x, mode: "rw"}`, "invalid literal for int() with base 8: 'rw'", ``},
		{"object", "", `{content: {b: 1, a: [true, null, "ä\n"]}}`, "", `f "{\"a\": [true, null, \"\\u00e4\\n\"], \"b\": 1}" 0644`},
		{"base64", "", `{content: "aGk=", encoding: base64}`, "", `f "hi" 0644`},
		{"bad base64", "", `{content: "aGk", encoding: base64}`, "Malformed base64: aGk", `f "" 0644`},
		{"nothing to write", "", `{mode: "600"}`, "File specified without source or content", `f "" 0644`},
		{"context", "", `{content: "{{a}} {{{a}}}", context: {a: "<"}}`, "", `f "&lt; <" 0644`},
		{"old content stays beside", "old", `{content: new}`, "", "f \"new\" 0644\nf.bak \"old\" 0644"},
		{"old and same", "old", `{content: old}`, "", "f \"old\" 0644\nf.bak \"old\" 0644"},
		{"old comes back", "old", `{content: ""}`, "File specified without source or content", `f "old" 0644`},
		{"unknown owner", "old", `{content: new, owner: nobody-here}`, "nobody-here is not a valid user name", `f "old" 0644`},
		{"link to nothing", "", `{content: gone, mode: "120777"}`, "[Errno 2] No such file or directory: 'DIR/f'", `f -> gone`},
		{"link without target", "", `{mode: "120777"}`, "Symbolic link specified without a destination", ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer syscall.Umask(syscall.Umask(0o022))
			dir := t.TempDir()
			if c.before != "" {
				must(t, os.WriteFile(dir+"/f", []byte(c.before), 0o644))
			}
			err := runFile(t, "", dir+"/f", c.file)
			if got := strings.ReplaceAll(errorText(err), dir, "DIR"); got != c.err {
				t.Errorf("error  %q\nwanted %q", got, c.err)
			}
			if got := entries(t, dir); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// runFile runs a build of one file below root.
func runFile(t *testing.T, root, path, attributes string) error {
	t.Helper()
	p, err := NewPlan(parse(t, "AWS::CloudFormation::Init: {config: {files: {"+path+": "+attributes+"}}}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = (&Runner{Root: root}).Run(context.Background(), p)
	return err
}

func TestAnOlderBackupGoesOrComesBack(t *testing.T) {
	for content, want := range map[string]string{
		"new": "f \"new\" 0644\nf.bak \"old\" 0644",
		"old": "f \"old\" 0644\nf.bak \"older\" 0644",
	} {
		dir := t.TempDir()
		must(t, os.WriteFile(dir+"/f", []byte("old"), 0o644))
		must(t, os.WriteFile(dir+"/f.bak", []byte("older"), 0o644))
		if err := runFile(t, "", dir+"/f", "{content: "+content+"}"); err != nil {
			t.Fatal(err)
		}
		if got := entries(t, dir); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", content, got, want)
		}
	}
}

func TestNoLinkLeadsOutOfTheRoot(t *testing.T) {
	outside := t.TempDir()
	must(t, os.WriteFile(outside+"/passwd", []byte("safe"), 0o600))
	for _, target := range []string{outside, "../../../../../../../../../.." + outside} {
		root := t.TempDir()
		must(t, os.Symlink(target, root+"/dir"))
		must(t, os.Symlink(target+"/passwd", root+"/file"))
		runFile(t, root, "/dir/passwd", "{content: bad, mode: '777'}")
		runFile(t, root, "/dir/new", "{content: bad}")
		runFile(t, root, "/file", "{content: bad, mode: '777'}")
		runFile(t, root, "/../../../../../../.."+outside+"/passwd", "{content: bad}")
		runFile(t, root, "/link", "{content: '"+target+"/passwd', mode: '120777'}")
		if got := entries(t, outside); got != `passwd "safe" 0600` {
			t.Fatalf("link to %s led out: %s", target, got)
		}
	}
}

func TestFilesGetOwners(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: files get owners")
	}
	root := t.TempDir()
	must(t, os.Mkdir(root+"/etc", 0o755))
	must(t, os.WriteFile(root+"/etc/passwd", []byte("app:x:1234:1:::\n"), 0o644))
	must(t, os.WriteFile(root+"/etc/group", []byte("web:x:4321:\n"), 0o644))
	if err := runFile(t, root, "/a/f", "{content: x, owner: app, group: web}"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(root + "/a/f")
	must(t, err)
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 1234 || st.Gid != 4321 {
		t.Errorf("owner %d, group %d", st.Uid, st.Gid)
	}
}

func TestCommandsRunAsTheAgentRunsThem(t *testing.T) {
	for _, c := range []struct{ name, commands, err, output, log string }{
		{"order and output", `{b: {command: "echo 2"}, a: {command: [echo, "1"]}}`, "", "1 2", "Command a succeeded"},
		{"test skips", `{a: {command: "echo 1", test: "exit 3"}}`, "", "", "Test failed with code 3"},
		{"failure", `{a: {command: "echo 1; exit 4"}}`, "Command a failed", "1", "[ERROR] Command a (echo 1; exit 4) failed"},
		{"failure that does not count", `{a: {command: "exit 4", ignoreErrors: "Yes "}, b: {command: "echo 2"}}`, "", "2", "ignoreErrors set to true, continuing build"},
		{"env replaces", `{a: {command: "echo $HOME-$X", env: {X: y}}}`, "", "-y", ""},
		{"cwd", `{a: {command: pwd, cwd: /}}`, "", "/", ""},
		{"no such cwd", `{a: {command: pwd, cwd: /no/such}}`, "[Errno 2] No such file or directory: '/no/such'", "", ""},
		{"no such program", `{a: {command: [no-such-program-here]}}`, "[Errno 2] No such file or directory", "", ""},
		{"signal", `{a: {command: "kill -9 $$"}}`, "Command a failed", "", ""},
		{"no command", `{a: {test: "true"}}`, "a does not specify the 'command' attribute, which is required", "", "No command specified for a"},
		{"defaults", `{a: {defaults: "echo '{\"env\": {\"X\": \"1\"}}'", command: "echo $X"}}`, "", "1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log, cmd bytes.Buffer
			r := &Runner{Log: &log, CommandLog: &cmd}
			_, err := r.Build(context.Background(), parse(t, "AWS::CloudFormation::Init: {config: {commands: "+c.commands+"}}"), nil)
			if got := errorText(err); got != c.err {
				t.Errorf("error  %q\nwanted %q", got, c.err)
			}
			var output []string
			for line := range strings.Lines(cmd.String()) {
				if _, text, ok := strings.Cut(line, "\t"); ok {
					output = append(output, strings.TrimSpace(text))
				}
			}
			if got := strings.Join(output, " "); got != c.output {
				t.Errorf("output %q, want %q", got, c.output)
			}
			if !strings.Contains(log.String(), c.log) {
				t.Errorf("log without %q:\n%s", c.log, log.String())
			}
		})
	}
}

func TestCommandsOfARootDoNotSeeTheHost(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: commands run by chroot")
	}
	root := t.TempDir()
	r := &Runner{Root: root}
	_, err := r.Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {commands: {a: {command: "true"}}}}`), nil)
	if got := errorText(err); got != "[Errno 2] No such file or directory" {
		t.Errorf("in an empty root /bin/sh gives %q", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
