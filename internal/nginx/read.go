// Package nginx reads nginx configuration as nginx does, says where each
// directive stands, and refuses what nginx refuses, in its words. It knows the
// directives of the modules that are built into nginx; where something else is
// named, a module of its own for instance, it keeps silent.
package nginx

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits for hostile text: no configuration is longer or deeper.
const (
	maxText  = 1 << 20
	maxDepth = 100
	maxToken = 4096 // nginx's buffer [nginx: src/core/ngx_conf_file.c, NGX_CONF_BUFFER]
)

// Word is a name or an argument, without its quotes.
type Word struct {
	Text       string
	Start, End int // bytes of the text, quotes included
}

// Directive is one directive with what stands in its block.
type Directive struct {
	Name  Word
	Args  []Word
	Block []*Directive
	// HasBlock: it is written with braces.
	HasBlock bool
	End      int // of its arguments: the semicolon or the opening brace
}

// Problem is a refusal of nginx's.
type Problem struct {
	Text       string // nginx's words, without the place
	Start, End int
	// Owner is the file of the directive, as it was given to Scope.Add.
	Owner any
	// First is the earlier directive that a duplicate repeats; nil for those
	// that were there before (Scope.Set).
	First      *Directive
	FirstOwner any
	Directive  *Directive // nil for a fault of syntax
	Kind       Kind
}

// Kind of a problem.
type Kind uint8

const (
	Syntax    Kind = iota // the file cannot be taken apart
	Unknown               // no such directive
	Misplaced             // not allowed here
	Arguments             // a wrong number of them, or a block too much or missing
	Duplicate
)

// Parse takes a text apart. It stops at the first fault of syntax, as nginx
// does; what stands in front of it is returned. ok is unset for text that is
// too long or too deep to be read; nothing is known of it then.
func Parse(text string) (ds []*Directive, fault *Problem, ok bool) {
	if len(text) > maxText {
		return nil, nil, false
	}
	r := &reader{text: text}
	ds, fault = r.list(0, false)
	return ds, fault, !r.tooDeep
}

// reader is ngx_conf_parse and ngx_conf_read_token [nginx:
// src/core/ngx_conf_file.c].
type reader struct {
	text    string
	at      int
	tooDeep bool
}

// outcome is how a run of words ends.
type outcome uint8

const (
	terminated outcome = iota
	blockStart
	blockEnd
	fileEnd
)

func (r *reader) list(depth int, inBlock bool) (out []*Directive, fault *Problem) {
	if depth > maxDepth {
		r.tooDeep, r.at = true, len(r.text)
		return nil, nil
	}
	for {
		words, how, fault := r.words()
		if fault != nil {
			return out, fault
		}
		switch how {
		case blockEnd:
			if !inBlock {
				return out, r.fault(r.at-1, r.at, `unexpected "}"`)
			}
			return out, nil
		case fileEnd:
			if inBlock && !r.tooDeep {
				return out, r.fault(len(r.text), len(r.text), `unexpected end of file, expecting "}"`)
			}
			return out, nil
		}
		d := &Directive{Name: words[0], Args: words[1:], HasBlock: how == blockStart, End: r.at - 1}
		out = append(out, d)
		if d.HasBlock {
			if d.Block, fault = r.list(depth+1, true); fault != nil {
				return out, fault
			}
		}
	}
}

func (r *reader) fault(start, end int, text string) *Problem {
	return &Problem{Text: text, Start: start, End: end, Kind: Syntax}
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// words reads up to the next ";", "{" or "}".
func (r *reader) words() (out []Word, how outcome, fault *Problem) {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case space(c):
			r.at++
		case c == '#':
			r.comment()
		case c == ';' || c == '{':
			if len(out) == 0 {
				return nil, 0, r.fault(r.at, r.at+1, fmt.Sprintf("unexpected %q", string(c)))
			}
			r.at++
			if c == '{' {
				return out, blockStart, nil
			}
			return out, terminated, nil
		case c == '}':
			if len(out) > 0 {
				return nil, 0, r.fault(r.at, r.at+1, `unexpected "}"`)
			}
			r.at++
			return nil, blockEnd, nil
		default:
			w, fault := r.word()
			if fault != nil {
				return nil, 0, fault
			}
			out = append(out, w)
		}
	}
	if len(out) > 0 {
		return nil, 0, r.fault(out[0].Start, out[len(out)-1].End, `unexpected end of file, expecting ";" or "}"`)
	}
	return nil, fileEnd, nil
}

func (r *reader) comment() {
	end := strings.IndexByte(r.text[r.at:], '\n')
	if end < 0 {
		end = len(r.text) - r.at
	}
	r.at += end
}

// word reads one word; r.at stands at its first byte.
func (r *reader) word() (Word, *Problem) {
	start := r.at
	if c := r.text[start]; c == '"' || c == '\'' {
		return r.quoted(c)
	}
	variable := false
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '{' && variable:
			// "${name}": the brace belongs to the word
		case c == '\\':
			r.at++
			variable = false
		case c == '$':
			variable = true
		case space(c) || c == ';' || c == '{':
			return r.end(start, start, r.at, 0)
		default:
			variable = false
		}
		r.at++
	}
	r.at = min(r.at, len(r.text))
	return Word{}, r.fault(start, r.at, `unexpected end of file, expecting ";" or "}"`)
}

// quoted reads a word in quotes; only blanks, ";", "{" or ")" may follow it.
func (r *reader) quoted(quote byte) (Word, *Problem) {
	start := r.at
	for r.at++; r.at < len(r.text) && r.text[r.at] != quote; r.at++ {
		if r.text[r.at] == '\\' {
			r.at++
		}
	}
	if r.at >= len(r.text) {
		r.at = len(r.text)
		if r.at-start >= maxToken {
			return Word{}, r.fault(start, start+1,
				fmt.Sprintf("too long parameter, probably missing terminating %q character", string(quote)))
		}
		return Word{}, r.fault(start, start+1, `unexpected end of file, expecting ";" or "}"`)
	}
	r.at++
	w, fault := r.end(start, start+1, r.at-1, quote)
	if fault != nil || r.at >= len(r.text) {
		return w, fault
	}
	switch c := r.text[r.at]; {
	case space(c) || c == ';' || c == '{':
	case c == ')':
		// nginx takes the bracket of `if ("$x" = "y")` for a word of its own
	default:
		_, n := utf8.DecodeRuneInString(r.text[r.at:])
		return Word{}, r.fault(r.at, r.at+n, fmt.Sprintf(`unexpected "%s"`, string(c)))
	}
	return w, nil
}

// end makes a word of the bytes between from and to.
func (r *reader) end(start, from, to int, quote byte) (Word, *Problem) {
	if to-start >= maxToken {
		if quote != 0 {
			return Word{}, r.fault(start, start+1,
				fmt.Sprintf("too long parameter, probably missing terminating %q character", string(quote)))
		}
		return Word{}, r.fault(start, start+1, fmt.Sprintf(`too long parameter "%s..." started`, r.text[from:from+10]))
	}
	return Word{Text: unescape(r.text[from:to]), Start: start, End: r.at}, nil
}

// unescape: nginx knows \" \' \\ \t \r \n and leaves every other backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch c := s[i+1]; c {
			case '"', '\'', '\\':
				b.WriteByte(c)
				i++
				continue
			case 't', 'r', 'n':
				b.WriteByte(map[byte]byte{'t': '\t', 'r': '\r', 'n': '\n'}[c])
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
