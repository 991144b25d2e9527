package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var wrongShape = &Rule{
	Slug:  "wrong-shape",
	Title: "a value has another shape than its section takes",
	Why: `Below each key of a configuration file a certain shape is expected: files and
commands are maps of names to maps, packages are maps of a manager to a map of
packages and versions. cfn-init does not check shapes; it runs into the first that
does not fit and ends the deployment with a word of its interpreter, such as
"Error occurred during build: string indices must be integers". Elastic Beanstalk
itself refuses an option setting that is no map.`,
	Before: `packages:
  yum: git`,
	After: `packages:
  yum:
    git: []`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("packages") {
			out = append(out, packageShape(e)...)
		}
		for _, section := range []string{"users", "files", "commands", "container_commands"} {
			for _, e := range r.entries(section) {
				out = append(out, entryShape(e)...)
			}
		}
		for _, e := range r.entries("services") {
			out = append(out, serviceShape(e)...)
		}
		for _, file := range r.x.Files {
			if file.Root != nil && file.Skipped == nil {
				out = append(out, sectionShapes(file)...)
				out = append(out, settingShapes(file)...)
			}
		}
		return out
	},
}

// shape is the finding about a value that cfn-init runs into.
func shape(key *source.Node, says, cause, fix string) *finding.Finding {
	f := keyFinding("wrong-shape", finding.Error, key)
	f.Message = "cfn-init will stop here, and the deployment with it"
	note(f, "cause", cause)
	note(f, "on AWS", "Error occurred during build: "+says)
	note(f, "fix", fix)
	return f
}

// sectionShapes are sections that are no map; of packages, files, commands,
// sources and services the rule about cfn-init's plan tells.
func sectionShapes(file *ebext.File) (out []*finding.Finding) {
	for _, section := range []string{"groups", "users", "container_commands"} {
		n := file.Root.Get(section)
		if n == nil || n.Kind == source.Null || n.Kind == source.Map || computed(n) || n.Kind == source.Seq && len(n.Items) == 0 || n.Kind == source.String && n.Text == "" {
			continue
		}
		out = append(out, shape(n, "'"+pythonType(n)+"' object has no attribute 'keys'",
			fmt.Sprintf("%s holds %s, where a map belongs", section, shapeName(n)), "write each entry with its name as a key, without a dash"))
	}
	return out
}

// packageShape: a manager's packages are a map. Most managers ask for its keys
// first, apt and zypper for an element by name [cb:rpm_tools.py,
// lang_package_tools.py, apt_tool.py].
func packageShape(e entry) []*finding.Finding {
	v := e.value
	if v == nil || v.Kind == source.Null || v.Kind == source.Map || computed(v) {
		return nil
	}
	says, write := "", "the package's name as a key:   "+v.TextOr("name")+": []"
	if v.Kind == source.Seq {
		write = "each name as a key:   name: []"
	}
	empty := v.Kind == source.Seq && len(v.Items) == 0 || v.Kind == source.String && v.Text == ""
	switch m := e.name.Text; {
	case m == "yum" || m == "rpm" || m == "python" || m == "rubygems" || m == "msi":
		says = "'" + pythonType(v) + "' object has no attribute 'keys'"
	case m != "apt" && m != "zypper" || empty:
		return nil // the agent does not look at it
	case v.Kind == source.Seq:
		says = "list indices must be integers"
	default:
		says = "string indices must be integers"
	}
	f := shape(e.name, says, fmt.Sprintf("%s holds %s, where a map of packages to versions belongs", e.name.Text, shapeName(v)), "write "+write)
	if fix := packageMap(e.name, v); fix != nil {
		f.Fixes = append(f.Fixes, *fix)
	}
	return []*finding.Finding{f}
}

// packageMap writes a list of names, or one name, as a map.
func packageMap(key, v *source.Node) *finding.Fix {
	names := v.Items
	if v.Kind != source.Seq {
		names = []*source.Node{v}
	}
	text := "{"
	for i, n := range names {
		if n.Kind != source.String || n.Text == "" || slices.ContainsFunc([]rune(n.Text), func(c rune) bool { return c == '\'' || c == '\n' }) {
			return nil
		}
		if i > 0 {
			text += ", "
		}
		text += "'" + n.Text + "': []"
	}
	return &finding.Fix{Name: "package-map", Title: "write the names as keys, without a version", Edits: []source.Edit{
		{File: key.Pos.File, Start: v.Pos.Offset, End: v.End.Offset, New: text + "}"}}}
}

// entryShape: an entry is a map, and a command has a text or a list to run.
func entryShape(e entry) []*finding.Finding {
	v := e.value
	if computed(v) {
		return nil
	}
	command := e.section == "commands" || e.section == "container_commands"
	missing := fmt.Sprintf("%s does not specify the 'command' attribute, which is required", e.name.Text)
	switch {
	case v == nil || v.Kind == source.Null:
		if e.section == "users" {
			return nil
		}
		return []*finding.Finding{shape(e.name, "argument of type 'NoneType' is not iterable", "nothing stands below it; its attributes are perhaps not indented", "indent its attributes below it")}
	case v.Kind == source.Map:
		if command {
			return commandShape(e, missing)
		}
		return nil
	case command && v.Kind == source.String:
		f := shape(e.name, missing, "the command is the value itself", "write   command:   below the name, and the command behind it")
		if v.Style != source.Literal && v.Style != source.Folded {
			f.Fixes = append(f.Fixes, finding.Fix{Name: "command", Title: "name the command's attribute", Edits: []source.Edit{
				{File: e.file.Name, Start: v.Pos.Offset, End: v.Pos.Offset, New: "{command: "}, {File: e.file.Name, Start: v.End.Offset, End: v.End.Offset, New: "}"}}})
			if v.Style == source.Plain {
				f.Fixes = nil
			}
		}
		return []*finding.Finding{f}
	}
	return []*finding.Finding{shape(e.name, "'"+pythonType(v)+"' object has no attribute 'get'",
		fmt.Sprintf("%s stands where a map of attributes belongs", shapeName(v)), "write its attributes below it, each with its value")}
}

func pythonType(n *source.Node) string {
	switch n.Kind {
	case source.Seq:
		return "list"
	case source.String:
		return "str"
	}
	return "int"
}

func commandShape(e entry, missing string) []*finding.Finding {
	c := e.get("command")
	switch {
	case c == nil || c.Kind == source.Null:
		f := shape(e.name, missing, "the command has no attribute \"command\"", "write   command:   and what is to run")
		if c != nil {
			f.Notes[0].Text = `nothing stands behind "command:"`
		}
		for _, field := range e.value.Fields {
			if c == nil && !slices.Contains(attributes[e.section], field.Key.Text) && intended(e.section, field.Key.Text) == "command" {
				f.Notes[0].Text = fmt.Sprintf("the command has no attribute \"command\", but one named %q", field.Key.Text)
				f.Fixes = append(f.Fixes, rename(field.Key, "command"))
			}
		}
		return []*finding.Finding{f}
	case c.Kind == source.Map && !computed(c):
		return []*finding.Finding{shape(c, "[Errno 2] No such file or directory", `"command" holds a map: a colon and a blank make a key of the text before them`, "put the whole command in quotes")}
	}
	return nil
}

// serviceShape: a manager's services are a map of maps [cb:service_tools.py].
func serviceShape(e entry) (out []*finding.Finding) {
	v := e.value
	switch {
	case v == nil || v.Kind == source.Null || computed(v):
		return nil
	case v.Kind != source.Map:
		return []*finding.Finding{shape(e.name, "'"+pythonType(v)+"' object has no attribute 'keys'",
			fmt.Sprintf("%s holds %s, where a map of services belongs", e.name.Text, shapeName(v)), "write each service's name as a key, with   ensureRunning: true   below it")}
	}
	for _, s := range v.Entries() {
		if s.Value != nil && s.Value.Kind != source.Map && s.Value.Kind != source.Null && !computed(s.Value) {
			out = append(out, propertiesShape(s))
		}
	}
	return out
}

// propertiesShape is about a service whose properties are no map. The agent
// asks whether they have "enabled" and the like in them: of a number that fails,
// a text or a list has none, mostly, and nothing is done.
func propertiesShape(s *source.Field) *finding.Finding {
	v := s.Value
	holds, write := fmt.Sprintf("the service holds %s, where a map belongs", shapeName(v)), "write   ensureRunning: true   below the service"
	if v.Kind < source.String {
		return shape(s.Key, "argument of type '"+map[source.Kind]string{source.Bool: "bool", source.Int: "int", source.Float: "float"}[v.Kind]+"' is not iterable", holds, write)
	}
	for _, p := range []string{"enabled", "ensureRunning"} {
		if v.Kind == source.String && strings.Contains(v.Text, p) {
			return shape(s.Key, "string indices must be integers", holds, write)
		}
		if v.Kind == source.Seq && slices.ContainsFunc(v.Items, func(i *source.Node) bool { return i.TextOr("") == p }) {
			return shape(s.Key, "list indices must be integers, not str", holds, write)
		}
	}
	f := keyFinding("wrong-shape", finding.Warning, s.Key)
	f.Message = fmt.Sprintf("cfn-init will neither enable nor start %s, without a message", s.Key.Text)
	note(f, "cause", holds)
	note(f, "fix", write)
	return f
}

// settingShapes: in list form each item is a map with option_name and value; in
// the other form each namespace holds a map, which may be empty.
// The message is Elastic Beanstalk's [gh:aws-elastic-beanstalk-developer-guide#93].
func settingShapes(file *ebext.File) (out []*finding.Finding) {
	n := file.Root.Get("option_settings")
	if n == nil || n.Kind == source.Null {
		return nil
	}
	refuse := func(at *source.Node, cause, fix string) {
		f := keyFinding("wrong-shape", finding.Error, at)
		f.Message = "Elastic Beanstalk will refuse the application version: this option setting has another shape than it takes"
		note(f, "cause", cause)
		note(f, "on AWS", fmt.Sprintf("Each option setting in configuration file %s in application version … must be a map. Update each option setting in the configuration file.", file.Name))
		note(f, "fix", fix)
		out = append(out, f)
	}
	if n.IsScalar() {
		refuse(n, shapeName(n)+" stands where option settings belong", "write a namespace as a key, and below it   option: value")
		return out
	}
	for _, e := range n.Entries() {
		if v := e.Value; v != nil && v.Kind != source.Map && v.Kind != source.Null && !computed(v) {
			cause, fix := fmt.Sprintf("below the namespace stands %s, where a map of options belongs", shapeName(v)), "write   option: value   below the namespace, without dashes"
			if v.IsScalar() && !strings.HasPrefix(e.Key.Text, "aws:") {
				cause, fix = fmt.Sprintf("%s stands where a namespace belongs, and its value is no map", e.Key.Text), "indent it below its namespace"
			}
			refuse(e.Key, cause, fix)
		}
	}
	for _, item := range n.Items {
		switch {
		case item.Kind != source.Map:
			refuse(item, "the item is "+shapeName(item), "write namespace, option_name and value as a map")
		case item.Get("option_name") == nil && item.Get("namespace") == nil && item.Get("value") == nil:
			refuse(item, "the item has neither namespace nor option_name nor value", "write   namespace:, option_name: and value:   in each item, or leave the dashes out: namespace, and below it option: value")
		}
	}
	return out
}
