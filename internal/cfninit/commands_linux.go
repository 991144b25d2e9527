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
	if !has(attributes, "command") {
		b.log("ERROR", "No command specified for %s", c.Name)
		return tool("%s does not specify the 'command' attribute, which is required", c.Name)
	}
	p := &process{}
	if err := b.surroundings(p, attributes); err != nil {
		return err
	}
	if passed, err := b.test(ctx, c, p, attributes); err != nil || !passed {
		return err
	}
	what := attributes.Get("command")
	p.what = what
	if has(attributes, "runas") {
		p.what = runAs(format(attributes.Get("runas")), what)
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
	b.log("ERROR", "Command %s (%s) failed", c.Name, shown(what))
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
	if n == nil || n.Kind < source.String {
		return nil, &BuildError{Text: "argument of type '" + typeName(n) + "' is not iterable"}
	}
	if n.Kind != source.Map || !has(n, "defaults") {
		return n, nil
	}
	b.debug("Generating defaults for command %s", c.Name)
	p := &process{what: n.Get("defaults"), split: true}
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
func runAs(user string, what *source.Node) *source.Node {
	if what != nil && what.Kind == source.Seq {
		out := *what
		out.Items = append([]*source.Node{
			source.NewString("su", what.Pos), source.NewString(user, what.Pos), source.NewString("-c", what.Pos),
		}, what.Items...)
		return &out
	}
	return source.NewString("su "+user+" -c "+format(what), what.Place())
}

// shown is a command in the log.
func shown(what *source.Node) string {
	if what == nil || what.Kind != source.Seq {
		return format(what)
	}
	parts := make([]string, len(what.Items))
	for i, item := range what.Items {
		parts[i] = quote(format(item), true)
	}
	return "[" + strings.Join(parts, ", ") + "]"
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
	for _, f := range fields(what) {
		args = append(args, f.Key.Text)
	}
	for _, item := range what.Items {
		args = append(args, format(item))
	}
	return args
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

// prepare finds program, environment and working directory.
func (b *build) prepare(p *process) (*exec.Cmd, error) {
	args, err := arguments(p.what)
	if err != nil {
		return nil, err
	}
	env := p.env
	if env == nil {
		env = b.env()
	}
	if len(env) == 1 && env[0] == "" {
		return nil, &BuildError{Text: "execve() arg 3 contains a non-string value"}
	}
	cmd := &exec.Cmd{Args: args, Env: env, SysProcAttr: &syscall.SysProcAttr{Setpgid: true}}
	if b.root.dir >= 0 {
		cmd.SysProcAttr.Chroot = b.Root
		cmd.Dir = "/"
	}
	if p.cwd != "" {
		cmd.Dir = p.cwd
		if b.root.dir >= 0 && !path.IsAbs(p.cwd) {
			cmd.Dir = "/" + p.cwd
		}
		st, err := b.root.stat(cmd.Dir)
		if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			err = unix.ENOTDIR
		}
		if err != nil {
			return nil, osError(err, quote(p.cwd, false))
		}
	}
	cmd.Path, err = b.findProgram(args[0], env)
	return cmd, err
}

// arguments turns a command into an argument list: a text goes to the shell.
func arguments(what *source.Node) ([]string, error) {
	var args []string
	switch {
	case what == nil || what.Kind < source.String:
		return nil, &BuildError{Text: "'" + typeName(what) + "' object is not iterable"}
	case what.Kind == source.String:
		args = []string{"/bin/sh", "-c", what.Text}
	case what.Kind == source.Map:
		for _, f := range fields(what) {
			args = append(args, f.Key.Text)
		}
	}
	for _, item := range what.Items {
		if item == nil || item.Kind != source.String {
			return nil, &BuildError{Text: "execv() arg 2 must contain only strings"}
		}
		args = append(args, item.Text)
	}
	if len(args) == 0 {
		return nil, &BuildError{Text: "list index out of range"}
	}
	for _, a := range args {
		if strings.ContainsRune(a, 0) {
			return nil, &BuildError{Text: "execv() arg 2 must contain only strings"}
		}
	}
	return args, nil
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
