// Package shell reads shell text far enough to say which programs it runs,
// with which words, and whether the failure of one fails the whole text. It
// runs nothing and expands nothing: a word with a variable in it stays as it
// was written and is marked so.
package shell

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxText keeps hostile text from taking time: no command that anybody wrote
// is longer, and it is far above what the kernel takes as one argument.
const maxText = 1 << 20

// Word is one word of a command.
type Word struct {
	// Text is the word without its quotes; expansions stand in it as written.
	Text string
	// Dynamic: the word holds an expansion, so what the program gets is not
	// known.
	Dynamic    bool
	Start, End int // bytes of the text
}

// Redirect sends output to a file, or takes input from one.
type Redirect struct {
	Op     string // ">", ">>", "<", …
	Target Word
}

// Call is one program that the text runs.
type Call struct {
	Words     []Word // Words[0] is the program; there is at least one
	Assigns   []string
	Redirects []Redirect
	// Decides: if the program fails, the text fails. It is unset behind `||`,
	// in conditions, in pipes but at their end, and in front of further lines
	// of a text that goes on after errors.
	Decides bool
	// Conditional: the program runs only if another one succeeds or fails.
	Conditional bool
	// Background: the text does not wait for it.
	Background bool
	Start, End int // bytes of the text
}

// Parse lists the programs that a text runs, in the order in which they stand.
// ok is false when the text is no shell text; nothing is known then.
func Parse(text string) (calls []Call, ok bool) {
	if len(text) > maxText {
		return nil, false
	}
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return nil, false
	}
	r := &reader{text: text, errexit: shebangExits(text)}
	r.list(f.Stmts, where{decides: true})
	return r.calls, true
}

// shebangExits: `#!/bin/bash -e`.
func shebangExits(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	return strings.HasPrefix(line, "#!") && hasFlag(strings.Fields(line)[1:], 'e')
}

type reader struct {
	text    string
	errexit bool // set -e is in force
	depth   int  // of texts within texts
	calls   []Call
}

// where is what holds for a place in the text.
type where struct{ decides, conditional, background bool }

func (w where) tolerated() where { w.decides = false; return w }
func (w where) maybe() where     { w.conditional = true; return w }

// list reads statements that stand one after the other: only the last one's
// status is the list's, unless errors end it.
func (r *reader) list(stmts []*syntax.Stmt, w where) {
	for i, s := range stmts {
		at := w
		at.decides = w.decides && (i == len(stmts)-1 || r.errexit)
		r.statement(s, at)
	}
}

func (r *reader) statement(s *syntax.Stmt, w where) {
	if s == nil {
		return
	}
	if s.Negated {
		w = w.tolerated()
	}
	if s.Background || s.Coprocess {
		w.decides, w.background = false, true
	}
	for _, rd := range s.Redirs {
		r.inside(rd.Word, w)
		r.inside(rd.Hdoc, w)
	}
	r.command(s.Cmd, s.Redirs, w)
}

func (r *reader) command(c syntax.Command, redirs []*syntax.Redirect, w where) {
	switch c := c.(type) {
	case *syntax.CallExpr:
		r.call(c, redirs, w)
	case *syntax.BinaryCmd:
		r.binary(c, w)
	case *syntax.Block:
		r.list(c.Stmts, w)
	case *syntax.Subshell:
		r.list(c.Stmts, w)
	case *syntax.IfClause:
		r.ifClause(c, w)
	case *syntax.WhileClause:
		r.list(c.Cond, w.tolerated())
		r.list(c.Do, w.maybe())
	case *syntax.ForClause:
		r.list(c.Do, w.maybe())
	case *syntax.CaseClause:
		for _, item := range c.Items {
			r.list(item.Stmts, w.maybe())
		}
	case *syntax.FuncDecl:
		r.statement(c.Body, w.tolerated().maybe())
	case *syntax.TimeClause:
		r.statement(c.Stmt, w)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			r.inside(a.Value, w)
		}
	}
}

func (r *reader) binary(c *syntax.BinaryCmd, w where) {
	switch c.Op {
	case syntax.AndStmt:
		r.statement(c.X, w)
		r.statement(c.Y, w.maybe())
	case syntax.OrStmt:
		r.statement(c.X, w.tolerated())
		r.statement(c.Y, w.maybe())
	default: // pipes: the last one's status counts
		r.statement(c.X, w.tolerated())
		r.statement(c.Y, w)
	}
}

func (r *reader) ifClause(c *syntax.IfClause, w where) {
	for ; c != nil; c = c.Else {
		r.list(c.Cond, w.tolerated())
		r.list(c.Then, w.maybe())
	}
}

func (r *reader) call(c *syntax.CallExpr, redirs []*syntax.Redirect, w where) {
	for _, a := range c.Assigns {
		r.inside(a.Value, w)
	}
	for _, word := range c.Args {
		r.inside(word, w)
	}
	if len(c.Args) == 0 {
		return
	}
	call := Call{
		Decides: w.decides, Conditional: w.conditional, Background: w.background,
		Start: offset(c.Args[0].Pos()), End: offset(c.End()),
	}
	for _, a := range c.Assigns {
		if a.Name != nil {
			call.Assigns = append(call.Assigns, a.Name.Value)
		}
	}
	for _, word := range c.Args {
		call.Words = append(call.Words, r.word(word))
	}
	for _, rd := range redirs {
		if rd.Word != nil {
			call.Redirects = append(call.Redirects, Redirect{Op: rd.Op.String(), Target: r.word(rd.Word)})
		}
	}
	if call.Words[0].Text == "set" && exits(call.Words[1:]) {
		r.errexit = true
	}
	r.calls = append(r.calls, call)
	r.inner(&call, w)
}

// inner reads the text that a shell gets as a word: `sudo -u web bash -c "…"`.
// It runs in the outer call's place.
func (r *reader) inner(c *Call, w where) {
	program, args := c.Program()
	switch program {
	case "sh", "bash", "su", "runuser":
	default:
		return
	}
	for i := range args[:max(0, len(args)-1)] {
		t := args[i].Text
		if len(t) < 2 || t[0] != '-' || t[1] == '-' || !strings.HasSuffix(t, "c") {
			continue
		}
		text := args[i+1]
		if r.depth >= maxDepth || text.Text == "" {
			return
		}
		f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text.Text), "")
		if err != nil {
			return
		}
		sub := &reader{text: text.Text, errexit: hasFlag([]string{t}, 'e'), depth: r.depth + 1}
		sub.list(f.Stmts, w)
		// Inside plain quotes every byte has its place; else all are the word's.
		exact := text.End-text.Start == len(text.Text)+2
		for _, call := range sub.calls {
			call.move(text, exact)
			r.calls = append(r.calls, call)
		}
		return
	}
}

// maxDepth is how many texts within texts are read.
const maxDepth = 3

// move puts a call of the text in a word to where it stands in the outer text.
func (c *Call) move(in Word, exact bool) {
	at := func(start, end *int) {
		if exact {
			*start, *end = *start+in.Start+1, *end+in.Start+1
		} else {
			*start, *end = in.Start, in.End
		}
	}
	at(&c.Start, &c.End)
	for i := range c.Words {
		at(&c.Words[i].Start, &c.Words[i].End)
	}
	for i := range c.Redirects {
		at(&c.Redirects[i].Target.Start, &c.Redirects[i].Target.End)
	}
}

// exits: set -e, set -euo pipefail, set -o errexit.
func exits(words []Word) bool {
	var args []string
	for i, w := range words {
		if w.Text == "errexit" && i > 0 && strings.HasSuffix(words[i-1].Text, "o") {
			return true
		}
		args = append(args, w.Text)
	}
	return hasFlag(args, 'e')
}

func hasFlag(args []string, flag byte) bool {
	for _, a := range args {
		if len(a) > 1 && a[0] == '-' && a[1] != '-' && strings.IndexByte(a, flag) > 0 {
			return true
		}
	}
	return false
}

// inside reads the programs of command substitutions in a word.
func (r *reader) inside(word *syntax.Word, w where) {
	if word == nil {
		return
	}
	syntax.Walk(word, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			r.list(n.Stmts, w.tolerated())
			return false
		case *syntax.ProcSubst:
			r.list(n.Stmts, w.tolerated())
			return false
		}
		return true
	})
}

func offset(p syntax.Pos) int { return int(p.Offset()) }

// word is a word without its quotes.
func (r *reader) word(w *syntax.Word) Word {
	out := Word{Start: offset(w.Pos()), End: offset(w.End())}
	var b strings.Builder
	r.parts(&b, &out, w.Parts)
	out.Text = b.String()
	return out
}

func (r *reader) parts(b *strings.Builder, out *Word, parts []syntax.WordPart) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unescape(p.Value))
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			r.parts(b, out, p.Parts)
		default:
			out.Dynamic = true
			from, to := offset(p.Pos()), offset(p.End())
			if from >= 0 && from <= to && to <= len(r.text) {
				b.WriteString(r.text[from:to])
			}
		}
	}
}

// unescape takes the backslashes away that quote the next character.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// wrappers run the program that their further words name; the value tells
// which of their flags take a word of their own.
var wrappers = map[string]string{
	"sudo": "uUgGhCpTr", "env": "uCS", "nohup": "", "time": "fo", "exec": "a", "command": "", "nice": "n",
	"timeout": "ks", "ionice": "cnp", "setsid": "", "stdbuf": "ioe",
}

// Program is the program that is run in the end, without its folder, and its
// arguments: `sudo -u web /usr/bin/npm ci` runs npm with ci.
func (c *Call) Program() (name string, args []Word) {
	words := c.Words
	for len(words) > 0 {
		name := path.Base(words[0].Text)
		flags, wraps := wrappers[name]
		rest := words[1:]
		if !wraps || len(rest) == 0 {
			return name, rest
		}
		rest = afterFlags(rest, flags)
		if name == "timeout" && len(rest) > 0 {
			rest = rest[1:] // its duration
		}
		if len(rest) == 0 {
			return name, words[1:]
		}
		words = rest
	}
	return "", nil
}

// afterFlags passes over flags, the words that belong to them, and settings of
// variables.
func afterFlags(words []Word, taking string) []Word {
	for len(words) > 0 {
		t := words[0].Text
		switch {
		case t == "--":
			return words[1:]
		case strings.HasPrefix(t, "-") && len(t) > 1:
			words = words[1:]
			if t[1] != '-' && strings.IndexByte(taking, t[len(t)-1]) >= 0 && len(words) > 0 {
				words = words[1:]
			}
		case strings.Contains(t, "=") && !strings.Contains(strings.SplitN(t, "=", 2)[0], "/"):
			words = words[1:]
		default:
			return words
		}
	}
	return nil
}
