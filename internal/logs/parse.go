package logs

import (
	"strings"
	"unicode/utf8"

	"beanpole/internal/lazyregexp"
)

const (
	maxText  = 64 << 10 // bytes of one record
	maxPlain = 200      // lines of one record of which nothing is known
)

// parser makes records of the lines of one source.
type parser struct {
	file string // with the block of tail logs that the lines stand in
	name string
	out  []*Record
	now  *Record
	// widths of the current record's lines on the screen, for unwrapping.
	widths []int
	table  *table
	// last is the newest record of each instance, of which lines stand between
	// those of others.
	last map[string]*Record
}

// parse takes the stretches of one source apart.
func (x *Reader) parse(name string, all []stretch) {
	if len(all) == 1 && all[0].line == 1 {
		if records := events(name, all[0].text); len(records) > 0 {
			x.out.Records = append(x.out.Records, records...)
			return
		}
		if records := fragment(name, all[0].text); len(records) > 0 {
			x.out.Records = append(x.out.Records, records...)
			return
		}
		if lines := fromCloudWatch(all[0].text); lines != nil {
			all[0].text = lines
		}
	}
	p := &parser{file: name, name: name, last: map[string]*Record{}}
	for _, s := range all {
		p.end()
		p.stretch(string(s.text), int(s.line))
	}
	p.end()
	upright(p.out)
	x.out.Records = append(x.out.Records, p.out...)
}

// rule is the line above and below a file's name in tail logs.
var rule = lazyregexp.New(`^-{20,}$`)

func (p *parser) stretch(text string, line int) {
	lines := unwrapped(strings.Split(strings.TrimSuffix(text, "\n"), "\n"))
	for i := 0; i < len(lines); i++ {
		l := strings.TrimRight(lines[i], " \t")
		if l == joinedLine {
			continue
		}
		if i+2 < len(lines) && rule.MatchString(l) && strings.HasPrefix(lines[i+1], "/") && rule.MatchString(strings.TrimSpace(lines[i+2])) {
			p.end()
			p.file = p.name + ":" + strings.TrimSpace(lines[i+1])
			i += 2
			continue
		}
		if len(l) > longest {
			l = strings.ToValidUTF8(l[:longest], "")
		}
		p.line(l, line+i)
	}
}

func (p *parser) line(l string, number int) {
	if p.row(l, number) {
		return
	}
	if r, ok := columns(l); ok {
		p.begin(r, l, number)
		return
	}
	text, before := unshipped(l)
	for _, text := range strings.Split(text, "\n") { // a shipper's JSON may hold several
		p.entry(text, before, l, number)
	}
}

// entry takes a line without what shippers put before it; l is the whole line.
func (p *parser) entry(text string, before ahead, l string, number int) {
	r, ok := consoleStack(text)
	if !ok {
		r, ok = headOf(text)
	}
	if ok {
		if r.Time.IsZero() || r.Time.Year() < 2 {
			if !before.time.IsZero() {
				r.Time = before.time
			}
		}
		if r.Instance == "" {
			r.Instance = before.instance
		}
		p.begin(r, l, number)
		return
	}
	p.more(text, before, l, number)
}

var dashes = lazyregexp.New(`^[-| ]+$`)

// more takes a line that begins no entry.
func (p *parser) more(text string, before ahead, l string, number int) {
	if i := before.instance; i != "" && p.now != nil && p.now.Instance != i {
		if r := p.last[i]; r != nil {
			if len(r.Text)+len(text) < maxText {
				r.Text += "\n" + text
				r.Joined = strings.Join(strings.Fields(r.Text), " ")
			}
			return
		}
	}
	switch {
	case p.now == nil && text == "":
	case p.now == nil:
		p.begin(Record{Kind: Plain, Text: text, Time: before.time, Instance: before.instance}, l, number)
	case p.now.Kind == Plain && (text == "" || len(p.widths) >= maxPlain):
		p.end()
	case p.now.Kind == Event && dashes.MatchString(text):
	case len(p.now.Text)+len(text) < maxText:
		p.now.Text += "\n" + text
		p.widths = append(p.widths, utf8.RuneCountInString(l))
	}
}

func (p *parser) begin(r Record, l string, number int) {
	p.end()
	r.File, r.Line = p.file, number
	if r.Kind == Event && strings.Contains(p.file, "/log/") {
		r.Kind = System // an application's own line that looks like one
	}
	p.now = &r
	if r.Instance != "" {
		p.last[r.Instance] = p.now
	}
	p.widths = append(p.widths[:0], utf8.RuneCountInString(l))
}

func (p *parser) end() {
	if p.now == nil {
		return
	}
	p.now.Text = strings.TrimRight(p.now.Text, "\n \t")
	if strings.Contains(p.now.Text, "\n") {
		p.now.Joined = joined(p.now.Text, p.widths)
	}
	p.out = append(p.out, p.now)
	p.now = nil
}

// joined takes out the line ends that a terminal or a mail put in. A terminal
// cuts all lines at one width, in the middle of words; others cut at spaces.
func joined(text string, widths []int) string {
	full := len(widths) > 1
	for _, w := range widths[:len(widths)-1] {
		if w != widths[0] || w < 40 {
			full = false
		}
	}
	if full {
		return strings.ReplaceAll(text, "\n", "")
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	return strings.Join(lines, " ")
}
