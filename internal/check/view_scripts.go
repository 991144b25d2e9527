package check

import (
	"path"
	"strings"

	"beanpole/internal/shell"
	"beanpole/internal/source"
)

// stage is the time at which something runs on the instance, in order
// [EB:platforms-linux-extend; log: eb-engine.log].
type stage uint8

const (
	// beforeUnpack: `commands`. The new version is not unpacked; on an instance
	// that already serves, the old one runs.
	beforeUnpack stage = iota
	prebuildHook
	// staged: `container_commands`, in the staging folder, the proxy not yet
	// restarted and on a fresh instance not running.
	staged
	predeployHook
	postdeployHook
	// writtenFile: a script that `files` writes; nothing says when it runs.
	writtenFile
)

func (s stage) String() string {
	return [...]string{"commands", "a prebuild hook", "container_commands", "a predeploy hook", "a postdeploy hook", "files"}[s]
}

// script is shell text that a deployment runs as root.
type script struct {
	stage stage
	// entry is the command that the text stands in; nil for a hook.
	entry *entry
	// hook is the hook's file in the bundle, "" for a command.
	hook string
	// onConfig: a confighook, which configuration deployments run instead of
	// the hooks.
	onConfig bool
	// test: the text is the command's `test`, whose failure only skips it.
	test bool
	text *source.Node // PosAt gives places in it

	parsed bool
	ok     bool
	calls  []shell.Call
}

// scripts are all shell texts, in the order in which they run.
func (r *run) scripts() []*script {
	if r.shellTexts == nil {
		r.shellTexts = append(r.commandTexts("commands", beforeUnpack), r.commandTexts("container_commands", staged)...)
		r.shellTexts = append(r.shellTexts, r.hookTexts()...)
	}
	return r.shellTexts
}

// commandTexts are the texts of commands. One in list form runs without a
// shell [cb:util.py ProcessHelper]; it is read as its words.
func (r *run) commandTexts(section string, at stage) (out []*script) {
	for _, e := range r.entries(section) {
		for _, key := range []string{"test", "command"} {
			n := e.get(key)
			own := e
			switch {
			case n == nil:
			case n.Kind == source.String:
				out = append(out, &script{stage: at, entry: &own, test: key == "test", text: n})
			case n.Kind == source.Seq && len(n.Items) > 0:
				out = append(out, &script{stage: at, entry: &own, test: key == "test", text: n,
					parsed: true, ok: true, calls: []shell.Call{wordsOf(n)}})
			}
		}
	}
	return out
}

// wordsOf is a command in list form as a call; all its words stand at its
// beginning.
func wordsOf(n *source.Node) shell.Call {
	c := shell.Call{Decides: true}
	for _, it := range n.Items {
		c.Words = append(c.Words, shell.Word{Text: it.TextOr(""), Dynamic: !it.IsScalar()})
	}
	return c
}

var hookStages = map[string]stage{"prebuild": prebuildHook, "predeploy": predeployHook, "postdeploy": postdeployHook}

// hookTexts are the platform hooks that are shell scripts.
func (r *run) hookTexts() (out []*script) {
	for _, name := range r.in.Bundle.Names() {
		rest, ok := strings.CutPrefix(name, ".platform/")
		if !ok {
			continue
		}
		kind, file, _ := strings.Cut(rest, "/")
		folder, _ := path.Split(file)
		at, known := hookStages[strings.TrimSuffix(folder, "/")]
		if !known || kind != "hooks" && kind != "confighooks" {
			continue
		}
		text := r.text(name)
		if text == nil || !isShell(text.Text) {
			continue
		}
		out = append(out, &script{stage: at, hook: name, onConfig: kind == "confighooks", text: text})
	}
	return out
}

// isShell: the first line names a shell, or no program at all.
func isShell(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	return !strings.HasPrefix(line, "#!") || strings.Contains(line, "sh")
}

// read lists the programs that the text runs; ok is false when it is no shell
// text that can be read.
func (s *script) read() (calls []shell.Call, ok bool) {
	if !s.parsed {
		s.calls, s.ok = shell.Parse(s.text.Text)
		s.parsed = true
	}
	return s.calls, s.ok
}

// at is the place of byte i of the text.
func (s *script) at(i int) source.Pos { return s.text.PosAt(i) }

// fails: the deployment fails when the script does.
func (s *script) fails() bool {
	return !s.test && s.stage != writtenFile && (s.entry == nil || !s.entry.ignoresErrors())
}

// guarded: the command has a `test` that may skip it.
func (s *script) guarded() bool { return s.entry != nil && s.entry.get("test") != nil }

// text is a file of the bundle as one text with places, nil when it cannot be
// read or is no text.
func (r *run) text(name string) *source.Node {
	data, err := r.in.Bundle.Read(name)
	if err != nil {
		return nil
	}
	return source.NewText(name, data)
}

func lowerTrimmed(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
