package check

import (
	"fmt"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var deployerDenied = &Rule{
	Slug:  "deployer-denied",
	Title: "the deploying role may not do all that it needs",
	Why: `Elastic Beanstalk makes an environment's resources with the rights of its caller. Who
creates an environment must be allowed iam:PassRole for the instances' role, and
whatever the Resources of its configuration files make: a role below Resources needs
iam:CreateRole. Otherwise the environment is not created: "is not authorized to
perform: iam:PassRole".`,
	Before: `Deployer:
  Type: AWS::IAM::Role
  Properties:
    Policies:
      - PolicyName: deploy
        PolicyDocument:
          Statement: [{Effect: Allow, Action: "elasticbeanstalk:*", Resource: "*"}]`,
	After: `Statement:
  - {Effect: Allow, Action: "elasticbeanstalk:*", Resource: "*"}
  - {Effect: Allow, Action: iam:PassRole, Resource: !GetAtt WebRole.Arn}`,
	Since: "0.1.0",

	// [EB:AWSHowTo.iam.managed-policies; IAM:id_roles_use_passrole]
	find: func(r *run) (out []*finding.Finding) {
		instance := r.instanceRole()
		for _, role := range r.account.Roles {
			if role == instance || !role.Pos.IsValid() || !r.deploys(role) {
				continue
			}
			if instance != nil && r.denied(role, "iam:PassRole", instance.ARN) {
				f := roleFinding("deployer-denied", finding.Warning, role)
				f.Message = "this role will not be able to create the environment: it may not pass the instances' role"
				note(f, "instances", fact.Show(instance.Name), instance.Pos)
				note(f, "on AWS", "is not authorized to perform: iam:PassRole on resource: "+fact.Show(instance.ARN))
				note(f, "fix", "allow it iam:PassRole on the instances' role")
				out = append(out, f)
			}
			if f := r.mayNotMake(role); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

// deploys: the role surely may create environments, and is nobody's but a
// deployer's: Elastic Beanstalk itself makes no IAM resources with its service
// role.
func (r *run) deploys(role *account.Role) bool {
	if set, ok := r.settings.Get(environmentNamespace, "ServiceRole"); ok {
		if own, found := r.account.Role(set.Value.TextOr("")); found != fact.Broken && own == role {
			return false
		}
	}
	d := access.Authorize(r.account, access.Session(r.account, role, fact.Symbol("session")), "elasticbeanstalk:CreateEnvironment",
		r.arnOf("elasticbeanstalk", "environment/"+r.application+"/"+r.name), nil)
	return d.Verdict() == fact.Holds
}

// iamMakers are the actions by which CloudFormation makes IAM resources
// [CFN registry: permissions of the create handlers].
var iamMakers = map[string][2]string{
	"AWS::IAM::Role":            {"iam:CreateRole", "role"},
	"AWS::IAM::InstanceProfile": {"iam:CreateInstanceProfile", "instance-profile"},
	"AWS::IAM::User":            {"iam:CreateUser", "user"},
	"AWS::IAM::ManagedPolicy":   {"iam:CreatePolicy", "policy"},
}

// mayNotMake is about the first IAM resource of the configuration files that
// the role may not create.
func (r *run) mayNotMake(role *account.Role) *finding.Finding {
	if r.stack == nil {
		return nil
	}
	for _, res := range r.stack.Resources {
		by, ok := iamMakers[res.Type]
		if !ok || !res.Pos.IsValid() || !r.denied(role, by[0], "arn:"+r.env().Partition+":iam::"+r.env().AccountID+":"+by[1]+"/"+res.PhysicalID) {
			continue
		}
		f := resourceFinding("deployer-denied", finding.Warning, res)
		f.Message = fmt.Sprintf("%s will not be able to create the environment: it may not call %s", fact.Show(role.Name), by[0])
		note(f, "role", fact.Show(role.Name), role.Pos)
		note(f, "on AWS", "The following resource(s) failed to create: ["+res.LogicalID+"].")
		note(f, "fix", "create it in a template of its own, or allow the role "+by[0])
		return f
	}
	return nil
}
