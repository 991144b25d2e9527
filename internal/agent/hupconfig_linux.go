package agent

import (
	"path"
	"sort"
	"strconv"
	"strings"

	"beanpole/internal/cfninit"
)

// hupConfig is what cfn-hup is told by its files [cb:update_hooks.py].
type hupConfig struct {
	stack    string
	access   cfninit.StackAccess
	minutes  int
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

const (
	defaultMinutes = 15
	largestConfig  = 1 << 20
)

// readHup reads cfn-hup.conf, hooks.conf and hooks.d of a folder.
func (c *Call) readHup(dir string) (*hupConfig, error) {
	main := path.Join(dir, "cfn-hup.conf")
	data, err := c.Runner.ReadFile(main, largestConfig)
	if err != nil {
		return nil, message("Could not find main configuration at " + main)
	}
	conf := parseINI(string(data))["main"]
	h := &hupConfig{stack: conf["stack"], minutes: defaultMinutes, verbose: isYes(conf["verbose"])}
	if h.stack == "" {
		return nil, message("[main] section must contain stack option")
	}
	h.access = cfninit.StackAccess{Region: conf["region"], URL: conf["url"], Role: conf["role"]}
	if file := conf["credential-file"]; file != "" && h.access.Role == "" {
		if h.access.KeyID, h.access.Secret, err = c.credentialFile(file); err != nil {
			return nil, message("Could not retrieve credentials from file:\n\t" + err.Error())
		}
	}
	if text, ok := conf["interval"]; ok {
		if h.minutes, err = strconv.Atoi(text); err != nil || h.minutes < 1 {
			return nil, message("Invalid interval (must be 1 minute or greater): " + text)
		}
	}
	return h, c.readHooks(h, dir)
}

func (c *Call) readHooks(h *hupConfig, dir string) error {
	files := []string{path.Join(dir, "hooks.conf")}
	folder := path.Join(dir, "hooks.d")
	for _, name := range c.Runner.Files(folder) {
		files = append(files, path.Join(folder, name))
	}
	sections, found := map[string]map[string]string{}, false
	for _, name := range files {
		data, err := c.Runner.ReadFile(name, largestConfig)
		if err != nil {
			continue
		}
		found = true
		for section, options := range parseINI(string(data)) {
			if sections[section] == nil {
				sections[section] = map[string]string{}
			}
			for k, v := range options {
				sections[section][k] = v
			}
		}
	}
	if !found {
		return message("No hook configurations found at " + files[0] + " or " + folder + ".")
	}
	names := make([]string, 0, len(sections))
	for name := range sections {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		h.add(name, sections[name])
	}
	if len(h.hooks) == 0 {
		return message("No valid hooks found")
	}
	return nil
}

// add adds a hook, or says why it is none.
func (h *hupConfig) add(name string, options map[string]string) {
	for _, key := range []string{"triggers", "path", "action"} {
		if _, ok := options[key]; !ok {
			h.warnings = append(h.warnings, "No "+key+" specified for hook "+name)
			return
		}
	}
	k := &hook{name: name, path: strings.TrimSpace(options["path"]), action: options["action"], runAs: strings.TrimSpace(options["runas"])}
	for _, t := range strings.Split(options["triggers"], ",") {
		k.triggers = append(k.triggers, strings.TrimSpace(t))
	}
	if len(k.triggers) == 1 && k.triggers[0] == "on.command" {
		h.warnings = append(h.warnings, "beanpole does not carry out hooks on commands; ignored: "+name)
		return
	}
	h.hooks = append(h.hooks, k)
}

func isYes(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "yes", "true", "on":
		return true
	}
	return false
}

// parseINI reads sections of options, as Python's ConfigParser does: lines
// that begin with a space go on, "%%" is a per cent sign.
func parseINI(text string) map[string]map[string]string {
	out := map[string]map[string]string{}
	var options map[string]string
	key := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || line[0] == '#' || line[0] == ';':
		case (line[0] == ' ' || line[0] == '\t') && key != "":
			options[key] += "\n" + trimmed
		case strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]"):
			name := trimmed[1 : len(trimmed)-1]
			if options, key = out[name], ""; options == nil {
				options = map[string]string{}
				out[name] = options
			}
		case options != nil:
			if i := strings.IndexAny(trimmed, "=:"); i > 0 {
				key = strings.ToLower(strings.TrimSpace(trimmed[:i]))
				options[key] = strings.TrimSpace(trimmed[i+1:])
			}
		}
	}
	for _, options := range out {
		for k, v := range options {
			options[k] = strings.ReplaceAll(v, "%%", "%")
		}
	}
	return out
}
