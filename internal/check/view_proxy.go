package check

import (
	"path"
	"sort"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

// proxyFile is a file that configures the proxy on the instance.
type proxyFile struct {
	name string // bundle-relative, or the path on the instance
	text *source.Node
	// level is the block of nginx's that it stands in.
	level nginx.Context
	// staged: Elastic Beanstalk copies it to /var/proxy/staging, and tests the
	// whole there before it starts the proxy; else it lies in /etc/nginx beside
	// the platform's files.
	staged bool
	on     []ebext.Generation // those that read it

	parsed     bool
	directives []*nginx.Directive
	fault      *nginx.Problem
	ok         bool // directives and fault are all that is there
}

// onInstance is the file's path as nginx prints it.
func (f *proxyFile) onInstance() string {
	if rest, ok := strings.CutPrefix(f.name, ".platform/nginx/"); ok {
		return "/var/proxy/staging/nginx/" + rest
	}
	if rest, ok := strings.CutPrefix(f.name, ".ebextensions/nginx/"); ok {
		return "/etc/nginx/" + rest
	}
	return f.name
}

func (f *proxyFile) parse() {
	if !f.parsed {
		f.directives, f.fault, f.ok = nginx.Parse(f.text.Text)
		f.parsed = true
	}
}

// nginxFolders are where nginx files stand, and in which block they are
// included. On Amazon Linux 2 and 2023: [EB:platforms-linux-extend]; on the
// Amazon Linux AMI: [EB:java-se-nginx]. The main file of Elastic Beanstalk
// includes conf.d/*.conf in http, and conf.d/elasticbeanstalk/*.conf in its
// server block.
var nginxFolders = []struct {
	folder string
	staged bool
	on     []ebext.Generation
}{
	{".platform/nginx/", true, []ebext.Generation{ebext.AL2, ebext.AL2023}},
	{".ebextensions/nginx/", false, []ebext.Generation{ebext.AL1}},
	{"/etc/nginx/", false, []ebext.Generation{ebext.AL1, ebext.AL2, ebext.AL2023}},
}

// nginxFiles are the nginx files of the deployment, in the order in which
// nginx reads them: by name.
func (r *run) nginxFiles() []*proxyFile {
	if r.nginxRead {
		return r.nginxAll
	}
	r.nginxRead = true
	for _, name := range r.in.Bundle.Names() {
		if strings.HasPrefix(name, ".platform/nginx/") || strings.HasPrefix(name, ".ebextensions/nginx/") {
			r.addNginx(name, func() *source.Node { return r.text(name) })
		}
	}
	var paths []string
	for p := range r.placedFiles() {
		if strings.HasPrefix(p, "/etc/nginx/") {
			paths = append(paths, p)
		}
	}
	sort.Strings(paths)
	for _, p := range paths {
		r.addNginx(p, func() *source.Node { return r.placedAt[p].text })
	}
	return r.nginxAll
}

func (r *run) addNginx(name string, text func() *source.Node) {
	for _, f := range nginxFolders {
		rest, ok := strings.CutPrefix(name, f.folder)
		if !ok {
			continue
		}
		level := nginxLevel(rest)
		if level == 0 {
			return
		}
		if t := text(); t != nil {
			r.nginxAll = append(r.nginxAll, &proxyFile{name: name, text: t, level: level, staged: f.staged, on: f.on})
		}
		return
	}
}

// nginxLevel is the block in which a file below nginx's folder is included; 0
// for one that nobody reads.
func nginxLevel(rest string) nginx.Context {
	folder, base := path.Split(rest)
	switch {
	case rest == "nginx.conf":
		return nginx.Main
	case !strings.HasSuffix(base, ".conf") || strings.HasPrefix(base, "."):
		return 0
	case folder == "conf.d/":
		return nginx.HTTP
	case folder == "conf.d/elasticbeanstalk/":
		return nginx.Server
	}
	return 0
}

// proxyIs tells how sure it is that nginx is (or Apache: "apache") the proxy:
// applies is unset when it is another one, certain set when platform and option
// are known. On Amazon Linux 2 and 2023 nginx is the default
// [EB:platforms-linux-extend]; Tomcat, Node.js, PHP and Python can have Apache.
func (r *run) proxyIs(server string) (applies, certain bool) {
	value, set, known := r.option("aws:elasticbeanstalk:environment:proxy", "ProxyServer")
	if set != nil && value != "" && set.Level != ebext.Default {
		return value == server, known && r.platform.Known
	}
	if server != "nginx" {
		return false, r.platform.Known
	}
	return true, r.direct && r.platform.Known
}

// nginxInForce are the nginx files that can be taken apart and that nginx reads
// on this platform. certain is set when platform and proxy are known.
func (r *run) nginxInForce() (files []*proxyFile, certain bool) {
	applies, certain := r.proxyIs("nginx")
	if !applies {
		return nil, false
	}
	main := r.ownMain()
	for _, f := range r.nginxFiles() {
		on, known := r.onGenerations(f.on...)
		certain = certain && known
		f.parse()
		if on && f.ok && f.fault == nil && (main == nil || main.includes(f)) {
			files = append(files, f)
		}
	}
	return files, certain
}

// ownMain is the nginx.conf with which the bundle replaces the platform's, nil
// when there is none that is read.
func (r *run) ownMain() *proxyFile {
	for _, f := range r.nginxFiles() {
		if on, _ := r.onGenerations(f.on...); on && f.level == nginx.Main && f.staged {
			f.parse()
			return f
		}
	}
	return nil
}

// includes: a main file is the other file, or names it in an include.
func (f *proxyFile) includes(other *proxyFile) bool {
	if f == other || !f.ok || f.fault != nil {
		return true
	}
	_, rest, _ := strings.Cut(other.name, "nginx/")
	return f.includesName(rest)
}

// includesName: a main file includes the file of that name below nginx's folder.
func (f *proxyFile) includesName(rest string) (found bool) {
	nginx.Walk(f.directives, func(d *nginx.Directive) {
		if d.Name.Text == "include" && len(d.Args) == 1 {
			pattern := d.Args[0].Text
			for _, folder := range []string{"/etc/nginx/", "/var/proxy/staging/nginx/", "./"} {
				pattern = strings.TrimPrefix(pattern, folder)
			}
			match, err := path.Match(pattern, rest)
			found = found || match || err != nil
		}
	})
	return found
}

// line is the number of the line on which byte i of the file stands.
func (f *proxyFile) line(i int) int {
	return 1 + strings.Count(f.text.Text[:min(i, len(f.text.Text))], "\n")
}

// finding begins a finding about a word of the file; while platform or proxy are
// not known it is a warning.
func (f *proxyFile) finding(rule string, w nginx.Word, certain bool) *finding.Finding {
	out := &finding.Finding{Rule: rule, Severity: finding.Error, Certain: certain, Pos: f.text.PosAt(w.Start), End: f.text.PosAt(w.End)}
	if !certain {
		out.Severity = finding.Warning
	}
	return out
}
