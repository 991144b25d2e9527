package check

import (
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var groupSize = &Rule{
	Slug:  "group-size",
	Title: "MinSize is more than MaxSize",
	Why: `An Auto Scaling group keeps between MinSize and MaxSize instances. Where one of the
two options is not set, Elastic Beanstalk takes 1 and 4. A MinSize above MaxSize is
refused before anything is changed.`,
	Before: `aws:autoscaling:asg:
  MinSize: 6`,
	After: `aws:autoscaling:asg:
  MinSize: 6
  MaxSize: 8`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		if r.balanced() == fact.Broken {
			return nil // a single instance has one instance, whatever stands here
		}
		f := r.order("aws:autoscaling:asg", pair{"MinSize", "1"}, pair{"MaxSize", "4"}, false)
		if f == nil {
			return nil
		}
		f.Rule = "group-size"
		return []*finding.Finding{f}
	},
}
