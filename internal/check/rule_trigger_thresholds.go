package check

import (
	"fmt"
	"strconv"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var triggerThresholds = &Rule{
	Slug:  "trigger-thresholds",
	Title: "the thresholds of scaling do not fit together",
	Why: `Below LowerThreshold the group loses an instance, above UpperThreshold it gains one.
Where one of them is not set, Elastic Beanstalk takes 2,000,000 and 6,000,000, which are
meant for the default measure, bytes of NetworkOut. With MeasureName CPUUtilization and
one threshold only, the other is never, or always, passed: the group shrinks to MinSize
whatever its load, or never grows [EB:command-options-general aws:autoscaling:trigger].`,
	Before: `aws:autoscaling:trigger:
  MeasureName: CPUUtilization
  UpperThreshold: 80`,
	After: `aws:autoscaling:trigger:
  MeasureName: CPUUtilization
  Unit: Percent
  LowerThreshold: 20
  UpperThreshold: 80`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		const trigger = "aws:autoscaling:trigger"
		lower := r.settingOr(trigger, pair{"LowerThreshold", "2000000"})
		upper := r.settingOr(trigger, pair{"UpperThreshold", "6000000"})
		measure, set := r.known(trigger, "MeasureName")
		small := set != nil && (measure == "CPUUtilization" || strings.HasSuffix(measure, "HostCount") || strings.HasSuffix(measure, "Time") || measure == "Latency")
		a, errA := strconv.ParseFloat(strings.TrimSpace(lower.Value.TextOr("")), 64)
		b, errB := strconv.ParseFloat(strings.TrimSpace(upper.Value.TextOr("")), 64)
		if errA != nil || errB != nil || r.balanced() == fact.Broken {
			return nil
		}
		at := upper
		switch {
		case a >= b: // whatever is measured
			if upper.Level == ebext.Default {
				at = lower
			}
		case small && (lower.Level == ebext.Default || upper.Level == ebext.Default):
			at = set
		default:
			return nil
		}
		if at.Level == ebext.Default {
			return nil
		}
		return []*finding.Finding{r.thresholds(at, lower, upper, a >= b)}
	},
}

func (r *run) thresholds(at, lower, upper *ebext.Setting, crossed bool) *finding.Finding {
	f := r.settingFinding("trigger-thresholds", finding.Warning, at)
	f.Certain = false
	f.Message = fmt.Sprintf("the group may never grow, or shrink whatever its load: its thresholds are %s and %s", lower.Value.Text, upper.Value.Text)
	if crossed {
		f.Message = fmt.Sprintf("the group may shrink whatever its load: LowerThreshold %s is not below UpperThreshold %s", lower.Value.Text, upper.Value.Text)
	}
	for _, s := range []*ebext.Setting{lower, upper} {
		if s.Level == ebext.Default {
			f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: s.Option + " is not set, and its default is " + s.Value.Text + ", meant for bytes of NetworkOut"})
		} else if s != at {
			f.Notes = append(f.Notes, finding.Note{Label: "with", Text: s.Option + " " + s.Value.Text, At: place(s.Value.Place())})
		}
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "set both thresholds, in the unit of the measure"})
	return f
}
