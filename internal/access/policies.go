package access

import (
	"maps"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// Session is the principal behind the credentials that an instance hands out:
// a session of the role, named by the instance's ID. A text that is not known
// may be given for it; "" becomes one. [IAM:reference_policies_variables]
func Session(a *account.Account, role *account.Role, instance string) iam.Principal {
	if instance == "" {
		instance = "i-" + fact.Generated("instance")
	}
	id := role.ID
	if id == "" {
		id = "AROA" + fact.Symbol("unique ID of role "+role.Name)
	}
	return iam.Principal{
		Account: accountID(a), ARN: role.ARN, UserID: id + ":" + instance,
		// assumed-role ARNs have no path [IAM:reference_identifiers]
		SessionARN: "arn:" + partition(a) + ":sts::" + accountID(a) + ":assumed-role/" + role.Name + "/" + instance,
	}
}

func accountID(a *account.Account) string {
	if a.ID == "" {
		return fact.Symbol("AWS::AccountId")
	}
	return a.ID
}

func partition(a *account.Account) string {
	if a.Partition == "" {
		return "aws"
	}
	return a.Partition
}

// Policies are those on the identity side of a principal: its own, the
// attached ones, its boundary. What the account does not tell is named.
func Policies(a *account.Account, who iam.Principal) iam.Policies {
	var p iam.Policies
	switch {
	case who.Anonymous, who.Service != "", strings.HasSuffix(who.ARN, ":root"):
		return p
	case fact.Equal(who.Account, accountID(a)) == fact.Broken:
		p.IdentityUnknown = []string{"policies of " + fact.Show(who.ARN) + " in its own account"}
		return p
	}
	p.SCPs = a.SCPs
	if who.SessionARN == "" && strings.Contains(who.ARN, ":user/") {
		for _, u := range a.Users {
			if fact.Equal(u.ARN, who.ARN) == fact.Holds {
				p.Identity = append(p.Identity, u.Inline...)
				p.IdentityUnknown = append(p.IdentityUnknown, u.PoliciesUnknown...)
				attach(a, &p, u.Attached, u.Boundary)
				return p
			}
		}
	} else if r, v := a.Role(who.ARN); v == fact.Holds {
		p.Identity = append(p.Identity, r.Inline...)
		p.IdentityUnknown = append(p.IdentityUnknown, r.PoliciesUnknown...)
		attach(a, &p, r.Attached, r.Boundary)
		return p
	} else if v == fact.Broken { // deleted: its policies went with it
		return p
	}
	if !a.Complete || !fact.Known(who.ARN) {
		p.IdentityUnknown = []string{"policies of " + fact.Show(who.ARN)}
	}
	return p
}

// attach adds managed policies and the boundary. One that is known not to
// exist is attached to nothing.
func attach(a *account.Account, p *iam.Policies, arns []string, boundary string) {
	for _, arn := range arns {
		if x, v := managed(a, arn); v == fact.Holds {
			p.Identity = append(p.Identity, x)
		} else if v == fact.Unknown {
			p.IdentityUnknown = append(p.IdentityUnknown, "managed policy "+fact.Show(arn))
		}
	}
	if boundary == "" {
		return
	}
	x, v := managed(a, boundary)
	p.Boundary = x
	if v != fact.Holds { // a boundary that is gone allows nothing that we could tell
		p.BoundaryUnknown = "permissions boundary " + fact.Show(boundary)
	}
}

// managed finds a managed policy's text, in the account or among AWS's own.
func managed(a *account.Account, arn string) (*iam.Policy, fact.Verdict) {
	m, v := a.Policy(arn)
	if v == fact.Holds && m.Policy != nil {
		return m.Policy, v
	}
	if p, ok := iam.AWSManaged(arn); ok {
		return p, fact.Holds
	}
	if v == fact.Holds || strings.Contains(arn, ":iam::aws:policy/") {
		return nil, fact.Unknown
	}
	return nil, v
}

// Authorize decides a request to any service but S3. The resource's own policy
// counts where IAM has one: a role's trust policy.
func Authorize(a *account.Account, who iam.Principal, action, resource string, context map[string][]string) iam.Decision {
	p := Policies(a, who)
	r := &iam.Request{Principal: who, Action: action, Resource: resource, ResourceAccount: accountID(a), Context: context}
	if strings.HasPrefix(action, "sts:AssumeRole") {
		p.ResourceMustAllow = true
		role, v := a.Role(resource)
		switch {
		case v == fact.Holds && role.Trust != nil:
			p.Resource = role.Trust
		case v != fact.Broken:
			p.ResourceUnknown = "trust policy of " + fact.Show(resource)
		}
	}
	if strings.HasPrefix(action, "kms:") {
		keyPolicy(a, who, resource, r, &p)
	}
	return iam.Evaluate(r, &p)
}

// keyPolicy adds the policy of a KMS key to what decides: it must let the
// caller in, or leave it to the account's IAM policies [KMS:key-policies].
func keyPolicy(a *account.Account, who iam.Principal, arn string, r *iam.Request, p *iam.Policies) {
	key, found := a.Key(arn)
	if found != fact.Holds {
		return // an alias or "*": the identity's policies alone
	}
	p.ResourceMustAllow, p.Resource, p.ResourceUnknown = true, key.Policy, key.PolicyUnknown
	r.Context = maps.Clone(r.Context)
	if r.Context == nil {
		r.Context = map[string][]string{}
	}
	r.Context["kms:CallerAccount"] = []string{who.Account}
}
