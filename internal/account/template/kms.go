package template

import (
	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// key is AWS::KMS::Key. One that a template makes has no grants yet, and
// CloudFormation can make none. [CFN:aws-resource-kms-key]
func (f *filler) key(r *cfn.Resource) {
	k := &account.Key{
		ID: r.PhysicalID, ARN: "arn:" + f.a.Partition + ":kms:" + f.a.Region + ":" + f.a.ID + ":key/" + r.PhysicalID,
		Enabled: flag(r.Properties.Get("Enabled"), fact.Holds), GrantsKnown: true, Pos: r.Pos, Logical: r.LogicalID,
	}
	if n := r.Properties.Get("KeyPolicy"); n != nil {
		if k.Policy = f.policy("the policy of KMS key "+r.LogicalID, iam.ForResource, n); k.Policy == nil {
			k.PolicyUnknown = "the policy of KMS key " + r.LogicalID
		}
	} else { // the default policy leaves all to the account [KMS:key-policy-default]
		k.Policy = f.defaultKeyPolicy(r)
	}
	f.a.Keys = append(f.a.Keys, k)
}

func (f *filler) defaultKeyPolicy(r *cfn.Resource) *iam.Policy {
	p := &iam.Policy{Name: "the default policy of KMS key " + r.LogicalID, Version: "2012-10-17", Pos: r.Pos}
	p.Statements = []*iam.Statement{{Policy: p, Effect: "Allow", Pos: r.Pos,
		Principal: &iam.Principals{AWS: []iam.Term{{Text: "arn:" + f.a.Partition + ":iam::" + f.a.ID + ":root"}}},
		Actions:   []iam.Term{{Text: "kms:*"}}, Resources: []iam.Term{{Text: "*"}}}}
	return p
}

// alias gives a key another name.
func (f *filler) alias(r *cfn.Resource) {
	name, target := r.Properties.Get("AliasName").TextOr(""), r.Properties.Get("TargetKeyId").TextOr("")
	if name == "" || target == "" {
		return
	}
	if k, v := f.a.Key(target); v == fact.Holds {
		k.Aliases = append(k.Aliases, name)
	}
}
