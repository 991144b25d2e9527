package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

var efsMountedEarly = &Rule{
	Slug:  "efs-mounted-early",
	Title: "a file system is mounted before it can be reached",
	Why: `CloudFormation creates a file system with its mount targets, and the instances, at the
same time. Under commands an instance may come to the mount before the mount target is
available and its DNS name known, and the first deployment fails:
  mount.nfs4: Failed to resolve "fs-….efs.….amazonaws.com"
  Command 01_mount failed
Make the file system in a stack of its own first, or wait in a loop until the mount target
answers.`,
	Before: `commands:
  01_mount:
    command: mount -t efs fs-0123456789abcdef0:/ /mnt`,
	After: `commands:
  01_mount:
    command: |
      for try in $(seq 30); do
        mount -t efs fs-0123456789abcdef0:/ /mnt && exit 0
        sleep 10
      done
      exit 1`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		var made *entry
		contents := map[string]*source.Node{}
		for _, e := range r.entries("Resources") {
			if e.get("Type").TextOr("") == "AWS::EFS::FileSystem" {
				made = &e
			}
		}
		if made == nil {
			return nil
		}
		for _, e := range r.entries("files") {
			contents[e.name.Text] = e.get("content")
		}
		for _, s := range r.scripts() {
			if s.stage != beforeUnpack || s.test || !s.fails() {
				continue
			}
			calls, ok := s.read()
			if !ok {
				continue
			}
			if f := mountIn(calls, s.text, made, contents, true); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

// mountIn reports a mount of a file system without a wait, in a script or in
// the file that it runs.
func mountIn(calls []shell.Call, text *source.Node, made *entry, contents map[string]*source.Node, follow bool) *finding.Finding {
	if waiting := strings.Contains(text.Text, "sleep") || strings.Contains(text.Text, "until ") || strings.Contains(text.Text, "while "); waiting {
		return nil
	}
	for i := range calls {
		program, args := calls[i].Program()
		if program == "mount" && ofEFS(args) {
			f := &finding.Finding{Rule: "efs-mounted-early", Severity: finding.Warning, Pos: text.PosAt(calls[i].Start), End: text.PosAt(calls[i].End)}
			f.Message = fmt.Sprintf("the first deployment may fail: file system %s is mounted while it is being made", made.name.Text)
			f.Notes = []finding.Note{
				{Label: "made", Text: made.name.Text + " is created with the instances, not before them", At: place(made.name.Pos)},
				{Label: "on AWS", Text: `mount.nfs4: Failed to resolve "fs-….efs.….amazonaws.com"`},
				{Label: "fix", Text: "try again in a loop until the mount works, or make the file system in a stack of its own"},
			}
			return f
		}
		content := contents[calls[i].Words[0].Text]
		if !follow || !content.IsScalar() {
			continue
		}
		if inner, ok := shell.Parse(content.Text); ok {
			if f := mountIn(inner, content, made, contents, false); f != nil {
				return f
			}
		}
	}
	return nil
}

// ofEFS: the arguments of mount name a network file system.
func ofEFS(args []shell.Word) bool {
	for _, a := range args {
		switch a.Text {
		case "nfs4", "nfs", "efs", "-tnfs4", "-tefs":
			return true
		}
	}
	return false
}
