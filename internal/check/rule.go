package check

import (
	"slices"

	"beanpole/internal/access"
	"beanpole/internal/finding"
)

// Rule is one kind of mistake, with its documentation.
type Rule struct {
	Slug  string
	Title string
	Why   string // what AWS does with it, and how it looks
	// Before and After are the mistake and its mending, as a user writes them.
	Before, After string
	Since         string // version of beanpole that first had the rule

	// find reads the whole input; nil for rules that only claim chains.
	find func(*run) []*finding.Finding
	// review looks at what all other rules found, and adds to it.
	review func(*run, []*finding.Finding) []*finding.Finding
	// claims tells whether a broken chain is this rule's. The first rule of
	// the list that claims a chain explains it.
	claims func(*access.Chain) bool
	// explain fills in what is this rule's own: place, message, cause, fix.
	explain func(*access.Chain, *finding.Finding)
	// group is the cause that several fetches can share; "": each its own.
	group func(*access.Chain) string
	// fix works out the ways to mend it; nil: none.
	fix func(*run, *access.Chain) []finding.Fix
}

// Group is the rules about one part of a deployment.
type Group struct {
	Title string
	Rules []*Rule
}

// groups are all groups but the one whose rules look at what all found. Of the
// rules that claim chains the more exact one stands before the more general
// one; the last claims whatever is left.
var groups = []Group{
	{"Reading configuration files", readingRules},
	{"The source bundle and its hooks", bundleRules},
	{"Commands and files at their time", stageRules},
	{"Generations of Amazon Linux", platformRules},
	{"Option settings", optionRules},
	{"Instance profiles and roles", profileRules},
	{"Load balancers, listeners, security groups", balancerRules},
	{"The proxy, certificates and keys", tlsRules},
	{"Fetches and who signs them", accessRules},
}

var rules = func() (all []*Rule) {
	for _, g := range groups {
		all = append(all, g.Rules...)
	}
	return all
}()

// Groups are all rules by what they are about.
func Groups() []Group {
	return append(slices.Clone(groups), Group{"The check itself", reviewRules})
}

// Those that look at what all found name other rules, so they join last.
func init() { rules = append(rules, reviewRules...) }

// Rules are all rules, sorted by slug.
func Rules() []*Rule {
	out := slices.Clone(rules)
	slices.SortFunc(out, func(a, b *Rule) int {
		if a.Slug < b.Slug {
			return -1
		}
		return 1
	})
	return out
}

// Lookup finds a rule by slug, nil when there is none.
func Lookup(slug string) *Rule {
	for _, r := range rules {
		if r.Slug == slug {
			return r
		}
	}
	return nil
}
