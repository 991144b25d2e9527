package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/platform"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

var proxyFileLost = &Rule{
	Slug:  "proxy-file-lost",
	Title: "the proxy never gets this file",
	Why: `Since Amazon Linux 2 a deployment renders the proxy's configuration anew: it copies
.platform/nginx (or .platform/httpd) over its own files, tests the result, and copies
it over /etc/nginx after every command has run ("cp -rp /var/proxy/staging/nginx/*
/etc/nginx" in eb-engine.log). What commands and files have written to a file of the
same name is gone, without a message; the deployment is green and HTTPS, redirects or
body sizes are missing. nginx is the default proxy, so files of Apache are not read
unless the option ProxyServer is apache.`,
	Before: `files:
  /etc/nginx/nginx.conf:
    content: |
      worker_processes auto;`,
	After: `# the file .platform/nginx/nginx.conf in the source bundle
worker_processes auto;`,
	Since: "0.1.0",
	find:  func(r *run) []*finding.Finding { return r.lostProxyFiles() },
}

// A proxyLoss is what becomes of a file that belongs to a proxy.
type proxyLoss struct {
	// message follows the name; it has one %s for the verb.
	message, cause, fix string
	onAWS               string
	// open: it is not sure even where the platform is known.
	open bool
}

// renderedByPlatform tells whether every deployment writes the file anew.
func renderedByPlatform(name string) bool {
	rest, ok := strings.CutPrefix(name, platform.ProxyFolder+"/")
	return ok && slices.Contains(platform.Rendered, rest)
}

// proxyLoss tells what becomes of a file after Amazon Linux AMI; nil when it
// works, or nobody can tell.
func (r *run) proxyLoss(name string) *proxyLoss {
	own := r.in.Bundle.Has(".platform/nginx/nginx.conf")
	switch {
	case renderedByPlatform(name):
		return &proxyLoss{
			message: "be overwritten before nginx starts",
			cause:   "the deployment copies its own " + path.Base(name) + " over it after every command has run",
			onAWS:   "cp -rp /var/proxy/staging/nginx/* /etc/nginx   (eb-engine.log)",
			fix:     "put it into the source bundle as .platform" + strings.TrimPrefix(name, "/etc"),
		}
	case holds(name, "/etc/nginx/sites-enabled/", "/etc/nginx/sites-available/") && !own:
		return &proxyLoss{
			message: "never be read by nginx",
			cause:   "the platform's nginx.conf includes conf.d/*.conf only",
			fix:     "put it into the source bundle as .platform/nginx/conf.d/" + confName(name),
		}
	case path.Base(name) == "00_elastic_beanstalk_proxy.conf":
		return &proxyLoss{
			message: "not change how nginx answers", open: true,
			cause: "this is the proxy's file on the Amazon Linux AMI; since Amazon Linux 2 it is one more file, and the default server of nginx.conf goes on answering",
			fix:   "put locations into .platform/nginx/conf.d/elasticbeanstalk/, further servers into .platform/nginx/conf.d/",
		}
	case strings.HasPrefix(name, "/etc/httpd/") && strings.HasSuffix(name, ".conf"):
		return r.httpdLoss(name)
	}
	return nil
}

func confName(name string) string {
	return strings.TrimSuffix(path.Base(name), ".conf") + ".conf"
}

// httpdLoss: Apache runs only when ProxyServer says so, and its folders are
// made anew as nginx's are [gh:awsdocs/elastic-beanstalk-samples#148].
func (r *run) httpdLoss(name string) *proxyLoss {
	fix := "put it into the source bundle as .platform" + strings.TrimPrefix(name, "/etc") + ", with the option ProxyServer: apache"
	switch r.proxy() {
	case "nginx", "none":
		return &proxyLoss{message: "never be read", cause: "the proxy is nginx: the option ProxyServer is not apache",
			fix: "write it for nginx, as .platform/nginx/conf.d/" + confName(name) + "; or " + fix}
	case "apache":
		return &proxyLoss{message: "be gone when Apache starts", open: true, fix: fix,
			cause: "the deployment makes /etc/httpd/conf.d anew from /var/proxy/staging/httpd after every command has run"}
	}
	return &proxyLoss{message: "never be read", open: true, fix: fix,
		cause: "the proxy is nginx unless the option ProxyServer is apache, and then /etc/httpd is made anew after every command has run"}
}

func (r *run) lostProxyFiles() (out []*finding.Finding) {
	applies, certain := r.onGenerations(laterThanAL1...)
	if !applies || len(uses(r.scripts(), "/var/proxy/staging")) > 0 {
		return nil // the bundle puts it where the deployment takes it from
	}
	seen := map[string]bool{}
	report := func(name string, pos, end source.Pos) {
		loss := r.proxyLoss(path.Clean(name))
		if loss == nil || seen[name] {
			return
		}
		seen[name] = true
		f := &finding.Finding{Rule: "proxy-file-lost", Severity: finding.Error, Pos: pos, End: end}
		f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: loss.cause})
		if loss.onAWS != "" {
			f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: loss.onAWS})
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: loss.fix})
		sure := certain && !loss.open
		f.Message = fmt.Sprintf("%s %s %s", path.Clean(name), verb(sure), loss.message)
		generational(f, certain)
		if loss.open {
			f.Certain, f.Severity = false, finding.Warning
		}
		out = append(out, f)
	}
	for _, e := range r.entries("files") {
		report(e.name.Text, e.name.Pos, e.name.End)
	}
	for _, u := range uses(r.scripts(), "/etc/nginx/", "/etc/httpd/") {
		if u.script.stage < postdeployHook && !u.script.onConfig {
			if name, ok := u.writesTo(); ok {
				report(name, u.pos(), u.end())
			}
		}
	}
	return out
}

// writesTo is the file that the program writes when the word is its target.
func (u *use) writesTo() (name string, ok bool) {
	if u.word.Dynamic {
		return "", false
	}
	program, args := u.program()
	last := len(args) > 1 && args[len(args)-1].Start == u.word.Start
	switch {
	case u.written, program == "tee":
		return u.word.Text, true
	case program == "sed" || program == "perl":
		return u.word.Text, strings.HasPrefix(u.word.Text, "/") && hasOption(args, 'i')
	case (program == "cp" || program == "mv" || program == "install") && last:
		if strings.HasSuffix(u.word.Text, "/") || !strings.Contains(path.Base(u.word.Text), ".") {
			return path.Join(u.word.Text, path.Base(args[len(args)-2].Text)), true
		}
		return u.word.Text, true
	}
	return "", false
}

// hasOption tells whether a one-letter option is among the arguments, alone or
// together with others.
func hasOption(args []shell.Word, letter byte) bool {
	for _, a := range args {
		t := a.Text
		if t == "--" {
			return false
		}
		if len(t) > 1 && t[0] == '-' && t[1] != '-' && strings.IndexByte(t, letter) > 0 {
			return true
		}
	}
	return false
}
