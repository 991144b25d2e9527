package logs

import (
	"encoding/json"
	"strings"
	"time"

	"beanpole/internal/lazyregexp"
)

// prefixes are what log shippers, terminals and mails put before each line, in
// the order in which they are looked for. Groups: t time, i what names the
// instance. Sources: `aws logs tail`, `docker logs -t`, the logs of GitHub
// Actions and `gh run view --log`, Azure Pipelines, Jenkins' timestamper, docker
// compose, RFC 5424, and quotes in Markdown.
var prefixes = []*lazyregexp.Regexp{
	lazyregexp.New(`^(?:> ?)+`),
	lazyregexp.New("^ {0,3}(?:`{1,3}|\\*\\*) ?"),
	lazyregexp.New(`^(?:[^\t]{1,60}\t[^\t]{1,80}\t)?\x{feff}?(?P<t>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) (?:(?P<i>\S*\bi-[0-9a-f]{8}(?:[0-9a-f]{9})?)\b\S* )?`),
	lazyregexp.New(`^\[(?P<t>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\] `),
	lazyregexp.New(`^<\d{1,3}>\d (?P<t>\d{4}-\d\d-\d\dT\S+) (?P<i>\S+) \S+ \S+ \S+ (?:-|\[.*?\]) `),
	lazyregexp.New(`^(?:##\[error\]|::error::|\[error\] )`),
	lazyregexp.New(`^\[(?P<i>[\w.-]+)\]: `),
	lazyregexp.New(`^(?P<i>[\w.-]{1,60}) +\| `),
	lazyregexp.New(`^(?P<i>i-[0-9a-f]{8}(?:[0-9a-f]{9})?)(?::| \|)? `),
	lazyregexp.New(`^\s*(?:[*│╷╵•-] )+`),
}

// ahead is what stood before a line.
type ahead struct {
	time     time.Time
	instance string
}

// maxAhead is how many prefixes a line may have, one in the other.
const maxAhead = 4

// unshipped is a line without what was put before it, and what that said. The
// forms of entries come first, since some look like a prefix.
func unshipped(l string) (string, ahead) {
	var a ahead
	for range maxAhead {
		if strings.HasPrefix(l, "{") {
			if m := shipped(l); m != l {
				l = m
				continue
			}
		}
		if _, ok := headAt(l, false); ok {
			break
		}
		rest, ok := a.take(l)
		if !ok {
			break
		}
		l = rest
	}
	return l, a
}

func (a *ahead) take(l string) (string, bool) {
	for _, re := range prefixes {
		m := re.FindStringSubmatchIndex(l)
		if m == nil {
			continue
		}
		for i, name := range re.SubexpNames() {
			if i == 0 || m[2*i] < 0 {
				continue
			}
			switch part := l[m[2*i]:m[2*i+1]]; name {
			case "t":
				if a.time.IsZero() {
					a.time = isoTime(strings.Replace(part, " ", "T", 1))
				}
			case "i":
				a.instance = part
				if id := instanceID.FindString(part); id != "" {
					a.instance = id
				}
			}
		}
		return l[m[1]:], true
	}
	return l, false
}

// messageNames are the fields that hold the message in what log shippers write
// as JSON: Docker, Fluent Bit, CloudWatch Logs Insights, journald, Datadog, Google
// Cloud Logging.
var messageNames = []string{"message", "@message", "log", "MESSAGE", "msg", "textPayload"}

// shipped is the message in a line that a log shipper wrote as JSON, else the
// line itself.
func shipped(l string) string {
	var m map[string]any
	if json.Unmarshal([]byte(l), &m) != nil {
		return l
	}
	for _, name := range messageNames {
		if s, ok := m[name].(string); ok {
			return strings.TrimRight(s, "\n")
		}
	}
	return l
}
