package check

import (
	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var healthCheckTwice = &Rule{
	Slug:  "health-check-twice",
	Title: "two options say how health is checked",
	Why: `Target of aws:elb:healthcheck is the old way to say what the load balancer asks for,
Application Healthcheck URL of aws:elasticbeanstalk:application the new one. With both,
Elastic Beanstalk refuses the deployment:
  You cannot configure an Elastic Beanstalk environment with values for both the Elastic Load Balancing Target option and Application Healthcheck URL option`,
	Before: `aws:elb:healthcheck:
  Target: HTTP:80/health
aws:elasticbeanstalk:application:
  Application Healthcheck URL: /health`,
	After: `aws:elasticbeanstalk:application:
  Application Healthcheck URL: /health`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		var target, url *ebext.Setting
		for _, s := range r.made() {
			switch {
			case s.Value.TextOr("") == "":
			case s.Namespace == "aws:elb:healthcheck" && s.Option == "Target":
				target = s
			case s.Namespace == "aws:elasticbeanstalk:application" && s.Option == "Application Healthcheck URL":
				url = s
			}
		}
		if target == nil || url == nil {
			return nil
		}
		f := r.settingFinding("health-check-twice", finding.Error, target)
		f.Message = "Elastic Beanstalk will refuse the deployment: two options say how health is checked"
		f.Notes = []finding.Note{
			{Label: "other", Text: optionText(url), At: []source.Pos{url.Value.Place()}},
			{Label: "on AWS", Text: "You cannot configure an Elastic Beanstalk environment with values for both the Elastic Load Balancing Target option and Application Healthcheck URL option"},
			{Label: "fix", Text: "remove Target; the other option takes its form as well, as in   HTTPS:443/health"},
		}
		return []*finding.Finding{f}
	},
}
