package logs

import (
	"bytes"
	"encoding/json"
	"slices"

	"beanpole/internal/lazyregexp"
)

// member is one name with a text value in the AWS CLI's JSON.
var member = lazyregexp.New(`"(EventDate|Timestamp|Message|Severity|LogicalResourceId|ResourceType|ResourceStatus|ResourceStatusReason)":\s*("(?:[^"\\]|\\.)*")`)

// closing ends an object.
var closing = lazyregexp.New(`(?m)^\s*\}`)

// jsonLine is a line as JSON that was printed with indents has them.
var jsonLine = lazyregexp.New(`^\s*(?:[{}\[\]],?\s*)*(?:"[^"]{1,60}":.*)?$`)

// fragment reads a piece that was cut out of the AWS CLI's JSON; nil when the text
// is something else.
func fragment(name string, text []byte) []*Record {
	if !bytes.Contains(text, []byte(`"ResourceStatus":`)) && (!bytes.Contains(text, []byte(`"Message":`)) || !bytes.Contains(text, []byte(`"EventDate":`))) {
		return nil
	}
	for _, l := range bytes.Split(text, []byte{'\n'}) {
		if !jsonLine.Match(bytes.TrimRight(l, "\r ")) {
			return nil
		}
	}
	var out []*Record
	var e described
	seen, line := map[string]bool{}, 1
	end := func() {
		if r := e.record(); r != nil {
			r.File, r.Line = name, line
			out = append(out, r)
		}
		e, seen = described{}, map[string]bool{}
	}
	last := 0
	for _, m := range member.FindAllSubmatchIndex(text, -1) {
		key := string(text[m[2]:m[3]])
		if seen[key] || closing.Match(text[last:m[0]]) {
			end()
		}
		last = m[1]
		if len(seen) == 0 {
			line = 1 + bytes.Count(text[:m[0]], []byte{'\n'})
		}
		var value string
		if json.Unmarshal(text[m[4]:m[5]], &value) != nil {
			continue
		}
		seen[key] = true
		e.set(key, value)
	}
	end()
	slices.Reverse(out)
	return out
}
