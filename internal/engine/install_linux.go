package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"beanpole/internal/platform"
)

// install is the platform's build: the Buildfile's commands, dependencies, and
// a Procfile where the bundle has none.
func (d *deployment) install(ctx context.Context, output io.Writer) error {
	if err := d.needPrograms(); err != nil {
		return err
	}
	if d.docker() {
		return d.buildImage(ctx, output)
	}
	if err := d.runBuildfile(ctx, output); err != nil {
		return err
	}
	var err error
	switch d.at.Language {
	case platform.NodeJS:
		err = d.installNode(ctx, output)
	case platform.Python:
		err = d.installPython(ctx, output)
	case platform.Ruby:
		err = d.installRuby(ctx, output)
	case platform.PHP:
		err = d.installPHP(ctx, output)
	case platform.Tomcat:
		err = d.installTomcat()
	}
	if err != nil {
		return err
	}
	return d.defaultProcfile()
}

// needPrograms says in one event what this instance's root lacks.
func (d *deployment) needPrograms() error {
	switch {
	case d.at.Language == platform.ECS:
		d.tell("ERROR", "beanpole: it does not run the several containers of ECS platforms, which Amazon ECS starts on AWS; the platform Docker runs here")
		return errors.New("ECS platforms are not carried out here")
	case d.at.Language == platform.Docker && d.al1:
		d.tell("ERROR", "beanpole: it does not run the Docker platform of Amazon Linux 1; that of Amazon Linux 2 and 2023 runs here")
		return errors.New("this platform is not carried out here")
	}
	var missing []string
	for _, names := range d.at.Programs {
		if !slices.ContainsFunc(names, func(n string) bool { _, err := findProgram(n); return err == nil }) {
			missing = append(missing, names[0])
		}
	}
	if d.at.Language == platform.Tomcat {
		if _, err := findTomcat(); err != nil {
			missing = append(missing, tomcatProcess)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	remedy := "use a root that has it (--root, --image)"
	if d.at.Packages != "" {
		remedy = "install it on this machine (apt-get install " + d.at.Packages + "), or " + remedy
	}
	what := strings.Join(missing, " and ")
	d.tell("ERROR", "beanpole: this instance's root has no %s, which the platform %s brings on AWS; %s", what, d.at.Branch, remedy)
	return fmt.Errorf("there is no %s on this instance", what)
}

// programFolders are searchPath's.
var programFolders = strings.Split(searchPath, ":")

// findProgram looks for a program where the platform does, whatever PATH this
// process was started with.
func findProgram(name string) (string, error) {
	for _, dir := range programFolders {
		at := filepath.Join(dir, name)
		if fi, err := os.Stat(at); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return at, nil
		}
	}
	return "", fmt.Errorf("there is no %s on this instance", name)
}

// runBuildfile runs the Buildfile's commands, or without one what the platform
// builds by itself, as root in the staging folder.
func (d *deployment) runBuildfile(ctx context.Context, output io.Writer) error {
	entries, err := readEntries(d.staging(), "Buildfile")
	if err != nil {
		return err
	}
	if command := d.at.BuildCommand(staged(d.staging())); entries == nil && command != "" {
		entries = []entry{{"build", command}}
	}
	env := append(d.environment(d.port(), "/root"), "GOCACHE=/var/cache/go-build", "GOTOOLCHAIN=local")
	for _, b := range entries {
		d.note("Running Buildfile process %s: %s", b.name, b.command)
		c, err := shellCommand(b.command, d.staging(), "", env, output, output)
		if err != nil {
			return err
		}
		if err := runIn(ctx, c); err != nil {
			return fmt.Errorf("build application failed on command %[1]s with error: Command /bin/sh -c %[1]s failed with error %[2]w", b.command, err)
		}
	}
	return nil
}

// readEntries reads a Procfile or Buildfile; nil when there is none.
func readEntries(dir, name string) ([]entry, error) {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := parseProcfile(string(data))
	if err == nil && len(entries) == 0 {
		err = errors.New("it names no process")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return entries, nil
}

// tool runs a program of the language's, in the staging folder, and says what
// it said on failure in the engine's form.
func (d *deployment) tool(ctx context.Context, owner string, output io.Writer, line string) error {
	home := "/root"
	shown := line
	if owner != "" {
		home, shown = "/home/"+owner, fmt.Sprintf("/bin/su %s -c %s", owner, line)
	}
	d.note("Running command: %s", shown)
	var errs bytes.Buffer
	c, err := shellCommand(line, d.staging(), owner, d.environment(d.port(), home), output, io.MultiWriter(output, &errs))
	if err != nil {
		return err
	}
	if err := runIn(ctx, c); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("Command %s failed with error %w. Stderr:%s", shown, err, errs.String()) //lint:ignore ST1005 the engine's own words
	}
	return nil
}

// staged is the staging folder as platform.Files.
type staged string

func (s staged) Has(name string) bool {
	fi, err := os.Stat(filepath.Join(string(s), name))
	return err == nil && fi.Mode().IsRegular()
}

const largestRead = 1 << 20 // bytes of a file that decides what is started

func (s staged) Read(name string) string {
	root, err := os.OpenRoot(string(s))
	if err != nil {
		return ""
	}
	defer root.Close()
	return smallText(root.Open(name))
}

// smallText is what a file that was opened holds, "" when it cannot be read.
func smallText(f fs.File, err error) string {
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestRead))
	if err != nil {
		return ""
	}
	return string(data)
}

func (s staged) Names() []string {
	entries, err := os.ReadDir(string(s))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	return out
}

// installNode: npm, unless the bundle brings node_modules.
// [EB:nodejs-platform-packages; log: eb-engine.log]
func (d *deployment) installNode(ctx context.Context, output io.Writer) error {
	files := staged(d.staging())
	if d.al1 {
		if _, err := os.Stat(d.path(hooksAL1(d.command.Name) + "pre/" + replacedHooks[platform.NodeJS])); err == nil {
			return d.activityHook(ctx, hooksAL1(d.command.Name)+"pre/"+replacedHooks[platform.NodeJS])
		}
	}
	if !files.Has("package.json") {
		return nil
	}
	if note, ok := platform.NodeNote(files.Read("package.json")); ok && !d.al1 {
		d.tell(note.Severity, "%s", note.Text)
	}
	if fi, err := os.Stat(filepath.Join(d.staging(), "node_modules")); err == nil && fi.IsDir() {
		d.note("node_modules is in the source bundle, dependencies are not installed")
		return nil
	}
	err := d.tool(ctx, d.user(), output, platform.NPMInstall(d.at.Generation))
	if err != nil && !d.al1 {
		d.tell("ERROR", "Instance deployment: 'npm' failed to install dependencies that you defined in 'package.json'. For details, see 'eb-engine.log'. The deployment failed.")
	}
	if err != nil && d.al1 {
		d.tell("ERROR", "Failed to run npm install. Snapshot logs for more details.")
	}
	return err
}

// virtualEnv is where the Python platform keeps its packages.
func (d *deployment) virtualEnv() string {
	if d.al1 {
		return "/opt/python/run/venv"
	}
	return platform.VirtualEnv
}

// installPython makes the virtual environment that AWS's image brings, and
// installs requirements.txt into it. [log: eb-engine.log]
func (d *deployment) installPython(ctx context.Context, output io.Writer) error {
	if err := d.makeVirtualEnv(ctx); err != nil {
		return err
	}
	d.note("checking dependencies file")
	files := staged(d.staging())
	switch {
	case files.Has("requirements.txt"):
		d.note("Installing dependencies with requirements.txt by using Pip")
		err := d.tool(ctx, "", output, d.virtualEnv()+"/bin/pip install -r requirements.txt")
		if err != nil {
			d.tell("ERROR", "Instance deployment failed to install application dependencies. The deployment failed.")
			return fmt.Errorf("fail to install dependencies with requirements.txt file with error %w", err)
		}
	case files.Has("Pipfile"):
		d.tell("WARN", "beanpole: it does not install what Pipfile asks for yet; AWS would, with pipenv. A requirements.txt is installed")
	}
	return nil
}

// makeVirtualEnv makes it once. The packages of the instance's own Python show
// in it, since gunicorn, which AWS's image has there, may be one of them.
func (d *deployment) makeVirtualEnv(ctx context.Context) error {
	bin := d.path(d.virtualEnv()) + "/bin"
	if _, err := os.Stat(bin + "/python"); err == nil {
		return nil
	}
	python, err := findProgram("python3")
	if err != nil {
		return err
	}
	argv := []string{python, "-m", "venv", "--system-site-packages"}
	system := hasModule(ctx, python, "pip")
	if system {
		argv = append(argv, "--without-pip") // it takes seconds, and shows anyway
	}
	if err := run(ctx, append(argv, d.path(d.virtualEnv()))...); err != nil {
		os.RemoveAll(d.path(d.virtualEnv()))
		return fmt.Errorf("make the virtual environment: %w", err)
	}
	if d.al1 { // mod_wsgi's PythonHome
		if err := os.Symlink("venv", d.path("/opt/python/run/baselinenv")); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for program, module := range map[string]string{"pip": "pip", "pip3": "pip", "gunicorn": "gunicorn.app.wsgiapp"} {
		at := filepath.Join(bin, program)
		if _, err := os.Stat(at); err == nil || !hasModule(ctx, python, module) {
			continue
		}
		text := fmt.Sprintf("#!%s/python\nimport runpy\nrunpy.run_module(%q, run_name=\"__main__\", alter_sys=True)\n", d.virtualEnv()+"/bin", module)
		if err := os.WriteFile(at, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// hasModule tells whether a Python finds a module.
func hasModule(ctx context.Context, python, module string) bool {
	const find = "import importlib.util, sys\ntry:\n    ok = importlib.util.find_spec(sys.argv[1])\nexcept ImportError:\n    ok = None\nsys.exit(0 if ok else 1)"
	return exec.CommandContext(ctx, python, "-c", find, module).Run() == nil
}

// installRuby: bundler, and Puma's configuration. [EB:ruby-platform]
func (d *deployment) installRuby(ctx context.Context, output io.Writer) error {
	if err := writeIn(d.path(platform.PumaConfig), platform.PumaSettings(d.at.Socket)); err != nil {
		return err
	}
	for _, dir := range []string{filepath.Dir(d.at.Socket), "/var/log/puma"} {
		if err := os.MkdirAll(d.path(dir), 0o755); err != nil {
			return err
		}
		if err := d.handOver(d.path(dir)); err != nil {
			return err
		}
	}
	if !staged(d.staging()).Has("Gemfile") {
		return nil
	}
	if _, err := findProgram("bundle"); err != nil {
		d.tell("ERROR", "beanpole: this instance's root has no bundle for the Gemfile; install it on this machine (apt-get install ruby-bundler), or use a root that has it (--root, --image)")
		return err
	}
	err := d.tool(ctx, d.user(), output, "bundle install")
	if err != nil {
		d.tell("ERROR", "Instance deployment failed to install application dependencies. The deployment failed.")
	}
	return err
}

// installPHP: composer, when the bundle has composer.json and no vendor folder.
// [EB:php-configuration-composer; events of AWS environments, 2021]
func (d *deployment) installPHP(ctx context.Context, output io.Writer) error {
	files := staged(d.staging())
	if !files.Has("composer.json") {
		if !d.al1 {
			d.tell("INFO", "Instance deployment: You didn't include a 'composer.json' file in your source bundle. The deployment didn't install Composer dependencies.")
		}
		return nil
	}
	if fi, err := os.Stat(filepath.Join(d.staging(), "vendor")); err == nil && fi.IsDir() {
		return nil
	}
	if _, err := findProgram("composer"); err != nil {
		d.tell("ERROR", "beanpole: this instance's root has no composer for composer.json; install it on this machine (apt-get install composer), or use a root that has it (--root, --image)")
		return err
	}
	return d.tool(ctx, "", output, "composer install --no-ansi --no-dev --no-interaction --no-progress --optimize-autoloader")
}

// writeIn writes a file, and makes its folder.
func writeIn(at, text string) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(text), 0o644)
}
