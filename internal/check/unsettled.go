package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

// maxMissing keeps the list of what would settle a fetch readable.
const maxMissing = 6

// unsettled are the questions about fetches that the input leaves open.
func (r *run) unsettled() []*finding.Finding {
	out := unsettled(r.chains)
	for _, f := range out {
		r.pointAt(f)
	}
	return out
}

// unsettled are the fetches of which no link is broken and some are not known.
// Fetches that lack the same links are told together.
func unsettled(chains []*access.Chain) []*finding.Finding {
	var order []string
	groups := map[string][]*access.Chain{}
	for _, c := range chains {
		open := strings.Join(links(c, fact.Unknown), ", ")
		if c.Cause() != nil || open == "" {
			continue
		}
		if groups[open] == nil {
			order = append(order, open)
		}
		groups[open] = append(groups[open], c)
	}
	var out []*finding.Finding
	for _, open := range order {
		out = append(out, question(groups[open]))
	}
	return out
}

// question asks for the inputs that would settle fetches.
func question(cs []*access.Chain) *finding.Finding {
	f := &finding.Finding{Severity: finding.Unknown, Pos: cs[0].Fetch.URLAt}
	var targets []string
	for _, c := range cs {
		targets = append(targets, fmt.Sprintf("%q", fact.Show(c.Fetch.Target)))
	}
	f.Message = "whether " + targets[0] + " can be fetched"
	if len(cs) > 1 {
		f.Message = fmt.Sprintf("whether %d files can be fetched", len(cs))
		n := finding.Note{Label: "fetch", Text: joined(targets)}
		for _, c := range cs[1:] {
			n.At = appendPlace(n.At, c.Fetch.URLAt)
		}
		f.Notes = append(f.Notes, n)
	}
	f.Notes = append(f.Notes, linksNotes(cs[0])...)
	missing := missing(cs)
	if n := len(missing); n > maxMissing {
		missing = append(missing[:maxMissing], fmt.Sprintf("and %d more", n-maxMissing))
	}
	for i, m := range missing {
		n := finding.Note{Text: "- " + m}
		if i == 0 {
			n.Label = "it takes"
		}
		f.Notes = append(f.Notes, n)
	}
	return f
}

// missing is what would settle fetches, in the order of their links.
func missing(cs []*access.Chain) (out []string) {
	for i := range cs[0].Links {
		for _, c := range cs {
			l := c.Links[i]
			m := fact.Show(l.Missing)
			if l.Verdict != fact.Unknown || m == "" || slices.Contains(out, m) {
				continue
			}
			if l.Name == access.Name && c.World.ProfileUnknown != "" && m == optionName {
				continue // the link after it asks for the same, and says how
			}
			out = append(out, m)
		}
	}
	return out
}

// links are the names of a chain's links that have a verdict.
func links(c *access.Chain, v fact.Verdict) (names []string) {
	for _, l := range c.Links {
		if l.Verdict == v {
			names = append(names, string(l.Name))
		}
	}
	return names
}

// joined is a list as people write it.
func joined(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
