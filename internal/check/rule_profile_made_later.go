package check

import (
	"fmt"

	"beanpole/internal/cfn"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var profileMadeLater = &Rule{
	Slug:  "profile-made-later",
	Title: "the environment does not wait for its instance profile",
	Why: `CloudFormation creates what does not refer to one another at the same time. An
environment that names its instance profile in plain text may be created before the
profile is, and fails the first time:
  The instance profile web associated with the environment does not exist.
The second try works, since the profile is there by then.`,
	Before: `- Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  Value: web`,
	After: `- Namespace: aws:autoscaling:launchconfiguration
  OptionName: IamInstanceProfile
  Value: !Ref InstanceProfile`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		e := r.environmentResource()
		set, ok := r.settings.Get(launchNamespace, profileOption)
		if e == nil || !ok {
			return nil
		}
		is, _ := r.named("AWS::IAM::InstanceProfile", set.Value.TextOr(""))
		if len(is) != 1 || r.outer.Resource(is[0].LogicalID) != is[0] || waits(r.outer, e, is[0].LogicalID) {
			return nil
		}
		f := r.settingFinding("profile-made-later", finding.Warning, set)
		f.Certain = false
		f.Message = fmt.Sprintf("the first deployment may fail: nothing makes the environment wait for instance profile %s", is[0].LogicalID)
		f.Notes = []finding.Note{
			{Label: "profile", Text: is[0].LogicalID + " is created in the same stack", At: []source.Pos{is[0].Pos}},
			{Label: "on AWS", Text: "The instance profile " + set.Value.Text + " associated with the environment does not exist."},
			{Label: "fix", Text: "write   " + r.refTo(e.Pos.File, is[0].LogicalID) + "   as the value, or add   DependsOn: " + is[0].LogicalID + "   to the environment"},
		}
		return []*finding.Finding{f}
	},
}

// waits tells whether a resource is created after another one.
func waits(s *cfn.Stack, res *cfn.Resource, other string) bool {
	byID := make(map[string]*cfn.Resource, len(s.Resources))
	for _, r := range s.Resources {
		byID[r.LogicalID] = r
	}
	seen := map[string]bool{}
	queue := []*cfn.Resource{res}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, id := range at.DependsOn {
			if id == other {
				return true
			}
			if next := byID[id]; next != nil && !seen[id] {
				seen[id] = true
				queue = append(queue, next)
			}
		}
	}
	return false
}
