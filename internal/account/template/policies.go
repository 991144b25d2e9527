package template

import (
	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

// inlinePolicy is a policy that is a resource of its own and goes into roles
// and users. AWS::IAM::Policy lists them, the newer types name one.
func (f *filler) inlinePolicy(r *cfn.Resource) {
	name := "inline policy " + fact.Show(r.Properties.Get("PolicyName").TextOr(r.LogicalID))
	p := f.policy(name, iam.ForIdentity, r.Properties.Get("PolicyDocument"))
	if unsure(r) {
		p = nil
	}
	roles, unsureRoles := names(r, "Roles", "RoleName")
	users, unsureUsers := names(r, "Users", "UserName")
	for _, x := range f.a.Roles {
		switch concerns(roles, unsureRoles, x.Name) {
		case fact.Holds:
			x.Inline, x.PoliciesUnknown = added(x.Inline, x.PoliciesUnknown, p, name)
		case fact.Unknown:
			x.PoliciesUnknown = append(x.PoliciesUnknown, "whether "+name+" belongs to the role")
		}
	}
	for _, x := range f.a.Users {
		switch concerns(users, unsureUsers, x.Name) {
		case fact.Holds:
			x.Inline, x.PoliciesUnknown = added(x.Inline, x.PoliciesUnknown, p, name)
		case fact.Unknown:
			x.PoliciesUnknown = append(x.PoliciesUnknown, "whether "+name+" belongs to the user")
		}
	}
}

func added(ps []*iam.Policy, unknown []string, p *iam.Policy, name string) ([]*iam.Policy, []string) {
	if p == nil {
		return ps, append(unknown, name)
	}
	return append(ps, p), unknown
}

// unsure reports that it is not known whether a resource, or all that it says,
// will be there.
func unsure(r *cfn.Resource) bool { return r.Created == fact.Unknown || r.Open() != "" }

// nested doubts what a template inside this one is told of: it may give the
// role policies, and the bucket one.
func (f *filler) nested(r *cfn.Resource) {
	told := map[string]bool{}
	hears(r.Properties, told)
	for _, x := range f.a.Roles {
		if told[x.Name] || told[x.ARN] {
			x.PoliciesUnknown = append(x.PoliciesUnknown, "what nested stack "+r.LogicalID+" adds to the role")
		}
	}
	for _, b := range f.a.Buckets {
		if told[b.Name] && b.Policy == nil && b.PolicyUnknown == "" {
			b.PolicyUnknown = "whether nested stack " + r.LogicalID + " gives the bucket a policy"
		}
	}
}

// hears collects every text in n.
func hears(n *source.Node, into map[string]bool) {
	if n == nil {
		return
	}
	if s, ok := n.Str(); ok {
		into[s] = true
	}
	for _, i := range n.Items {
		hears(i, into)
	}
	for _, f := range n.Fields {
		hears(f.Value, into)
	}
}

// managedPolicy is a policy with an ARN; it may attach itself to roles and users.
func (f *filler) managedPolicy(r *cfn.Resource) {
	arn := r.PhysicalID
	name := r.Properties.Get("ManagedPolicyName").TextOr(r.LogicalID)
	p := f.policy("managed policy "+fact.Show(name), iam.ForIdentity, r.Properties.Get("PolicyDocument"))
	if unsure(r) {
		p = nil
	}
	f.a.Managed = append(f.a.Managed, &account.Managed{ARN: arn, Name: name, Pos: r.Pos, Policy: p})
	roles, unsureRoles := names(r, "Roles", "")
	users, unsureUsers := names(r, "Users", "")
	for _, x := range f.a.Roles {
		switch concerns(roles, unsureRoles, x.Name) {
		case fact.Holds:
			x.Attached = append(x.Attached, arn)
		case fact.Unknown:
			x.PoliciesUnknown = append(x.PoliciesUnknown, "whether managed policy "+r.LogicalID+" is attached to the role")
		}
	}
	for _, x := range f.a.Users {
		switch concerns(users, unsureUsers, x.Name) {
		case fact.Holds:
			x.Attached = append(x.Attached, arn)
		case fact.Unknown:
			x.PoliciesUnknown = append(x.PoliciesUnknown, "whether managed policy "+r.LogicalID+" is attached to the user")
		}
	}
}

// names are the texts of a property that lists names, or of one that holds a
// single name.
func names(r *cfn.Resource, many, one string) (texts []string, unsure bool) {
	if s, ok := r.Properties.Get(one).Str(); ok {
		return []string{s}, false
	}
	texts, unknown := list(r.Properties.Get(many), many)
	return texts, len(unknown) > 0 || r.Open() != ""
}

// concerns tells whether name is one of a list of which a part may be unknown.
func concerns(list []string, unsure bool, name string) fact.Verdict {
	v := fact.Broken
	if unsure {
		v = fact.Unknown
	}
	for _, x := range list {
		v = fact.Any(v, fact.Equal(fact.Lower(x), fact.Lower(name)))
	}
	return v
}

// bucketPolicy goes to the bucket of that name. One for a bucket that the
// template does not create says that this bucket exists, in the stack's region:
// CloudFormation reaches no other.
func (f *filler) bucketPolicy(r *cfn.Resource) {
	n := r.Properties.Get("Bucket")
	name, ok := n.Str()
	p := f.policy("bucket policy "+r.LogicalID, iam.ForResource, r.Properties.Get("PolicyDocument"))
	unreadable := ""
	switch {
	case unsure(r):
		p, unreadable = nil, "whether bucket policy "+r.LogicalID+" is created as it stands here"
	case p == nil:
		unreadable = "bucket policy " + r.LogicalID
	}
	found := false
	for _, b := range f.a.Buckets {
		v := fact.Unknown
		if ok {
			v = fact.Equal(b.Name, name)
		}
		switch v {
		case fact.Holds:
			b.Policy, b.PolicyUnknown, found = p, unreadable, true
		case fact.Unknown:
			b.PolicyUnknown = "whether bucket policy " + r.LogicalID + " is for this bucket"
		}
	}
	if ok && !found {
		f.a.Buckets = append(f.a.Buckets, &account.Bucket{
			Name: name, Region: f.a.Region, Policy: p, PolicyUnknown: unreadable, Pos: n.Place(), NamePos: n.Place(),
		})
	}
}

// awsManaged adds AWS's own policies that the template names.
func (f *filler) awsManaged() {
	add := func(arn string) {
		if _, v := f.a.Policy(arn); v == fact.Holds || arn == "" {
			return
		}
		if p, ok := iam.AWSManaged(arn); ok {
			f.a.Managed = append(f.a.Managed, &account.Managed{ARN: arn, Name: p.Name, Policy: p})
		}
	}
	for _, r := range f.a.Roles {
		for _, arn := range append(r.Attached[:len(r.Attached):len(r.Attached)], r.Boundary) {
			add(arn)
		}
	}
	for _, u := range f.a.Users {
		for _, arn := range append(u.Attached[:len(u.Attached):len(u.Attached)], u.Boundary) {
			add(arn)
		}
	}
}
