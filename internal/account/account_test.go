package account

import (
	"testing"

	"beanpole/internal/fact"
)

func TestLookupsTellAbsentFromUnknown(t *testing.T) {
	made := "shop-Role-" + fact.Generated("r")
	a := &Account{
		Roles:   []*Role{{Name: "ec2", ARN: "arn:aws:iam::1:role/team/ec2"}, {Name: made, ARN: "arn:aws:iam::1:role/" + made}},
		Buckets: []*Bucket{{Name: "Old_Bucket"}, {Name: "certs"}},
	}
	for _, c := range []struct {
		name           string
		complete, open fact.Verdict // of a complete account, and of one that is not
	}{
		{"ec2", fact.Holds, fact.Holds},
		{"EC2", fact.Holds, fact.Holds},
		{"arn:aws:iam::1:role/team/ec2", fact.Holds, fact.Holds},
		{"arn:aws:iam::1:role/ec2", fact.Broken, fact.Unknown},
		{made, fact.Holds, fact.Holds},
		{"shop-Role-X", fact.Broken, fact.Unknown},
		{fact.Symbol("name"), fact.Unknown, fact.Unknown},
		{"", fact.Broken, fact.Broken},
	} {
		for complete, want := range map[bool]fact.Verdict{true: c.complete, false: c.open} {
			a.Complete = complete
			r, v := a.Role(c.name)
			if v != want || (r != nil) != (v == fact.Holds) {
				t.Errorf("Role(%q), complete %t: %v, want %v", fact.Show(c.name), complete, v, want)
			}
		}
	}
	a.Complete = true
	if _, v := a.Bucket("old_bucket"); v != fact.Broken {
		t.Errorf("letter case counts in a bucket's name: %v", v)
	}
	a.Roles = append(a.Roles, &Role{Name: fact.Symbol("parameter Role")})
	if _, v := a.Role("somebody"); v != fact.Unknown {
		t.Errorf("a role whose name is not known may be it: %v", v)
	}
}
