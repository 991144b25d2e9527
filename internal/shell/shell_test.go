package shell

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// show is a text's calls in short: the words, "!" in front when its failure
// fails the text, "?" when it may not run, "&" in the background.
func show(text string) string {
	calls, ok := Parse(text)
	if !ok {
		return "no shell text"
	}
	var out []string
	for _, c := range calls {
		s := ""
		if c.Decides {
			s += "!"
		}
		if c.Conditional {
			s += "?"
		}
		if c.Background {
			s += "&"
		}
		var ws []string
		for _, w := range c.Words {
			t := w.Text
			if w.Dynamic {
				t = "<" + t + ">"
			}
			ws = append(ws, t)
		}
		s += strings.Join(ws, " ")
		for _, r := range c.Redirects {
			s += " " + r.Op + r.Target.Text
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestParseTellsWhichFailuresCount(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"mkdir /a", "!mkdir /a"},
		{"mkdir /a; touch /b", "mkdir /a; !touch /b"},
		{"mkdir /a && touch /b", "!mkdir /a; !?touch /b"},
		{"mkdir /a || true", "mkdir /a; !?true"},
		{"set -e\nmkdir /a\ntouch /b", "set -e; !mkdir /a; !touch /b"},
		{"set -euo pipefail; a; b", "set -euo pipefail; !a; !b"},
		{"#!/bin/bash -e\na\nb", "!a; !b"},
		{"if test -f /x; then mkdir /a; fi", "test -f /x; !?mkdir /a"},
		{"cat x | grep y", "cat x; !grep y"},
		{"! grep y x", "grep y x"},
		{"sleep 5 &", "&sleep 5"},
		{"echo $(hostname) \"a b\" 'c d' e\\ f", "hostname; !echo <$(hostname)> a b c d e f"},
		{"echo `hostname` > /tmp/x", "hostname; !echo <`hostname`> >/tmp/x"},
		{"X=1 npm ci", "!npm ci"},
		{"for f in a b; do rm $f; done", "!?rm <$f>"},
		{`su web -c "cd /a && x"`, `!su web -c cd /a && x; !cd /a; !?x`},
		{`bash -c 'a; b' || true`, `bash -c a; b; a; b; !?true`},
		{"echo 'unterminated", "no shell text"},
		{"", ""},
	} {
		if got := show(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestProgramLooksBehindWrappers(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"npm ci", "npm [ci]"},
		{"sudo -u web /usr/bin/npm ci", "npm [ci]"},
		{"sudo -E env PATH=/x:$PATH npm ci", "npm [ci]"},
		{"timeout -k 5 10 curl x", "curl [x]"},
		{"sudo", "sudo []"},
		{"nohup ./run --now", "run [--now]"},
	} {
		calls, ok := Parse(c.text)
		if !ok || len(calls) != 1 {
			t.Fatalf("%q: %v", c.text, calls)
		}
		name, args := calls[0].Program()
		var texts []string
		for _, a := range args {
			texts = append(texts, a.Text)
		}
		if got := fmt.Sprintf("%s %v", name, texts); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func TestCallsInsideAWordHaveTheirPlace(t *testing.T) {
	text := `sudo -u web bash -c ". /a ; php artisan" >/x`
	calls, _ := Parse(text)
	if len(calls) != 3 || text[calls[2].Words[1].Start:calls[2].Words[1].End] != "artisan" {
		t.Fatalf("%+v", calls)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a && b || c", "if x; then y; fi", "cat <<E\nx\nE\n", "a $(b `c`) \"d $e\"", "sudo -u x --", "((1+2))", "[[ a == b ]]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		calls, _ := Parse(text)
		if took := time.Since(began); took > 2*time.Second {
			t.Fatalf("%d bytes took %v", len(text), took)
		}
		for _, c := range calls {
			if len(c.Words) == 0 || c.Start < 0 || c.End > len(text) || c.Start > c.End {
				t.Fatalf("%q: call %+v", text, c)
			}
			c.Program()
		}
	})
}
