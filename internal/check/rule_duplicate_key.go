package check

import (
	"fmt"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var duplicateKey = &Rule{
	Slug:  "duplicate-key",
	Title: "a key stands twice, and the last one wins",
	Why: `Where a key stands twice in one map, Elastic Beanstalk keeps the value of the
last one and drops the others without a word. Two blocks "files:" in one file
are the usual case: the files of the first are never written.`,
	Before: `files:
  /etc/a.conf:
    content: a
files:
  /etc/b.conf:
    content: b`,
	After: `files:
  /etc/a.conf:
    content: a
  /etc/b.conf:
    content: b`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		for _, file := range r.x.Files {
			out = append(out, duplicates(file.Root)...)
		}
		return out
	},
}

// duplicates are the keys below n that stand in their map again.
func duplicates(n *source.Node) (out []*finding.Finding) {
	if n == nil {
		return nil
	}
	for _, it := range n.Items {
		out = append(out, duplicates(it)...)
	}
	last := map[string]*source.Node{}
	for i := len(n.Fields) - 1; i >= 0; i-- {
		k := n.Fields[i].Key
		kept := last[k.Text]
		if kept == nil {
			last[k.Text] = k
			continue
		}
		if k.Pos.Offset < n.Pos.Offset {
			continue // merged in by <<, which a key of the map's own overrides
		}
		out = append(out, &finding.Finding{
			Rule: "duplicate-key", Severity: finding.Warning, Certain: true, Pos: k.Pos, End: k.End,
			Message: fmt.Sprintf("this value of %q will be lost: the key stands again further down", k.Text),
			Notes: []finding.Note{
				{Label: "kept", Text: "the last one", At: []source.Pos{kept.Pos}},
				{Label: "on AWS", Text: "no message at all"},
				{Label: "fix", Text: "put both under one key, or rename one"},
			},
		})
	}
	for _, f := range n.Fields {
		out = append(out, duplicates(f.Value)...)
	}
	return out
}
