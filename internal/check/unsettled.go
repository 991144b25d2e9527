package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
)

// maxMissing keeps a line about unsettled fetches readable.
const maxMissing = 4

// unsettled are lines about the fetches of which no link is broken and some
// are not known. Fetches that lack the same links share a line.
func unsettled(chains []*access.Chain) []string {
	type group struct {
		links            string
		targets, missing []string
	}
	var groups []*group
	for _, c := range chains {
		if c.Cause() != nil {
			continue
		}
		var links, missing []string
		for _, l := range c.Links {
			if l.Verdict == fact.Unknown {
				links = append(links, string(l.Name))
				missing = append(missing, fact.Show(l.Missing))
			}
		}
		if len(links) == 0 {
			continue
		}
		i := slices.IndexFunc(groups, func(g *group) bool { return g.links == strings.Join(links, ", ") })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{links: strings.Join(links, ", ")})
		}
		g := groups[i]
		g.targets = append(g.targets, fact.Show(c.Fetch.Target))
		for _, m := range missing {
			if m != "" && !slices.Contains(g.missing, m) {
				g.missing = append(g.missing, m)
			}
		}
	}
	var out []string
	for _, g := range groups {
		what := "1 fetch"
		if n := len(g.targets); n > 1 {
			what = fmt.Sprintf("%d fetches", n)
		}
		s := fmt.Sprintf("%s could not be settled: %s: not known: %s", what, strings.Join(g.targets, ", "), g.links)
		if n := len(g.missing); n > maxMissing {
			g.missing = append(g.missing[:maxMissing], fmt.Sprintf("and %d more", n-maxMissing))
		}
		if len(g.missing) > 0 {
			s += "; it takes: " + strings.Join(g.missing, "; ")
		}
		out = append(out, s)
	}
	return out
}
