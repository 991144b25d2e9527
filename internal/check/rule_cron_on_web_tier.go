package check

import (
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var cronOnWebTier = &Rule{
	Slug:  "cron-on-web-tier",
	Title: "cron.yaml has no effect in a web server environment",
	Why: `cron.yaml holds the periodic tasks of a worker environment: the daemon on its instances
puts a message into the queue when a task is due. In a web server environment there is
no such daemon, and nothing reads the file; no message says so.`,
	Before: `Type: AWS::ElasticBeanstalk::Environment
Properties:
  ApplicationName: shop`,
	After: `Type: AWS::ElasticBeanstalk::Environment
Properties:
  ApplicationName: shop
  Tier: {Name: Worker, Type: SQS/HTTP}`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		if r.kind().tier != "WebServer" || !r.in.Bundle.Has("cron.yaml") {
			return nil
		}
		f := &finding.Finding{Rule: "cron-on-web-tier", Severity: finding.Warning, Certain: true, Pos: source.Pos{File: "cron.yaml", Line: 1, Col: 1}}
		f.Message = "cron.yaml will have no effect: this is a web server environment"
		f.Notes = []finding.Note{
			{Label: "cause", Text: "only the daemon of a worker environment reads it", At: place(r.environmentResource().Pos)},
			{Label: "on AWS", Text: "no message at all"},
			{Label: "fix", Text: "give the environment   Tier: {Name: Worker, Type: SQS/HTTP}   , or remove the file"},
		}
		return []*finding.Finding{f}
	},
}
