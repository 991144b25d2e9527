package check

import (
	"fmt"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var contentAndSource = &Rule{
	Slug:  "content-and-source",
	Title: "a file has content and source: nothing is fetched",
	Why: `A file is written from content or fetched from source. Where both stand, cfn-init
takes the content unless it is empty and never fetches the source; there is no
message. Mostly the content is a placeholder that was to be replaced by the file
from S3.`,
	Before: `/etc/pki/server.key:
  content: |
    # key goes here
  source: https://keys.s3.eu-west-1.amazonaws.com/server.key`,
	After: `/etc/pki/server.key:
  source: https://keys.s3.eu-west-1.amazonaws.com/server.key`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			content, from := e.get("content"), e.get("source")
			if empty(content) || empty(from) {
				continue
			}
			key := e.key("source")
			f := keyFinding("content-and-source", finding.Warning, key)
			f.Message = fmt.Sprintf("the source of %q will never be fetched: its content wins", e.name.Text)
			note(f, "content", "stands beside it", e.key("content").Pos)
			note(f, "on AWS", "no message at all")
			note(f, "fix", "remove one of the two")
			out = append(out, f)
		}
		return out
	},
}

var fileWithoutContent = &Rule{
	Slug:  "file-without-content",
	Title: "a file has neither content nor source",
	Why: `A file needs content or source. Without them, or with both empty, cfn-init ends the
deployment with "File specified without source or content"; for an empty file
there has to be a line end at least. A link (mode 120xxx) takes the path that it
points to as its content.`,
	Before: `/etc/myapp.flag:
  mode: "000644"`,
	After: `/etc/myapp.flag:
  mode: "000644"
  content: "\n"`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			if e.value == nil || e.value.Kind != source.Map || computed(e.value) || !empty(e.get("content")) || !empty(e.get("source")) {
				continue
			}
			f := keyFinding("file-without-content", finding.Error, e.name)
			f.Message = "cfn-init will stop here, and the deployment with it: the file has no content"
			says := "File specified without source or content"
			if m, ok := modeOf(e.get("mode")); ok && m&0o170000 == 0o120000 {
				says = "Symbolic link specified without a destination"
			}
			for _, field := range e.value.Fields {
				if to := intended("files", field.Key.Text); (to == "content" || to == "source") && e.get(to) == nil {
					note(f, "cause", fmt.Sprintf("%q is no attribute of a file", field.Key.Text), field.Key.Pos)
					f.Fixes = append(f.Fixes, rename(field.Key, to))
				}
			}
			note(f, "on AWS", "Error occurred during build: "+says)
			note(f, "fix", "write   content:   or   source:   below it")
			out = append(out, f)
		}
		return out
	},
}

// empty: Python takes the value for false [cb:file_tool.py].
func empty(n *source.Node) bool {
	switch {
	case n == nil || n.Kind == source.Null:
		return true
	case computed(n):
		return false
	case n.Kind == source.Map:
		return len(n.Fields) == 0
	case n.Kind == source.Seq:
		return len(n.Items) == 0
	case n.Kind == source.Bool:
		v, _ := n.Truth()
		return !v
	}
	return n.Kind == source.String && n.Text == ""
}

// key is the key of a property, the entry's name when it has none.
func (e *entry) key(name string) *source.Node {
	if e.value != nil {
		for i := len(e.value.Fields) - 1; i >= 0; i-- {
			if e.value.Fields[i].Key.Text == name {
				return e.value.Fields[i].Key
			}
		}
	}
	return e.name
}
