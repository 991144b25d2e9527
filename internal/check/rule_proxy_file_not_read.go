package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

var proxyFileNotRead = &Rule{
	Slug:  "proxy-file-not-read",
	Title: "a proxy file where the proxy does not look",
	Why: `On Amazon Linux 2 and 2023 the platform's nginx reads .platform/nginx/conf.d/*.conf in
its http block, .platform/nginx/conf.d/elasticbeanstalk/*.conf in its server block, and
.platform/nginx/nginx.conf in place of its own main file [EB:platforms-linux-extend];
Apache reads .platform/httpd/conf.d/*.conf, and only when the option ProxyServer is
apache. A file of another ending or in another folder is copied to the instance and
never read: the deployment is green, and redirects, headers or body sizes are missing.
A main file of one's own reads only what it includes.`,
	Before: ".platform/nginx/conf.d/body-size.config",
	After:  ".platform/nginx/conf.d/body-size.conf",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		counts, certain := r.platformFiles()
		if !counts {
			return nil
		}
		byCause := map[string]*finding.Finding{} // and folder
		others := map[*finding.Finding][]source.Pos{}
		for _, name := range r.in.Bundle.Names() {
			cause, fix := r.unreadProxyFile(name)
			if cause == "" || r.namedElsewhere(name) {
				continue
			}
			if f := byCause[cause+path.Dir(name)]; f != nil {
				others[f] = append(others[f], source.Pos{File: name})
				continue
			}
			f := fileFinding("proxy-file-not-read", finding.Warning, name)
			f.Certain = certain
			f.Message = fmt.Sprintf("the proxy %s not read %s: %s", verb(certain), base(name), cause)
			note(f, "on AWS", "no message at all")
			if !certain {
				note(f, "not known", "the platform (--platform)")
			}
			note(f, "fix", fix)
			byCause[cause+path.Dir(name)] = f
			out = append(out, f)
		}
		for f, files := range others {
			note(f, "as well", more(files))
		}
		return out
	},
}

// unreadProxyFile is why a file that looks like the proxy's is not read, and
// what to do; "" for all others.
func (r *run) unreadProxyFile(name string) (cause, fix string) {
	if strings.HasPrefix(base(name), ".") || !strings.HasPrefix(strings.ToLower(name), ".platform/") && !strings.HasPrefix(name, "platform/") {
		return "", ""
	}
	switch proxy := r.proxy(); {
	case strings.HasPrefix(name, ".platform/nginx/"):
		if (proxy == "apache" || proxy == "none") && !r.bundleHolds(".platform/httpd/") {
			return fmt.Sprintf("the option ProxyServer is %s", proxy), "leave the option ProxyServer out, or write the file for Apache: .platform/httpd/conf.d/"
		}
		return r.unreadNginxFile(strings.TrimPrefix(name, ".platform/nginx/"))
	case strings.HasPrefix(name, ".platform/httpd/"):
		if (proxy == "nginx" || proxy == "none") && !r.bundleHolds(".platform/nginx/") {
			return fmt.Sprintf("the proxy is %s", map[string]string{"nginx": "nginx", "none": "switched off"}[proxy]), "set the option ProxyServer of aws:elasticbeanstalk:environment:proxy to apache, or write the file for nginx: .platform/nginx/conf.d/"
		}
		return unreadHTTPDFile(strings.TrimPrefix(name, ".platform/httpd/"))
	}
	return r.misplacedProxyFile(name)
}

// misplacedProxyFile is about files beside the folders that are looked into.
func (r *run) misplacedProxyFile(name string) (cause, fix string) {
	top := folderOf(name)
	rest := name[len(top)+1:]
	folder := folderOf(rest)
	switch {
	case path.Ext(name) != ".conf" || folder == "hooks" || folder == "confighooks":
		return "", ""
	case top == ".platform" && (rest == "nginx.conf" || rest == "httpd.conf"):
		server := strings.TrimSuffix(rest, ".conf")
		return "it lies beside the folder " + server + ", not in it", fmt.Sprintf("move it to .platform/%s/%s, where it takes the place of the platform's main file", server, rest)
	case top == ".platform" && (folder == "conf.d" || folder == "elasticbeanstalk" || folder == "" || strings.EqualFold(folder, "nginx")):
		return "the proxy's files lie in .platform/nginx", "move it to " + r.rightFolder(name) + base(name)
	case top != ".platform" && (strings.EqualFold(folder, "nginx") || strings.EqualFold(folder, "httpd")):
		return "the folder's name is .platform", "move it to .platform/" + strings.ToLower(folder) + rest[len(folder):]
	}
	return "", ""
}

// unreadNginxFile: rest is the name below .platform/nginx.
func (r *run) unreadNginxFile(rest string) (cause, fix string) {
	ext, file := path.Ext(rest), base(rest)
	folder := strings.TrimSuffix(rest, file)
	if main := r.ownMain(); main != nil {
		if ext == ".conf" && rest != "nginx.conf" && folder == "conf.d/" && main.ok && main.fault == nil && !main.includesName(rest) {
			return "the bundle's own nginx.conf does not include it", "add   include conf.d/*.conf;   to the http block of .platform/nginx/nginx.conf"
		}
		return "", ""
	}
	read := nginxLevel(rest) != 0
	right := ".platform/nginx/conf.d/" + strings.TrimSuffix(file, ext) + ".conf"
	inServer := ".platform/nginx/conf.d/elasticbeanstalk/" + strings.TrimSuffix(file, ext) + ".conf"
	switch {
	case read:
		return "", ""
	case folder == "conf.d/" && r.wrongEnding(".platform/nginx/"+rest):
		return "its name does not end in .conf", "name it   " + right
	case folder == "conf.d/elasticbeanstalk/" && r.wrongEnding(".platform/nginx/"+rest):
		return "its name does not end in .conf", "name it   " + inServer
	case ext != ".conf":
		return "", ""
	case strings.HasSuffix(folder, "elasticbeanstalk/") || r.wantsServer(".platform/nginx/"+rest):
		return "nginx reads conf.d/*.conf and conf.d/elasticbeanstalk/*.conf only", "move it to   " + inServer
	}
	return "nginx reads conf.d/*.conf and conf.d/elasticbeanstalk/*.conf only", "move it to   " + right
}

// wrongEnding: the file is nginx configuration, and its name does not say so.
func (r *run) wrongEnding(name string) bool {
	ext := path.Ext(name)
	if ext == ".conf" || len(ext) > 8 || ext == ".md" {
		return false
	}
	t := r.text(name)
	if t == nil {
		return false
	}
	ds, fault, ok := nginx.Parse(t.Text)
	return ok && fault == nil && len(ds) > 0
}

// rightFolder is where a file of its content belongs.
func (r *run) rightFolder(name string) string {
	if r.wantsServer(name) {
		return ".platform/nginx/conf.d/elasticbeanstalk/"
	}
	return ".platform/nginx/conf.d/"
}

// wantsServer: what stands in the file is not allowed but in a server block.
func (r *run) wantsServer(name string) bool {
	t := r.text(name)
	if t == nil {
		return false
	}
	ds, _, _ := nginx.Parse(t.Text)
	inHTTP, inServer := nginx.NewScope(nginx.HTTP), nginx.NewScope(nginx.Server)
	inHTTP.Add(nil, ds)
	inServer.Add(nil, ds)
	return len(inHTTP.Problems) > 0 && len(inServer.Problems) == 0
}

// bundleHolds: the bundle has files in a folder.
func (r *run) bundleHolds(folder string) bool {
	for _, name := range r.in.Bundle.Names() {
		if strings.HasPrefix(name, folder) && !strings.HasPrefix(base(name), ".") {
			return true
		}
	}
	return false
}

// unreadHTTPDFile: rest is the name below .platform/httpd.
func unreadHTTPDFile(rest string) (cause, fix string) {
	ext := path.Ext(rest)
	if path.Dir(rest) == "conf.d" && (ext == ".config" || ext == ".cnf" || ext == ".cfg") {
		return "its name does not end in .conf", "name it   .platform/httpd/conf.d/" + strings.TrimSuffix(base(rest), ext) + ".conf"
	}
	return "", ""
}

// namedElsewhere: a program of the bundle or another proxy file names the file,
// so that it may be read all the same.
func (r *run) namedElsewhere(name string) bool {
	if r.programsHold(base(name)) || r.programsHold(path.Dir(name)) && path.Dir(name) != ".platform" {
		return true
	}
	for _, other := range r.in.Bundle.Names() {
		if other == name || !strings.HasPrefix(other, ".platform/") {
			continue
		}
		t := r.text(other)
		if t != nil && (strings.Contains(t.Text, base(name)) || path.Dir(name) != ".platform" && strings.Contains(t.Text, base(path.Dir(name))+"/*")) {
			return true
		}
	}
	return false
}
