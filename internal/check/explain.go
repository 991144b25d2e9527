package check

import (
	"fmt"
	"slices"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

// Explain says why a fetch fails: the first broken link is the cause, the
// links that hold are ruled out. It is nil when no link is broken.
func Explain(c *access.Chain) *finding.Finding {
	rule := ruleOf(c)
	if rule == nil {
		return nil
	}
	return explain(rule, []*access.Chain{c})
}

func ruleOf(c *access.Chain) *Rule {
	if c.Cause() == nil {
		return nil
	}
	for _, r := range rules {
		if r.claims != nil && r.claims(c) {
			return r
		}
	}
	return nil
}

// broken are the findings of all broken chains. Fetches that fail by the same
// cause are one finding.
func (r *run) broken() []*finding.Finding {
	type key struct{ slug, group string }
	var order []key
	groups := map[key][]*access.Chain{}
	for i, c := range r.chains {
		rule := ruleOf(c)
		if rule == nil {
			continue
		}
		k := key{rule.Slug, fmt.Sprint(i)}
		if rule.group != nil {
			k.group = rule.group(c)
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], c)
	}
	var out []*finding.Finding
	for _, k := range order {
		rule := Lookup(k.slug)
		f := explain(rule, groups[k])
		r.pointAt(f)
		if rule.fix != nil {
			f.Fixes = rule.fix(r, groups[k][0])
			offer(f)
		}
		out = append(out, f)
	}
	return out
}

// offer names the command that mends a finding, above the way by hand.
func offer(f *finding.Finding) {
	if len(f.Fixes) == 0 {
		return
	}
	command := finding.Note{Label: "fix", Text: "beanpole fix --rule " + f.Rule, Command: true}
	at := slices.IndexFunc(f.Notes, func(n finding.Note) bool { return n.Label == "fix" })
	if at < 0 {
		f.Notes = append(f.Notes, command)
		return
	}
	f.Notes[at].Label, f.Notes[at].Text = "", "or "+f.Notes[at].Text
	f.Notes = slices.Insert(f.Notes, at, command)
}

// explain makes the finding of chains that fail by the same cause.
func explain(rule *Rule, cs []*access.Chain) *finding.Finding {
	c := cs[0]
	cause := c.Cause()
	f := &finding.Finding{
		Rule: rule.Slug, Severity: finding.Error, Certain: certain(c),
		Pos: c.Fetch.URLAt, Message: consequence(c),
	}
	own := &finding.Finding{}
	rule.explain(c, own)
	if own.Pos.IsValid() {
		f.Pos, f.End = own.Pos, own.End
	}
	if own.Message != "" {
		f.Message += ": " + own.Message
	}
	if missing := firstUnknown(c); !f.Certain && missing != "" {
		f.Message += "; not known: " + missing
	}
	f.Notes = append(f.Notes, fetchNote(cs, f.Pos)...)
	f.Notes = append(f.Notes, nameNote(c)...)
	f.Notes = append(f.Notes, profileNote(c)...)
	if !hasLabel(own.Notes, "cause") {
		f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: cause.Says, At: without(cause.At, f.Pos)})
	}
	fix := slices.IndexFunc(own.Notes, func(n finding.Note) bool { return n.Label == "fix" })
	if fix < 0 {
		fix = len(own.Notes)
	}
	f.Notes = append(f.Notes, own.Notes[:fix]...)
	f.Notes = append(f.Notes, linksNotes(c)...)
	if on := onAWS(c); on != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: on})
	}
	f.Notes = append(f.Notes, own.Notes[fix:]...)
	said := map[string]bool{}
	for _, c := range cs {
		for _, n := range behind(c) {
			if !said[n.Text] {
				f.Notes = append(f.Notes, n)
			}
			said[n.Text] = true
		}
	}
	return f
}

func hasLabel(ns []finding.Note, label string) bool {
	for _, n := range ns {
		if n.Label == label {
			return true
		}
	}
	return false
}

// certain: the fetch fails in any case, since its end is known, or since
// nothing before the cause is unknown.
func certain(c *access.Chain) bool {
	if c.Answer.Verdict == fact.Broken {
		return true
	}
	for i := range c.Links {
		switch c.Links[i].Verdict {
		case fact.Broken:
			return true
		case fact.Unknown:
			return false
		}
	}
	return false
}

// firstUnknown is what is missing before the cause.
func firstUnknown(c *access.Chain) string {
	for i := range c.Links {
		l := &c.Links[i]
		switch l.Verdict {
		case fact.Broken:
			return ""
		case fact.Unknown:
			if l.Missing != "" {
				return fact.Show(l.Missing)
			}
			return string(l.Name)
		}
	}
	return ""
}

// consequence is what AWS does, in its words.
func consequence(c *access.Chain) string {
	verb := "will"
	if !certain(c) {
		verb = "may"
	}
	a := c.Answer
	switch {
	case a.Verdict != fact.Broken, a.From == access.FromAgent, a.From == access.FromNetwork, a.From == "":
		return fmt.Sprintf("the fetch %s fail", verb)
	case a.Status == 0:
		return fmt.Sprintf("%s %s refuse", a.From, verb)
	case a.Code != "":
		return fmt.Sprintf("%s %s answer %d %s", a.From, verb, a.Status, a.Code)
	}
	return fmt.Sprintf("%s %s answer %d", a.From, verb, a.Status)
}
