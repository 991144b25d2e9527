package check

import (
	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var sharedBalancer = &Rule{
	Slug:  "shared-balancer",
	Title: "a shared load balancer is set half",
	Why: `To use a load balancer that exists, an environment needs three options when it is
created: LoadBalancerType application, LoadBalancerIsShared true, and SharedLoadBalancer
with its ARN. Without LoadBalancerIsShared, Elastic Beanstalk makes a load balancer of
its own, and the ARN has no effect. Neither can be changed later.`,
	Before: `aws:elbv2:loadbalancer:
  SharedLoadBalancer: arn:aws:elasticloadbalancing:…`,
	After: `aws:elasticbeanstalk:environment:
  LoadBalancerType: application
  LoadBalancerIsShared: true
aws:elbv2:loadbalancer:
  SharedLoadBalancer: arn:aws:elasticloadbalancing:…`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		shared, isShared, _ := r.option(environmentNamespace, "LoadBalancerIsShared")
		arn, set, _ := r.option("aws:elbv2:loadbalancer", "SharedLoadBalancer")
		made := isShared != nil && isShared.Level > ebext.Default
		switch {
		case arn != "" && set != nil && isShared != nil && shared == "false":
			return []*finding.Finding{r.notShared(set, isShared, made)}
		case made && on(shared) && arn == "":
			return r.sharedWithout(isShared)
		}
		return nil
	},
}

// notShared reports an ARN that has no effect.
func (r *run) notShared(set, isShared *ebext.Setting, made bool) *finding.Finding {
	f := r.settingFinding("shared-balancer", finding.Warning, set)
	f.Certain = r.direct || made
	f.Message = "Elastic Beanstalk " + will(f) + " make a load balancer of its own, and this ARN has no effect"
	note := finding.Note{Label: "cause", Text: "LoadBalancerIsShared is not set, and its default is false"}
	if made {
		note = finding.Note{Label: "cause", Text: "LoadBalancerIsShared is false", At: []source.Pos{isShared.Value.Place()}}
	}
	f.Notes = []finding.Note{note, {Label: "fix", Text: "set LoadBalancerIsShared   true   and LoadBalancerType   application   in " + environmentNamespace + ", before the environment is created"}}
	return f
}

// sharedWithout reports a shared load balancer without its ARN, where no other
// source can give it.
func (r *run) sharedWithout(isShared *ebext.Setting) []*finding.Finding {
	if !r.direct {
		return nil
	}
	f := r.settingFinding("shared-balancer", finding.Error, isShared)
	f.Message = "Elastic Beanstalk will refuse to create the environment: it is not said which load balancer is shared"
	f.Notes = []finding.Note{{Label: "cause", Text: "SharedLoadBalancer is required when LoadBalancerIsShared is true"},
		{Label: "fix", Text: "set aws:elbv2:loadbalancer SharedLoadBalancer to the load balancer's ARN"}}
	return []*finding.Finding{f}
}
