package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var listMatchesNothing = &Rule{
	Slug:  "list-matches-nothing",
	Title: "an authentication lists what no fetch can match",
	Why: `Without a name the agent chooses an authentication by its lists. "buckets" are whole
bucket names, each an item of the list: names joined by commas in one text are one
name that no bucket has. "uris" of a basic authentication are hosts, as they stand in
the URL: the agent compares "www.example.com" and no scheme or path, whatever AWS's
guide says. A block that matches nothing signs only for files that name it.`,
	Before: `buckets: certs,tools
uris: [https://www.example.com]`,
	After: `buckets: [certs, tools]
uris: [www.example.com]`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		if r.plan == nil {
			return nil
		}
		var out []*finding.Finding
		for _, b := range r.plan.Auth {
			if r.namedOnly(b.Name) {
				continue
			}
			var text, fix string
			for _, name := range b.Buckets {
				if fact.Known(name) && strings.Contains(name, ",") {
					text = fmt.Sprintf("buckets of %q are one text, %q, which is the name of no bucket", b.Name, name)
					fix = "write   buckets: [" + strings.Join(strings.FieldsFunc(name, func(c rune) bool { return c == ',' || c == ' ' }), ", ") + "]"
				}
			}
			for _, uri := range b.URIs {
				if scheme, rest, ok := strings.Cut(uri, "://"); ok && fact.Known(scheme) && b.Kind == access.Basic {
					host, _, _ := strings.Cut(rest, "/")
					text = fmt.Sprintf("uris of %q list %q, but the agent compares the bare host of a URL", b.Name, fact.Show(uri))
					fix = "write   " + fact.Show(host)
				}
			}
			if text == "" {
				continue
			}
			out = append(out, &finding.Finding{
				Rule: "list-matches-nothing", Severity: finding.Warning, Certain: true, Pos: b.Pos,
				Message: "no fetch will be signed by this list: " + text,
				Notes:   []finding.Note{{Label: "fix", Text: fix}},
			})
		}
		return out
	},
}

// namedOnly: every fetch that the block could be for asks for it by name, so
// that its lists do not matter.
func (r *run) namedOnly(block string) bool {
	named := false
	for _, c := range r.chains {
		s := &c.Fetch.Signer
		if s.Kind == access.Nobody {
			return false
		}
		named = named || s.ByName && s.Block == block
	}
	return named
}
