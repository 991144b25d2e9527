package logs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"beanpole/internal/lazyregexp"
)

// described is one event of describe-events or describe-stack-events in JSON.
type described struct {
	EventDate, Message, Severity                                                     string
	Timestamp, LogicalResourceId, ResourceType, ResourceStatus, ResourceStatusReason string
}

// streamed is what aws logs get-log-events and filter-log-events print.
type streamed struct {
	Events []struct {
		Timestamp              int64
		Message, LogStreamName string
	}
}

// fromCloudWatch are the lines of CloudWatch Logs' JSON, as aws logs tail prints
// them; nil when the text is something else.
func fromCloudWatch(text []byte) []byte {
	t := bytes.TrimSpace(text)
	if len(t) == 0 || t[0] != '{' || !bytes.Contains(t, []byte(`"message"`)) || !bytes.Contains(t, []byte(`"ingestionTime"`)) {
		return nil
	}
	var in streamed
	if json.Unmarshal(t, &in) != nil {
		return nil
	}
	var out bytes.Buffer
	for _, e := range in.Events {
		for _, l := range strings.Split(strings.TrimRight(e.Message, "\n"), "\n") {
			at := time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02T15:04:05.000Z")
			if id := instanceID.FindString(e.LogStreamName); id != "" {
				at += " " + id
			}
			out.WriteString(at + " " + l + "\n")
		}
	}
	return out.Bytes()
}

// events reads the AWS CLI's JSON, whole; nil when the text is something else.
// They come newest first and are turned round.
func events(name string, text []byte) []*Record {
	t := bytes.TrimSpace(text)
	if len(t) == 0 || t[0] != '{' && t[0] != '[' || !bytes.Contains(t, []byte(`"Message"`)) && !bytes.Contains(t, []byte(`"ResourceStatus"`)) {
		return nil
	}
	var in struct{ Events, StackEvents []json.RawMessage }
	if json.Unmarshal(t, &in) != nil && json.Unmarshal(t, &in.Events) != nil {
		return nil
	}
	var out []*Record
	at, line := 0, 1
	for _, raw := range append(in.Events, in.StackEvents...) {
		if i := bytes.Index(text[at:], raw); i >= 0 {
			line += bytes.Count(text[at:at+i], []byte{'\n'})
			at += i
		}
		var e described
		if json.Unmarshal(raw, &e) != nil {
			continue
		}
		if r := e.record(); r != nil {
			r.File, r.Line = name, line
			out = append(out, r)
		}
	}
	slices.Reverse(out)
	return out
}

func (e *described) record() *Record {
	switch {
	case e.Message != "":
		return &Record{Kind: Event, Time: isoTime(e.EventDate), Severity: severity(e.Severity),
			Instance: instanceID.FindString(e.Message), Text: e.Message}
	case e.ResourceStatus != "":
		r := &Record{Kind: StackEvent, Time: isoTime(e.Timestamp), Head: e.LogicalResourceId,
			Text: strings.TrimSpace(e.ResourceStatus + " " + e.ResourceType + " " + e.ResourceStatusReason)}
		if strings.HasSuffix(e.ResourceStatus, "FAILED") || strings.Contains(e.ResourceStatus, "ROLLBACK") {
			r.Severity = "ERROR"
		}
		return r
	}
	return nil
}

var isoLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z0700"}

// isoTime reads a time as the AWS CLI prints it; zero when it is none.
func isoTime(s string) time.Time {
	for _, l := range isoLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

var levels = lazyregexp.New(`^(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)$`)

// columns reads a line of the AWS CLI's text output: fields in the alphabetical
// order of their names, tabs between them.
func columns(l string) (Record, bool) {
	name, rest, ok := strings.Cut(l, "\t")
	if !ok || name != "EVENTS" && name != "STACKEVENTS" {
		return Record{}, false
	}
	e := fields(strings.Split(rest, "\t"), name == "STACKEVENTS")
	r := e.record()
	if r == nil {
		return Record{}, false
	}
	return *r, true
}

// fields tells values apart whose names are not given.
func fields(values []string, stack bool) (e described) {
	for _, v := range values {
		v = strings.TrimSpace(v)
		switch {
		case !isoTime(v).IsZero():
			e.EventDate, e.Timestamp = v, v
		case levels.MatchString(v):
			e.Severity = v
		case stack && stackStatus.MatchString(v):
			e.ResourceStatus = v
		case stack && resourceType.MatchString(v):
			e.ResourceType = v
		case strings.Contains(v, " ") && len(v) > len(e.Message):
			e.Message = v
		case stack && v != "-" && v != "" && !strings.HasPrefix(v, "arn:") && e.LogicalResourceId == "":
			e.LogicalResourceId = v
		}
	}
	if stack {
		e.ResourceStatusReason, e.Message = e.Message, ""
	}
	return e
}

var resourceType = lazyregexp.New(`^(?:AWS|Custom)::\S+$`)

// stackTime begins a line copied from CloudFormation's console.
var stackTime = lazyregexp.New(`^[\s|]*((?:\d{4}-\d\d-\d\d )?\d{1,2}:\d\d:\d\d) (UTC[+-]\d{4})(?:\t| \| )`)

// consoleStack reads a line copied from CloudFormation's console: cells with tabs
// between them, a time of day first.
func consoleStack(l string) (Record, bool) {
	m := stackTime.FindStringSubmatch(l)
	if m == nil {
		return Record{}, false
	}
	cells := strings.FieldsFunc(l[len(m[0]):], func(r rune) bool { return r == '\t' || r == '|' })
	e := fields(cells, true)
	if e.ResourceStatus == "" {
		return Record{}, false
	}
	r := e.record()
	for _, layout := range []string{"2006-01-02 15:04:05", "15:04:05"} {
		if t, err := time.Parse(layout, m[1]); err == nil {
			r.Time = t.Add(-offset(m[2])).UTC()
			break
		}
	}
	return *r, true
}

// upright turns each run of events round when they stand newest first, as
// consoles show them.
func upright(records []*Record) {
	up, down := 0, 0
	var last time.Time
	for _, r := range records {
		if !r.ofEvents() || r.Time.IsZero() {
			continue
		}
		if !last.IsZero() && r.Time.After(last) {
			up++
		} else if r.Time.Before(last) {
			down++
		}
		last = r.Time
	}
	uprightByWords(records)
	if down <= up {
		return
	}
	for from := 0; from < len(records); {
		to := from
		for to < len(records) && records[to].ofEvents() {
			to++
		}
		slices.Reverse(records[from:to])
		from = max(to, from+1)
	}
}

func (r *Record) ofEvents() bool { return r.Kind == Event || r.Kind == StackEvent }

var stackStatus = lazyregexp.New(`^[A-Z]+(_[A-Z]+)*_(IN_PROGRESS|COMPLETE|FAILED)$`)

// table reads the AWS CLI's table output, with the names above the columns or
// with a name and a value a row.
type table struct {
	names []string
	line  int
	e     described
}

var frame = lazyregexp.New(`^[|+\-= ]+$`)

// row takes a line of a table; false when the line is none.
func (p *parser) row(l string, number int) bool {
	if len(l) < 3 || l[0] != '|' && l[0] != '+' && !strings.HasPrefix(l, "---") || l[0] == '-' && p.table == nil {
		if p.table != nil {
			p.endTable()
		}
		return false
	}
	if p.table == nil {
		p.table = &table{}
	}
	if frame.MatchString(l) {
		p.endEvent()
		return true
	}
	cells := strings.Split(strings.Trim(l, "|"), "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	t := p.table
	switch {
	case slices.Contains(cells, "EventDate") && slices.Contains(cells, "Message"),
		slices.Contains(cells, "ResourceStatus") && len(cells) > 2:
		t.names = cells
	case len(t.names) > 0 && len(cells) == len(t.names):
		for i, c := range cells {
			t.e.set(t.names[i], c)
		}
		t.line = number
		p.endEvent()
	case len(cells) == 2:
		if t.line == 0 {
			t.line = number
		}
		t.e.set(cells[0], cells[1])
	}
	return true
}

func (e *described) set(name, value string) {
	for key, to := range map[string]*string{
		"EventDate": &e.EventDate, "Message": &e.Message, "Severity": &e.Severity, "Timestamp": &e.Timestamp,
		"LogicalResourceId": &e.LogicalResourceId, "ResourceType": &e.ResourceType,
		"ResourceStatus": &e.ResourceStatus, "ResourceStatusReason": &e.ResourceStatusReason,
	} {
		if name == key {
			*to = value
		}
	}
}

func (p *parser) endEvent() {
	t := p.table
	if r := t.e.record(); r != nil {
		p.end()
		r.File, r.Line = p.file, t.line
		p.out = append(p.out, r)
	}
	t.e, t.line = described{}, 0
}

func (p *parser) endTable() {
	p.endEvent()
	p.table = nil
}
