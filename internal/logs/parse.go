package logs

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
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
}

// parse takes the stretches of one source apart.
func (x *Reader) parse(name string, all []stretch) {
	if len(all) == 1 && all[0].line == 1 {
		if records := events(name, all[0].text); records != nil {
			x.out.Records = append(x.out.Records, records...)
			return
		}
	}
	p := &parser{file: name, name: name}
	for _, s := range all {
		p.end()
		p.stretch(string(s.text), int(s.line))
	}
	p.end()
	x.out.Records = append(x.out.Records, p.out...)
}

// rule is the line above and below a file's name in tail logs.
var rule = regexp.MustCompile(`^-{20,}$`)

func (p *parser) stretch(text string, line int) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		l := strings.TrimRight(lines[i], " \t")
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
	if strings.HasPrefix(l, "{") {
		l = shipped(l)
	}
	if p.row(l, number) {
		return
	}
	if r, ok := columns(l); ok {
		p.begin(r, l, number)
		return
	}
	if r, ok := headOf(l); ok {
		p.begin(r, l, number)
		return
	}
	switch {
	case p.now == nil && l == "":
	case p.now == nil:
		p.begin(Record{Kind: Plain, Text: l}, l, number)
	case p.now.Kind == Plain && (l == "" || len(p.widths) >= maxPlain):
		p.end()
	case len(p.now.Text)+len(l) < maxText:
		p.now.Text += "\n" + l
		p.widths = append(p.widths, utf8.RuneCountInString(l))
	}
}

func (p *parser) begin(r Record, l string, number int) {
	p.end()
	r.File, r.Line = p.file, number
	p.now = &r
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

// shipped is the message in a line that a log shipper wrote as JSON, else the
// line itself. The names are those that Docker, Fluent Bit, CloudWatch Logs
// Insights and journald use.
func shipped(l string) string {
	var m map[string]any
	if json.Unmarshal([]byte(l), &m) != nil {
		return l
	}
	for _, name := range []string{"message", "@message", "log", "MESSAGE", "msg"} {
		if s, ok := m[name].(string); ok {
			return strings.TrimRight(s, "\n")
		}
	}
	return l
}
