package source

import (
	"fmt"
	"strings"
)

// openQuote: quotes that are never closed, or only lines further down.
func (x *doctor) openQuote() bool {
	if strings.Contains(x.says, "',' or") && x.context >= 0 && x.lineAt(x.context) < x.lineAt(x.at) {
		l := x.line(x.lineAt(x.context))
		if k := strings.LastIndexByte(l.text, '"'); strings.Count(l.text, `"`)%2 == 1 && !strings.Contains(l.text, `\`) {
			return x.blame(l.start+l.lead+k, l.end, "the quotes that open here are not closed in their line", "close them at the end of the text")
		}
	}
	if !strings.HasPrefix(x.says, "found unexpected end of stream") || x.context < 0 {
		return false
	}
	l := x.line(x.lineAt(x.context))
	return x.blame(x.context, l.end, "the quotes that open here are not closed", "close them at the end of the text")
}

const escapes = "0abt\tnvfre \"/\\N_LPxuU\n\r"

// badEscape: a backslash in double quotes that is not meant for YAML.
func (x *doctor) badEscape() bool {
	if !strings.HasPrefix(x.says, "found unknown escape") || x.context < 0 || x.at >= len(x.d) {
		return false
	}
	if x.d[x.at] != '\\' && x.at > 0 && x.d[x.at-1] == '\\' {
		x.at--
	}
	x.blame(x.at, min(x.at+2, len(x.d)), fmt.Sprintf("in double quotes a backslash begins an escape, and %s is none", string([]rune(string(x.d[x.at:min(x.at+6, len(x.d))]))[:2])),
		`write \\ for a backslash in double quotes, or use single quotes`)
	var edits []Edit
	for o := x.context + 1; o+1 < len(x.d) && x.d[o] != '"' && len(edits) < 500; o++ {
		if x.d[o] != '\\' {
			continue
		}
		if strings.IndexByte(escapes, x.d[o+1]) < 0 {
			edits = append(edits, Edit{Start: o, End: o, New: `\`})
		}
		o++
	}
	x.mend(edits...)
	return true
}

// quoteInQuotes: a quote inside a text in quotes ends it.
func (x *doctor) quoteInQuotes() bool {
	l := x.line(x.lineAt(x.at))
	from := x.value(l)
	if from == 0 || x.at <= from || !strings.HasPrefix(x.says, "did not find expected") && !strings.HasPrefix(x.says, "mapping values") && !strings.Contains(x.says, "cannot start") {
		return false
	}
	q := x.d[from]
	if q != '"' && q != '\'' {
		return false
	}
	text := strings.TrimRight(string(x.d[from:l.end]), " \t\r")
	shut := x.closing(from, q)
	if shut < 0 || shut >= x.at || shut+1 >= from+len(text) || x.at > from+len(text) {
		return false
	}
	rest := strings.TrimSpace(string(x.d[shut+1 : from+len(text)]))
	if rest == "" || rest[0] == '#' {
		return false
	}
	if text[len(text)-1] != q {
		x.blame(shut+1, from+len(text), "text follows the closing quote", "put the whole value in quotes")
		x.mend(Edit{Start: from, End: from + len(text), New: single(text)})
		return true
	}
	x.blame(from, from+len(text), fmt.Sprintf("the second %c ends the text, and what follows is no YAML any more", q),
		"put the text in the other kind of quotes, or below a |")
	one := Edit{Start: from, End: from + len(text), New: requote(text)}
	if x.mend(one) || !strings.Contains(text, "`{") {
		return true
	}
	x.mend(x.functions()...)
	return true
}

// requote is a text in quotes with quotes in it, put in single quotes.
func requote(text string) string {
	return single(strings.ReplaceAll(text[1:len(text)-1], "''", "'"))
}

// functions puts every JSON function in double quotes into single ones: whoever
// wrote one so wrote all so.
func (x *doctor) functions() (edits []Edit) {
	for i := 0; i < x.lines() && len(edits) < 500; i++ {
		l := x.line(i)
		from := x.value(l)
		if from == 0 {
			continue
		}
		text := strings.TrimRight(string(x.d[from:l.end]), " \t\r")
		if strings.HasPrefix(text, "\"`{") && strings.HasSuffix(text, "}`\"") && !strings.Contains(text, `\`) {
			edits = append(edits, Edit{Start: from, End: from + len(text), New: requote(text)})
		}
	}
	return edits
}

// closing is the quote that closes the one at from.
func (x *doctor) closing(from int, q byte) int {
	for o := from + 1; o < len(x.d) && x.d[o] != '\n'; o++ {
		switch {
		case x.d[o] == '\\' && q == '"':
			o++
		case x.d[o] == q && q == '\'' && o+1 < len(x.d) && x.d[o+1] == q:
			o++
		case x.d[o] == q:
			return o
		}
	}
	return -1
}

// tightColon: no blank behind a colon.
func (x *doctor) tightColon() bool {
	for _, i := range x.suspects() {
		l := x.line(i)
		m := tightKey.FindStringSubmatch(l.text)
		if m == nil || keyLine.MatchString(l.text) {
			continue
		}
		colon := l.start + l.lead + len(m[1])
		if !x.mend(Edit{Start: colon + 1, End: colon + 1, New: " "}) && strings.Contains(m[2], ":") {
			continue
		}
		return x.blame(l.start+l.lead, colon+1, fmt.Sprintf("no blank follows the colon of %q", strings.Trim(m[1], `"'- `)), "write   "+m[1]+": …")
	}
	return false
}

// assignment: NAME=value, as in a shell.
func (x *doctor) assignment() bool {
	for _, i := range x.suspects() {
		l := x.line(i)
		m := assignment.FindStringSubmatch(l.text)
		if m == nil || keyLine.MatchString(l.text) {
			continue
		}
		x.blame(l.start+l.lead, l.start+l.lead+len(m[1])+1, fmt.Sprintf("%s= is no entry of a map", m[1]), "write   "+m[1]+": …")
		o := l.start + l.lead + len(m[1])
		x.mend(Edit{Start: o, End: o + 1, New: ": "})
		return true
	}
	return false
}

// suspects are the lines in which the mistake may stand.
func (x *doctor) suspects() []int {
	at := x.lineAt(x.at)
	out := []int{at}
	if x.context >= 0 && strings.HasPrefix(x.says, "could not find") && x.lineAt(x.context) != at {
		out = []int{x.lineAt(x.context), at}
	}
	if b := x.before(out[0]); b >= 0 {
		out = append(out, b)
	}
	return out
}

// behindBar: text stands behind | or > on its line.
func (x *doctor) behindBar() bool {
	if !strings.HasPrefix(x.says, "did not find expected comment or line break") || x.context < 0 {
		return false
	}
	l := x.line(x.lineAt(x.context))
	from := x.context + 1
	for from < l.end && strings.IndexByte("+-0123456789 \t", x.d[from]) >= 0 && !strings.HasPrefix(string(x.d[from:l.end]), "--") {
		from++
	}
	if from >= l.end || x.d[x.context] != '|' && x.d[x.context] != '>' {
		return false
	}
	x.blame(from, l.end, fmt.Sprintf("text stands behind %c in its line", x.d[x.context]), fmt.Sprintf("begin the text in the line below %c", x.d[x.context]))
	x.mend(Edit{Start: x.context + 1, End: from, New: "\n" + strings.Repeat(" ", x.blockColumn(l))})
	return true
}

// blockColumn is the column in which the block text below a line begins.
func (x *doctor) blockColumn(l textLine) int {
	if n := x.after(x.lineAt(l.start)); n >= 0 && x.line(n).lead > l.keyCol() {
		return x.line(n).lead
	}
	return l.keyCol() + 2
}

// indicator: a value begins with a character that means something to YAML.
func (x *doctor) indicator() bool {
	near := []int{x.at}
	if x.context >= 0 && strings.Contains(x.says, "',' or") {
		near = append(near, x.context)
	}
	for _, at := range near {
		l := x.line(x.lineAt(at))
		from := x.value(l)
		if from == 0 || strings.IndexByte("[{`*@%&!|>", x.d[from]) < 0 || at < from {
			continue
		}
		text := strings.TrimRight(string(x.d[from:l.end]), " \t\r")
		means := map[byte]string{'[': "a list", '{': "a map", '*': "an alias", '&': "an anchor", '!': "a tag", '|': "a block text", '>': "a block text"}[text[0]]
		what := fmt.Sprintf("no value begins with %c in YAML", text[0])
		if means != "" {
			what = fmt.Sprintf("a value that begins with %c is %s in YAML", text[0], means)
		}
		mends := x.mend(Edit{Start: from, End: from + len(text), New: single(text)})
		shell := text[0] != '[' && text[0] != '{' || strings.HasPrefix(text, "[ ") || strings.HasPrefix(text, "[[") || strings.HasPrefix(text, "{ ")
		if !shell && at > 0 && at < len(x.d) && x.d[at] == '{' && x.d[at-1] == '$' {
			x.p.Edits = nil
			return x.blame(at-1, at+1, "in a list or map, { opens a map: ${…} stands in no quotes", "put it in quotes")
		}
		if !shell {
			x.p.Edits = nil
			return x.blame(at, min(at+1, len(x.d)), what+", and a comma, bracket or quote is missing in this one", "put a comma between the entries, or quotes around a text that holds brackets")
		}
		if !mends && (text[0] == '[' || text[0] == '{') {
			continue
		}
		return x.blame(from, from+len(text), what, "put the value in single quotes")
	}
	return false
}

// colonInValue: an unquoted value holds a colon and a blank.
func (x *doctor) colonInValue() bool {
	l := x.line(x.lineAt(x.at))
	from := x.value(l)
	if !strings.HasPrefix(x.says, "mapping values") || from == 0 || x.at <= from || strings.IndexByte(`"'[{|>`, x.d[from]) >= 0 {
		return false
	}
	text := strings.TrimRight(string(x.d[from:l.end]), " \t\r")
	x.blame(from, from+len(text), fmt.Sprintf(`the value of %q holds ": " and stands in no quotes`, l.name()), `put a text that holds ": " in quotes`)
	x.mend(Edit{Start: from, End: from + len(text), New: single(text)})
	return true
}

// outOfStep: an entry begins in another column than its siblings.
func (x *doctor) outOfStep() bool {
	i := x.lineAt(x.at)
	l := x.line(i)
	above := x.before(i)
	if above < 0 || l.text == "" || !l.keyed() && !oneWord.MatchString(l.text) {
		return false
	}
	cols, at := x.openColumns(i)
	if a := x.line(above); strings.HasPrefix(x.says, "mapping values") && a.lead < l.lead && x.value(a) > 0 {
		from := x.value(a)
		if v := strings.TrimRight(string(x.d[from:a.end]), " \t\r"); v == "~" || v == "null" || v == "{}" || v == `""` {
			x.blame(from, from+len(v), fmt.Sprintf("%q has a value already, and entries below it", a.name()), "remove   "+v)
			x.mend(Edit{Start: from, End: from + len(v)})
			return true
		}
	}
	best := -1
	for k, c := range cols {
		if c != l.lead && (best < 0 || abs(c-l.lead) < abs(cols[best]-l.lead)) {
			best = k
		}
	}
	if best < 0 {
		return false
	}
	x.blame(l.start+l.lead, l.start+l.lead+len(l.text),
		fmt.Sprintf("this entry begins in column %d, and those beside it in column %d (line %d)", l.lead+1, cols[best]+1, at[best]+1),
		"entries of one map or list begin in the same column")
	if abs(cols[best]-l.lead) <= 4 {
		x.move(i, cols[best])
	}
	return true
}

func abs(i int) int { return max(i, -i) }

// openColumns are the columns in which entries of the collections that are open
// above line i begin, innermost first, each with the last line of that column.
func (x *doctor) openColumns(i int) (cols, at []int) {
	least := 1 << 30
	for k := x.before(i); k >= 0 && k > i-1000; k = x.before(k) {
		l := x.line(k)
		if !l.keyed() {
			continue
		}
		for _, c := range []int{l.keyCol(), l.lead} {
			if c < least {
				least = c
				cols, at = append(cols, c), append(at, k)
			}
		}
		if least == 0 {
			break
		}
	}
	return cols, at
}

// move offers to put a line into a column: alone, or with those that follow in
// the same step.
func (x *doctor) move(i, col int) {
	from := x.line(i).lead
	shift := func(l textLine) Edit {
		if by := col - from; by >= 0 {
			return Edit{Start: l.start, End: l.start, New: strings.Repeat(" ", by)}
		}
		return Edit{Start: l.start, End: l.start + from - col}
	}
	edits := []Edit{shift(x.line(i))}
	if abs(col-from) == 1 && x.mend(edits...) {
		return
	}
	for k := i + 1; k < x.lines() && len(edits) < 500; k++ {
		l := x.line(k)
		if l.text == "" {
			continue
		}
		if l.lead < from {
			break
		}
		edits = append(edits, shift(l))
	}
	x.mend(edits...)
}
