package check

import (
	"fmt"

	"beanpole/internal/finding"
)

var trafficSplitting = &Rule{
	Slug:  "traffic-splitting",
	Title: "only an Application Load Balancer splits traffic",
	Why: `With DeploymentPolicy TrafficSplitting, the load balancer sends a part of the requests
to instances with the new version. Only an Application Load Balancer can: with another type
of load balancer, or none, the deployment is refused
[EB:using-features.rolling-version-deploy].`,
	Before: `aws:elasticbeanstalk:command:
  DeploymentPolicy: TrafficSplitting`,
	After: `aws:elasticbeanstalk:environment:
  LoadBalancerType: application
aws:elasticbeanstalk:command:
  DeploymentPolicy: TrafficSplitting`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		policy, set := r.known("aws:elasticbeanstalk:command", "DeploymentPolicy")
		if set == nil || policy != "TrafficSplitting" {
			return nil
		}
		k := r.kind()
		what := "the environment's load balancer is of type " + k.balancer
		switch {
		case k.single:
			what = "a single instance has no load balancer"
		case k.balancer == "" || k.balancer == "application":
			return nil
		}
		f := r.settingFinding("traffic-splitting", finding.Error, set)
		f.Message = fmt.Sprintf("Elastic Beanstalk will refuse the deployment: %s, and only an Application Load Balancer splits traffic", what)
		f.Notes = []finding.Note{{Label: "fix", Text: "choose another policy, such as   Immutable   , or an environment with LoadBalancerType   application"}}
		return []*finding.Finding{f}
	},
}
