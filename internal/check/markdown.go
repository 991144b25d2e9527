package check

import "strings"

// Markdown is the rule's documentation as a page.
func (r *Rule) Markdown() string {
	var b strings.Builder
	b.WriteString("# " + r.Slug + "\n\n" + r.Title + "\n\n")
	code := false
	for line := range strings.Lines(r.Why + "\n") {
		line = strings.TrimRight(line, "\n")
		if quoted := strings.HasPrefix(line, "  "); quoted != code {
			code = quoted
			b.WriteString("```\n")
		}
		b.WriteString(strings.TrimPrefix(line, "  ") + "\n")
	}
	if code {
		b.WriteString("```\n")
	}
	b.WriteString("\n## Before\n\n```\n" + r.Before + "\n```\n\n## After\n\n```\n" + r.After + "\n```\n\n")
	b.WriteString("Since " + r.Since + ". A comment `# beanpole:ignore " + r.Slug + " reason` on the finding's line, or\non the line above it, silences one.\n")
	return b.String()
}
