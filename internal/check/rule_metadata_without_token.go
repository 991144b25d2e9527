package check

import (
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

const metadataHost = "169.254.169.254"

var metadataWithoutToken = &Rule{
	Slug:  "metadata-without-token",
	Title: "a script asks instance metadata without a session token",
	Why: `With DisableIMDSv1, which platforms of Amazon Linux 2023 switch on by themselves,
instance metadata answers only requests that bring a session token. All others get
"401 Unauthorized". curl without -f takes the page that says so for the answer, and the
script goes on with it in place of the region or the instance's ID; wget ends with
return code 6 or 8.`,
	Before: `command: curl -s http://169.254.169.254/latest/meta-data/instance-id`,
	After: `command: |
  TOKEN=$(curl -fsX PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)
  curl -fsH "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/instance-id`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		required, certain, set := r.tokensRequired()
		if !required {
			return nil
		}
		byScript := map[*script]*finding.Finding{}
		for _, u := range append(uses(r.scripts(), metadataHost), uses(r.writtenScripts(), metadataHost)...) {
			if !u.bringsNoToken() {
				continue
			}
			if f := byScript[u.script]; f != nil {
				f.Notes[0].At = append(f.Notes[0].At, u.pos())
				continue
			}
			f := &finding.Finding{Rule: "metadata-without-token", Severity: finding.Warning, Certain: certain, Pos: u.pos(), End: u.end()}
			f.Message = "instance metadata " + verb(certain) + " refuse this request: it brings no session token"
			cause := "platforms of Amazon Linux 2023 set DisableIMDSv1"
			var at []source.Pos
			if set != nil {
				cause, at = "DisableIMDSv1 is true", place(set.Pos)
			}
			f.Notes = []finding.Note{
				{Label: "cause", Text: cause, At: at},
				{Label: "on AWS", Text: "401 Unauthorized"},
				{Label: "fix", Text: `ask for a token first   TOKEN=$(curl -fsX PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token)   and send it   -H "X-aws-ec2-metadata-token: $TOKEN"`},
			}
			byScript[u.script] = f
			out = append(out, f)
		}
		return out
	},
}

// tokensRequired: the instances' metadata takes session tokens only. set is
// the setting that says so; without one it is the default of platforms of
// Amazon Linux 2023 [EB:platforms-linux].
func (r *run) tokensRequired() (required, certain bool, set *ebext.Setting) {
	value, set, known := r.option(launchNamespace, "DisableIMDSv1")
	if set != nil && set.Level != ebext.Default {
		return strings.EqualFold(value, "true"), known, set
	}
	return r.platform.Known && r.platform.Generation == ebext.AL2023, r.direct, nil
}

// bringsNoToken: the call asks instance metadata for something, and neither it
// nor its text speaks of a token.
func (u *use) bringsNoToken() bool {
	program, args := u.program()
	if u.written || program != "curl" && program != "wget" && program != "http" {
		return false
	}
	for _, a := range args {
		if strings.Contains(strings.ToLower(a.Text), "token") || a.Text == "-K" || a.Text == "--config" {
			return false
		}
	}
	text := strings.ToLower(u.script.text.Text)
	return !holds(text, "metadata-token", "api/token")
}
