package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var fetchDenied = &Rule{
	Slug:  "fetch-denied",
	Title: "no policy allows the fetch, or one denies it",
	Why: `In one account, an Allow in the role's policies or in the bucket's policy is enough
for s3:GetObject, and a Deny anywhere is final. AWSElasticBeanstalkWebTier allows
buckets whose names begin with elasticbeanstalk- and no others. S3 answers 403
AccessDenied, and the agent does not try again.`,
	Before: "ManagedPolicyArns: [arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier]",
	After: `Policies:
  - PolicyName: certificates
    PolicyDocument:
      Version: "2012-10-17"
      Statement:
        - {Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::certs/*"}`,
	Since: "0.1.0",

	claims: func(c *access.Chain) bool {
		switch c.Cause().Name {
		case access.Identity, access.Bucket:
			return true
		}
		return false
	},
	group: func(c *access.Chain) string {
		return c.Fetch.Signer.Block + " " + c.Fetch.Address.Bucket + " " + string(c.Cause().Name)
	},
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the role may not read this object"
		fix := fmt.Sprintf("allow s3:GetObject on arn:aws:s3:::%s/* in a policy of the role", fact.Show(c.Fetch.Address.Bucket))
		if c.Cause().Name == access.Bucket {
			fix = "except the role from that statement, for instance by a condition on aws:PrincipalArn"
		}
		if c.Cause().Name == access.Identity && webTierAlone(c) {
			f.Message += ": AWSElasticBeanstalkWebTier lets it read buckets elasticbeanstalk-… only"
		}
		if c.Cause().Organization {
			f.Message = "the organisation keeps the role from reading this object"
			fix = "ask whoever runs the organisation's management account to except the role or the bucket from that policy; no policy of this account can"
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	},
}

// webTierAlone: AWS's policy for web servers is attached, and nothing came as
// near to allowing the fetch. [EB:iam-instanceprofile]
func webTierAlone(c *access.Chain) bool {
	role, found := c.World.Account.Role(roleHeld(c))
	if found != fact.Holds || strings.HasPrefix(c.Fetch.Address.Bucket, "elasticbeanstalk-") {
		return false
	}
	for _, n := range c.Cause().Near {
		if n.Statement.Policy != nil && !strings.Contains(n.Statement.Policy.Name, webTier) {
			return false
		}
	}
	return slices.ContainsFunc(role.Attached, func(arn string) bool { return strings.HasSuffix(arn, "/"+webTier) })
}

const webTier = "AWSElasticBeanstalkWebTier"
