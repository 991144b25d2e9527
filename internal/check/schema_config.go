package check

import (
	"slices"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// attributes are the properties that one entry of a section may have
// [EB:customize-containers-ec2; cb:command_tool.py, file_tool.py,
// service_tools.py, user_group_tools.py]. Others are passed over without a word.
var attributes = map[string][]string{
	"groups":             {"gid"},
	"users":              {"groups", "uid", "homeDir"},
	"files":              {"content", "source", "encoding", "owner", "group", "mode", "authentication", "context"},
	"commands":           {"command", "env", "cwd", "test", "ignoreErrors", "waitAfterCompletion", "runas", "defaults"},
	"container_commands": {"command", "env", "cwd", "test", "ignoreErrors", "leader_only", "waitAfterCompletion", "runas", "defaults"},
	"services":           {"enabled", "ensureRunning", "files", "sources", "packages", "commands", "groups", "users"},
	"option_settings":    {"namespace", "option_name", "value", "resource_name"},
}

// meant are names that people take for an attribute of another name.
var meant = map[string]string{
	"user": "owner", "permissions": "mode", "permission": "mode", "perms": "mode", "chmod": "mode", "url": "source", "contents": "content",
	"auth": "authentication", "cmd": "command", "run": "command", "script": "command", "dir": "cwd", "directory": "cwd",
	"working_directory": "cwd", "workingDirectory": "cwd", "environment": "env", "ignore_errors": "ignoreErrors", "leaderOnly": "leader_only",
	"home": "homeDir", "name": "option_name", "option": "option_name", "option_value": "value", "running": "ensureRunning",
}

// intended is the attribute of a section that a wrong name stands for, "" when
// there is no telling.
func intended(section, name string) string {
	own := attributes[section]
	if m := meant[name]; slices.Contains(own, m) {
		return m
	}
	if m := nearest(name, own); m != "" {
		return m
	}
	for _, a := range own {
		if len(name) >= 4 && strings.HasSuffix(a, name) && len(a)-len(name) <= 1 {
			return a
		}
	}
	return ""
}

// shapeName is what people call a value's kind.
func shapeName(n *source.Node) string {
	switch {
	case n == nil || n.Kind == source.Null:
		return "nothing"
	case n.Kind == source.Seq:
		return "a list"
	case n.Kind == source.Map:
		return "a map"
	case n.Kind == source.String:
		return "a text"
	}
	return "a number or yes/no"
}

// computed: the value is a function's, so that its shape is not known.
func computed(n *source.Node) bool {
	return n != nil && (n.Tag != "" || n.Kind == source.Map && isCall(n) || n.Kind == source.String && strings.Contains(n.Text, "`{"))
}

// rename is the way to give a key another name.
func rename(key *source.Node, to string) finding.Fix {
	return finding.Fix{Name: "rename", Title: "write " + to, Edits: []source.Edit{{File: key.Pos.File, Start: key.Pos.Offset, End: key.End.Offset, New: to}}}
}

// keyFinding starts a finding at a key.
func keyFinding(rule string, severity finding.Severity, key *source.Node) *finding.Finding {
	return &finding.Finding{Rule: rule, Severity: severity, Certain: true, Pos: key.Pos, End: key.End}
}

// note adds a labelled line.
func note(f *finding.Finding, label, text string, at ...source.Pos) {
	f.Notes = append(f.Notes, finding.Note{Label: label, Text: text, At: at})
}
