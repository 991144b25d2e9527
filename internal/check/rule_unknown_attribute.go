package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var unknownAttribute = &Rule{
	Slug:  "unknown-attribute",
	Title: "an attribute that nobody reads",
	Why: `A file, command, user or service takes a few attributes; cfn-init passes over all
others without a word. A misspelt "group" leaves the file with root's group, a
misspelt "ignoreErrors" lets a failure end the deployment, and leader_only, which
only container_commands know, does nothing below commands: the command runs on
every instance.`,
	Before: `commands:
  01_migrate:
    command: ./migrate
    leader_only: true`,
	After: `container_commands:
  01_migrate:
    command: ./migrate
    leader_only: true`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, section := range []string{"groups", "users", "files", "commands", "container_commands"} {
			for _, e := range r.entries(section) {
				out = append(out, unknownAttributes(section, e.name.Text, e.value)...)
			}
		}
		for _, e := range r.entries("services") {
			if e.value == nil || e.value.Kind != source.Map {
				continue
			}
			for _, s := range e.value.Entries() {
				out = append(out, unknownAttributes("services", s.Key.Text, s.Value)...)
			}
		}
		return append(out, r.settingAttributes()...)
	},
}

// settingAttributes are those of option settings in list form.
func (r *run) settingAttributes() (out []*finding.Finding) {
	for _, file := range r.x.Files {
		if file.Root == nil || file.Skipped != nil {
			continue
		}
		list := file.Root.Get("option_settings")
		if list == nil {
			continue
		}
		for _, item := range list.Items {
			out = append(out, unknownAttributes("option_settings", "", item)...)
		}
	}
	return out
}

func unknownAttributes(section, name string, n *source.Node) (out []*finding.Finding) {
	if n == nil || n.Kind != source.Map || computed(n) {
		return nil
	}
	for _, field := range n.Fields {
		key := field.Key
		if slices.Contains(attributes[section], key.Text) || key.Pos.Offset < n.Pos.Offset || oddCharacter(key.Text) >= 0 {
			continue
		}
		if section == "option_settings" && n.Get("option_name") == nil && n.Get("namespace") == nil {
			continue // no setting at all: the rule about shapes tells
		}
		switch to := intended(section, key.Text); {
		case to == "command" && n.Get("command") == nil, (to == "content" || to == "source") && n.Get("content") == nil && n.Get("source") == nil:
			continue // without it the build fails, and the rule about that tells
		}
		out = append(out, unreadAttribute(section, name, n, key))
	}
	return out
}

func unreadAttribute(section, name string, n, key *source.Node) *finding.Finding {
	f := keyFinding("unknown-attribute", finding.Warning, key)
	to := intended(section, key.Text)
	if to != "" && n.Get(to) != nil {
		to = ""
	}
	f.Message = fmt.Sprintf("%q will have no effect: %s does not know it", key.Text, section)
	if loss := attributeLoss(section, key.Text, to); loss != "" {
		f.Message = fmt.Sprintf("%q will have no effect, so %s", key.Text, fmt.Sprintf(loss, name))
		note(f, "cause", section+" does not know "+key.Text)
	}
	note(f, "on AWS", "no message at all")
	switch {
	case to != "":
		note(f, "fix", "write   "+to+":")
		f.Fixes = append(f.Fixes, rename(key, to))
	case section == "commands" && key.Text == "leader_only":
		note(f, "fix", "move the command below container_commands, which run on one elected instance with leader_only")
	default:
		note(f, "fix", fmt.Sprintf("remove it; %s knows %s", section, strings.Join(attributes[section], ", ")))
	}
	return f
}

// attributeLoss is what happens without the attribute that was meant; %s is the
// entry's name.
func attributeLoss(section, key, to string) string {
	switch to {
	case "owner":
		return "root will own %q"
	case "group":
		return "%q will have root's group"
	case "mode":
		return "%q will have the default permissions"
	case "ignoreErrors":
		return "a failure of %q will end the deployment"
	case "leader_only":
		return "%q will run on every instance"
	case "cwd":
		return "%q will run in another folder"
	case "test":
		return "%q will run each time"
	case "authentication":
		return "%q will be fetched without it"
	}
	if section == "commands" && key == "leader_only" {
		return "%q will run on every instance"
	}
	return ""
}
