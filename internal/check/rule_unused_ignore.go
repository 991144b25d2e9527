package check

import "beanpole/internal/finding"

var unusedIgnore = &Rule{
	Slug:  "unused-ignore",
	Title: "a comment silences nothing",
	Why: `A comment "# beanpole:ignore RULE reason" silences what a rule finds on its own
line, or on the next one where the comment has its line for itself. A finding
that has no line is silenced by such a comment anywhere in its file. One that
names no rule, gives no reason, or stands where its rule finds nothing any more
would hide a later mistake from whoever reads the file.`,
	Before: `# beanpole:ignore duplicate-key
option_settings:`,
	After: `# beanpole:ignore duplicate-key both blocks are written by a generator
option_settings:`,
	Since: "0.1.0",

	review: func(r *run, _ []*finding.Finding) []*finding.Finding { return r.idle() },
}
