package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/nginx"
	"beanpole/internal/platform"
	"beanpole/internal/source"
)

var nginxRefused = &Rule{
	Slug:  "nginx-refused",
	Title: "nginx does not take this configuration",
	Why: `On Amazon Linux 2 and 2023 Elastic Beanstalk copies .platform/nginx over its own
nginx files, tests the whole, and ends the deployment when nginx refuses it:
  "location" directive is not allowed here in /var/proxy/staging/nginx/conf.d/app.conf:1
Files in conf.d stand in the http block: upstreams, maps, whole servers. Files in
conf.d/elasticbeanstalk stand inside the server block: locations, headers, limits.
What Elastic Beanstalk's own server sets (client_header_timeout,
client_body_timeout, keepalive_timeout, gzip) cannot be set there a second time.
A file that .ebextensions write into /etc/nginx/conf.d is not tested, so nginx
fails when it starts.`,
	Before: `# .platform/nginx/conf.d/api.conf
location /api {
  proxy_pass http://127.0.0.1:5000;
}`,
	After: `# .platform/nginx/conf.d/elasticbeanstalk/api.conf
location /api {
  proxy_pass http://127.0.0.1:5000;
}`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, group := range r.nginxGroups() {
			out = append(out, r.refusals(group)...)
		}
		return out
	},
}

// nginxGroups are the files that nginx reads together: those of one folder.
func (r *run) nginxGroups() [][]*proxyFile {
	var order []string
	groups := map[string][]*proxyFile{}
	for _, f := range r.nginxFiles() {
		for _, in := range nginxFolders {
			if strings.HasPrefix(f.name, in.folder) {
				if groups[in.folder] == nil {
					order = append(order, in.folder)
				}
				groups[in.folder] = append(groups[in.folder], f)
				break
			}
		}
	}
	out := make([][]*proxyFile, len(order))
	for i, folder := range order {
		out[i] = groups[folder]
	}
	return out
}

// refusals are what nginx refuses in files that it reads together.
func (r *run) refusals(files []*proxyFile) (out []*finding.Finding) {
	scopes := map[nginx.Context]*nginx.Scope{}
	ownMain := false
	for _, f := range files {
		ownMain = ownMain || f.level == nginx.Main
	}
	for _, f := range files {
		f.parse()
		if f.fault != nil {
			out = appendFinding(out, r.refusal(f, f.fault))
			continue
		}
		if !f.ok || ownMain && f.level != nginx.Main {
			continue // whether and where it is included is the user's affair
		}
		s := scopes[f.level]
		if s == nil {
			s = nginx.NewScope(f.level)
			if f.level == nginx.Server && f.staged {
				s.Set(platform.ServerDirectives...)
			}
			scopes[f.level] = s
		}
		before := len(s.Problems)
		s.Add(f, f.directives)
		for _, p := range s.Problems[before:] {
			out = appendFinding(out, r.refusal(f, p))
		}
	}
	return out
}

func appendFinding(out []*finding.Finding, f *finding.Finding) []*finding.Finding {
	if f == nil {
		return out
	}
	return append(out, f)
}

// refusal is one problem; nil when another server is the proxy, or the platform
// does not read the file.
func (r *run) refusal(file *proxyFile, p *nginx.Problem) *finding.Finding {
	applies, known := r.onGenerations(file.on...)
	proxy, certain := r.proxyIs("nginx")
	if !applies || !proxy {
		return nil
	}
	certain = certain && known
	at := file.text.PosAt(p.Start)
	f := &finding.Finding{
		Rule: "nginx-refused", Severity: finding.Error, Certain: certain, Pos: at, End: file.text.PosAt(p.End),
		Message: "nginx will refuse this, and the deployment fails",
	}
	switch {
	case !file.staged:
		f.Message = "nginx will refuse this and not start"
		if !certain {
			f.Severity, f.Message = finding.Warning, "nginx may refuse this and not start"
		}
	case !certain:
		f.Message = "nginx may refuse this, and the deployment fail"
	}
	line := 1 + strings.Count(file.text.Text[:min(p.Start, len(file.text.Text))], "\n")
	f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: fmt.Sprintf("%s in %s:%d", p.Text, file.onInstance(), line)})
	if p.First != nil {
		if first, ok := p.FirstOwner.(*proxyFile); ok {
			f.Notes = append(f.Notes, finding.Note{Label: "first", Text: "the same stands here", At: []source.Pos{first.text.PosAt(p.First.Name.Start)}})
		}
	} else if p.Kind == nginx.Duplicate {
		f.Notes = append(f.Notes, finding.Note{Label: "first", Text: "Elastic Beanstalk's own server block sets it"})
	}
	if !known {
		f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "the platform (--platform)"})
	}
	if fix := nginxFix(file, p); fix != "" {
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	}
	return f
}

// nginxFix is what to write instead, "" where only the author knows.
func nginxFix(file *proxyFile, p *nginx.Problem) string {
	switch {
	case p.Kind == nginx.Misplaced && file.level == nginx.HTTP && p.Directive.Name.Text == "location" && file.staged:
		return "move the file to .platform/nginx/conf.d/elasticbeanstalk/, which is read inside the server block"
	case p.Kind == nginx.Misplaced && file.level == nginx.Server && file.staged:
		return "move it to a file in .platform/nginx/conf.d/, which is read in the http block"
	case p.Kind == nginx.Unknown:
		if near := nginx.Nearest(p.Directive.Name.Text); near != "" {
			return "write   " + near
		}
	case p.Kind == nginx.Duplicate && p.First == nil && file.level == nginx.Server:
		return "set it inside a location of yours, or bring a .platform/nginx/nginx.conf of your own"
	case p.Kind == nginx.Duplicate:
		return "keep one of the two"
	}
	return ""
}
