package check

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

var serviceRole = &Rule{
	Slug:  "service-role",
	Title: "ServiceRole is no role that Elastic Beanstalk may use",
	Why: `Elastic Beanstalk assumes the role that ServiceRole names to look after the
environment. It is another role than the instances': its trust policy lets
elasticbeanstalk.amazonaws.com assume it. An instance profile is no role, and the
instances' own role trusts EC2 only; enhanced health and managed updates do not work
then. An application's ResourceLifecycleConfig takes the role's ARN only:
  Access denied for operation 'AWS::ElasticBeanstalk::Application'.`,
	Before: `- Namespace: aws:elasticbeanstalk:environment
  OptionName: ServiceRole
  Value: !Ref InstanceProfile`,
	After: `- Namespace: aws:elasticbeanstalk:environment
  OptionName: ServiceRole
  Value: !Ref ServiceRole`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if set, ok := r.settings.Get(environmentNamespace, "ServiceRole"); ok && set.Level > ebext.Default {
			if f := r.serviceRole(set); f != nil {
				out = append(out, f)
			}
		}
		for _, app := range r.resources("AWS::ElasticBeanstalk::Application") {
			v := app.Properties.At("ResourceLifecycleConfig", "ServiceRole")
			text := v.TextOr("")
			if text == "" || strings.HasPrefix(text, "arn:") || !isName(v) {
				continue
			}
			f := &finding.Finding{Rule: "service-role", Severity: finding.Error, Certain: app.Created == fact.Holds, Pos: v.Pos, End: v.End}
			f.Message = fmt.Sprintf("CloudFormation %s fail to create %s: this is a role's name, and the lifecycle takes an ARN", will(f), app.LogicalID)
			f.Notes = []finding.Note{{Label: "on AWS", Text: "Access denied for operation 'AWS::ElasticBeanstalk::Application'."},
				{Label: "fix", Text: lifecycleFix(v)}}
			out = append(out, f)
		}
		return out
	},
}

// lifecycleFix is the ARN to write.
func lifecycleFix(v *source.Node) string {
	if len(v.From) > 0 {
		if role, ok := strings.CutPrefix(v.From[0].What, "Ref "); ok {
			return "write   !GetAtt " + role + ".Arn"
		}
	}
	return "write the role's ARN"
}

// isName: the value is a role's name: a text that is all known, or Ref of a role.
func isName(v *source.Node) bool {
	return fact.Known(v.Text) || len(v.From) > 0 && strings.HasPrefix(v.From[0].What, "Ref ")
}

// serviceRole reports a ServiceRole that is an instance profile, or a role that
// does not trust Elastic Beanstalk.
func (r *run) serviceRole(set *ebext.Setting) *finding.Finding {
	text := set.Value.TextOr("")
	f := r.settingFinding("service-role", finding.Error, set)
	fix := finding.Note{Label: "fix", Text: "name a role that trusts elasticbeanstalk.amazonaws.com, with the policies AWSElasticBeanstalkEnhancedHealth and AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy"}
	if strings.HasPrefix(text, "arn:") && strings.Contains(text, ":instance-profile/") {
		f.Message = "Elastic Beanstalk will not be able to assume its service role: this is the ARN of an instance profile"
		f.Notes = []finding.Note{fix}
		return f
	}
	role, found := r.account.Role(text)
	if found != fact.Holds && fact.Known(text) {
		role, found = r.account.Role(text[strings.LastIndexByte(text, '/')+1:]) // a path may stand before the name
	}
	if found == fact.Holds {
		return r.distrusts(f, role, fix)
	}
	if is, _ := r.named("AWS::IAM::InstanceProfile", text); len(is) == 1 && found != fact.Holds && isRefOf(set.Value, is[0].LogicalID) {
		f.Certain = !fact.Known(text)
		f.Message = fmt.Sprintf("Elastic Beanstalk %s not be able to assume its service role: %s is an instance profile", will(f), is[0].LogicalID)
		f.Notes = []finding.Note{{Label: "profile", Text: is[0].LogicalID, At: place(is[0].Pos)}, fix}
		return f
	}
	return nil
}

// isRefOf: the value is Ref of a resource.
func isRefOf(v *source.Node, logicalID string) bool {
	return len(v.From) > 0 && v.From[0].What == "Ref "+logicalID
}

// distrusts reports a role whose trust policy keeps Elastic Beanstalk out.
func (r *run) distrusts(f *finding.Finding, role *account.Role, fix finding.Note) *finding.Finding {
	if role.Trust == nil {
		return nil
	}
	// the trust policy that the console makes asks for this external ID
	// [EB:iam-servicerole]
	d := iam.Evaluate(
		&iam.Request{Principal: iam.Principal{Service: "elasticbeanstalk.amazonaws.com"}, Action: "sts:AssumeRole", Resource: role.ARN,
			ResourceAccount: r.env().AccountID, Context: map[string][]string{"sts:ExternalId": {"elasticbeanstalk"}}},
		&iam.Policies{Resource: role.Trust, ResourceMustAllow: true})
	if d.Verdict() != fact.Broken {
		return nil
	}
	f.Message = "Elastic Beanstalk will not be able to assume its service role: the role's trust policy does not let it"
	f.Notes = []finding.Note{{Label: "role", Text: fact.Show(role.Name), At: place(role.Pos)}, fix}
	if own := r.instanceRole(); own == role {
		f.Notes[0].Text += ", which is the instances' own"
	}
	return f
}
