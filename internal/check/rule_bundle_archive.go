package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var extraTopFolder = &Rule{
	Slug:  "extra-top-folder",
	Title: "the whole bundle lies in one folder of the archive",
	Why: `The root of the archive is the application's folder on the instance. Where the
archive holds one folder with everything in it, as GitHub's "Download ZIP" and a
folder packed by its name do, neither .ebextensions nor the application's files are
found: "Instance deployment failed to generate a 'Procfile' …".`,
	Before: "zip -r app.zip app",
	After:  "cd app && zip -r ../app.zip .",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		names := r.in.Bundle.Names()
		if !r.in.Bundle.IsZip() || len(names) == 0 {
			return nil
		}
		top := ""
		for _, name := range names {
			switch t := folderOf(name); {
			case t == "__MACOSX":
			case t == "" || top != "" && t != top:
				return nil
			default:
				top = t
			}
		}
		mark := slices.IndexFunc(names, func(n string) bool { return applicationMark(strings.TrimPrefix(n, top+"/")) })
		if mark < 0 || strings.HasPrefix(top, ".") || top == "META-INF" || top == "WEB-INF" {
			return nil
		}
		f := fileFinding("extra-top-folder", finding.Error, r.in.Bundle.Path())
		f.Message = fmt.Sprintf("Elastic Beanstalk will not find the application: everything in the archive lies below %q", top)
		note(f, "cause", fmt.Sprintf("for instance %q, which belongs at the root", names[mark]))
		note(f, "on AWS", "Instance deployment failed to generate a 'Procfile' …, or a deployment without any of .ebextensions")
		note(f, "fix", fmt.Sprintf("pack what the folder holds, not the folder:   cd %s && zip -r ../app.zip .", top))
		return []*finding.Finding{f}
	},
}

// applicationMark: a file of this name stands at the root of an application.
func applicationMark(name string) bool {
	switch name {
	case "Procfile", "Buildfile", "package.json", "requirements.txt", "application.py", "composer.json", "Gemfile", "Dockerfile",
		"docker-compose.yml", "Dockerrun.aws.json", "go.mod", "application.go", "index.php", "config.ru", "cron.yaml":
		return true
	}
	return strings.HasPrefix(name, ".ebextensions/") || strings.HasPrefix(name, ".platform/")
}

var backslashNames = &Rule{
	Slug:  "backslash-names",
	Title: "names in the archive have backslashes",
	Why: `Compress-Archive of older PowerShell versions and .NET's ZipFile write Windows's
backslash between folders. unzip on Linux warns ("appears to use backslashes as path
separators") and returns 1, which Elastic Beanstalk takes for a failure: "Failed to
unzip source bundle, abort deployment". .ebextensions is not recognised either.`,
	Before: `.ebextensions\https.config`,
	After:  ".ebextensions/https.config",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		linux, certain := r.onGenerations(ebext.AL1, ebext.AL2, ebext.AL2023)
		if !r.in.Bundle.IsZip() || !linux {
			return nil
		}
		var bad []string
		for _, name := range r.in.Bundle.Names() {
			if strings.Contains(name, `\`) {
				bad = append(bad, name)
			}
		}
		if len(bad) == 0 {
			return nil
		}
		f := fileFinding("backslash-names", finding.Error, r.in.Bundle.Path())
		f.Certain = certain
		f.Message = "the instance will fail to unpack the bundle: names in the archive have backslashes"
		if !certain {
			f.Severity = finding.Warning
			f.Message = "the instance may fail to unpack the bundle: names in the archive have backslashes"
			note(f, "not known", "the platform: Windows takes them")
		}
		note(f, "cause", fmt.Sprintf("%d names, for instance %q", len(bad), bad[0]))
		note(f, "on AWS", "Failed to unzip source bundle, abort deployment")
		note(f, "fix", "pack it with another program: 7-Zip, tar -a, PowerShell 7")
		return []*finding.Finding{f}
	},
}

var brokenLink = &Rule{
	Slug:  "broken-link",
	Title: "a symbolic link of the bundle leads to nothing",
	Why: `After unpacking, the platform gives every file of the application to its user and
follows links while doing so. A link whose target is not in the bundle ends the
deployment: "chown /var/app/staging/…: no such file or directory".`,
	Before: "storage -> ../shared/storage   # not in the bundle",
	After:  "# remove the link, or name it in .ebignore",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		linux, certain := r.platformFiles()
		if !linux {
			return nil
		}
		for _, name := range r.in.Bundle.Broken() {
			f := fileFinding("broken-link", finding.Error, name)
			f.Certain, f.Message = certain, "the deployment will fail at this link: it leads to nothing"
			if !certain {
				f.Severity, f.Message = finding.Warning, "the deployment may fail at this link: it leads to nothing"
				note(f, "not known", "the platform (--platform): on Amazon Linux 2 and 2023 it fails")
			}
			note(f, "on AWS", fmt.Sprintf("An error occurred during execution of command [app-deploy] - [StageApplication]. … Error: chown /var/app/staging/%s: no such file or directory", name))
			note(f, "fix", "remove the link, or name it in .ebignore")
			out = append(out, f)
		}
		return out
	},
}

var ignoredConfig = &Rule{
	Slug:  "ignored-config",
	Title: ".ebignore leaves out what Elastic Beanstalk reads",
	Why: `Where a folder has a file .ebignore, the EB CLI packs all but what it names, instead of
what git tracks. A pattern that fits .ebextensions, .platform, Procfile or Buildfile
keeps them from ever reaching Elastic Beanstalk: the deployment goes on without them.`,
	Before: ".*   # in .ebignore",
	After:  ".*\n!.ebextensions\n!.platform",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, i := range r.in.Bundle.Ignored() {
			f := fileFinding("ignored-config", finding.Warning, ".ebignore")
			f.Pos = source.Pos{File: ".ebignore", Line: i.Line, Col: 1}
			f.Message = fmt.Sprintf("Elastic Beanstalk will never get %q: this line leaves it out of the bundle", i.Name)
			note(f, "on AWS", "no message at all")
			note(f, "fix", "remove the line, or write below it   !"+i.Name)
			out = append(out, f)
		}
		return out
	},
}

// lineOf is the beginning of a line of a file; the file alone when it cannot be
// read.
func (r *run) lineOf(name string, line int) source.Pos {
	text := r.text(name)
	if text == nil {
		return source.Pos{File: name}
	}
	at := 0
	for n := 1; n < line; n++ {
		next := strings.IndexByte(text.Text[at:], '\n')
		if next < 0 {
			return source.Pos{File: name}
		}
		at += next + 1
	}
	return text.PosAt(at)
}
