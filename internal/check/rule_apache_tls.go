package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

var apacheWithoutModSSL = &Rule{
	Slug:  "apache-without-mod-ssl",
	Title: "Apache speaks TLS, and nothing installs mod_ssl",
	Why: `TLS of Apache is a module of its own, in the package mod_ssl, which AWS's HTTPS recipes
for Apache install. Without it Apache knows none of the directives that begin with SSL,
and does not start:
  Invalid command 'SSLEngine', perhaps misspelled or defined by a module not included in the server configuration
[httpd: server/config.c]. On the Amazon Linux AMI the package was mod24_ssl.`,
	Before: `# .platform/httpd/conf.d/https.conf
<VirtualHost *:443>
  SSLEngine on`,
	After: `# .ebextensions/https.config, beside it
packages:
  yum:
    mod_ssl: []`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		applies, certain := r.proxyIs("apache")
		on, known := r.onGenerations(laterThanAL1...)
		if !applies || !on || r.otherSources() || r.installs("mod_ssl") || r.programsHold("mod_ssl", "ssl_module") {
			return nil
		}
		for _, text := range r.platformApache() {
			m := sslEngine.FindStringSubmatchIndex(text.Text)
			if m == nil || holds(text.Text, "IfModule", "ssl_module") {
				continue
			}
			f := &finding.Finding{Rule: "apache-without-mod-ssl", Severity: finding.Warning, Pos: text.PosAt(m[2]), End: text.PosAt(m[3])}
			f.Message = "Apache may not start: nothing in the bundle installs mod_ssl"
			note(f, "on AWS", "Invalid command 'SSLEngine', perhaps misspelled or defined by a module not included in the server configuration")
			if !certain || !known {
				note(f, "not known", r.proxyNotKnown())
			} else {
				note(f, "not known", "whether the platform's image has it")
			}
			note(f, "fix", "add   packages: {yum: {mod_ssl: []}}   to a configuration file")
			return []*finding.Finding{f}
		}
		return nil
	},
}

var sslEngine = lazyregexp.New(`(?mi)^[ \t]*(SSLEngine[ \t]+on)\b`)

// platformApache are the Apache files below .platform/httpd that are read.
func (r *run) platformApache() (out []*source.Node) {
	for _, text := range r.apacheFiles() {
		if strings.HasPrefix(text.Pos.File, ".platform/httpd/") {
			out = append(out, text)
		}
	}
	return out
}

var apacheListensTwice = &Rule{
	Slug:  "apache-listens-twice",
	Title: "Apache is told twice to listen on a port",
	Why: `A second Listen for the same port, in whichever file, ends Apache when it starts:
  (98)Address already in use: AH00072: make_sock: could not bind to address [::]:443
[gh:awsdocs/elastic-beanstalk-samples#51]. The ssl.conf that comes with mod_ssl listens
on 443, too.`,
	Before: `# a.conf
Listen 443
# b.conf
Listen 443`,
	After: `# a.conf
Listen 443`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.proxyIs("apache")
		on, known := r.onGenerations(laterThanAL1...)
		if !applies || !on {
			return nil
		}
		first := map[string]source.Pos{}
		for _, text := range r.platformApache() {
			for _, m := range apachePort.FindAllStringSubmatchIndex(text.Text, -1) {
				port := strings.TrimPrefix(strings.TrimPrefix(text.Text[m[4]:m[5]], "0.0.0.0:"), "*:")
				at, again := first[port]
				if !again {
					first[port] = text.PosAt(m[2])
					continue
				}
				if holds(text.Text, "<If") {
					continue
				}
				out = append(out, r.listensAgain(text, m[2], m[3], port, at, certain && known))
			}
		}
		return out
	},
}

func (r *run) listensAgain(text *source.Node, start, end int, port string, at source.Pos, certain bool) *finding.Finding {
	f := &finding.Finding{Rule: "apache-listens-twice", Severity: finding.Error, Certain: certain, Pos: text.PosAt(start), End: text.PosAt(end)}
	f.Message = fmt.Sprintf("Apache %s not start: it is told twice to listen on %s", verb(certain), port)
	note(f, "first", "it is told so here", at)
	note(f, "on AWS", "(98)Address already in use: AH00072: make_sock: could not bind to address [::]:"+port)
	if !certain {
		f.Severity = finding.Warning
		note(f, "not known", r.proxyNotKnown())
	}
	note(f, "fix", "take this line out")
	return f
}
