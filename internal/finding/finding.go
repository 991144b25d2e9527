// Package finding is a user's mistake: its place, its consequence in AWS's
// words, its cause, every place that took part, and the fix. It is never a Go
// error: errors are ours, findings are the user's.
package finding

import "beanpole/internal/source"

// Severity of a finding.
type Severity string

const (
	Error   Severity = "error"
	Warning Severity = "warning"
	// Unknown is a question that the input does not settle. It is no mistake,
	// and never counts as one.
	Unknown Severity = "not known"
)

// Finding is one mistake.
type Finding struct {
	Rule     string // slug, for instance "role-name-is-profile"
	Severity Severity
	// Certain: every fact is known. A finding that is not says "may" and names
	// what is missing.
	Certain bool
	Pos     source.Pos
	End     source.Pos
	Message string // the consequence, lower case, no full stop
	Notes   []Note
	Fixes   []Fix
}

// Note is one labelled line below the finding.
type Note struct {
	Label string // "name", "profile", "cause", "ruled out", "on AWS", "fix"
	Text  string
	At    []source.Pos
	// Command: the text is a command line to be copied; where it is wrapped, a
	// shell still takes it for one.
	Command bool
}

// Fix is one way to mend it.
type Fix struct {
	Name  string // short slug of the way
	Title string
	Price string // what applying it costs, "" for nothing
	Edits []source.Edit
}
