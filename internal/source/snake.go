package source

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// SnakeYAML and the library read with the same algorithm and differ in words.
// The words here are those of the versions from 1.14 on, which Elastic Beanstalk
// has had since 2023 at the latest: its `in 'reader'` and the refused !Sub show
// it [gh:awsdocs/aws-cloudformation-user-guide#1303]. Reports from 2019 and 2021
// still have `in "<reader>"` and bare names of tokens.

// snakeWords are the library's messages in SnakeYAML's words; %t is the name of
// the token that stands there, %c the character, %q the character in quotes, %n
// a name out of the message.
var snakeWords = []struct{ says, snake string }{
	{"did not find expected key", "expected <block end>, but found '%t'"},
	{"did not find expected '-' indicator", "expected <block end>, but found '%t'"},
	{"did not find expected ',' or ']'", "expected ',' or ']', but got %t"},
	{"did not find expected ',' or '}'", "expected ',' or '}', but got %t"},
	{"did not find expected node content", "expected the node content, but found '%t'"},
	{"did not find expected <document start>", "expected '<document start>', but found '%t'"},
	{"mapping values are not allowed in this context", "mapping values are not allowed here"},
	{"mapping keys are not allowed in this context", "mapping keys are not allowed here"},
	{"block sequence entries are not allowed in this context", "sequence entries are not allowed here"},
	{"found character that cannot start any token", "found character '%q' that cannot start any token. (Do not use %q for indentation)"},
	{"found a tab character", "found character '%q' that cannot start any token. (Do not use %q for indentation)"},
	{"found unknown escape character", "found unknown escape character %c"},
	{"did not find expected hexadecimal number", "expected escape sequence of hexadecimal numbers"},
	{"found unexpected document indicator", "found unexpected document separator"},
	{"did not find expected alphabetic or numeric character", "unexpected character found %c"},
	{"did not find expected comment or line break", "expected a comment or a line break, but found %c"},
	{"found undefined tag handle", "found undefined tag handle"},
	{"unknown anchor", "found undefined alias %n"},
}

// snake is the library's error as SnakeYAML words it, on one line and without
// the lines of the file that it shows: they may hold a secret.
func (r *yamlReader) snake(le *yaml.LoadError, at, context int) string {
	says := le.Message
	for _, w := range snakeWords {
		if strings.HasPrefix(says, w.says) {
			says = w.snake
			break
		}
	}
	switch {
	case strings.Contains(says, "%t"):
		token := r.token(at, context)
		if (token == "<anchor>" || token == "<alias>") && strings.IndexByte(noName, r.x.data[min(at+1, len(r.x.data)-1)]) >= 0 {
			return r.name(token[1:len(token)-1], at)
		}
		says = strings.Replace(says, "%t", token, 1)
	case strings.Contains(says, "%q"):
		says = strings.ReplaceAll(says, "%q", shown(r.x.data, at))
	case strings.Contains(says, "%c"):
		if strings.HasPrefix(says, "found unknown escape") {
			at++
		}
		says = strings.Replace(says, "%c", charCode(r.x.data, at), 1)
	case strings.Contains(says, "%n"):
		name, _, _ := strings.Cut(strings.TrimPrefix(le.Message, "unknown anchor '"), "'")
		says = strings.Replace(says, "%n", name, 1)
	}
	if kind, ok := strings.CutPrefix(le.ContextMsg, "while scanning an "); ok && context >= 0 {
		return r.name(kind, context)
	}
	says += r.mark(at)
	where := strings.TrimSpace(le.ContextMsg)
	switch {
	case strings.HasPrefix(le.Message, "found unknown escape"):
		where = "while scanning a double-quoted scalar"
	case strings.HasPrefix(le.Message, "found a tab character"):
		return "while scanning for the next token " + says
	}
	if strings.HasPrefix(le.Message, "mapping values") {
		return r.sooner(at, says)
	}
	if where == "" || strings.HasPrefix(le.Message, "block sequence entries") {
		return says
	}
	if context >= 0 && where != "while scanning for the next token" {
		where += r.mark(context)
	}
	return where + " " + says
}

func (r *yamlReader) mark(at int) string {
	p := r.x.pos(at)
	return fmt.Sprintf(" in 'reader', line %d, column %d:", p.Line, p.Col)
}

// sooner is what SnakeYAML says where the library, which looks further ahead,
// says that there is no place for a colon: it stops at the text before it.
func (r *yamlReader) sooner(at int, says string) string {
	x := &doctor{r: r, d: r.x.data, at: at}
	i := x.lineAt(at)
	l := x.line(i)
	if from := x.value(l); from > 0 && from < at && (x.d[from] == '"' || x.d[from] == '\'') {
		shut := x.closing(from, x.d[from])
		next := shut + 1
		for next < at && blank(x.d[next]) {
			next++
		}
		if shut > 0 && next < at {
			start := x.mappingStart(i)
			return "while parsing a block mapping" + r.mark(start) + " expected <block end>, but found '" + r.token(next, start) + "'" + r.mark(next)
		}
	}
	first := i
	for b := x.before(first); b >= 0 && !x.line(b).keyed() && x.line(b).lead <= l.lead; b = x.before(b) {
		first = b
	}
	if first == i {
		return says
	}
	cols, _ := x.openColumns(first)
	f := x.line(first)
	for _, c := range cols {
		if c == f.lead {
			return "while scanning a simple key" + r.mark(f.start+f.lead) + " could not find expected ':'" + r.mark(at)
		}
	}
	return says
}

// mappingStart is the first key of the map that line i is an entry of.
func (x *doctor) mappingStart(i int) int {
	col := x.line(i).keyCol()
	start := x.line(i).start + col
	for k := i; k >= 0; k = x.before(k) {
		l := x.line(k)
		if l.keyCol() == col {
			start = l.start + col
		}
		if l.lead < col {
			break
		}
	}
	return start
}

// noName are the characters that end the name of an anchor or alias.
const noName = " \t\r\n,[]{}/.*&"

// name is what SnakeYAML says of an anchor or alias whose name ends at a
// character that may not follow on it.
func (r *yamlReader) name(kind string, start int) string {
	o := start + 1
	for o < len(r.x.data) && strings.IndexByte(noName, r.x.data[o]) < 0 {
		o++
	}
	return "while scanning an " + strings.TrimSpace(kind) + r.mark(start) + " unexpected character found " + charCode(r.x.data, o) + r.mark(o)
}

// shown is a character that no token begins with.
func shown(d []byte, at int) string {
	if at < len(d) && d[at] == '\t' {
		return `\t(TAB)`
	}
	c, _ := utf8.DecodeRune(d[min(at, len(d)):])
	return string(c)
}

func charCode(d []byte, at int) string {
	if at >= len(d) {
		return "(0)"
	}
	c, _ := utf8.DecodeRune(d[at:])
	return fmt.Sprintf("%c(%d)", c, c)
}

// token is SnakeYAML's name of the token at byte at, in a collection that
// began at byte context.
func (r *yamlReader) token(at, context int) string {
	d := r.x.data
	if at >= len(d) {
		return "<stream end>"
	}
	deeper := context >= 0 && r.x.pos(at).Col > r.x.pos(context).Col
	next := func(o int) bool { return o >= len(d) || blank(d[o]) || breakLen(d, o) > 0 }
	first := strings.TrimSpace(string(d[r.x.starts[r.x.line(at)]:at])) == ""
	switch c := d[at]; {
	case c == '-' && next(at+1):
		if deeper {
			return "<block sequence start>"
		}
		return "-"
	case c == ':':
		return ":"
	case c == '?' && next(at+1):
		return "?"
	case strings.IndexByte("[]{},*&!", c) >= 0:
		if tag, ok := map[byte]string{'*': "<alias>", '&': "<anchor>", '!': "<tag>"}[c]; ok {
			return tag
		}
		return string(c)
	case first && keyLine.MatchString(r.restOf(at)):
		if deeper || context < 0 {
			return "<block mapping start>"
		}
		return "?"
	}
	return "<scalar>"
}

// restOf is the line from byte at on.
func (r *yamlReader) restOf(at int) string {
	end := at
	for end < len(r.x.data) && breakLen(r.x.data, end) == 0 {
		end++
	}
	return string(r.x.data[at:end])
}
