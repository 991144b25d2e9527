package check

import "beanpole/internal/finding"

var certbotAuto = &Rule{
	Slug:  "certbot-auto",
	Title: "certbot-auto no longer installs certbot",
	Why: `The script certbot-auto was given up in January 2021: on a system on which it has not
installed certbot before, as every new instance is, it ends with "Your system is not
supported by certbot-auto anymore. Certbot cannot be installed." and return code 1.
certbot itself goes on, and is installed with pip.`,
	Before: `container_commands:
  01_get:
    command: wget https://dl.eff.org/certbot-auto && chmod a+x certbot-auto
  02_run:
    command: ./certbot-auto certonly --non-interactive --agree-tos`,
	After: `container_commands:
  01_get:
    command: python3 -m venv /opt/certbot && /opt/certbot/bin/pip install certbot
  02_run:
    command: /opt/certbot/bin/certbot certonly --non-interactive --agree-tos`,
	Since: "0.1.0",
	// [certbot/certbot issue 8609; its change log, 1.11 to 1.13]
	find: func(r *run) (out []*finding.Finding) {
		for _, u := range append(uses(r.scripts(), "dl.eff.org/certbot-auto"), uses(r.writtenScripts(), "dl.eff.org/certbot-auto")...) {
			if program, _ := u.program(); u.written || program != "wget" && program != "curl" {
				continue
			}
			f := &finding.Finding{Rule: "certbot-auto", Severity: finding.Warning, Pos: u.pos(), End: u.end()}
			f.Message = "certbot-auto may not install certbot on a new instance: it was given up in January 2021"
			note(f, "on AWS", "Your system is not supported by certbot-auto anymore. Certbot cannot be installed.")
			note(f, "fix", "install certbot with pip:   python3 -m venv /opt/certbot && /opt/certbot/bin/pip install certbot")
			out = append(out, f)
		}
		return out
	},
}
