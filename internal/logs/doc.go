// Package logs reads what a person has at hand of a deployment: events as the
// console, the EB CLI and the AWS CLI print them, and the log files of the
// instances, cut, wrapped or shipped. It knows what a line is by its content,
// never by a file's name, and says nothing about causes. What it could not read
// is listed (Reading.Unread), so that nobody takes it for clean.
package logs

import "time"

// Kind is what wrote a record.
type Kind string

const (
	Event       Kind = "event"        // of an environment
	StackEvent  Kind = "stack event"  // of a CloudFormation stack
	Activity    Kind = "eb-activity"  // and eb-commandprocessor, of the Amazon Linux AMI
	Engine      Kind = "eb-engine"    // and eb-hooks, since Amazon Linux 2
	Init        Kind = "cfn-init"     // and cfn-wire, cfn-hup
	InitCommand Kind = "cfn-init-cmd" // output of commands
	Proxy       Kind = "proxy error"  // nginx or httpd
	Access      Kind = "proxy access" // a request and its status
	CloudInit   Kind = "cloud-init"
	System      Kind = "syslog" // and web.stdout.log
	Plain       Kind = "text"   // nothing known
)

// Record is one entry with the lines that belong to it.
type Record struct {
	Kind Kind
	// File is the name as given, with the path inside an archive or of a block
	// of tail logs; Line is where the entry begins, from 1.
	File string
	Line int
	Time time.Time // zero: the entry has none; without a zone it counts as UTC
	// Severity is in capitals, "" where the entry has none.
	Severity string
	Instance string // EC2 instance ID, "" when the entry names none
	// Head is what stands between time and text, for instance an activity's path.
	Head string
	// Text is the message; lines that continue it follow a newline each.
	Text string
	// Joined is Text with the line ends of a terminal's wrapping taken out, ""
	// where nothing was wrapped.
	Joined string
}

// Reading is all that was read, in the order of the sources.
type Reading struct {
	Records []*Record
	// Lines and Bytes of all sources; Skipped are lines without any of the
	// words looked for, in sources too long to be kept whole.
	Lines, Bytes, Skipped int64
	// Unread says what could not be read, a line each.
	Unread []string
}
