package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

var certificateFileMissing = &Rule{
	Slug:  "certificate-file-missing",
	Title: "nobody puts the certificate or key there",
	Why: `The proxy opens every certificate and key that its configuration names before it
starts. One that is not there ends the deployment, at the test of the staged
configuration:
  nginx: [emerg] cannot load certificate "/etc/pki/tls/certs/server.crt": BIO_new_file() failed (SSL: … No such file or directory …)
It has to be on the instance before: from files, a command, a container command, or a
prebuild or predeploy hook. Certbot in a postdeploy hook comes too late on a new
instance: the test is over by then, so that no hook runs any more.`,
	Before: `# .platform/nginx/conf.d/https.conf, and nothing that writes /etc/pki/tls/certs/server.crt
ssl_certificate     /etc/pki/tls/certs/server.crt;
ssl_certificate_key /etc/pki/tls/certs/server.key;`,
	After: `# .ebextensions/certificate.config
files:
  /etc/pki/tls/certs/server.crt:
    content: |
      -----BEGIN CERTIFICATE-----
      …
  /etc/pki/tls/certs/server.key:
    mode: "000400"
    source: https://BUCKET.s3.REGION.amazonaws.com/server.key
    authentication: S3Auth`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if r.otherSources() {
			return nil
		}
		for _, f := range r.neededFiles() {
			var missing []neededFile
			late := false
			for _, n := range f {
				switch {
				case r.fileAt(n.path) != nil || r.writes(n.path) || broughtByPackages(n.path) || r.programsHold(path.Base(n.proxyFile)):
				case strings.HasPrefix(n.path, "/etc/letsencrypt/") && r.certbotComesLate():
					missing, late = append(missing, n), true
				case !r.programsHold(mayFetch...) && !r.programsHold(n.path, path.Base(n.path), path.Dir(n.path)):
					missing = append(missing, n)
				}
			}
			if len(missing) > 0 {
				out = append(out, r.missingFiles(missing, late))
			}
		}
		return out
	},
}

// mayFetch are programs that can write files whose names cannot be seen.
var mayFetch = []string{"aws ", "curl ", "wget ", "openssl ", "certbot", "acme", "lego ", "letsencrypt", "git ", "unzip ", "tar ", "mount", "rsync ", "vault "}

// otherSources: files can come in ways that are not looked at: with the image,
// with packages from elsewhere, or from configuration files that nobody can read.
func (r *run) otherSources() bool {
	if r.ownImage() || len(r.x.Problems) > 0 {
		return true
	}
	for _, e := range r.entries("packages") {
		if e.name.Text == "rpm" {
			return true
		}
	}
	return false
}

// broughtByPackages: the file is there on a fresh instance: CA certificates, and
// what mod_ssl makes for localhost.
func broughtByPackages(name string) bool {
	return strings.Contains(path.Base(name), "ca-bundle") || strings.HasPrefix(path.Base(name), "localhost.") ||
		name == "/etc/pki/tls/cert.pem" || name == "/etc/ssl/cert.pem" || strings.HasPrefix(name, "/etc/pki/ca-trust/")
}

// neededFile is a file that a proxy opens when it starts.
type neededFile struct {
	path      string
	server    string // "nginx" or "Apache"
	proxyFile string
	at, end   source.Pos
	onAWS     string
	certain   bool
	staged    bool
}

// opened are nginx's directives that name a file which it opens when it starts,
// and how it says that it is not there [nginx 1.22 with OpenSSL 3.0, run].
var opened = map[string]string{
	"ssl_certificate":         `cannot load certificate "%s": BIO_new_file() failed (SSL: … No such file or directory …)`,
	"ssl_certificate_key":     `cannot load certificate key "%s": BIO_new_file() failed (SSL: … No such file or directory …)`,
	"ssl_dhparam":             `BIO_new_file("%s") failed (SSL: … No such file or directory …)`,
	"ssl_client_certificate":  `SSL_CTX_load_verify_locations("%s") failed (SSL: … No such file or directory …)`,
	"ssl_trusted_certificate": `SSL_CTX_load_verify_locations("%s") failed (SSL: … No such file or directory …)`,
}

// neededFiles are the files that the proxy needs, by the file that names them.
func (r *run) neededFiles() (out [][]neededFile) {
	seen := map[string]bool{}
	files, certain := r.nginxInForce()
	for _, f := range files {
		if p := r.placedFiles()[f.name]; p != nil && p.stage >= postdeployHook {
			continue // the hook that puts it there may have fetched the rest
		}
		var of []neededFile
		nginx.Walk(f.directives, func(d *nginx.Directive) {
			says, ok := opened[d.Name.Text]
			if !ok || len(d.Args) != 1 || !path.IsAbs(d.Args[0].Text) || strings.Contains(d.Args[0].Text, "$") || seen[d.Args[0].Text] {
				return
			}
			if d.Name.Text == "ssl_client_certificate" && !f.verifiesClients() {
				return // it is not opened then
			}
			w := d.Args[0]
			seen[w.Text] = true
			if r.in.Bundle.Has(".platform/nginx/" + strings.TrimPrefix(w.Text, "/etc/nginx/")) {
				return // staged with the rest; there from the second deployment on
			}
			of = append(of, neededFile{path: w.Text, server: "nginx", proxyFile: f.name, at: f.text.PosAt(w.Start), end: f.text.PosAt(w.End),
				onAWS: "nginx: [emerg] " + fmt.Sprintf(says, w.Text), certain: certain, staged: f.staged})
		})
		out = append(out, of)
	}
	if of := r.apacheNeeds(); len(of) > 0 {
		out = append(out, of)
	}
	return out
}

// verifiesClients: the file asks clients for certificates.
func (f *proxyFile) verifiesClients() (asks bool) {
	nginx.Walk(f.directives, func(d *nginx.Directive) {
		asks = asks || d.Name.Text == "ssl_verify_client" && len(d.Args) == 1 && d.Args[0].Text != "off"
	})
	return asks
}

// apacheNeeds are the files that Apache needs. Its words: httpd's
// modules/ssl/ssl_engine_config.c, ssl_cmd_check_file.
func (r *run) apacheNeeds() (out []neededFile) {
	applies, certain := r.proxyIs("apache")
	on, known := r.onGenerations(laterThanAL1...)
	if !applies || !on {
		return nil
	}
	for _, text := range r.apacheFiles() {
		if !strings.HasPrefix(text.Pos.File, ".platform/httpd/") {
			continue
		}
		for _, m := range apacheFile.FindAllStringSubmatchIndex(text.Text, -1) {
			name, value := text.Text[m[2]:m[3]], text.Text[m[4]:m[5]]
			if !strings.HasPrefix(strings.ToLower(name), "sslcertificate") || !path.IsAbs(value) || strings.ContainsAny(value, "$%") {
				continue
			}
			out = append(out, neededFile{path: value, server: "Apache", proxyFile: text.Pos.File, at: text.PosAt(m[4]), end: text.PosAt(m[5]),
				onAWS: fmt.Sprintf("%s: file '%s' does not exist or is empty", name, value), certain: certain && known, staged: true})
		}
	}
	return out
}

// certbotComesLate: certificates are asked for in postdeploy hooks, and nothing
// in front of them can bring one.
func (r *run) certbotComesLate() bool {
	late := false
	for _, s := range r.scripts() {
		text := scriptText(s)
		asks := holds(text, "certbot", "letsencrypt", "acme")
		switch {
		case s.stage >= postdeployHook:
			late = late || asks
		case holds(text, "aws ", "tar ", "mount", "rsync "):
			return false
		case asks && !onlyInstalls(s):
			return false
		}
	}
	for _, s := range r.writtenScripts() {
		if holds(s.text.Text, "certbot", "letsencrypt", "acme") {
			return false
		}
	}
	return late
}

// onlyInstalls: whatever of the script is about certbot installs it, no more.
func onlyInstalls(s *script) bool {
	calls, ok := s.read()
	if !ok {
		return false
	}
	for i := range calls {
		about := false
		for _, w := range calls[i].Words {
			about = about || holds(w.Text, "certbot", "letsencrypt", "acme")
		}
		switch program, _ := calls[i].Program(); {
		case !about:
		case program == "yum" || program == "dnf" || program == "pip" || program == "pip3" || program == "amazon-linux-extras" || program == "ln" || program == "echo" || program == "mkdir":
		case strings.HasPrefix(program, "pip") || strings.HasPrefix(program, "python"):
		default:
			return false
		}
	}
	return true
}

func (r *run) missingFiles(missing []neededFile, late bool) *finding.Finding {
	n := missing[0]
	f := &finding.Finding{Rule: "certificate-file-missing", Severity: finding.Error, Certain: n.certain, Pos: n.at, End: n.end}
	will := verb(n.certain)
	if late {
		f.Severity = finding.Warning
		f.Message = fmt.Sprintf("%s %s not start on a new instance: %s comes from a postdeploy hook, which runs afterwards", n.server, will, n.path)
	} else {
		f.Message = fmt.Sprintf("%s %s not start: nothing in the bundle writes %s", n.server, will, n.path)
	}
	if !n.certain {
		f.Severity = finding.Warning
	}
	if len(missing) > 1 {
		var at []source.Pos
		for _, m := range missing[1:] {
			at = append(at, m.at)
		}
		also := missing[1].path + " is missing, too"
		if len(missing) > 2 {
			also = fmt.Sprintf("%s and %d more are missing, too", missing[1].path, len(missing)-2)
		}
		note(f, "also", also, at...)
	}
	note(f, "on AWS", n.onAWS)
	if !n.certain {
		note(f, "not known", r.proxyNotKnown())
	}
	switch {
	case late:
		note(f, "fix", "keep this server out of .platform/"+strings.ToLower(n.server)+": let the hook write it to /etc/nginx/conf.d once certbot has the certificate, and reload nginx")
	case strings.HasPrefix(n.path, "/etc/letsencrypt/"):
		note(f, "fix", "get it before the proxy starts, in a prebuild hook with   certbot certonly   ; or take this server out")
	case r.meant(n.path) != "":
		note(f, "fix", "write   "+r.meant(n.path))
	default:
		note(f, "fix", "write it with files, or take this server out")
	}
	return f
}

// meant is a file that the deployment does write, and whose name is so near that
// it may be meant; "" when there is none.
func (r *run) meant(name string) string {
	var names []string
	for p := range r.placedFiles() {
		if path.Base(p) == path.Base(name) {
			return p
		}
		if path.Ext(p) == path.Ext(name) {
			names = append(names, p)
		}
	}
	return nearest(name, names)
}

// proxyNotKnown says which inputs would settle what the proxy is.
func (r *run) proxyNotKnown() string {
	if !r.platform.Known {
		return "the platform (--platform)"
	}
	return "whether the option ProxyServer is set elsewhere (--template, --option)"
}
