package check

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/nginx"
	"beanpole/internal/pemfile"
	"beanpole/internal/source"
)

// tlsPair is a certificate and its key, as a proxy is told to use them, or as
// their names suggest.
type tlsPair struct {
	// server is "nginx" or "Apache"; "" when only the names make it a pair.
	server    string
	cert, key tlsFile
	// passphrase: the proxy is told where to get the key's pass phrase.
	passphrase bool
}

// tlsFile is one of the two.
type tlsFile struct {
	path    string     // "" when there is none
	at, end source.Pos // where the proxy's file names it; no place for a pair by name
	file    *placed    // nil: nothing that can be seen writes it
}

// pem is what the file holds; nil when it is not known.
func (f *tlsFile) pem() *pemfile.File { return f.file.readPEM() }

// place is where a finding about the file's content stands: where the
// deployment writes it, or where the proxy is told of it. It is never a line of
// the content, which for a key must not be shown.
func (f *tlsFile) place() (at, end source.Pos) {
	if f.file != nil && f.file.end.IsValid() {
		return f.file.at, f.file.end
	}
	if f.at.IsValid() {
		return f.at, f.end
	}
	return f.file.at, f.file.end
}

// places are all places that tell of the file, without the finding's own.
func (f *tlsFile) places(but source.Pos) (out []source.Pos) {
	out = appendPlace(out, f.at)
	if f.file != nil {
		out = appendPlace(out, f.file.at)
	}
	return without(out, but)
}

// tlsPairs are those of nginx's and Apache's files, then those by name.
func (r *run) tlsPairs() []*tlsPair {
	if r.tlsRead {
		return r.tlsAll
	}
	r.tlsRead = true
	if applies, _ := r.proxyIs("nginx"); applies {
		for _, f := range r.nginxFiles() {
			f.parse()
			r.nginxPairs(f, f.directives, nil)
		}
	}
	for _, f := range r.apacheFiles() {
		r.apachePairs(f)
	}
	r.namedPairs()
	return r.tlsAll
}

// nginxPairs takes the pairs of a block and of those inside it; a block
// inherits what it does not set itself.
func (r *run) nginxPairs(f *proxyFile, ds []*nginx.Directive, outer [][]*nginx.Directive) {
	var certs, keys []*nginx.Directive
	for _, d := range ds {
		if len(d.Args) != 1 {
			continue
		}
		switch d.Name.Text {
		case "ssl_certificate":
			certs = append(certs, d)
		case "ssl_certificate_key":
			keys = append(keys, d)
		}
	}
	around := append(outer[:len(outer):len(outer)], ds)
	if len(certs) == len(keys) {
		for i := range certs {
			r.tlsAll = append(r.tlsAll, &tlsPair{server: "nginx", cert: r.tlsFileAt(f.text, certs[i].Args[0]), key: r.tlsFileAt(f.text, keys[i].Args[0]),
				passphrase: findAround(around, "ssl_password_file") != nil})
		}
	}
	for _, d := range ds {
		if d.Name.Text == "server" || d.Name.Text == "http" {
			r.nginxPairs(f, d.Block, around)
		}
	}
}

func findAround(blocks [][]*nginx.Directive, name string) *nginx.Directive {
	for _, ds := range blocks {
		if d := nginx.Find(ds, name); d != nil {
			return d
		}
	}
	return nil
}

// tlsFileAt is a file that an argument names. A path with a variable in it is not
// known.
func (r *run) tlsFileAt(text *source.Node, w nginx.Word) tlsFile {
	f := tlsFile{path: w.Text, at: text.PosAt(w.Start), end: text.PosAt(w.End)}
	if !path.IsAbs(f.path) || strings.Contains(f.path, "$") {
		f.path = ""
		return f
	}
	f.file = r.fileAt(f.path)
	return f
}

// apacheFiles are Apache's, as text: below .platform/httpd, .ebextensions/httpd
// and /etc/httpd.
func (r *run) apacheFiles() (out []*source.Node) {
	for _, name := range r.in.Bundle.Names() {
		if (strings.HasPrefix(name, ".platform/httpd/") || strings.HasPrefix(name, ".ebextensions/httpd/")) && strings.HasSuffix(name, ".conf") {
			if t := r.text(name); t != nil {
				out = append(out, t)
			}
		}
	}
	var paths []string
	for p, f := range r.placedFiles() {
		if strings.HasPrefix(p, "/etc/httpd/") && strings.HasSuffix(p, ".conf") && f.text != nil {
			paths = append(paths, p)
		}
	}
	sort.Strings(paths)
	for _, p := range paths {
		out = append(out, r.placedAt[p].text)
	}
	return out
}

var apacheFile = lazyregexp.New(`(?mi)^[ \t]*(<VirtualHost\b|SSLCertificateFile|SSLCertificateKeyFile|SSLPassPhraseDialog)[ \t]+"?([^"\s]+)`)

// apachePairs takes the pairs of an Apache file, one a virtual host.
func (r *run) apachePairs(text *source.Node) {
	pair := &tlsPair{server: "Apache"}
	done := func() {
		if pair.cert.path != "" && pair.key.path != "" {
			r.tlsAll = append(r.tlsAll, pair)
		}
		pair = &tlsPair{server: "Apache", passphrase: pair.passphrase}
	}
	for _, m := range apacheFile.FindAllStringSubmatchIndex(text.Text, -1) {
		value := nginx.Word{Text: text.Text[m[4]:m[5]], Start: m[4], End: m[5]}
		switch strings.ToLower(text.Text[m[2]:m[3]]) {
		case "sslcertificatefile":
			pair.cert = r.tlsFileAt(text, value)
		case "sslcertificatekeyfile":
			pair.key = r.tlsFileAt(text, value)
		case "sslpassphrasedialog":
			pair.passphrase = true
		default:
			done()
		}
	}
	done()
}

// namedPairs are files that no proxy's file names: server.crt and server.key of
// one folder, or of certs and private; also half of such a pair.
func (r *run) namedPairs() {
	seen := map[string]bool{}
	for _, p := range r.tlsAll {
		seen[p.cert.path], seen[p.key.path] = true, true
	}
	var paths []string
	for p := range r.placedFiles() {
		if !seen[p] {
			paths = append(paths, p)
		}
	}
	sort.Strings(paths)
	for _, p := range paths {
		stem, ext := strings.TrimSuffix(p, path.Ext(p)), path.Ext(p)
		switch ext {
		case ".crt", ".cer":
			pair := &tlsPair{cert: tlsFile{path: p, file: r.placedAt[p]}}
			for _, k := range []string{stem + ".key", strings.Replace(stem, "/certs/", "/private/", 1) + ".key"} {
				if f := r.placedAt[k]; f != nil && !seen[k] {
					pair.key, seen[k] = tlsFile{path: k, file: f}, true
					break
				}
			}
			r.tlsAll = append(r.tlsAll, pair)
		case ".key":
			if r.placedAt[stem+".crt"] == nil && r.placedAt[strings.Replace(stem, "/private/", "/certs/", 1)+".crt"] == nil {
				r.tlsAll = append(r.tlsAll, &tlsPair{key: tlsFile{path: p, file: r.placedAt[p]}})
			}
		}
	}
}

// startFails begins the message of a finding after which the proxy does not
// start. Files that only their names pair may be meant for something else.
func (p *tlsPair) startFails() (words string, severity finding.Severity, certain bool) {
	if p.server == "" {
		return "a proxy that reads it may not start", finding.Warning, false
	}
	return p.server + " will not start", finding.Error, true
}

// eachPEM visits the files of the pairs, each once.
func (r *run) eachPEM(visit func(p *tlsPair, f *tlsFile, key bool)) {
	type role struct {
		path string
		key  bool
	}
	seen := map[role]bool{}
	for _, p := range r.tlsPairs() {
		for _, of := range []struct {
			f   *tlsFile
			key bool
		}{{&p.cert, false}, {&p.key, true}} {
			if of.f.path == "" || of.f.pem() == nil || seen[role{of.f.path, of.key}] {
				continue
			}
			seen[role{of.f.path, of.key}] = true
			visit(p, of.f, of.key)
		}
	}
}

// eachPair visits pairs of which both files are known, each once.
func (r *run) eachPair(visit func(p *tlsPair, cert *pemfile.File, key *pemfile.Key)) {
	seen := map[string]bool{}
	for _, p := range r.tlsPairs() {
		id := p.cert.path + "\x00" + p.key.path
		if p.cert.path == "" || p.key.path == "" || seen[id] {
			continue
		}
		cert, key := p.cert.pem(), p.key.pem()
		if cert == nil || key == nil || len(cert.Certificates) == 0 || key.Key == nil {
			continue
		}
		seen[id] = true
		visit(p, cert, key.Key)
	}
}

// mismatchText is what the log says when the key is not the first
// certificate's [nginx 1.22 with OpenSSL 3.0, run; httpd: modules/ssl/ssl_engine_init.c].
func mismatchText(p *tlsPair) string {
	if p.server == "Apache" {
		return fmt.Sprintf("AH02565: Certificate and private key … from %s and %s do not match", p.cert.path, p.key.path)
	}
	return fmt.Sprintf(`nginx: [emerg] SSL_CTX_use_PrivateKey("%s") failed (SSL: … key values mismatch)`, p.key.path)
}
