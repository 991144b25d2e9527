package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// fetchNote lists the files that are not fetched.
func fetchNote(cs []*access.Chain, shown source.Pos) []finding.Note {
	n := finding.Note{Label: "fetch"}
	var targets []string
	for _, c := range cs {
		targets = append(targets, fmt.Sprintf("%q", fact.Show(c.Fetch.Target)))
		n.At = append(n.At, c.Fetch.URLAt)
	}
	n.Text = joined(targets) + " cannot be fetched"
	n.At = without(n.At, shown)
	return []finding.Note{n}
}

// nameNote says which value roleName takes and where it comes from, where that
// matters: up to the role's own policies.
func nameNote(c *access.Chain) []finding.Note {
	role := c.Fetch.Signer.Role
	if c.Fetch.Signer.Kind != access.RoleKeys || role == nil {
		return nil
	}
	switch c.Cause().Name {
	case access.Name, access.Profile, access.Metadata, access.Trust, access.Identity:
	default:
		return nil
	}
	n := finding.Note{Label: "name", Text: fmt.Sprintf("%q", fact.Show(role.Text))}
	if !fact.Known(role.Text) && len(fact.Missing(role.Text)) <= 1 && strings.HasSuffix(fact.Show(role.Text), "…") {
		n.Text += ", a name that " + inventor(role) + " makes up"
	}
	if len(role.From) == 0 {
		n.At = []source.Pos{role.Pos}
	} else {
		n.Text += ", from " + role.From[0].What + plannedBy(role)
	}
	for _, o := range role.From {
		n.At = appendPlace(n.At, o.Pos)
	}
	return []finding.Note{n}
}

// inventor is who makes up names where the value comes from: the origins in a
// Terraform plan are addresses.
func inventor(n *source.Node) string {
	if plannedBy(n) != "" {
		return "Terraform"
	}
	return "CloudFormation"
}

// plannedBy is the Terraform resource that gives the value, as " of ADDRESS":
// a plan stands on one line, in which a place says little.
func plannedBy(n *source.Node) string {
	for _, o := range n.From {
		if strings.Contains(o.What, "aws_") {
			return " of " + o.What
		}
	}
	return ""
}

// profileNote says which role the instances' profile holds, where that
// matters: up to the trust policy.
func profileNote(c *access.Chain) []finding.Note {
	switch c.Cause().Name {
	case access.Name, access.Profile, access.Metadata, access.Trust:
		if l := c.Link(access.Profile); l != nil && l.Says != "" && l != c.Cause() {
			n := finding.Note{Label: "profile", Text: fact.Show(l.Says)}
			for _, at := range heldPlaces(c) {
				n.At = appendPlace(n.At, at)
			}
			return []finding.Note{n}
		}
	}
	return nil
}

// heldPlaces are where the instances' profile and its role are declared.
func heldPlaces(c *access.Chain) []source.Pos {
	if c.World.Profile == nil {
		return nil
	}
	p, found := c.World.Account.Profile(c.World.Profile.Text)
	if found != fact.Holds {
		return nil
	}
	out := []source.Pos{p.Pos, p.NamePos}
	if len(p.Roles) == 1 {
		if role, found := c.World.Account.Role(p.Roles[0]); found == fact.Holds {
			out = append(out, role.Pos, role.NamePos)
		}
	}
	return out
}

// linksNotes say what is ruled out and what is not known.
func linksNotes(c *access.Chain) []finding.Note {
	holds, unknown := links(c, fact.Holds), links(c, fact.Unknown)
	var out []finding.Note
	if len(holds) > 0 {
		out = append(out, finding.Note{Label: "ruled out", Text: strings.Join(holds, ", ")})
	}
	for i := range c.Links {
		if l := &c.Links[i]; l.Verdict == fact.Holds && l.Except != "" {
			out = append(out, finding.Note{Label: "but", Text: l.Except})
		}
	}
	if len(unknown) > 0 {
		out = append(out, finding.Note{Label: "not known", Text: strings.Join(unknown, ", ")})
	}
	return out
}

// behind are broken links that do not follow from the cause: where nobody gets
// credentials, what these would open is a question of its own, and mending the
// cause alone would only lead there.
func behind(c *access.Chain) []finding.Note {
	switch c.Cause().Name {
	case access.Authentication, access.Name, access.Profile, access.Metadata:
	default:
		return nil
	}
	var out []finding.Note
	for _, l := range c.Links {
		switch l.Name {
		case access.Trust, access.Identity, access.Bucket, access.Object, access.Network:
			if l.Verdict == fact.Broken {
				out = append(out, finding.Note{Label: "and then", Text: l.Says, At: l.At})
			}
		}
	}
	return out
}

// onAWS is what the user would see there: how long it takes, and the text.
func onAWS(c *access.Chain) string {
	reason, _, _ := strings.Cut(c.Answer.Reason, "\n")
	if reason == "" {
		return ""
	}
	return waiting(c.Answer) + ` "` + fact.Show(reason) + `"`
}

// waiting is how long the agent tries: its pauses before attempt i are random
// below min(20, 2^i − 1) seconds, 5 attempts for a file and 10 for each
// fetch of credentials inside [cb:util.py].
func waiting(a access.Answer) string {
	switch {
	case a.From == access.FromNetwork && strings.Contains(a.Reason, "timed out"):
		// Linux gives up connecting after 127 s (tcp_syn_retries 6), five times
		return "about 11 minutes of connecting, if the command's timeout lets it, then"
	case a.MetadataCalls > 10:
		return "about 5 minutes of retries, then"
	case a.MetadataCalls > 1 || a.ServerCalls > 1:
		return "some seconds of retries, then"
	}
	return "at once:"
}

func appendPlace(at []source.Pos, p source.Pos) []source.Pos {
	for _, q := range at {
		if q == p {
			return at
		}
	}
	if !p.IsValid() {
		return at
	}
	return append(at, p)
}

func without(at []source.Pos, p source.Pos) []source.Pos {
	var out []source.Pos
	for _, q := range at {
		if q != p {
			out = appendPlace(out, q)
		}
	}
	return out
}

// pointAt gives a finding the end of the value that it is about; one about a
// call of a function, which may stand lines below its key, moves to the key.
func (r *run) pointAt(f *finding.Finding) {
	for _, file := range r.x.Files {
		if file.Name != f.Pos.File {
			continue
		}
		if key, value := fieldAt(file.Root, f.Pos); value != nil && value.Kind == source.Map {
			f.Pos, f.End = key.Pos, key.End
		} else if value != nil && !f.End.IsValid() {
			f.End = value.End
		}
		return
	}
}

// fieldAt is the entry whose value is a text, or a call of a function, and
// stands at a place.
func fieldAt(n *source.Node, at source.Pos) (key, value *source.Node) {
	if n == nil {
		return nil, nil
	}
	for _, it := range n.Items {
		if k, v := fieldAt(it, at); v != nil {
			return k, v
		}
	}
	for _, f := range n.Fields {
		if f.Value != nil && f.Value.Pos == at && (f.Value.IsScalar() || isCall(f.Value)) {
			return f.Key, f.Value
		}
		if k, v := fieldAt(f.Value, at); v != nil {
			return k, v
		}
	}
	return nil, nil
}

func isCall(n *source.Node) bool {
	if len(n.Fields) != 1 {
		return false
	}
	k := n.Fields[0].Key.Text
	return k == "Ref" || strings.HasPrefix(k, "Fn::")
}
