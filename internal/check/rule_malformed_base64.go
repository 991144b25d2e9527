package check

import (
	"encoding/base64"
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var malformedBase64 = &Rule{
	Slug:  "malformed-base64",
	Title: "a content with encoding: base64 is none",
	Why: `With encoding: base64 cfn-init decodes the content before it writes the file, and ends
the deployment with "Malformed base64" where it cannot. Line ends and blanks do not
matter; a missing character at the end does. An encoding of another name, such as
Base64 with a capital, counts as plain: the file is written as it stands.`,
	Before: `encoding: base64
content: "aGVsbG8"`,
	After: `encoding: base64
content: "aGVsbG8="`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			encoding, content := e.get("encoding"), e.get("content")
			name, ok := encoding.Str()
			switch {
			case !ok || computed(encoding):
			case name == "base64":
				if f := undecodable(e, content); f != nil {
					out = append(out, f)
				}
			case near(name, "base64"):
				f := keyFinding("malformed-base64", finding.Warning, encoding)
				f.Message = fmt.Sprintf("the content of %q will be written as it stands: %q is no encoding", e.name.Text, name)
				note(f, "on AWS", "no message at all")
				note(f, "fix", "write   encoding: base64")
				f.Fixes = append(f.Fixes, rename(encoding, "base64"))
				out = append(out, f)
			}
		}
		return out
	},
}

// undecodable: Python's decoder passes over what is no letter of base64 and
// refuses wrong padding [cb:file_tool.py].
func undecodable(e entry, content *source.Node) *finding.Finding {
	if content == nil || content.Kind != source.String || computed(content) || content.Text == "" {
		return nil
	}
	letters := strings.Map(func(c rune) rune {
		if c == '+' || c == '/' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, content.Text)
	padding := strings.Count(content.Text, "=")
	if need := (4 - len(letters)%4) % 4; len(letters)%4 != 1 && padding >= need {
		if _, err := base64.RawStdEncoding.DecodeString(letters); err == nil {
			return nil
		}
	}
	f := keyFinding("malformed-base64", finding.Error, e.key("content"))
	f.Message = fmt.Sprintf("cfn-init will stop at %q, and the deployment with it: its content is not base64", e.name.Text)
	note(f, "cause", fmt.Sprintf("%d letters of base64 and %d = at the end; together they have to be a multiple of 4", len(letters), padding))
	note(f, "on AWS", "Error occurred during build: Malformed base64: …")
	note(f, "fix", "encode it anew:   base64 -w0 FILE   , or remove   encoding: base64")
	return f
}

var fileWrittenTwice = &Rule{
	Slug:  "file-written-twice",
	Title: "two configuration files write the same file",
	Why: `Configuration files are never merged: each writes its own files, in the order of their
names. A path that two of them name is written twice, the later content stays, and
what the earlier wrote lies beside it as PATH.bak.`,
	Before: `# 01-base.config and 02-app.config both have
files:
  /etc/nginx/conf.d/proxy.conf: …`,
	After: `# one of them has it`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		last := map[string]entry{}
		for _, e := range r.entries("files") {
			last[e.name.Text] = e
		}
		for _, e := range r.entries("files") {
			winner := last[e.name.Text]
			if winner.file == e.file || sameContent(e, winner) {
				continue
			}
			f := keyFinding("file-written-twice", finding.Warning, e.name)
			f.Message = fmt.Sprintf("what is written to %q here will be replaced: a later configuration file writes it, too", e.name.Text)
			note(f, "kept", "the later one", winner.name.Pos)
			note(f, "on AWS", "no message at all")
			note(f, "fix", "write it in one of the two, or give one another path")
			out = append(out, f)
		}
		return out
	},
}

// sameContent: both write the same text, or fetch the same source.
func sameContent(a, b entry) bool {
	for _, key := range []string{"content", "source"} {
		if a.get(key).TextOr("") != b.get(key).TextOr("") {
			return false
		}
	}
	return true
}
