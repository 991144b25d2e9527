package check

import (
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var managedActionsHalf = &Rule{
	Slug:  "managed-actions-half",
	Title: "managed updates are on, but not when and how far",
	Why: `ManagedActionsEnabled true needs two more options: PreferredStartTime, when an update
may begin, and UpdateLevel of aws:elasticbeanstalk:managedactions:platformupdate, minor or
patch. Elastic Beanstalk refuses the one without the others
[EB:command-options-general].`,
	Before: `aws:elasticbeanstalk:managedactions:
  ManagedActionsEnabled: true`,
	After: `aws:elasticbeanstalk:managedactions:
  ManagedActionsEnabled: true
  PreferredStartTime: "Tue:09:00"
aws:elasticbeanstalk:managedactions:platformupdate:
  UpdateLevel: minor`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		const actions, update = "aws:elasticbeanstalk:managedactions", "aws:elasticbeanstalk:managedactions:platformupdate"
		enabled, set := r.known(actions, "ManagedActionsEnabled")
		if set == nil || set.Level == ebext.Default || !on(enabled) {
			return nil
		}
		var lacks []string
		for _, o := range [][2]string{{actions, "PreferredStartTime"}, {update, "UpdateLevel"}} {
			if r.setting(o[0], o[1]) == nil {
				lacks = append(lacks, o[0]+" "+o[1])
			}
		}
		if len(lacks) == 0 {
			return nil
		}
		f := r.settingFinding("managed-actions-half", finding.Error, set)
		if f.Certain = r.direct; !f.Certain {
			f.Severity = finding.Warning
		}
		f.Message = "Elastic Beanstalk " + will(f) + " refuse the deployment: managed updates are on, and their time or level is not set"
		if !f.Certain {
			f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "whether the console, a saved configuration or a template sets them"})
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "set option " + strings.Join(lacks, " and option ")})
		return []*finding.Finding{f}
	},
}
