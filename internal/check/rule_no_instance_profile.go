package check

import (
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var noInstanceProfile = &Rule{
	Slug:  "no-instance-profile",
	Title: "the environment gets no instance profile",
	Why: `The console and the EB CLI fill in the option IamInstanceProfile. CloudFormation,
CDK, Terraform and the API do not, and Elastic Beanstalk has no default for it. On
platforms of Amazon Linux 2 and later it refuses to create the environment:
  Environment must have instance profile associated with it.`,
	Before: `Type: AWS::ElasticBeanstalk::Environment
Properties:
  ApplicationName: shop`,
	After: `Type: AWS::ElasticBeanstalk::Environment
Properties:
  ApplicationName: shop
  OptionSettings:
    - Namespace: aws:autoscaling:launchconfiguration
      OptionName: IamInstanceProfile
      Value: !Ref InstanceProfile`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		value, set, known := r.option(launchNamespace, profileOption)
		if value != "" || !known || r.platform.Generation == ebext.AL1 {
			return nil
		}
		e := r.environmentResource()
		if e == nil {
			return nil
		}
		f := resourceFinding("no-instance-profile", finding.Error, e)
		if set != nil {
			f = r.settingFinding("no-instance-profile", finding.Error, set)
		}
		f.Certain = r.platform.Known && e.Created == fact.Holds
		f.Message = "Elastic Beanstalk " + will(f) + " refuse to create the environment: it has no instance profile"
		f.Notes = []finding.Note{
			{Label: "cause", Text: "nothing sets option " + launchNamespace + " " + profileOption + ", which has no default"},
			{Label: "on AWS", Text: "Environment must have instance profile associated with it."},
		}
		if !r.platform.Known {
			f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "the platform; those of Amazon Linux 2 and later refuse"})
		}
		ref := "the name of an instance profile"
		if all := r.resources("AWS::IAM::InstanceProfile"); len(all) == 1 {
			ref = r.refTo(e.Pos.File, all[0].LogicalID)
		}
		fix := "add to OptionSettings   {Namespace: " + launchNamespace + ", OptionName: " + profileOption + ", Value: " + ref + "}"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
		return []*finding.Finding{f}
	},
}
