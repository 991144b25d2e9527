package cfninit

import (
	"context"
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// apt [cb:apt_tool.py, cb-run].
func (b *build) apt(ctx context.Context, asked *source.Node) ([]string, error) {
	if !truthy(asked) {
		b.debug("No packages specified for APT")
		return nil, nil
	}
	code, out, err := b.tool(ctx, "apt-cache", "-q", "gencaches")
	if err != nil {
		return nil, err
	}
	if code != 0 {
		b.log("ERROR", "APT gencache failed. Output: %s", out)
		return nil, toolCode(code, "Could not create apt cache")
	}
	fs, err := b.indexed(asked)
	if err != nil {
		return nil, err
	}
	var changed, specs []string
	for _, f := range fs {
		before := len(specs)
		vs, err := versions(f.Value)
		if err != nil {
			return nil, err
		}
		if !truthy(f.Value) {
			vs = []*source.Node{nil}
		}
		for _, v := range vs {
			spec := f.Key.Text
			if truthy(v) {
				spec += "=" + format(v)
			}
			todo, err := b.aptNeeds(ctx, f.Key.Text, spec)
			if err != nil {
				return nil, err
			}
			if todo {
				specs = append(specs, spec)
			}
		}
		if len(specs) > before {
			changed = append(changed, f.Key.Text)
		}
	}
	if len(specs) == 0 {
		b.info("All APT packages were already installed")
		return nil, nil
	}
	return changed, b.aptInstall(ctx, changed, specs)
}

func (b *build) aptInstall(ctx context.Context, names, specs []string) error {
	b.info("Attempting to install %s via APT", b.list(specs))
	p := program(append([]string{"apt-get", "-q", "-y", "install"}, specs...)...)
	for _, e := range b.env() {
		if !strings.HasPrefix(e, "DEBIAN_FRONTEND=") {
			p.env = append(p.env, e)
		}
	}
	p.env = append(p.env, "DEBIAN_FRONTEND=noninteractive")
	code, err := b.start(ctx, p)
	if err != nil {
		return err
	}
	if code != 0 {
		b.log("ERROR", "apt-get failed. Output: %s", p.stdout.String())
		return toolCode(code, "Could not successfully install APT packages")
	}
	b.info("APT installed %s", b.list(names))
	b.debug("APT output: %s", p.stdout.String())
	return nil
}

// aptNeeds tells whether a package must be installed: it is not there, or in a
// version that does not begin as the one asked for.
func (b *build) aptNeeds(ctx context.Context, name, spec string) (bool, error) {
	p := program("dpkg-query", "-f", "${Status}|${Package}=${Version}", "-W", name)
	p.split = true
	code, err := b.start(ctx, p)
	if err != nil {
		return false, err
	}
	status, installed, _ := strings.Cut(strings.TrimSpace(p.stdout.String()), "|")
	if code == 0 && status[strings.LastIndexByte(status, ' ')+1:] == "installed" && strings.HasPrefix(installed, spec) {
		b.debug("%s will not be installed as it is already present", spec)
		return false, nil
	}
	code, _, err = b.tool(ctx, "apt-cache", "-q", "show", spec)
	if err != nil || code == 0 {
		return true, err
	}
	b.log("ERROR", "%s is not available to be installed", spec)
	return false, tool("APT does not have %s available for installation", spec)
}

// indexed are the entries of a map of names that the agent does not take for
// one before it asks it for an entry.
func (b *build) indexed(n *source.Node) ([]*source.Field, error) {
	if n.Kind == source.Map {
		return b.each(n), nil
	}
	names, err := elements(n)
	if err != nil {
		return nil, err
	}
	if n.Kind == source.String {
		return nil, &BuildError{Text: "string indices must be integers"}
	}
	return nil, &BuildError{Text: "list indices must be integers, not " + typeName(names[0])}
}

// easyInstall is what `python` was until 2.0-29 [cb:lang_package_tools.py, cb-run].
func (b *build) easyInstall(ctx context.Context, asked *source.Node) ([]string, error) {
	return b.python(ctx, asked, "easy_install", "easy_install")
}

// pip is what `python` is since 2.0-29 [AWS: release history of the helper
// scripts]; what it logs is taken to be as before.
func (b *build) pip(ctx context.Context, asked *source.Node) ([]string, error) {
	return b.python(ctx, asked, "pip3", "pip3", "install")
}

func (b *build) python(ctx context.Context, asked *source.Node, name string, command ...string) ([]string, error) {
	fs, err := b.some(asked, "No packages specified for python")
	if err != nil || fs == nil {
		return nil, err
	}
	var changed, specs []string
	for _, f := range fs {
		vs, err := versions(f.Value)
		if err != nil {
			return nil, err
		}
		if !truthy(f.Value) {
			vs = []*source.Node{nil}
		}
		for _, v := range vs {
			spec, err := pythonSpec(f.Key.Text, v)
			if err != nil {
				return nil, err
			}
			specs = append(specs, spec)
		}
		changed = append(changed, f.Key.Text)
	}
	b.info("Attempting to install %s via %s", b.list(specs), name)
	code, out, err := b.tool(ctx, append(command, specs...)...)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		b.log("ERROR", "%s failed. Output: %s", name, out)
		return nil, toolCode(code, "Could not successfully install python packages")
	}
	b.info("%s installed %s", name, b.list(specs))
	b.debug("%s output: %s", name, out)
	return changed, nil
}

var pythonURL = lazyregexp.New(`^https?://.*\n?$`) // Python's "$" stands before a last newline too

// pythonSpec is a package with its version; a URL in a version's place stands
// for the package itself.
func pythonSpec(name string, version *source.Node) (string, error) {
	switch {
	case !truthy(version):
		return name, nil
	case version.Kind != source.String:
		return "", &BuildError{Text: "'" + typeName(version) + "' object has no attribute 'lower'"}
	case pythonURL.MatchString(strings.ToLower(version.Text)):
		return version.Text, nil
	}
	return name + "==" + version.Text, nil
}

// gems are `rubygems` [cb:lang_package_tools.py, cb-run].
func (b *build) gems(ctx context.Context, asked *source.Node) ([]string, error) {
	fs, err := b.some(asked, "No gems specified")
	if err != nil {
		return nil, err
	}
	var changed []string
	for _, f := range fs {
		vs, err := versions(f.Value)
		if err != nil {
			return nil, err
		}
		if !truthy(f.Value) {
			vs = []*source.Node{nil}
		}
		installed := false
		for _, v := range vs {
			did, err := b.gem(ctx, f.Key.Text, v)
			if err != nil {
				return nil, err
			}
			installed = installed || did
		}
		if installed {
			changed = append(changed, f.Key.Text)
		}
	}
	return changed, nil
}

// gem installs one version, any when version is not truthy, unless it is there.
func (b *build) gem(ctx context.Context, name string, version *source.Node) (bool, error) {
	full := name + "-" + format(version)
	b.debug("Checking to see if %s is already installed", full)
	query := []string{"gem", "query", "-i", "-n", "^" + name + "$"}
	if truthy(version) {
		query = append(query, "-v", format(version))
	}
	code, _, err := b.tool(ctx, query...)
	if err != nil {
		return false, err
	}
	if code == 0 {
		b.info("%s is already installed, skipping.", full)
		return false, nil
	}
	b.info("Installing %s version %s via gem", name, format(version))
	install := []string{"gem", "install", "-b", "--no-ri", "--no-rdoc", name}
	if !b.python2() {
		install = []string{"gem", "install", "-b", name} // since 2.0-29 [AWS: release history of the helper scripts]
	}
	if truthy(version) {
		install = append(install, "-v", "= "+format(version))
	}
	code, out, err := b.tool(ctx, install...)
	if err != nil {
		return false, err
	}
	if code != 0 {
		b.log("ERROR", "Gem failed. Output: %s", out)
		return false, toolCode(code, "Failed to install gem: "+full)
	}
	b.info("Gem installed: %s", full)
	b.debug("Gem output: %s", out)
	return true, nil
}

// zypper is known since 2.0-10 [cb 2.0: zypper_tool.py].
func (b *build) zypper(ctx context.Context, asked *source.Node) ([]string, error) {
	if !truthy(asked) {
		return nil, nil
	}
	fs, err := b.indexed(asked)
	if err != nil {
		return nil, err
	}
	var changed, up, down []string
	for _, f := range fs {
		spec, version, err := yumSpec(f)
		if err != nil {
			return nil, err
		}
		todo, older, err := b.zypperNeeds(ctx, f.Key.Text, spec, version)
		switch {
		case err != nil:
			return nil, err
		case !todo:
			continue
		case older:
			down = append(down, spec)
		default:
			up = append(up, spec)
		}
		changed = append(changed, f.Key.Text)
	}
	if len(changed) == 0 {
		b.info("All Zypper packages were already installed")
		return nil, nil
	}
	if err := b.zypperRun(ctx, up, "Could not successfully install/update zypper packages", "install", "-y"); err != nil {
		return nil, err
	}
	if err := b.zypperRun(ctx, down, "Could not successfully downgrade zypper packages", "install", "-y", "--oldpackage", "--force-resolution"); err != nil {
		return nil, err
	}
	b.info("Zypper installed %s", b.list(append(up, down...)))
	return changed, nil
}

func (b *build) zypperNeeds(ctx context.Context, name, spec, version string) (todo, older bool, err error) {
	code, err := b.plain(ctx, program("zypper", "search", "--match-exact", "--installed-only", spec))
	if err != nil || code == 0 {
		return false, false, err
	}
	code, err = b.plain(ctx, program("zypper", "search", "--match-exact", "--not-installed-only", spec))
	if err != nil {
		return false, false, err
	}
	if code != 0 {
		b.log("ERROR", "%s is not available to be installed", spec)
		return false, false, tool("Zypper does not have %s available for installation", spec)
	}
	if version == "" {
		return true, false, nil
	}
	_, installed, err := b.rpmVersion(ctx, "-qa", source.NewString(name, source.Pos{}))
	return true, installed != "" && compareRPM(version, installed) <= 0, err
}

func (b *build) zypperRun(ctx context.Context, specs []string, failed string, args ...string) error {
	if len(specs) == 0 {
		return nil
	}
	p := program(append(append([]string{"zypper"}, args...), specs...)...)
	code, err := b.plain(ctx, p)
	if err != nil || code == 0 {
		return err
	}
	b.log("ERROR", "Zypper failed. Output: %s", p.stdout.String())
	return toolCode(code, failed)
}

// plain runs a program of which 2.0 keeps the output in cfn-init-cmd.log; that
// its title there is the command is inferred.
func (b *build) plain(ctx context.Context, p *process) (int, error) {
	words := make([]string, len(p.what.Items))
	for i, w := range p.what.Items {
		words[i] = w.Text
	}
	return b.logged(ctx, strings.Join(words, " "), p)
}
