package access

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// Requests that the agent makes before it gives up: a credentials fetch is
// tried 10 times, and the file's fetch around it 5 times. An error that is
// none of HTTP's ends the inner ten at once. [cb:util.py, cb-run]
const (
	fetchTries    = 5
	metadataTries = 50
)

// InstanceRole is the role of an instance profile, given by name or ARN.
// Broken: there is no such profile, or it holds no role.
func InstanceRole(a *account.Account, profile string) (*account.Role, fact.Verdict) {
	p, v := a.Profile(profile)
	if v != fact.Holds {
		return nil, v
	}
	return roleOf(a, p)
}

func roleOf(a *account.Account, p *account.Profile) (*account.Role, fact.Verdict) {
	if p == nil || len(p.Roles) == 0 {
		return nil, fact.Broken
	}
	return a.Role(p.Roles[0])
}

// Credentials is what instance metadata answers under
// iam/security-credentials/NAME. Only the name of the profile's own role works,
// letter by letter; no name gives the list. profile is nil when the instance
// has none. [EC2:iam-roles-for-amazon-ec2]
func Credentials(a *account.Account, profile *account.Profile, name string) Answer {
	if profile == nil || len(profile.Roles) == 0 {
		return noSuchName()
	}
	if name == "" {
		return Answer{
			From: FromMetadata, Status: 200, Verdict: fact.Broken, Body: profile.Roles[0], // not JSON
			Reason: "[Errno None] No JSON object could be decoded", MetadataCalls: fetchTries,
		}
	}
	switch fact.Equal(profile.Roles[0], name) {
	case fact.Broken:
		return noSuchName()
	case fact.Unknown:
		return Answer{From: FromMetadata}
	}
	role, found := a.Role(profile.Roles[0])
	if found == fact.Broken {
		return noSuchName()
	}
	switch trustsEC2(a, role).Verdict() {
	case fact.Unknown:
		return Answer{From: FromMetadata}
	case fact.Broken:
		return Answer{
			From: FromMetadata, Status: 200, Code: "AssumeRoleUnauthorizedAccess", Verdict: fact.Broken,
			Body: fmt.Sprintf(unauthorized, role.Name), Reason: "[Errno None] 'AccessKeyId'", MetadataCalls: fetchTries,
		}
	}
	return Answer{From: FromMetadata, Status: 200, Verdict: fact.Holds, MetadataCalls: 1}
}

// unauthorized is the answer without credentials. [IAM:troubleshoot_iam-ec2]
const unauthorized = `{
  "Code" : "AssumeRoleUnauthorizedAccess",
  "Message" : "EC2 cannot assume the role %s. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc."
}`

// noSuchName is the metadata service's 404, which the agent prints with a
// prefix that no file server's error has. [cb-run]
func noSuchName() Answer {
	page := aws.MetadataPage(404)
	return Answer{
		From: FromMetadata, Status: 404, Verdict: fact.Broken, Body: page,
		Reason: "[Errno 404] HTTP Error 404 : " + page, MetadataCalls: metadataTries,
	}
}

// tokenMissing is the answer to a request without a session token where one is
// required; the agent's inner ten tries end with the first, since the status is
// neither 404 nor 5xx. [cb-run: IMDS 401]
func tokenMissing() Answer {
	page := aws.MetadataPage(401)
	return Answer{
		From: FromMetadata, Status: 401, Verdict: fact.Broken, Body: page,
		Reason: "[Errno 401] HTTP Error 401 : " + page, MetadataCalls: fetchTries,
	}
}

// trustsEC2 decides whether EC2 may assume the role.
func trustsEC2(a *account.Account, role *account.Role) iam.Decision {
	if role == nil || role.Trust == nil {
		return iam.Decision{Reason: iam.NotKnown, Layer: iam.LayerResource, Missing: []string{"the role's trust policy"}}
	}
	service := "ec2.amazonaws.com"
	if strings.HasPrefix(partition(a), "aws-cn") && names(role.Trust, service+".cn") {
		service += ".cn"
	}
	return iam.Evaluate(
		&iam.Request{Principal: iam.Principal{Service: service}, Action: "sts:AssumeRole", Resource: role.ARN, ResourceAccount: accountID(a)},
		&iam.Policies{Resource: role.Trust, ResourceMustAllow: true},
	)
}

// names reports whether a policy names a service.
func names(p *iam.Policy, service string) bool {
	for _, s := range p.Statements {
		if s.Principal == nil {
			continue
		}
		for _, t := range s.Principal.Service {
			if t.Text == service {
				return true
			}
		}
	}
	return false
}
