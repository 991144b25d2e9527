package check

import (
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var healthNotReported = &Rule{
	Slug:  "health-not-reported",
	Title: "the instances' role may not report enhanced health",
	Why: `With enhanced health, every instance reports to Elastic Beanstalk what it measures.
Unless EnhancedHealthAuthEnabled is false, the instances' role must be allowed to:
elasticbeanstalk:PutInstanceStatistics, which AWSElasticBeanstalkWebTier and
AWSElasticBeanstalkWorkerTier hold. Without it the environment's health stays "No Data",
and deployments that wait for health (rolling, immutable) time out.`,
	Before: `Role:
  Type: AWS::IAM::Role
  Properties:
    ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore]`,
	After: `Role:
  Type: AWS::IAM::Role
  Properties:
    ManagedPolicyArns:
      - arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore
      - arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		const health = "aws:elasticbeanstalk:healthreporting:system"
		kind, set := r.known(health, "SystemType")
		role := r.instanceRole()
		if kind != "enhanced" || role == nil {
			return nil
		}
		if auth, ok := r.settings.Get(health, "EnhancedHealthAuthEnabled"); ok && auth.Value.TextOr("") == "false" {
			return nil
		}
		if !r.denied(role, "elasticbeanstalk:PutInstanceStatistics", r.arnOf("elasticbeanstalk", "environment/"+r.application+"/"+r.name)) {
			return nil
		}
		f := roleFinding("health-not-reported", finding.Warning, role)
		f.Message = "the environment's health will stay \"No Data\": the instances' role may not report it"
		f.Notes = []finding.Note{
			{Label: "role", Text: fact.Show(role.Name)},
			{Label: "cause", Text: "SystemType is enhanced, and no policy of the role allows elasticbeanstalk:PutInstanceStatistics", At: place(set.Value.Place())},
			{Label: "on AWS", Text: "is not authorized to perform: elasticbeanstalk:PutInstanceStatistics"},
			{Label: "fix", Text: "attach   arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier"},
		}
		return []*finding.Finding{f}
	},
}
