package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var singleInstance = &Rule{
	Slug:  "single-instance",
	Title: "a single instance has no load balancer or triggers",
	Why: `With EnvironmentType SingleInstance, Elastic Beanstalk makes neither a load balancer
nor the alarms that scale the group, and options for them end the deployment:
  Auto Scaling LowerThreshold setting cannot be applied because AWSEBCloudwatchAlarmLow doesn't exist.
  Load Balancer AccessLogsS3Enabled setting cannot be applied because AWSEBV2LoadBalancer doesn't exist.`,
	Before: `aws:elasticbeanstalk:environment:
  EnvironmentType: SingleInstance
aws:autoscaling:trigger:
  LowerThreshold: 20`,
	After: `aws:elasticbeanstalk:environment:
  EnvironmentType: SingleInstance`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		kind, set := r.known(environmentNamespace, "EnvironmentType")
		if set == nil || kind != "SingleInstance" {
			return nil
		}
		byNamespace := map[string]*finding.Finding{}
		for _, s := range r.made() {
			if !forBalancer(s) {
				continue
			}
			if f := byNamespace[s.Namespace]; f != nil {
				also(f, s.Pos)
				continue
			}
			f := r.onSingleInstance(s)
			f.Notes[len(f.Notes)-2].At = []source.Pos{set.Value.Place()}
			byNamespace[s.Namespace] = f
			out = append(out, f)
		}
		return out
	},
}

// forBalancer: the setting is for a load balancer or the triggers of scaling.
func forBalancer(s *ebext.Setting) bool {
	return s.Namespace == "aws:autoscaling:trigger" || strings.HasPrefix(s.Namespace, "aws:elbv2:") ||
		strings.HasPrefix(s.Namespace, "aws:elb:") && !sentAnyway[s.Option]
}

func (r *run) onSingleInstance(s *ebext.Setting) *finding.Finding {
	f := r.optionFinding("single-instance", finding.Error, s)
	text := fmt.Sprintf("Auto Scaling %s setting cannot be applied because AWSEBCloudwatchAlarmLow doesn't exist.", s.Option)
	switch {
	case strings.HasPrefix(s.Option, "Upper"):
		text = strings.Replace(text, "Low", "High", 1)
	case strings.HasPrefix(s.Namespace, "aws:elbv2:"):
		text = fmt.Sprintf("Load Balancer %s setting cannot be applied because AWSEBV2LoadBalancer doesn't exist.", s.Option)
	case strings.HasPrefix(s.Namespace, "aws:elb:"):
		text = ""
	}
	f.Message = "Elastic Beanstalk will refuse the deployment: " + optionText(s) + " is for what a single-instance environment does not have"
	if text == "" {
		f.Severity, f.Certain = finding.Warning, false
		f.Message = optionText(s) + " may have no effect, or be refused: a single-instance environment has no load balancer"
	}
	if text != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: text})
	}
	f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: "EnvironmentType is SingleInstance"},
		finding.Note{Label: "fix", Text: "remove these options, or set EnvironmentType   LoadBalanced"})
	return f
}
