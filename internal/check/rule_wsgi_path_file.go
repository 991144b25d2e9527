package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var wsgiPathFile = &Rule{
	Slug:  "wsgi-path-file",
	Title: "WSGIPath is a file, and gunicorn takes a module",
	Why: `On the retired Amazon Linux AMI, Apache took WSGIPath for a file. On Amazon Linux 2
and Amazon Linux 2023 the platform starts gunicorn with it, which takes a module and
the application in it: mysite.wsgi:application. With a file's name gunicorn finds no
module, and every request is answered with 502 Bad Gateway.`,
	Before: `option_settings:
  aws:elasticbeanstalk:container:python:
    WSGIPath: mysite/wsgi.py`,
	After: `option_settings:
  aws:elasticbeanstalk:container:python:
    WSGIPath: mysite.wsgi:application`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		text, set, _ := r.option("aws:elasticbeanstalk:container:python", "WSGIPath")
		applies, certain := r.onGenerations(ebext.AL2, ebext.AL2023)
		path, isFile := strings.CutSuffix(text, ".py")
		if set == nil || !applies || !isFile || !fact.Known(text) || r.in.Bundle.Has("Procfile") {
			return nil // with a Procfile the user says how gunicorn is started
		}
		f := r.settingFinding("wsgi-path-file", finding.Error, set)
		f.Certain = certain
		module := strings.ReplaceAll(strings.Trim(path, "/"), "/", ".") + ":application"
		f.Message = fmt.Sprintf("gunicorn %s not start, and every request is answered with 502: %q is a file, not a module", will(f), text)
		f.Notes = []finding.Note{
			{Label: "cause", Text: "since Amazon Linux 2, WSGIPath is what gunicorn is started with"},
			{Label: "on AWS", Text: "Failed to find application, did you mean '" + path + ":application'?"},
		}
		if !certain {
			f.Severity = finding.Warning
			f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "the platform; only those of the retired Amazon Linux AMI take a file"})
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "write   " + module})
		f.Fixes = r.respelt(set.Value, module)
		return []*finding.Finding{f}
	},
}
