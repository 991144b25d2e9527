package check

import (
	"path"
	"strings"

	"beanpole/internal/finding"
)

var proxyChangeUndone = &Rule{
	Slug:  "proxy-change-undone",
	Title: "a configuration deployment undoes a proxy change",
	Why: `When an environment property or another setting changes, Elastic Beanstalk renders the
proxy's files anew, copies them over /etc/nginx, and runs the scripts in
.platform/confighooks, not those in .platform/hooks [EB:platforms-linux-extend]. What a
postdeploy hook has changed in these files, as "certbot --nginx" does, is gone: HTTPS
works after a deployment and is lost after the next change of a property. New instances
are not hurt, they run the hooks.`,
	Before: ".platform/hooks/postdeploy/01_certbot.sh",
	After: `.platform/hooks/postdeploy/01_certbot.sh
.platform/confighooks/postdeploy/01_certbot.sh`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		counts, certain := r.platformFiles()
		if !counts {
			return nil
		}
		seen := map[string]bool{}
		for _, u := range uses(r.scripts(), "--nginx", "--apache", "/etc/nginx/") {
			hook := u.script.hook
			if u.script.stage != postdeployHook || u.script.onConfig || hook == "" || seen[hook] || !r.changesRendered(&u) || r.doneOnConfig(hook) {
				continue
			}
			seen[hook] = true
			f := &finding.Finding{Rule: "proxy-change-undone", Severity: finding.Warning, Certain: certain, Pos: u.script.at(u.call.Start), End: u.script.at(u.call.End)}
			f.Message = "the next configuration deployment " + verb(certain) + " undo this change of the proxy's files"
			note(f, "cause", "it renders them anew, and runs .platform/confighooks only")
			note(f, "on AWS", "no message at all; it is there after a deployment, and gone after eb setenv")
			if !certain {
				note(f, "not known", "the platform (--platform)")
			}
			note(f, "fix", "put the script into .platform/confighooks/postdeploy/, too")
			out = append(out, f)
		}
		return out
	},
}

// changesRendered: the call changes a file that the platform renders, or copies
// from the bundle, at every deployment.
func (r *run) changesRendered(u *use) bool {
	program, args := u.program()
	if strings.HasPrefix(u.word.Text, "--") {
		if program != "certbot" && path.Base(program) != "certbot" {
			return false
		}
		for _, a := range args {
			switch a.Text {
			case "certonly", "renew", "install", "certificates", "--dry-run":
				return a.Text == "install"
			}
		}
		return true
	}
	name, ok := u.writesTo()
	if !ok {
		return false
	}
	name = path.Clean(name)
	return renderedByPlatform(name) || r.in.Bundle.Has(".platform"+strings.TrimPrefix(name, "/etc"))
}

// doneOnConfig: a script of confighooks does the same, as far as can be seen: it has
// the hook's name, calls it, or is about the proxy as well.
func (r *run) doneOnConfig(hook string) bool {
	for _, h := range r.hookFiles() {
		if !strings.HasPrefix(h.name, ".platform/confighooks/") {
			continue
		}
		t := r.text(h.name)
		if t == nil || base(h.name) == base(hook) || !isShell(t.Text) || holds(t.Text, base(hook), "hooks/postdeploy", "certbot", "nginx") {
			return true
		}
	}
	return false
}
