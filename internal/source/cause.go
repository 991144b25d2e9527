package source

import (
	"errors"
	"slices"
	"strings"

	"beanpole/internal/lazyregexp"

	"go.yaml.in/yaml/v4"
)

// doctor looks for what a person did wrong behind the YAML library's error. The
// library says where it could not go on, which is often lines further down.
type doctor struct {
	r       *yamlReader
	d       []byte
	says    string // the library's message
	at      int    // where it stopped
	context int    // where the thing began that it was reading; -1: unknown
	p       *Problem
}

// textLine is one line of the file.
type textLine struct {
	start, end int    // its bytes, without the line end
	lead       int    // length of its indentation
	text       string // without indentation, line end and blanks before it
}

var (
	// keyLine begins with a key: a quoted text or one word or path, colon, blank.
	keyLine = lazyregexp.New(`^(?:- +)*(?:"[^"]*"|'[^']*'|[^\s"'\[\]{}#,&*!|>%@` + "`" + `-][^\s"'{}\[\],]*?(?: [\w./-]+?){0,3}?)\s*?:(?:\s|$)`)
	// tightKey is a key whose colon has no blank behind it.
	tightKey = lazyregexp.New(`^((?:- +)?(?:"[^"]*"|'[^']*'|[A-Za-z_][\w.-]*)):([^\s:/\\].*)$`)
	// blockHeader ends a line below which a block text begins.
	blockHeader = lazyregexp.New(`(?:^|[:\-] +)[|>][-+0-9]*[ \t]*(?:#.*)?$`)
	assignment  = lazyregexp.New(`^([A-Za-z_]\w*)=(.*)$`)
	base64Line  = lazyregexp.New(`^[A-Za-z0-9+/]{40,}={0,2}$`)
	pemBoundary = lazyregexp.New(`^-----(?:BEGIN|END) [A-Z0-9 ]+-----`)
	// spacedKey is a key of configuration files and its value without a colon between them.
	spacedKey = lazyregexp.New(`^((?:- )?(?:namespace|option_name|value|mode|owner|group|encoding|content|source|authentication|command|cwd|test|leader_only|ignoreErrors|ensureRunning|enabled)) +([^\s=:].*)$`)
	// oneWord is a line that would be a key if it had a colon.
	oneWord = lazyregexp.New(`^(?:"[^"]+"|'[^']+'|[\w./:-]+)$`)
)

// examine fills in the cause, place, remedy and edits of a problem, as far as
// one is found; the library's own words stay otherwise.
func (r *yamlReader) examine(p *Problem, le *yaml.LoadError, at, context int) {
	x := &doctor{r: r, d: r.x.data, says: le.Message, at: at, context: context, p: p}
	for _, look := range []func() bool{
		x.tab, x.behindBar, x.foreignComment, x.openQuote, x.badEscape, x.missingColon, x.fallenOut, x.missingBar, x.quoteInQuotes,
		x.tightColon, x.assignment, x.indicator, x.colonInValue, x.outOfStep,
	} {
		if look() {
			return
		}
	}
}

// line is the line number i, from 0.
func (x *doctor) line(i int) textLine {
	s := x.r.x.starts[i]
	e := s
	for e < len(x.d) && x.d[e] != '\n' && x.d[e] != '\r' {
		e++
	}
	lead := s
	for lead < e && (x.d[lead] == ' ' || x.d[lead] == '\t') {
		lead++
	}
	return textLine{start: s, end: e, lead: lead - s, text: strings.TrimRight(string(x.d[lead:e]), " \t")}
}

func (x *doctor) lines() int        { return len(x.r.x.starts) }
func (x *doctor) lineAt(at int) int { return x.r.x.line(min(at, len(x.d))) }

// before is the nearest line above i that holds more than a comment, -1 when
// there is none.
func (x *doctor) before(i int) int {
	for i--; i >= 0; i-- {
		if t := x.line(i).text; t != "" && t[0] != '#' {
			return i
		}
	}
	return -1
}

func (x *doctor) after(i int) int {
	for i++; i < x.lines(); i++ {
		if t := x.line(i).text; t != "" && t[0] != '#' {
			return i
		}
	}
	return -1
}

// blame says what is wrong between two bytes.
func (x *doctor) blame(from, to int, what, remedy string) bool {
	x.p.Pos, x.p.End = x.r.x.pos(from), x.r.x.pos(to)
	x.p.What, x.p.Remedy = notYAML+what, remedy
	return true
}

// mostMended is the size of a file up to which edits are worked out: each is
// tried by reading the file anew.
const mostMended = 128 << 10

// mostTries is how often a file is read anew to see whether edits mend it.
const mostTries = 60

// mend takes edits over if the file can be read with them, or with those that
// mend the mistakes further down as well.
func (x *doctor) mend(edits ...Edit) bool {
	if len(x.d) > mostMended {
		return false
	}
	for i := range edits {
		edits[i].File = x.r.x.file
	}
	data, err := Apply(x.d, edits)
	if err != nil {
		return false
	}
	if x.r.tries == nil {
		x.r.tries = new(int)
	}
	if *x.r.tries++; *x.r.tries > mostTries {
		return false
	}
	next := &yamlReader{x: newIndex(x.r.x.file, data, false), tries: x.r.tries}
	next.lib = next.x
	root, err := next.load()
	if err == nil {
		if root != nil { // nothing but comments is no mending
			x.p.Edits = edits
		}
		return root != nil
	}
	var p *Problem
	if !errors.As(err, &p) || len(p.Edits) == 0 {
		return false
	}
	all := append(slices.Clone(edits), mapBack(edits, p.Edits)...)
	if data, err = Apply(x.d, all); err != nil || !readable(data) {
		return false
	}
	x.p.Edits = all
	return true
}

// mapBack gives edits of a file that first ones have changed the places that
// they have without these. What overlaps shows when all are applied.
func mapBack(first, then []Edit) []Edit {
	out := slices.Clone(then)
	for i := range out {
		shift := 0
		for _, e := range first {
			if e.Start+shift+len(e.New) <= out[i].Start {
				shift += len(e.New) - (e.End - e.Start)
			}
		}
		out[i].Start -= shift
		out[i].End -= shift
	}
	return out
}

// readable tells whether the library can read the file.
func readable(data []byte) bool {
	var n yaml.Node
	l, err := newLoader(data)
	return err == nil && l.Load(&n) == nil
}

// keyCol is the column, from 0, in which the key of a line stands, behind the
// dashes of a list.
func (l textLine) keyCol() int {
	col, t := l.lead, l.text
	for strings.HasPrefix(t, "- ") {
		rest := strings.TrimLeft(t[2:], " ")
		col += len(t) - len(rest)
		t = rest
	}
	return col
}

// keyed: the line is an entry of a map or list.
func (l textLine) keyed() bool {
	return keyLine.MatchString(l.text) || l.text == "-" || strings.HasPrefix(l.text, "- ")
}

// name is the key of the line, as people call it.
func (l textLine) name() string {
	k, _, _ := strings.Cut(strings.TrimLeft(strings.TrimLeft(l.text, "- "), `"'`), ":")
	return strings.Trim(k, `"' `)
}

// value is where the value behind the line's first key begins; 0 when the line
// has none.
func (x *doctor) value(l textLine) int {
	m := keyLine.FindStringIndex(l.text)
	if m == nil {
		if t := strings.TrimLeft(strings.TrimPrefix(l.text, "-"), " "); strings.HasPrefix(l.text, "- ") {
			return l.start + l.lead + len(l.text) - len(t)
		}
		return 0
	}
	o := l.start + l.lead + m[1]
	for o < l.end && x.d[o] == ' ' {
		o++
	}
	if o >= l.end {
		return 0
	}
	return o
}

// single is a text in single quotes.
func single(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
