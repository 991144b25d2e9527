package check

import (
	"path"
	"strings"

	"beanpole/internal/shell"
	"beanpole/internal/source"
)

// use is a word of a shell text, with the program that gets it.
type use struct {
	script *script
	call   *shell.Call
	word   shell.Word
	// written: the word is where output is sent to.
	written bool
}

// pos and end are the word's place; of a command in list form, the list's.
func (u *use) pos() source.Pos { return u.script.at(u.word.Start) }
func (u *use) end() source.Pos {
	if u.script.text.Kind == source.Seq {
		return u.script.text.End
	}
	return u.script.at(u.word.End)
}

// program is the program that is run in the end, and its arguments.
func (u *use) program() (string, []shell.Word) { return u.call.Program() }

// fails: where the program fails, the deployment does.
func (u *use) fails() bool { return u.call.Decides && !u.call.Conditional && u.script.fails() }

// holds tells whether a text holds one of the parts.
func holds(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// uses are the words of scripts in which one of the parts stands. A word with
// blanks is a text or a pattern: what a shell runs of it is listed by itself.
// Texts that hold none of the parts are not even parsed.
func uses(scripts []*script, parts ...string) (out []use) {
	for _, s := range scripts {
		if s.text.Kind != source.Seq && !holds(s.text.Text, parts...) {
			continue
		}
		calls, _ := s.read()
		for i := range calls {
			c := &calls[i]
			for _, w := range c.Words {
				if holds(w.Text, parts...) && !strings.ContainsAny(w.Text, " \t\n") {
					out = append(out, use{script: s, call: c, word: w})
				}
			}
			for _, rd := range c.Redirects {
				if holds(rd.Target.Text, parts...) {
					out = append(out, use{script: s, call: c, word: rd.Target, written: strings.HasPrefix(rd.Op, ">") || rd.Op == "&>"})
				}
			}
		}
	}
	return out
}

// writtenScripts are the contents of `files` that are shell scripts. Nothing
// says when they run, if at all, or what their failure means.
func (r *run) writtenScripts() []*script {
	if r.written == nil {
		r.written = []*script{}
		for _, e := range r.entries("files") {
			n := e.get("content")
			if n == nil || n.Kind != source.String || !strings.HasPrefix(n.Text, "#!") || !isShell(n.Text) {
				continue
			}
			own := e
			r.written = append(r.written, &script{stage: writtenFile, entry: &own, text: n})
		}
	}
	return r.written
}

// writes: the bundle itself writes the file or folder, or something below it,
// by `files`, `sources`, or a command that makes it.
func (r *run) writes(name string) bool {
	if r.madePaths == nil {
		r.madePaths, r.unpacked = map[string]bool{}, map[string]bool{}
		for _, e := range r.entries("files") {
			r.makes(e.name.Text)
		}
		for _, e := range r.entries("sources") {
			r.makes(e.name.Text)
			r.unpacked[path.Clean(e.name.Text)] = true
		}
		for _, s := range r.scripts() {
			calls, _ := s.read()
			for i := range calls {
				r.madeBy(&calls[i])
			}
		}
	}
	name = path.Clean(name)
	if r.madePaths[name] {
		return true
	}
	for ; len(name) > 1 && len(name) < maxPath; name = path.Dir(name) {
		if r.unpacked[name] {
			return true
		}
	}
	return r.unpacked[name]
}

// madeBy notes what a program makes: where its output is sent to, and the
// words of mkdir, touch and tee.
func (r *run) madeBy(c *shell.Call) {
	for _, rd := range c.Redirects {
		if strings.HasPrefix(rd.Op, ">") || rd.Op == "&>" {
			r.makes(rd.Target.Text)
		}
	}
	if program, args := c.Program(); program == "mkdir" || program == "touch" || program == "tee" {
		for _, a := range args {
			r.makes(a.Text)
		}
	}
}

// maxPath is the longest path that Linux takes [PATH_MAX].
const maxPath = 4096

// makes notes a path and the folders above it.
func (r *run) makes(name string) {
	if len(name) >= maxPath || strings.ContainsAny(name, " \t\n") {
		return
	}
	for name = path.Clean(name); len(name) > 1 && !r.madePaths[name]; name = path.Dir(name) {
		r.madePaths[name] = true
	}
}
