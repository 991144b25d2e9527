package agent

import (
	"path"
	"strconv"
	"strings"

	"beanpole/internal/cfninit"
)

// hupConfig is what cfn-hup is told by its files [cb:update_hooks.py].
type hupConfig struct {
	stack    string
	access   cfninit.StackAccess
	interval string // minutes; only the daemon reads it
	umask    string // the daemon's, octal
	verbose  bool
	hooks    []*hook
	warnings []string
}

// hook runs an action when something of the stack changes.
type hook struct {
	name     string
	triggers []string // post.add, post.update, post.remove
	path     string   // Resources.ID.Metadata.key or Resources.ID.PhysicalResourceId
	action   string
	runAs    string
}

const largestConfig = 1 << 20

// readHup reads cfn-hup.conf, hooks.conf and hooks.d of a folder.
func (c *Call) readHup(dir string) (*hupConfig, error) {
	main := path.Join(dir, "cfn-hup.conf")
	data, err := c.Runner.ReadFile(main, largestConfig)
	if err != nil {
		return nil, message("Could not find main configuration at " + main)
	}
	var conf ini
	if err := conf.read(main, string(data)); err != nil {
		return nil, err
	}
	if _, ok := conf.raw("main", "stack"); !ok {
		return nil, message("[main] section must contain stack option")
	}
	h := &hupConfig{interval: "15", umask: "022"}
	verbose, keys := "", ""
	for _, o := range []struct {
		name string
		to   *string
	}{
		{"stack", &h.stack}, {"region", &h.access.Region}, {"url", &h.access.URL}, {"role", &h.access.Role},
		{"credential-file", &keys}, {"interval", &h.interval}, {"umask", &h.umask}, {"verbose", &verbose},
	} {
		v, ok, err := conf.get("main", o.name)
		if err != nil {
			return nil, err
		}
		if ok {
			*o.to = v
		}
	}
	if keys != "" && h.access.Role == "" {
		if h.access.KeyID, h.access.Secret, err = c.credentialFile(keys); err != nil {
			return nil, message("Could not retrieve credentials from file:\n\t" + err.Error())
		}
	}
	if err := c.readHooks(h, dir); err != nil {
		return nil, err
	}
	h.verbose, err = yesOrNo(verbose)
	return h, err
}

func (c *Call) readHooks(h *hupConfig, dir string) error {
	files := []string{path.Join(dir, "hooks.conf")}
	folder := path.Join(dir, "hooks.d")
	for _, name := range c.Runner.Files(folder) {
		files = append(files, path.Join(folder, name))
	}
	var hooks ini
	found := false
	for _, name := range files {
		data, err := c.Runner.ReadFile(name, largestConfig)
		if err != nil {
			continue
		}
		found = true
		if err := hooks.read(name, string(data)); err != nil {
			return err
		}
	}
	if !found {
		return message("No hook configurations found at " + files[0] + " or " + folder + ".")
	}
	for _, name := range hooks.names {
		if err := h.add(name, &hooks); err != nil {
			return err
		}
	}
	if len(h.hooks) == 0 {
		return message("No valid hooks found")
	}
	return nil
}

// add adds a hook, or says why it is none.
func (h *hupConfig) add(name string, hooks *ini) error {
	values := map[string]string{}
	for _, key := range []string{"triggers", "path", "action", "runas"} {
		v, ok, err := hooks.get(name, key)
		switch {
		case err != nil:
			return err
		case !ok && key != "runas":
			h.warnings = append(h.warnings, "No "+key+" specified for hook "+name)
			return nil
		}
		values[key] = v
	}
	k := &hook{name: name, path: strings.TrimSpace(values["path"]), action: values["action"], runAs: strings.TrimSpace(values["runas"])}
	for _, t := range strings.Split(values["triggers"], ",") {
		k.triggers = append(k.triggers, strings.TrimSpace(t))
	}
	if len(k.triggers) == 1 && k.triggers[0] == "on.command" {
		h.warnings = append(h.warnings, "beanpole does not carry out hooks on commands (on.command); ignored: "+name)
		return nil
	}
	h.hooks = append(h.hooks, k)
	return nil
}

// minutes is the time between two looks.
func (h *hupConfig) minutes() (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(h.interval))
	if err != nil || n < 1 {
		return 0, message("Invalid interval (must be 1 minute or greater): " + h.interval)
	}
	return n, nil
}

// mask is the daemon's umask, 022 unless it is told otherwise (AWS
// documentation, "cfn-hup").
func (h *hupConfig) mask() (int, error) {
	n, err := strconv.ParseUint(h.umask, 8, 32)
	if err != nil || n > 0o777 {
		return 0, message("Invalid umask (must be an octal number from 0 to 0777): " + h.umask)
	}
	return int(n), nil
}

// yesOrNo reads a switch as ConfigParser's getboolean does; "" is no.
func yesOrNo(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "1", "yes", "true", "on":
		return true, nil
	case "", "0", "no", "false", "off":
		return false, nil
	}
	return false, message("Not a boolean: " + s)
}
