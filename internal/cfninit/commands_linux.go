package cfninit

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// runCommand runs one entry of `commands` [cb:command_tool.py, cb-run].
func (b *build) runCommand(ctx context.Context, c *Command) error {
	b.debug("Running command %s", c.Name)
	attributes, err := b.defaults(ctx, c)
	if err != nil {
		return err
	}
	if given, _ := contains(attributes, "command"); !given {
		b.log("ERROR", "No command specified for %s", c.Name)
		return tool("%s does not specify the 'command' attribute, which is required", c.Name)
	}
	p := &process{}
	if attributes.Kind != source.Map { // the agent asks for the properties one by one
		if given, _ := contains(attributes, "cwd"); given {
			_, err := index(attributes, "cwd", "str")
			return err
		}
		return &BuildError{Text: "'" + typeName(attributes) + "' object has no attribute 'get'"}
	}
	if err := b.surroundings(p, attributes); err != nil {
		return err
	}
	if passed, err := b.test(ctx, c, p, attributes); err != nil || !passed {
		return err
	}
	what := attributes.Get("command")
	p.what = what
	if has(attributes, "runas") {
		if p.what, err = runAs(attributes.Get("runas"), what); err != nil {
			return err
		}
	}
	code, err := b.logged(ctx, "Command "+c.Name, p)
	if err != nil {
		return err
	}
	if code == 0 {
		b.info("Command %s succeeded", c.Name)
		b.Commands = append(b.Commands, c.Name)
		return notUTF8(p.stdout.Bytes())
	}
	b.log("ERROR", "Command %s (%s) failed", c.Name, format(what))
	if err := notUTF8(p.stdout.Bytes()); err != nil {
		return err
	}
	ignore, err := boolean(attributes.Get("ignoreErrors"))
	if err != nil {
		return err
	}
	if !ignore {
		return tool("Command %s failed", c.Name)
	}
	b.info("ignoreErrors set to true, continuing build")
	b.Commands = append(b.Commands, c.Name)
	return nil
}

// test runs a command's own test, if it has one; the command runs only when
// that ends with status 0.
func (b *build) test(ctx context.Context, c *Command, p *process, attributes *source.Node) (passed bool, err error) {
	if !has(attributes, "test") {
		b.debug("No test for command %s", c.Name)
		return true, nil
	}
	b.debug("Running test for command %s", c.Name)
	p.what = attributes.Get("test")
	code, err := b.logged(ctx, "Test for Command "+c.Name, p)
	if err == nil {
		err = notUTF8(p.stdout.Bytes())
	}
	switch {
	case err != nil:
		return false, err
	case code != 0:
		b.info("Test failed with code %d", code)
		return false, nil
	}
	b.debug("Test for command %s passed", c.Name)
	return true, nil
}

// defaults are the attributes on top of those that the `defaults` script prints.
func (b *build) defaults(ctx context.Context, c *Command) (*source.Node, error) {
	n := c.Entry
	given, err := contains(n, "defaults")
	if err != nil || !given {
		return n, err
	}
	script, err := index(n, "defaults", "str")
	if err != nil {
		return nil, err
	}
	b.debug("Generating defaults for command %s", c.Name)
	p := &process{what: script, split: true}
	code, err := b.start(ctx, p)
	if err != nil {
		return nil, err
	}
	if code != 0 {
		b.log("ERROR", "Defaults script failed for %s: %s", c.Name, p.stderr.String())
		return nil, tool("Defaults script for command %s failed", c.Name)
	}
	out, perr := source.ParseJSON("output of defaults", p.stdout.Bytes())
	if perr != nil || out == nil || out.Kind != source.Map {
		return nil, &BuildError{Text: "No JSON object could be decoded"}
	}
	for _, f := range fields(n) {
		printed := out.Get(f.Key.Text)
		if f.Key.Text != "env" || printed == nil || printed.Kind != source.Map {
			out.Set(f.Key.Text, f.Value)
			continue
		}
		for _, v := range fields(f.Value) { // variables are merged one by one
			printed.Set(v.Key.Text, v.Value)
		}
	}
	return out, nil
}

// process is one program to start.
type process struct {
	what *source.Node // text for the shell, or list of arguments
	env  []string     // nil: the runner's
	cwd  string       // "": the runner's
	// split keeps standard error apart.
	split          bool
	stdout, stderr captured
}

// surroundings reads cwd and env, which hold for test and command. A map of
// variables replaces the environment; an empty one counts as none.
func (b *build) surroundings(p *process, attributes *source.Node) error {
	if has(attributes, "cwd") {
		cwd := attributes.Get("cwd")
		if cwd == nil || cwd.Kind != source.String {
			return &BuildError{Text: "'" + typeName(cwd) + "' object has no attribute 'startswith'"}
		}
		p.cwd = b.expandUser(cwd.Text)
	}
	env := attributes.Get("env")
	if !truthy(env) {
		return nil
	}
	if env.Kind == source.Seq && env.Items[0].Kind == source.String {
		return &BuildError{Text: fmt.Sprintf("dictionary update sequence element #0 has length %d; 2 is required", utf8.RuneCountInString(env.Items[0].Text))}
	}
	if env.Kind != source.Map {
		return &BuildError{Text: "'" + typeName(env) + "' object is not iterable"}
	}
	p.env = []string{}
	for _, f := range fields(env) {
		if f.Value == nil || f.Value.Kind != source.String {
			p.env = []string{""} // refused when the program is started
			return nil
		}
		p.env = append(p.env, f.Key.Text+"="+f.Value.Text)
	}
	return nil
}

// expandUser replaces "~" and "~user" at the start of a path.
func (b *build) expandUser(name string) string {
	if !strings.HasPrefix(name, "~") {
		return name
	}
	user, rest, found := strings.Cut(name[1:], "/")
	if found {
		rest = "/" + rest
	}
	if user == "" {
		if home := lookUpEnv(b.env(), "HOME"); home != "" {
			return strings.TrimRight(home, "/") + rest
		}
		user = "root"
	}
	for _, f := range b.root.accounts("/etc/passwd") {
		if f[0] == user && len(f) > 5 {
			return strings.TrimRight(f[5], "/") + rest
		}
	}
	return name
}

func lookUpEnv(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// runAs wraps a command in su, as literally as AWS does: a text is not quoted.
func runAs(user, what *source.Node) (*source.Node, error) {
	switch {
	case what != nil && what.Kind == source.String:
		return source.NewString("su "+format(user)+" -c "+what.Text, what.Pos), nil
	case what != nil && what.Kind == source.Seq:
		out := *what
		out.Items = append([]*source.Node{source.NewString("su", what.Pos), user, source.NewString("-c", what.Pos)}, what.Items...)
		return &out, nil
	}
	return nil, &BuildError{Text: `can only concatenate list (not "` + typeName(what) + `") to list`}
}

// boolean reads ignoreErrors [cb:util.py interpret_boolean].
func boolean(n *source.Node) (bool, error) {
	if !truthy(n) {
		return false, nil
	}
	switch n.Kind {
	case source.Seq, source.Map:
		return false, &BuildError{Text: "unhashable type: '" + typeName(n) + "'"}
	case source.Bool:
		return true, nil
	}
	switch strings.ToLower(strings.TrimSpace(n.Text)) {
	case "true", "yes", "y", "1", "1.0":
		return n.Kind != source.String || n.Text != "1.0", nil
	}
	return false, nil
}

// logged runs a program and writes its output to cfn-init-cmd.log.
func (b *build) logged(ctx context.Context, title string, p *process) (int, error) {
	b.command("INFO", strings.Repeat("=", width))
	b.command("INFO", title)
	p.stdout.Reset()
	code, err := b.start(ctx, p)
	if err != nil {
		return 0, err
	}
	out := p.stdout.Bytes()
	if len(out) > 0 {
		b.command("INFO", centred("Command Output"))
		for _, line := range lines(string(out)) {
			b.command("INFO", "\t"+line)
		}
		b.command("INFO", strings.Repeat("-", width))
	}
	if code == 0 {
		b.command("INFO", "Completed successfully.")
	} else {
		b.command("ERROR", fmt.Sprintf("Exited with error code %d", code))
	}
	return code, nil
}

// lines splits output as Python's splitlines does for bytes.
func lines(s string) []string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// notUTF8: output that is not UTF-8 fails the build, whatever the exit status.
func notUTF8(out []byte) error {
	for i := 0; i < len(out); {
		r, n := utf8.DecodeRune(out[i:])
		if r == utf8.RuneError && n == 1 {
			why := "invalid start byte"
			if c := out[i]; c >= 0xc2 && c < 0xf5 {
				why = "invalid continuation byte"
				if i+sequence(c) > len(out) {
					why = "unexpected end of data"
				}
			}
			return &BuildError{Text: fmt.Sprintf("'utf8' codec can't decode byte 0x%02x in position %d: %s", out[i], i, why)}
		}
		i += n
	}
	return nil
}

// sequence is how many bytes a lead byte of UTF-8 asks for.
func sequence(lead byte) int {
	switch {
	case lead >= 0xf0:
		return 4
	case lead >= 0xe0:
		return 3
	}
	return 2
}

// start runs a program to its end. The status is negative for a signal.
func (b *build) start(ctx context.Context, p *process) (int, error) {
	code, err := b.launch(ctx, p)
	if args := shownArguments(p.what); b.Ran != nil && args != nil {
		b.Ran(args, code, err)
	}
	return code, err
}

// shownArguments are a command's arguments, also where they are none that a
// program can be started with; nil where there are none at all.
func shownArguments(what *source.Node) []string {
	switch {
	case what == nil || what.Kind < source.String:
		return nil
	case what.Kind == source.String:
		return []string{"/bin/sh", "-c", what.Text}
	}
	args := []string{}
	for _, item := range listed(what) {
		args = append(args, format(item))
	}
	return args
}

// listed are the arguments in a list, or in a map, whose keys they are then.
func listed(what *source.Node) []*source.Node {
	if what.Kind != source.Map {
		return what.Items
	}
	var out []*source.Node
	for _, f := range dictOrder(fields(what)) {
		out = append(out, f.Key)
	}
	return out
}

func (b *build) launch(ctx context.Context, p *process) (int, error) {
	cmd, err := b.prepare(p)
	if err != nil {
		return 0, err
	}
	cmd.Stdout, cmd.Stderr = &p.stdout, &p.stdout
	if p.split {
		cmd.Stderr = &p.stderr
	}
	if err := cmd.Start(); err != nil {
		var no syscall.Errno
		if b.root.dir >= 0 && errors.Is(err, syscall.EPERM) {
			return 0, fmt.Errorf("run %q with root %q: %w", cmd.Args, b.Root, err)
		}
		if errors.As(err, &no) {
			return 0, osError(no, "")
		}
		return 0, fmt.Errorf("start %q: %w", cmd.Args, err)
	}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		case <-done:
		}
	}()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("wait for %q: %w", cmd.Args, err)
	}
	if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return -int(s.Signal()), nil
	}
	return cmd.ProcessState.ExitCode(), nil
}

// prepare finds program, environment and working directory, in the agent's
// order: of several things that are wrong it names the first.
func (b *build) prepare(p *process) (*exec.Cmd, error) {
	items, err := arguments(p.what)
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{Env: p.env, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	if b.root.dir >= 0 {
		cmd.SysProcAttr.Chroot = b.Root
		cmd.Dir = "/"
	}
	if p.cwd != "" {
		if err := b.enter(cmd, p.cwd); err != nil {
			return nil, err
		}
	}
	call := "execve()"
	if p.env == nil {
		cmd.Env, call = b.env(), "execv()"
	}
	if first := items[0]; first == nil || first.Kind != source.String {
		return nil, &BuildError{Text: "'" + typeName(first) + "' object has no attribute 'rfind'"}
	}
	for _, item := range items {
		if item == nil || item.Kind != source.String || strings.ContainsRune(item.Text, 0) {
			return nil, &BuildError{Text: call + " arg 2 must contain only strings"}
		}
		cmd.Args = append(cmd.Args, item.Text)
	}
	if len(p.env) == 1 && p.env[0] == "" {
		return nil, &BuildError{Text: "execve() arg 3 contains a non-string value"}
	}
	cmd.Path, err = b.findProgram(cmd.Args[0], cmd.Env)
	return cmd, err
}

// enter sets the working directory.
func (b *build) enter(cmd *exec.Cmd, dir string) error {
	cmd.Dir = dir
	if b.root.dir >= 0 && !path.IsAbs(dir) {
		cmd.Dir = "/" + dir
	}
	st, err := b.root.stat(cmd.Dir)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = unix.ENOTDIR
	}
	if err != nil {
		return osError(err, quote(dir, false))
	}
	return nil
}

// arguments turns a command into an argument list: a text goes to the shell.
func arguments(what *source.Node) ([]*source.Node, error) {
	switch {
	case what == nil || what.Kind < source.String:
		return nil, &BuildError{Text: "'" + typeName(what) + "' object is not iterable"}
	case what.Kind == source.String:
		return []*source.Node{source.NewString("/bin/sh", what.Pos), source.NewString("-c", what.Pos), what}, nil
	}
	items := listed(what)
	if len(items) == 0 {
		return nil, &BuildError{Text: "list index out of range"}
	}
	return items, nil
}

// findProgram looks a program up in PATH of the environment that it will have.
func (b *build) findProgram(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	search := lookUpEnv(env, "PATH")
	if search == "" {
		search = "/bin:/usr/bin"
	}
	fault := osError(unix.ENOENT, "")
	for _, dir := range strings.Split(search, ":") {
		st, err := b.root.stat(path.Join("/", dir, name))
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0 {
			return path.Join("/", dir, name), nil
		}
		if err == nil {
			fault = osError(unix.EACCES, "")
		}
	}
	return "", fault
}
