package logs

import (
	"strconv"
	"strings"
	"time"

	"beanpole/internal/lazyregexp"
)

// form is how one kind of entry begins.
type form struct {
	kind   Kind
	head   *lazyregexp.Regexp // groups: t time, z zone, s severity, h head, x where the text begins
	layout string             // of the time
	// shipped: the form is so much its own that it is found behind what log
	// shippers put in front.
	shipped bool
	// level is the severity of forms that name none.
	level string
}

// levelWords are the severities of events.
const levelWords = `TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|SEVERE`

// eventWords begin messages of events, where nothing else tells them.
const eventWords = `(?:\[Instance: |Environment |Failed |Command |Unsuccessful |Update |Create |Deploying |Successfully |During |New application|Instance deployment|Added |Removed |create|update|Service:|Error processing|The |Creating |Stack |Configuration |"option_settings"|Unknown or duplicate|Your |Invalid |Docker)`

// The forms, most particular first. Sources: the files that the platforms and
// aws-cfn-bootstrap 1.4 write, EB CLI's event lines, what eb_deployer, the
// GitHub action beanstalk-deploy and the Terraform provider print of events,
// nginx's and httpd's error logs, healthd's, RFC 3164 for syslog.
var forms = []form{
	{Activity, lazyregexp.New(`^\[(?P<t>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+)Z\] (?P<s>[A-Z]+)\s+\[\d+\]\s+(?:- \[(?P<h>[^\]]*(?:\[[^\]]*\][^\]]*)*)\] : |: ?)`), "2006-01-02T15:04:05.999999999", true, ""},
	{Engine, lazyregexp.New(`^(?P<t>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) \[(?P<s>[A-Z]+)\] ?`), "2006/01/02 15:04:05.999999999", true, ""},
	{Engine, lazyregexp.New(`^\s*\[(?P<s>ERROR)\] (?P<x>An error occurred during execution of command |Custom SSM )`), "", true, ""},
	{InitCommand, lazyregexp.New(`^(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) P\d+ \[(?P<s>[A-Z]+)\] ?`), "2006-01-02 15:04:05,000", true, ""},
	{Init, lazyregexp.New(`^(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[(?P<s>[A-Z]+)\] ?`), "2006-01-02 15:04:05,000", true, ""},
	{CloudInit, lazyregexp.New(`^(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) - (?P<h>[\w.]+)\[(?P<s>[A-Z]+)\]: `), "2006-01-02 15:04:05,000", true, ""},
	{Proxy, lazyregexp.New(`^(?P<t>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<s>[a-z]+)\] \d+#\d+: (?:\*\d+ )?`), "2006/01/02 15:04:05", true, ""},
	{Proxy, lazyregexp.New(`^\[\w{3} (?P<t>\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)? \d{4})\] \[(?P<h>\w*):?(?P<s>\w+)\] (?:\[pid \d+[^\]]*\] )?(?:\[(?:client|remote) [^\]]*\] )?`), "Jan _2 15:04:05.999999 2006", true, ""},
	{System, lazyregexp.New(`^[A-Z], \[(?P<t>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+ #\d+\]\s+(?P<s>\w+) -- ?\w*: `), "2006-01-02T15:04:05", true, ""},
	{Event, lazyregexp.New(`^\[(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\]\[environment:[^\]]*\] `), "2006-01-02 15:04:05", true, ""},
	{Event, lazyregexp.New(`^(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? \+0000 UTC(?: \(e-\w+\))? ?: `), "2006-01-02 15:04:05", true, "ERROR"},
	{Event, lazyregexp.New(`^(?P<t>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?P<z>(?:\.\d+)?(?:Z| ?(?:UTC|\(UTC\))?[+-]\d\d:?\d\d| UTC| \(UTC\)))?[\s|]+(?P<s>` + levelWords + `)\b[\s|:]+`), "2006-01-02 15:04:05", true, ""},
	{Event, lazyregexp.New(`^(?P<t>(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2}, \d{4} \d\d:\d\d:\d\d)(?P<z> \(UTC[^)]*\))[\s|]+(?P<s>` + levelWords + `)\b[\s|:]+`), "January 2, 2006 15:04:05", false, ""},
	// dates of other languages and orders, of which only the zone is sure
	{Event, lazyregexp.New(`^[^|\t\n]{8,45}(?:UTC[+-]\d{1,4}|\(UTC[^)]*\))[\s|]+(?P<s>` + levelWords + `)\b[\s|]+`), "", false, ""},
	{Event, lazyregexp.New(`^(?P<t>\d\d:\d\d:\d\d) (?P<s>` + levelWords + `): `), "15:04:05", true, ""},
	{Event, lazyregexp.New(`^\s*(?:\S+: )?(?P<s>ERROR): (?P<h>\w+(?:Error|Exception)) - `), "", true, ""},
	{Event, lazyregexp.New(`^(?:\S+: )?An error occurred \((?P<h>\w+)\) when calling the (?:\w+Environment|\w+ApplicationVersion|\w+Application|\w+ConfigurationTemplate|\w+Stack|\w+ChangeSet) operation: `), "", true, "ERROR"},
	{Event, lazyregexp.New(`^\s*(?:Env Event: )`), "", false, ""},
	{Event, lazyregexp.New(`^\s*(?P<s>INFO|WARN|ERROR|FATAL):? {1,8}(?P<x>` + eventWords + `)`), "", true, ""},
	{Access, lazyregexp.New(`^\S+ \S+ \S+ \[(?P<t>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "`), "02/Jan/2006:15:04:05 -0700", false, ""},
	{System, lazyregexp.New(`^(?P<t>\w{3} [ \d]\d \d\d:\d\d:\d\d) \S+ (?P<h>[\w./@()-]+)(?:\[\d+\])?: `), "Jan _2 15:04:05", false, ""},
}

// instanceID is how an entry names its instance.
var instanceID = lazyregexp.New(`\bi-[0-9a-f]{8}(?:[0-9a-f]{9})?\b`)

// shipperRoom is how far in a line an entry may begin behind what a log
// shipper put in front, in bytes.
const shipperRoom = 200

// headOf reads how a line begins; the record's Text is what follows. ok is
// false when the line is none of the forms.
func headOf(line string) (r Record, ok bool) {
	if r, ok = headAt(line, false); ok {
		if r.Kind == System && r.Head != "" { // a shipper may have put its own line around one
			if in, ok := headAt(r.Text, true); ok && in.Kind != Event && in.Kind != System {
				return in, true
			}
		}
		return r, true
	}
	end := min(len(line), shipperRoom)
	for i := 1; i < end; i++ {
		if starts(line[i]) && !wordByte(line[i-1]) {
			if r, ok = headAt(line[i:], true); ok {
				r.Instance = instanceID.FindString(line[:i])
				return r, true
			}
		}
	}
	return r, false
}

// starts tells bytes with which a form that is found inside a line begins.
func starts(c byte) bool { return c == '[' || c >= '0' && c <= '2' || c == 'E' || c == 'A' }

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '/' || c == '.'
}

func headAt(line string, inside bool) (r Record, ok bool) {
	for _, f := range forms {
		if inside && !f.shipped {
			continue
		}
		m := f.head.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		r = Record{Kind: f.kind, Severity: f.level}
		from := m[1]
		for i, name := range f.head.SubexpNames() {
			if i == 0 || m[2*i] < 0 {
				continue
			}
			part := line[m[2*i]:m[2*i+1]]
			switch name {
			case "t":
				r.Time = when(f.layout, part)
			case "z":
				r.Time = r.Time.Add(-offset(part))
			case "s":
				r.Severity = severity(part)
			case "h":
				r.Head = part
			case "x":
				from = m[2*i]
			}
		}
		r.Text = line[from:]
		if f.kind == Event || f.kind == Access {
			r.Instance = instanceID.FindString(r.Text)
		}
		return r, true
	}
	return r, false
}

// when reads a time; one that says no zone is taken for UTC, in which the
// platforms log.
func when(layout, s string) time.Time {
	if layout == "" {
		return time.Time{}
	}
	if strings.HasPrefix(layout, "2006-01-02 ") && len(s) > 10 && s[10] == 'T' {
		s = s[:10] + " " + s[11:]
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

var zone = lazyregexp.New(`([+-])(\d\d):?(\d\d)`)

// offset is how far a zone's clock is ahead of UTC, for "UTC+0200" and the like.
func offset(s string) time.Duration {
	m := zone.FindStringSubmatch(s)
	if m == nil {
		return 0
	}
	h, _ := strconv.Atoi(m[2])
	min, _ := strconv.Atoi(m[3])
	d := time.Duration(h)*time.Hour + time.Duration(min)*time.Minute
	if m[1] == "-" {
		return -d
	}
	return d
}

// severity is one word for each level, in capitals.
func severity(s string) string {
	s = strings.ToUpper(s)
	if s == "WARNING" {
		return "WARN"
	}
	return s
}
