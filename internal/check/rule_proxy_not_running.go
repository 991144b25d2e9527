package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
)

var proxyNotRunning = &Rule{
	Slug:  "proxy-not-running",
	Title: "the proxy is reloaded before it runs",
	Why: `On a new instance the proxy is not running while commands, container_commands and
the hooks before the deployment run; Elastic Beanstalk starts it afterwards. Reloading
what does not run fails: "nginx.service is not active, cannot reload", or return code 7
on the Amazon Linux AMI. It works on instances that already serve, so that it shows
only when the environment is made, scaled or rebuilt. The deployment starts the proxy
with the new files itself.`,
	Before: `container_commands:
  01_reload:
    command: service nginx reload`,
	After: `# nothing: the proxy is started after container_commands`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		for _, u := range uses(r.scripts(), "nginx", "httpd", "apache2") {
			if u.script.stage >= postdeployHook || u.script.onConfig || !u.fails() || u.script.guarded() || !u.reloads() {
				continue
			}
			name, _ := u.program()
			says := "nginx.service is not active, cannot reload."
			if name == "nginx" {
				says = `nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)`
			}
			if strings.HasPrefix(u.word.Text, "httpd") {
				says = "httpd.service is not active, cannot reload."
			}
			out = append(out, &finding.Finding{
				Rule: "proxy-not-running", Severity: finding.Warning, Certain: true, Pos: u.script.at(u.call.Start), End: u.script.at(u.call.End),
				Message: fmt.Sprintf("this will fail on a new instance, and the deployment with it: the proxy is not running while %s", during(u.script.stage)),
				Notes: []finding.Note{
					{Label: "on AWS", Text: says},
					{Label: "fix", Text: "leave it out: the deployment starts the proxy with the new files afterwards"},
				},
			})
		}
		return out
	},
}

func during(s stage) string {
	if s == prebuildHook || s == predeployHook {
		return s.String() + " runs"
	}
	return s.String() + " run"
}

// reloads: `service nginx reload`, `systemctl reload nginx`, `nginx -s reload`.
// A restart starts what does not run.
func (u *use) reloads() bool {
	program, args := u.program()
	var words []string
	for _, a := range args {
		words = append(words, a.Text)
	}
	all := " " + strings.Join(words, " ") + " "
	switch program {
	case "service":
		return len(words) == 2 && words[1] == "reload" && u.word.Text == words[0]
	case "systemctl":
		return strings.Contains(all, " reload ") && u.word.Text != "reload"
	case "nginx":
		return strings.Contains(all, " -s reload ")
	}
	return false
}
