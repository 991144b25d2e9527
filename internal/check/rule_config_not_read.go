package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
)

var configNotRead = &Rule{
	Slug:  "config-not-read",
	Title: "a configuration file that nobody reads",
	Why: `Elastic Beanstalk reads the files of one folder, .ebextensions at the root of the
source bundle, whose names end in .config. A file of another ending (.yaml, .conf,
.json), in a folder of another name (ebextensions, .ebextension) or in a folder below
is ordinary content of the bundle: nothing happens, and no message says so.`,
	Before: ".ebextensions/packages.yaml",
	After:  ".ebextensions/packages.config",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, name := range r.in.Bundle.Names() {
			cause, fix := unreadName(name)
			if cause == "" || strings.Contains(name, `\`) || !r.readsAsConfig(name) {
				continue
			}
			f := fileFinding("config-not-read", finding.Warning, name)
			f.Message = "Elastic Beanstalk will not read this file: " + cause
			note(f, "on AWS", "no message at all")
			note(f, "fix", "name it   "+fix)
			out = append(out, f)
		}
		return out
	},
}

// unreadName is why a file that may be meant as a configuration file is not
// read, "" for all others, and the name that it should have.
func unreadName(name string) (cause, fix string) {
	dir, file := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	ext := strings.ToLower(path.Ext(file))
	stem := strings.TrimSuffix(file, path.Ext(file))
	switch ext {
	case ".config", ".yaml", ".yml", ".json", ".conf", ".cfg":
	default:
		return "", ""
	}
	right := ".ebextensions/" + stem + ".config"
	top := folderOf(name)
	switch {
	case dir == ".ebextensions" && path.Ext(file) != ".config":
		return "its name does not end in .config", right
	case top == ".ebextensions" && dir != top && ext == ".config":
		return fmt.Sprintf("it lies in %q, and only files right below .ebextensions count", dir), right
	case dir == ".platform" && ext == ".config", dir == "" && ext == ".config":
		return "it does not lie in .ebextensions", right
	case dir == top && top != ".ebextensions" && ext == ".config" && (nearest(top, []string{".ebextensions"}) != "" || top == "ebextensions"):
		return fmt.Sprintf("it lies in %q, and the folder's name is .ebextensions", top), right
	}
	return "", ""
}

var foreignConfig = &Rule{
	Slug:  "foreign-config",
	Title: "a configuration file that came along unasked",
	Why: `Elastic Beanstalk has been seen to take every file of the bundle for a configuration
file that ends in .config and has a folder .ebextensions in its path: those that the
Finder of macOS leaves in an archive (__MACOSX/…/._x.config), which are not readable
and make it refuse the version, and those of packages in vendor or node_modules,
whose commands run on the instance. Its documentation knows the folder at the root
alone.`,
	Before: "__MACOSX/.ebextensions/._https.config",
	After:  "# zip -r app.zip . -x '__MACOSX/*' '*/._*'",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, name := range r.in.Bundle.Names() {
			if !strings.HasSuffix(name, ".config") || !strings.Contains("/"+path.Dir(name)+"/", "/.ebextensions/") {
				continue
			}
			top := folderOf(name)
			switch {
			case top == "__MACOSX" || strings.HasPrefix(base(name), "._") && top != ".ebextensions":
				f := fileFinding("foreign-config", finding.Error, name)
				f.Certain = false
				f.Message = "Elastic Beanstalk may refuse the application version: it takes this file of macOS for a configuration file"
				note(f, "on AWS", fmt.Sprintf("The configuration file %s in application version … contains invalid YAML or JSON. YAML exception: Invalid Yaml: unacceptable character '' (0x0) special characters are not allowed …. Update the configuration file.", name))
				note(f, "fix", "make the zip without __MACOSX and ._ files:   zip -r app.zip . -x '__MACOSX/*' '*/._*'")
				out = append(out, f)
			// Seen with a package of its own configuration files
			// [gh:FoxxMD/laravel-elasticbeanstalk-cron#12].
			case top != ".ebextensions" && foreignFolder(name) && r.readsAsConfig(name):
				f := fileFinding("foreign-config", finding.Warning, name)
				f.Certain = false
				f.Message = "Elastic Beanstalk may carry out this configuration file, which is not the application's own"
				note(f, "cause", "a folder .ebextensions somewhere in the bundle was seen to count, too")
				note(f, "fix", "leave it out of the bundle: name "+path.Dir(name)+"/ in .ebignore")
				out = append(out, f)
			}
		}
		return out
	},
}

// foreignFolder: the name lies among installed packages.
func foreignFolder(name string) bool {
	for _, part := range strings.Split(path.Dir(name), "/") {
		switch part {
		case "vendor", "node_modules", "bower_components", "site-packages":
			return true
		}
	}
	return false
}
