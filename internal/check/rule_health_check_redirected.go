package check

import (
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

var healthCheckRedirected = &Rule{
	Slug:  "health-check-redirected",
	Title: "health checks get the redirect to HTTPS",
	Why: `The load balancer asks the instances for the health check's path over plain HTTP, and
expects 200 unless MatcherHTTPCode says otherwise. Its health checks carry no
X-Forwarded-Proto, so that a proxy that redirects everything that is not "https" answers
301: the targets are unhealthy ("Health checks failed with these codes: [301]"), the
environment's health is Severe, and a deployment in batches is rolled back
[EB:configuring-https-httpredirect; ELB: target health reason codes]. A redirect for
"http" alone leaves health checks out; better still, the load balancer's listener on
port 80 redirects.`,
	Before: `if ($http_x_forwarded_proto != "https") {
  return 301 https://$host$request_uri;
}`,
	After: `if ($http_x_forwarded_proto = "http") {
  return 301 https://$host$request_uri;
}`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		checked, certain := r.wantsPlain200()
		if on, _ := r.onGenerations(laterThanAL1...); !on || !checked {
			return nil
		}
		files, sure := r.nginxInForce()
		for _, f := range files {
			for _, d := range f.redirects() {
				if !d.conditional && r.balanced() == fact.Unknown {
					continue // a single instance has no header to ask for
				}
				out = append(out, r.redirected(f.text, d.start, d.end, d.conditional, certain && sure))
			}
		}
		if applies, sure := r.proxyIs("apache"); applies {
			for _, text := range r.apacheFiles() {
				if m := rewritten.FindStringSubmatchIndex(text.Text); m != nil && strings.HasPrefix(text.Pos.File, ".platform/httpd/") && !exempt(text.Text) {
					out = append(out, r.redirected(text, m[2], m[3], true, certain && sure))
				}
			}
		}
		return out
	},
}

// rewritten: one condition and one rule of Apache's that redirect all that did
// not come over HTTPS. A condition in front of it could exempt something.
var rewritten = lazyregexp.New(`(?i)(?:^|\n)[ \t]*RewriteEngine[ \t]+on[ \t]*\n(?:[ \t]*\n)*[ \t]*(RewriteCond[ \t]+%\{HTTP:X-Forwarded-Proto\}[ \t]+!=?"?https"?[ \t]*(?:\[NC\])?)[ \t]*\n[ \t]*RewriteRule[ \t]+\S+[ \t]+"?https://\S*[ \t]+\[[^\]\n]*\bR\b`)

// exempt: health checks are treated on their own.
func exempt(text string) bool {
	return holds(text, "HealthChecker", "user_agent", "USER_AGENT", "User-Agent")
}

// redirect is a part of a file that redirects.
type redirect struct {
	start, end  int
	conditional bool // on X-Forwarded-Proto
}

// redirects are the places of a server block at which every health check is
// redirected: in the files of the platform's server, and in the default server
// of a main file. What a server block does itself comes before all locations.
func (f *proxyFile) redirects() (out []redirect) {
	if exempt(f.text.Text) {
		return nil
	}
	switch f.level {
	case nginx.Server:
		return redirectsIn(f.directives)
	case nginx.Main:
		if http := nginx.Find(f.directives, "http"); http != nil {
			if d := defaultServer(http.Block); d != nil {
				return redirectsIn(d.Block)
			}
		}
	}
	return nil
}

// defaultServer is the server that gets requests for unknown hosts on port 80:
// health checks come with the instance's address as Host.
func defaultServer(ds []*nginx.Directive) (found *nginx.Directive) {
	for _, d := range ds {
		if d.Name.Text != "server" {
			continue
		}
		for _, l := range d.Block {
			if l.Name.Text != "listen" || len(l.Args) == 0 {
				continue
			}
			ports := map[int]bool{}
			addPort(ports, l.Args[0].Text)
			if !ports[80] {
				continue
			}
			if len(l.Args) > 1 && l.Args[1].Text == "default_server" {
				return d
			}
			if found == nil {
				found = d
			}
		}
	}
	return found
}

func redirectsIn(ds []*nginx.Directive) (out []redirect) {
	for _, d := range ds {
		switch {
		case toHTTPS(d):
			return append(out, redirect{d.Name.Start, d.End, false})
		case d.Name.Text == "if" && notHTTPS(d.Args):
			for _, in := range d.Block {
				if toHTTPS(in) {
					return append(out, redirect{d.Name.Start, d.End, true})
				}
			}
		}
	}
	return out
}

// toHTTPS: `return 301 https://…` and the like.
func toHTTPS(d *nginx.Directive) bool {
	switch {
	case d.Name.Text == "return" && len(d.Args) == 2:
		return redirectCode[d.Args[0].Text] && strings.HasPrefix(d.Args[1].Text, "https://")
	case d.Name.Text == "rewrite" && len(d.Args) >= 2:
		return catchAll[d.Args[0].Text] && strings.HasPrefix(d.Args[1].Text, "https://")
	}
	return false
}

var redirectCode = map[string]bool{"301": true, "302": true, "303": true, "307": true, "308": true}
var catchAll = map[string]bool{"^": true, "^(.*)": true, "^(.*)$": true, "^/(.*)$": true, "^/(.*)": true, ".*": true, "^.*$": true, "(.*)": true}

// notHTTPS: ($http_x_forwarded_proto != "https").
func notHTTPS(args []nginx.Word) bool {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(a.Text)
	}
	switch strings.Trim(strings.NewReplacer("(", "", ")", "", `"`, "", "'", "", " ", "").Replace(b.String()), "^") {
	case "$http_x_forwarded_proto!=https", "$http_x_forwarded_proto!~https", "$http_x_forwarded_proto!~*https":
		return true
	}
	return false
}

const healthURL = "Application Healthcheck URL"

// wantsPlain200: the load balancer asks the instances over HTTP and takes 200 for
// healthy, as far as is known.
func (r *run) wantsPlain200() (checked, certain bool) {
	url, set := r.known("aws:elasticbeanstalk:application", healthURL)
	switch kind := r.balancerKind(); {
	case r.balanced() == fact.Broken, kind == "network":
		return false, false
	case kind == "classic":
		// Without a path it is a TCP check [EB:environments-cfg-clb].
		return set != nil && set.Level > ebext.Default && url != "" && !strings.HasPrefix(url, "TCP:") && !strings.HasPrefix(url, "HTTPS:"), r.direct
	}
	space := processPrefix + "default"
	port := r.settingOr(space, pair{"Port", "80"}).Value.TextOr("")
	protocol := r.settingOr(space, pair{"Protocol", "HTTP"}).Value.TextOr("")
	codes := r.settingOr(space, pair{"MatcherHTTPCode", "200"}).Value.TextOr("")
	if port != "80" || protocol != "HTTP" || strings.Contains(codes, "3") || codes != "" && !fact.Known(codes) {
		return false, false
	}
	return true, r.direct && r.balancerKind() == "application"
}

func (r *run) redirected(text *source.Node, start, end int, conditional, certain bool) *finding.Finding {
	f := &finding.Finding{Rule: "health-check-redirected", Severity: finding.Warning, Certain: certain, Pos: text.PosAt(start), End: text.PosAt(end)}
	f.Message = "health checks " + verb(certain) + " fail: they get this redirect, and 200 is expected"
	if conditional {
		note(f, "cause", "the load balancer's health checks carry no X-Forwarded-Proto")
	} else {
		note(f, "cause", "it redirects every request that comes in on port 80, health checks too")
	}
	note(f, "on AWS", "Health checks failed with these codes: [301]")
	if !certain {
		note(f, "not known", "how the load balancer checks health (--template, --option)")
	}
	fix := `write   if ($http_x_forwarded_proto = "http")   around it`
	if conditional {
		fix = `write   = "http"   in place of   != "https"`
		if !strings.Contains(text.Text[start:end], "$") {
			fix = "write   ^http$   in place of   !https"
		}
	}
	note(f, "fix", fix+"; or take it out and let the load balancer's listener redirect")
	return f
}
