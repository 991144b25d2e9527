package source

import (
	"fmt"
	"strings"
)

// tab: a tab where only blanks may stand.
func (x *doctor) tab() bool {
	i := x.lineAt(x.at)
	l := x.line(i)
	indent := string(x.d[l.start : l.start+l.lead])
	if k := strings.IndexByte(indent, '\t'); k >= 0 {
		x.blame(l.start+k, l.start+l.lead, "a tab indents this line", "YAML allows no tabs for indentation: use spaces")
		x.untab()
		return true
	}
	if x.at < len(x.d) && x.d[x.at] == '\t' {
		return x.blame(x.at, x.at+1, "a tab stands here", "use spaces between key and value")
	}
	return false
}

// mostTabs is the number of lines that untab mends at most.
const mostTabs = 200

// untab puts spaces for the tabs of all lines that tabs keep from being read,
// the first width that does it.
func (x *doctor) untab() {
	for _, width := range []int{2, 4, 8, 1} {
		var edits []Edit
		for i := 0; i < x.lines() && len(edits) < mostTabs; i++ {
			l := x.line(i)
			indent := string(x.d[l.start : l.start+l.lead])
			// A tab behind blanks may belong to a block text; one at the very
			// beginning of a line never does.
			if strings.HasPrefix(indent, "\t") || strings.Contains(indent, "\t") && i == x.lineAt(x.at) {
				edits = append(edits, Edit{Start: l.start, End: l.start + l.lead, New: strings.ReplaceAll(indent, "\t", strings.Repeat(" ", width))})
			}
		}
		if x.mend(edits...) {
			return
		}
	}
}

// foreignComment: a comment in another language's way.
func (x *doctor) foreignComment() bool {
	seen := map[int]bool{}
	near := []int{x.lineAt(x.at), x.before(x.lineAt(x.at))}
	if x.context >= 0 && strings.HasPrefix(x.says, "could not find") {
		near = append(near, x.lineAt(x.context))
	}
	for _, i := range near {
		if i < 0 || seen[i] {
			continue
		}
		seen[i] = true
		l := x.line(i)
		from := l.start + l.lead
		for _, mark := range []string{"//", "<!--", "-->", "/*", ";"} {
			o := from
			if !strings.HasPrefix(l.text, mark) {
				k := strings.LastIndex(l.text, " "+mark)
				if k < 0 || mark == ";" {
					continue
				}
				o += k + 1
			}
			if strings.HasPrefix(string(x.d[o:l.end]), "/") && strings.HasSuffix(l.text, ":") {
				continue // a path as a key
			}
			x.blame(o, l.end, fmt.Sprintf("%q begins no comment in YAML", mark), "a comment begins with #")
			text := strings.TrimSuffix(strings.TrimSpace(string(x.d[o+len(mark):l.end])), "-->")
			if mark == "-->" && x.mend(Edit{Start: o, End: o + len(mark)}) {
				return true
			}
			x.mend(Edit{Start: o, End: l.end, New: "# " + strings.TrimSpace(strings.TrimSuffix(text, "*/"))})
			return true
		}
	}
	return false
}

// fallenOut: a line of a block text stands no deeper than the key of the text,
// so that the text ends before it.
func (x *doctor) fallenOut() bool {
	last := x.lineAt(x.at)
	if x.context >= 0 && strings.HasPrefix(x.says, "could not find") {
		last = min(last, x.lineAt(x.context))
	}
	head, first := x.blockAbove(last)
	if head < 0 {
		return false
	}
	f, h := x.line(first), x.line(head)
	pem := pemBoundary.MatchString(f.text) || base64Line.MatchString(f.text)
	comment := f.text[0] == '#' && first < last && !x.line(last).keyed() && x.line(last).lead > h.keyCol()
	if !pem && !comment && (f.keyed() || f.text[0] == '#') {
		return false
	}
	want := h.keyCol() + 2
	if n := x.after(head); n < first {
		want = x.line(n).lead
	}
	what := fmt.Sprintf("this line ends the text of %q (line %d): it is not indented as the text is", h.name(), head+1)
	remedy := fmt.Sprintf("indent it, and every line of the text, by %d spaces or more", want)
	if pem {
		what = fmt.Sprintf("a certificate or key is not indented below %q (line %d)", h.name(), head+1)
	}
	x.blame(f.start+f.lead, f.end, what, remedy)
	x.indent(head, first)
	return true
}

// blockAbove is the nearest line above that begins a block text, and the first
// line behind the text, which does not stand as deep as the text's first; -1
// when last does not follow on a block text.
func (x *doctor) blockAbove(last int) (head, first int) {
	for i := last - 1; i >= 0 && i > last-2000; i-- {
		if l := x.line(i); !blockHeader.MatchString(l.text) {
			continue
		}
		key := x.line(i).keyCol()
		if strings.HasPrefix(x.line(i).text, "- ") && !keyLine.MatchString(x.line(i).text) {
			key = x.line(i).lead
		}
		depth := 0 // of the text's first line, which the others must reach
		for j := i + 1; j <= last; j++ {
			l := x.line(j)
			switch {
			case l.text == "":
			case l.lead <= key || l.lead < depth:
				return i, j
			case depth == 0:
				depth = l.lead
			}
		}
		return -1, -1 // last belongs to the text
	}
	return -1, -1
}

// indent moves a line that has fallen out of a block text, and those that
// follow, into it.
func (x *doctor) indent(head, first int) {
	h := x.line(head)
	want := h.keyCol() + 2
	if n := x.after(head); n >= 0 && n < first {
		want = max(want, x.line(n).lead)
	}
	var edits []Edit
	least := x.line(first).lead
	for i := first; i < x.lines() && len(edits) < 5000; i++ {
		l := x.line(i)
		pem := pemBoundary.MatchString(l.text) || base64Line.MatchString(l.text)
		if i > first && l.text != "" && !pem && l.lead <= h.keyCol() && l.keyed() {
			break
		}
		if l.text == "" || l.lead >= want {
			continue
		}
		by := want - min(l.lead, least)
		if pem {
			by = want - l.lead
		}
		edits = append(edits, Edit{Start: l.start, End: l.start, New: strings.Repeat(" ", by)})
	}
	x.mend(edits...)
}

// missingBar: lines of text stand below a key that has no |.
func (x *doctor) missingBar() bool {
	i := x.lineAt(x.at)
	lead := x.line(i).lead
	for h := x.before(i); h >= 0 && h > i-500; h = x.before(h) {
		l := x.line(h)
		if l.lead >= lead || !strings.HasSuffix(l.text, ":") || !l.keyed() {
			continue
		}
		first := x.after(h)
		if first < 0 || first > i || x.line(first).keyed() || x.line(first).lead <= l.keyCol() {
			return false
		}
		t := x.line(first).text
		if first == i || !strings.ContainsAny(t, " #/-") || oneWord.MatchString(t) && !pemBoundary.MatchString(t) {
			return false
		}
		if !x.mend(Edit{Start: l.start + l.lead + len(l.text), End: l.end, New: " |"}) {
			return false
		}
		return x.blame(l.start+l.lead, l.start+l.lead+len(l.text), fmt.Sprintf("text of several lines stands below %q, which has no |", l.name()),
			"write   "+l.name()+": |")
	}
	return false
}

// missingColon: a key, with its values below it or behind it, has no colon.
func (x *doctor) missingColon() bool {
	i := x.lineAt(x.at)
	for _, k := range x.suspects() {
		l := x.line(k)
		if m := spacedKey.FindStringSubmatch(l.text); m != nil && !keyLine.MatchString(l.text) {
			o := l.start + l.lead + len(m[1])
			x.blame(l.start+l.lead, o, fmt.Sprintf("%q has no colon", strings.TrimPrefix(m[1], "- ")), "write   "+m[1]+": …")
			x.mend(Edit{Start: o, End: o, New: ":"})
			return true
		}
		n := x.after(k)
		word := strings.TrimPrefix(l.text, "- ")
		if k > i || n < 0 || !oneWord.MatchString(word) || strings.HasSuffix(l.text, ":") || !x.line(n).keyed() || x.line(n).lead < l.lead || base64Line.MatchString(word) {
			continue
		}
		end := l.start + l.lead + len(l.text)
		o := end - len(word)
		if word != l.text && strings.HasPrefix(word, "aws:") {
			x.blame(o, end, fmt.Sprintf("%q has no key", word), "write   - namespace: "+word)
			x.mend(Edit{Start: o, End: o, New: "namespace: "})
			return true
		}
		named := strings.ContainsAny(word, `/:"'`) || k == x.lineAt(max(x.context, 0))
		if x.line(n).lead == l.lead && !named {
			continue
		}
		x.blame(o, end, fmt.Sprintf("%q has no colon", strings.Trim(word, `"'`)), "write   "+l.text+":")
		if x.line(n).lead == l.lead {
			x.p.Remedy += "   and indent below it what belongs to it"
			return true
		}
		x.mend(Edit{Start: end, End: end, New: ":"})
		return true
	}
	return false
}
