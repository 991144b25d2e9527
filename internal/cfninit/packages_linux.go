package cfninit

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"beanpole/internal/source"
)

// packageTool installs what its manager is asked for and returns the names of
// the packages that it installed or changed.
type packageTool struct {
	program string // the first that it starts, "" for none
	install func(*build, context.Context, *source.Node) ([]string, error)
}

// packageTools are the managers that the agent knows [cb:construction.py].
var packageTools = map[string]packageTool{
	"yum":      {"yum", (*build).yum},
	"rpm":      {"rpm", (*build).rpm},
	"apt":      {"apt-cache", (*build).apt},
	"python":   {"easy_install", (*build).easyInstall},
	"rubygems": {"gem", (*build).gems},
	"msi":      {"", (*build).msi},
}

// laterPackageTools are those that 2.0 adds, or does otherwise [AWS: release
// history of the helper scripts, 2.0-10 and 2.0-29].
var laterPackageTools = map[string]packageTool{
	"zypper": {"zypper", (*build).zypper},
	"python": {"pip3", (*build).pip},
}

func (r *Runner) packageTool(manager string) (packageTool, bool) {
	if tool, ok := laterPackageTools[manager]; ok && !r.python2() {
		return tool, true
	}
	tool, ok := packageTools[manager]
	return tool, ok
}

// packages carries out what one package manager is asked for.
func (b *build) packages(ctx context.Context, p *Packages) error {
	tool, ok := b.packageTool(p.Manager)
	if !ok {
		b.log("WARNING", "Unsupported package manager: %s", p.Manager)
		return nil
	}
	changed, err := b.installed(ctx, p, tool)
	if err == nil {
		b.changes.install(p.Manager, changed)
	}
	return err
}

// installed runs the manager. With AssumePackages, what it can't do counts as
// done.
func (b *build) installed(ctx context.Context, p *Packages, tool packageTool) ([]string, error) {
	names := p.Names()
	assume := b.AssumePackages && tool.program != "" && len(names) > 0
	if assume {
		if _, err := b.findProgram(tool.program, b.env()); err != nil {
			b.assume(p, "")
			return names, nil
		}
	}
	changed, err := tool.install(b, ctx, p.Asked)
	var fault *BuildError
	if assume && ctx.Err() == nil && errors.As(err, &fault) && fault.Foreseen {
		b.assume(p, fault.Text)
		return names, nil
	}
	return changed, err
}

// assume notes what counts as installed.
func (b *build) assume(p *Packages, why string) {
	b.Assumed = append(b.Assumed, Assumed{Config: b.config, Manager: p.Manager, Packages: p.Names(), Why: why})
	b.log("WARNING", "beanpole takes for installed: %s %s", p.Manager, strings.Join(p.Names(), " "))
}

// yum [cb:rpm_tools.py, cb-run].
func (b *build) yum(ctx context.Context, asked *source.Node) ([]string, error) {
	fs, err := b.some(asked, "No packages specified for yum")
	if err != nil || fs == nil {
		return nil, err
	}
	code, out, err := b.tool(ctx, "yum", "-y", "makecache")
	if err != nil {
		return nil, err
	}
	if code != 0 {
		b.log("ERROR", "Yum makecache failed. Output: %s", out)
		return nil, toolCode(code, "Could not create yum cache")
	}
	var changed, up, down []string
	for _, f := range fs {
		spec, version, err := yumSpec(f)
		if err != nil {
			return nil, err
		}
		todo, older, err := b.yumNeeds(ctx, f.Key.Text, spec, version)
		if err != nil {
			return nil, err
		}
		if !todo {
			continue
		}
		changed = append(changed, f.Key.Text)
		if older {
			down = append(down, spec)
		} else {
			up = append(up, spec)
		}
	}
	if len(changed) == 0 {
		b.debug("All yum packages were already installed")
		return nil, nil
	}
	if err := b.yumRun(ctx, "install", up, "Could not successfully install/update yum packages"); err != nil {
		return nil, err
	}
	if err := b.yumRun(ctx, "downgrade", down, "Could not successfully downgrade yum packages"); err != nil {
		return nil, err
	}
	b.info("Yum installed %s", b.list(changed))
	return changed, nil
}

// yumSpec is the name as yum and zypper take it, with the greatest version of
// those asked for, "" for none.
func yumSpec(f *source.Field) (spec, version string, err error) {
	vs, err := versions(f.Value)
	if err != nil {
		return "", "", err
	}
	if truthy(f.Value) && f.Value.Kind == source.String {
		return f.Key.Text + "-" + f.Value.Text, f.Value.Text, nil
	}
	for _, v := range vs {
		switch {
		case !truthy(v):
		case v.Kind != source.String:
			return "", "", &BuildError{Text: "'" + typeName(v) + "' object has no attribute 'split'"}
		case compareRPM(version, v.Text) < 0:
			version = v.Text
		}
	}
	if version == "" {
		return f.Key.Text, "", nil
	}
	return f.Key.Text + "-" + version, version, nil
}

// yumNeeds tells whether a package must be installed, and whether what is
// asked for is older than what is there. Without a version any will do.
func (b *build) yumNeeds(ctx context.Context, name, spec, version string) (todo, older bool, err error) {
	code, _, err := b.tool(ctx, "yum", "-C", "-y", "list", "installed", spec)
	if err != nil {
		return false, false, err
	}
	if code == 0 {
		b.debug("%s will not be installed as it is already present", spec)
		return false, false, nil
	}
	code, _, err = b.tool(ctx, "yum", "-C", "-y", "--showduplicates", "list", "available", spec)
	if err != nil {
		return false, false, err
	}
	if code != 0 {
		b.log("ERROR", "%s is not available to be installed", spec)
		return false, false, tool("Yum does not have %s available for installation", spec)
	}
	if version == "" {
		return true, false, nil
	}
	_, installed, err := b.rpmVersion(ctx, "-qa", source.NewString(name, source.Pos{}))
	if err != nil {
		return false, false, err
	}
	if compareRPM(version, installed) > 0 {
		b.debug("Requested version %s is greater than installed version %s, so we will upgrade", version, installed)
		return true, false, nil
	}
	b.debug("Requested version %s is NOT greater than installed version %s, so we will NOT upgrade", version, installed)
	b.debug("Downgrading to %s from installed version %s", spec, installed)
	return true, true, nil
}

func (b *build) yumRun(ctx context.Context, verb string, specs []string, failed string) error {
	if len(specs) == 0 {
		return nil
	}
	b.debug("%s %s via yum", map[string]string{"install": "Installing/updating", "downgrade": "Downgrading"}[verb], b.list(specs))
	p := program(append([]string{"yum", "-y", verb}, specs...)...)
	code, err := b.logged(ctx, "yum "+verb+" "+strings.Join(specs, " "), p)
	if err != nil || code == 0 {
		return err
	}
	b.log("ERROR", "Yum failed. Output: %s", p.stdout.String())
	return toolCode(code, failed)
}

// rpm installs from files and URLs [cb:rpm_tools.py, cb-run].
func (b *build) rpm(ctx context.Context, asked *source.Node) ([]string, error) {
	fs, err := b.some(asked, "No packages installed for RPM")
	if err != nil || fs == nil {
		return nil, err
	}
	var changed, wanted []string
	for _, f := range fs {
		places := []*source.Node{f.Value}
		if f.Value == nil || f.Value.Kind != source.String {
			if places, err = elements(f.Value); err != nil {
				return nil, err
			}
		}
		before := len(wanted)
		for _, place := range places {
			if !truthy(place) {
				b.log("WARNING", "RPM specified with no location")
				continue
			}
			installed, err := b.rpmInstalled(ctx, place)
			if err != nil {
				return nil, err
			}
			if installed {
				b.debug("Skipping RPM at %s as it is already installed", format(place))
			} else {
				wanted = append(wanted, place.Text)
			}
		}
		if len(wanted) > before {
			changed = append(changed, f.Key.Text)
		}
	}
	if len(wanted) == 0 {
		b.info("All RPMs were already installed")
		return nil, nil
	}
	b.debug("Installing %s via RPM", b.list(wanted))
	code, out, err := b.tool(ctx, append([]string{"rpm", "-U", "--quiet", "--nosignature", "--replacepkgs"}, wanted...)...)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		b.log("ERROR", "RPM failed. Output: %s", out)
		return nil, toolCode(code, "Could not successfully install rpm packages")
	}
	b.debug("RPM output: %s", out)
	return changed, nil
}

// rpmInstalled tells whether the package in a file or at a URL is installed in
// that very version. One that can't be read counts as installed.
func (b *build) rpmInstalled(ctx context.Context, place *source.Node) (bool, error) {
	name, version, err := b.rpmVersion(ctx, "-qp", place)
	if err != nil || name == "" {
		return true, err
	}
	if version != "" {
		name += "-" + version
	}
	code, _, err := b.tool(ctx, "rpm", "-q", "--quiet", name)
	return code == 0, err
}

// rpmVersion asks rpm for name and version of an installed package (-qa) or of
// a package's file (-qp); both are "" when it can't tell.
func (b *build) rpmVersion(ctx context.Context, mode string, of *source.Node) (name, version string, err error) {
	b.debug("Querying for version of package %s", format(of))
	p := program("rpm", mode, "--queryformat", "%{NAME}|%{VERSION}-%{RELEASE}", "--nosignature")
	p.what.Items = append(p.what.Items, of)
	p.split = true
	code, err := b.start(ctx, p)
	if err != nil {
		return "", "", err
	}
	b.debug("RPM stdout: %s", p.stdout.String())
	b.debug("RPM stderr: %s", p.stderr.String())
	if code != 0 {
		b.log("ERROR", "Could not determine package contained by rpm at %s", format(of))
		return "", "", nil
	}
	name, version, _ = strings.Cut(strings.TrimSpace(p.stdout.String()), "|")
	return name, version, nil
}

// msi is for Windows alone [cb:msi_tool.py, cb-run].
func (b *build) msi(_ context.Context, asked *source.Node) ([]string, error) {
	fs, err := b.some(asked, "No packages installed for MSI")
	if err != nil || fs == nil {
		return nil, err
	}
	return nil, tool("MSI support is only available under Windows")
}

// tool runs a program whose output, standard error included, matters only when
// it fails.
func (b *build) tool(ctx context.Context, args ...string) (code int, out string, err error) {
	p := program(args...)
	code, err = b.start(ctx, p)
	return code, p.stdout.String(), err
}

// program is a process that is started without a shell.
func program(args ...string) *process {
	p := &process{what: &source.Node{Kind: source.Seq}}
	p.addTexts(args...)
	return p
}

// add adds arguments; one that is no text makes the start fail.
func (p *process) add(args ...*source.Node) { p.what.Items = append(p.what.Items, args...) }

func (p *process) addTexts(args ...string) {
	for _, a := range args {
		p.add(source.NewString(a, source.Pos{}))
	}
}

// toolCode is a tool's error with the exit status of what it ran; that of a
// signal is negative [cb:construction_errors.py].
func toolCode(code int, text string) *BuildError { return tool("%s (return code %d)", text, code) }

// list is a list of names as Python writes it into a log.
func (b *build) list(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n, b.python2())
		if !b.python2() && utf8.ValidString(n) && notASCII(n) != "" {
			out[i] = "'" + n + "'" // Python 3 shows letters as they are
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// keyed are the entries of a map of names; the error is Python's for anything else.
func (b *build) keyed(n *source.Node) ([]*source.Field, error) {
	if n == nil || n.Kind != source.Map {
		return nil, &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'keys'"}
	}
	return b.each(n), nil
}

// some are the entries of a map of names, nil when there are none, which is
// then logged.
func (b *build) some(n *source.Node, none string) ([]*source.Field, error) {
	fs, err := b.keyed(n)
	if err == nil && len(fs) == 0 {
		b.debug("%s", none)
		return nil, nil
	}
	return fs, err
}

// versions are those that are asked for of one package: none, one text, or
// each element.
func versions(n *source.Node) ([]*source.Node, error) {
	switch {
	case !truthy(n):
		return nil, nil
	case n.Kind == source.String:
		return []*source.Node{n}, nil
	}
	return elements(n)
}

// elements are what Python goes through in a value: the elements of a list,
// the keys of a map, the characters of a text.
func elements(n *source.Node) ([]*source.Node, error) {
	switch {
	case n == nil || n.Kind < source.String:
		return nil, &BuildError{Text: "'" + typeName(n) + "' object is not iterable"}
	case n.Kind == source.Seq:
		return n.Items, nil
	}
	var out []*source.Node
	for _, f := range fields(n) {
		out = append(out, f.Key)
	}
	for _, c := range n.Text {
		out = append(out, source.NewString(string(c), n.Pos))
	}
	return out, nil
}
