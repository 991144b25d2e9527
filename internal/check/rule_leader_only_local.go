package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

var leaderOnlyLocal = &Rule{
	Slug:  "leader-only-local",
	Title: "leader_only keeps needed work from other instances",
	Why: `A container command with leader_only: true runs on one instance of a deployment. On the
others, and on those that Auto Scaling starts later, nothing of it happens: no package
is installed, no service started, no file made. It is meant for work outside of the
instances, such as the migration of a database.`,
	Before: `container_commands:
  01_tools:
    command: yum install -y jq
    leader_only: true`,
	After: `container_commands:
  01_tools:
    command: yum install -y jq`,
	Since: "0.1.0",
	// [EB:customize-containers-ec2 "Container commands"]
	find: func(r *run) (out []*finding.Finding) {
		if r.onlyOneInstance() {
			return nil
		}
		for _, s := range r.scripts() {
			if s.stage != staged || s.test || s.entry == nil || !truth(s.entry.get("leader_only")) {
				continue
			}
			calls, _ := s.read()
			for i := range calls {
				what := r.localWork(&calls[i])
				if what == "" {
					continue
				}
				f := &finding.Finding{Rule: "leader-only-local", Severity: finding.Warning, Certain: true,
					Pos: s.at(calls[i].Words[0].Start), End: s.at(calls[i].Words[0].End)}
				if s.text.Kind == source.Seq {
					f.End = s.text.End
				}
				f.Message = fmt.Sprintf("only one instance %s: leader_only", what)
				note(f, "cause", "the command runs on the leader, and never on an instance that is started later", s.entry.get("leader_only").Pos)
				note(f, "on AWS", "no message at all")
				note(f, "fix", "leave leader_only out")
				out = append(out, f)
				break
			}
		}
		return out
	},
}

// onlyOneInstance: the environment surely never has a second one.
func (r *run) onlyOneInstance() bool {
	for _, name := range [][2]string{{environmentNamespace, "EnvironmentType"}, {"aws:autoscaling:asg", "MaxSize"}} {
		if set := r.setting(name[0], name[1]); set != nil {
			if v := set.Value.TextOr(""); v == "SingleInstance" || v == "1" {
				return true
			}
		}
	}
	return false
}

// localWork says what of one instance a call changes, "" when it may be
// anything else.
func (r *run) localWork(c *shell.Call) string {
	program, args := c.Program()
	first := ""
	if len(args) > 0 {
		first = args[0].Text
	}
	switch {
	case (program == "yum" || program == "dnf") && hasText(args, "install"),
		strings.HasPrefix(program, "pip") && first == "install",
		program == "amazon-linux-extras" && (first == "install" || first == "enable"):
		return "gets what this installs"
	case program == "systemctl" && (first == "start" || first == "restart" || first == "enable" || first == "reload"),
		program == "supervisorctl" && (first == "start" || first == "restart" || first == "update"),
		program == "service" && (hasText(args, "start") || hasText(args, "restart")):
		return "starts this service"
	case (program == "php" || path.Base(first) == "artisan") && hasText(args, "storage:link"):
		return "gets this link"
	case program == "ln" && len(operands(args, "tS")) == 2:
		return "gets this link"
	case hasText(args, "collectstatic") && r.servesStatic():
		return "gets the static files, which the proxy of each serves from its own folder"
	}
	return ""
}

// servesStatic: the proxy serves files from the application's own folder.
func (r *run) servesStatic() bool {
	for i := range r.settings {
		if n := r.settings[i].Namespace; strings.HasSuffix(n, ":staticfiles") {
			return true
		}
	}
	return false
}

func hasText(args []shell.Word, text string) bool {
	for _, a := range args {
		if a.Text == text {
			return true
		}
	}
	return false
}
