package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var proxyFolderIgnored = &Rule{
	Slug:  "proxy-folder-ignored",
	Title: "this platform does not read the folder",
	Why: `Platforms of the Amazon Linux AMI took the proxy's files from .ebextensions/nginx and
.ebextensions/httpd. Since Amazon Linux 2 they stand in .platform/nginx and
.platform/httpd, and hooks in .platform/hooks. Each generation ignores the other's
folder without a word: the deployment is green and the configuration is missing.`,
	Before: ".ebextensions/nginx/conf.d/https.conf",
	After:  ".platform/nginx/conf.d/https.conf",
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		out = append(out, r.ignoredProxyFolder(".ebextensions/nginx/", ".platform/nginx/", laterThanAL1)...)
		out = append(out, r.ignoredProxyFolder(".ebextensions/httpd/", ".platform/httpd/", laterThanAL1)...)
		al1 := []ebext.Generation{ebext.AL1}
		out = append(out, r.ignoredProxyFolder(".platform/nginx/", ".ebextensions/nginx/", al1)...)
		out = append(out, r.ignoredProxyFolder(".platform/httpd/", ".ebextensions/httpd/", al1)...)
		out = append(out, r.ignoredProxyFolder(".platform/hooks/", "", al1)...)
		return out
	},
}

// ignoredProxyFolder is one finding for the folder's files, at the first. It
// is silent when the same file stands in the folder that is read, or a script
// takes them from where they are.
func (r *run) ignoredProxyFolder(folder, read string, on []ebext.Generation) []*finding.Finding {
	applies, certain := r.onGenerations(on...)
	if !applies {
		return nil
	}
	var files []source.Pos
	for _, name := range r.in.Bundle.Names() {
		rest, ok := strings.CutPrefix(name, folder)
		if ok && rest != "" && !strings.HasSuffix(name, ".config") && (read == "" || !r.in.Bundle.Has(read+rest)) {
			files = append(files, source.Pos{File: name})
		}
	}
	if len(files) == 0 || len(uses(r.scripts(), strings.TrimSuffix(folder, "/"))) > 0 {
		return nil
	}
	why := "since Amazon Linux 2 the proxy's files are taken from " + read // [EB:platforms-linux-extend]
	fix := "move it to " + read + strings.TrimPrefix(files[0].File, folder)
	if on[0] == ebext.AL1 {
		why = "platforms of the Amazon Linux AMI, all retired, know no .platform folder"
		fix = "move to a platform of Amazon Linux 2023, which reads it"
	}
	f := &finding.Finding{
		Rule: "proxy-folder-ignored", Severity: finding.Error, Pos: files[0],
		Message: fmt.Sprintf("%s %s be ignored", files[0].File, verb(certain)),
		Notes: []finding.Note{
			{Label: "cause", Text: why},
			{Label: "on AWS", Text: "no message at all"},
			{Label: "fix", Text: fix},
		},
	}
	if len(files) > 1 {
		f.Notes = append(f.Notes, finding.Note{Label: "as well", Text: more(files[1:])})
	}
	return []*finding.Finding{generational(f, certain)}
}

// more names files, the first few of them.
func more(files []source.Pos) string {
	const shown = 5
	var names []string
	for _, at := range files[:min(len(files), shown)] {
		names = append(names, at.File)
	}
	if n := len(files) - shown; n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}
