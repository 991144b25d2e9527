package check

import (
	"strings"

	"beanpole/internal/finding"
)

var healthCheckInterval = &Rule{
	Slug:  "health-check-interval",
	Title: "the next health check begins before the last ends",
	Why: `A load balancer's health check must time out before the next one begins: the interval
has to be more than the timeout. Where one of the two options is not set, Elastic
Beanstalk takes its default (10 and 5 seconds of a Classic Load Balancer, 15 and 5 of a
process). Elastic Load Balancing refuses anything else:
  Health check interval must be greater than the timeout.`,
	Before: `aws:elb:healthcheck:
  Timeout: 30`,
	After: `aws:elb:healthcheck:
  Timeout: 30
  Interval: 60`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		add := func(f *finding.Finding) {
			if f != nil {
				f.Rule = "health-check-interval"
				out = append(out, f)
			}
		}
		add(r.order("aws:elb:healthcheck", pair{"Timeout", "5"}, pair{"Interval", "10"}, true))
		if r.balancerKind() == "network" {
			return out
		}
		seen := map[string]bool{}
		for _, s := range r.made() {
			if strings.HasPrefix(s.Namespace, processPrefix) && !seen[s.Namespace] {
				seen[s.Namespace] = true
				add(r.order(s.Namespace, pair{"HealthCheckTimeout", "5"}, pair{"HealthCheckInterval", "15"}, true))
			}
		}
		return out
	},
}

const processPrefix = "aws:elasticbeanstalk:environment:process:"
