package check

import (
	"path"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// fileFinding starts a finding about a file of the bundle as a whole.
func fileFinding(rule string, severity finding.Severity, name string) *finding.Finding {
	return &finding.Finding{Rule: rule, Severity: severity, Certain: true, Pos: source.Pos{File: name}}
}

// readsAsConfig: the file's top-level keys are those of a configuration file,
// whatever its name is. Only small files are looked into.
func (r *run) readsAsConfig(name string) bool {
	data, err := r.in.Bundle.Read(name)
	if err != nil || len(data) > 256<<10 {
		return false
	}
	n, err := source.ParseConfig(name, data)
	if err != nil || n == nil || n.Kind != source.Map || len(n.Fields) == 0 {
		return false
	}
	for _, f := range n.Fields {
		if !slices.Contains(ebext.KnownKeys(), f.Key.Text) {
			return false
		}
	}
	return true
}

// hook is a file below .platform/hooks or .platform/confighooks that the
// platform runs.
type hook struct {
	name  string
	stage string // "prebuild", "predeploy", "postdeploy"
}

// hookFiles are the platform hooks of the bundle. What begins with a dot, such
// as .gitkeep, is left out.
func (r *run) hookFiles() (out []hook) {
	for _, name := range r.in.Bundle.Names() {
		parts := strings.Split(name, "/")
		if len(parts) == 4 && parts[0] == ".platform" && (parts[1] == "hooks" || parts[1] == "confighooks") && !strings.HasPrefix(parts[3], ".") {
			if _, ok := hookStages[parts[2]]; ok {
				out = append(out, hook{name, parts[2]})
			}
		}
	}
	return out
}

// platformFiles tells whether .platform counts for this deployment: not on
// Amazon Linux AMI, nor on Windows [EB:platforms-linux-extend].
func (r *run) platformFiles() (counts, certain bool) {
	return r.onGenerations(ebext.AL2, ebext.AL2023)
}

// folderOf is the first part of a name, "" for a file at the root.
func folderOf(name string) string {
	if i := strings.IndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return ""
}

// base is the last part of a name.
func base(name string) string { return path.Base(name) }
