package check

import (
	"encoding/base64"
	"path"
	"strings"

	"beanpole/internal/pemfile"
	"beanpole/internal/shell"
	"beanpole/internal/source"
)

// placed is a file that the deployment puts on the instance.
type placed struct {
	path string // on the instance
	// at and end are where the user names it, or the file in the bundle.
	at, end source.Pos
	text    *source.Node // nil: its content is not known
	bundle  string       // the file of the bundle that it is a copy of; "" for `files`
	// stage is when it is written; `files` are written in front of `commands`.
	stage stage

	pem *pemfile.File
}

// placedFiles are the files that `files` writes, and those of the bundle that
// a plain cp, mv or install puts somewhere. Of two for one path the later one
// counts.
func (r *run) placedFiles() map[string]*placed {
	if r.placedAt != nil {
		return r.placedAt
	}
	r.placedAt = map[string]*placed{}
	for _, e := range r.entries("files") {
		name := e.name.Text
		if !path.IsAbs(name) {
			continue
		}
		p := &placed{path: name, at: e.name.Pos, end: e.name.End}
		p.text = inlineContent(&e)
		r.placedAt[name] = p
	}
	for _, s := range r.scripts() {
		if s.stage == beforeUnpack || s.test {
			continue
		}
		calls, ok := s.read()
		if !ok {
			continue
		}
		for i := range calls {
			if p := r.copied(s, &calls[i].Words, calls[i].Conditional); p != nil {
				r.placedAt[p.path] = p
			}
		}
	}
	return r.placedAt
}

// inlineContent is the text that `files` writes, nil when it is not known: it
// is fetched, or functions make it.
func inlineContent(e *entry) *source.Node {
	n := e.get("content")
	if n == nil || n.Kind != source.String || n.Tag != "" || strings.Contains(n.Text, "`{") || e.get("context") != nil {
		return nil
	}
	if mode := e.get("mode"); mode != nil && strings.HasPrefix(mode.TextOr(""), "120") {
		return nil // a link
	}
	if encoding := e.get("encoding"); encoding != nil && encoding.TextOr("") == "base64" {
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Text), ""))
		if err != nil {
			return nil
		}
		return source.NewString(string(data), n.Pos)
	}
	return n
}

// copied is the file that `cp FROM TO` puts somewhere.
func (r *run) copied(s *script, all *[]shell.Word, conditional bool) *placed {
	var plain []shell.Word
	words := *all
	switch path.Base(words[0].Text) {
	case "cp", "mv":
	case "sudo":
		words = words[1:]
		if len(words) == 0 || words[0].Text != "cp" && words[0].Text != "mv" {
			return nil
		}
	default:
		return nil
	}
	for _, w := range words[1:] {
		if w.Dynamic || strings.ContainsAny(w.Text, "*?[") {
			return nil
		}
		if !strings.HasPrefix(w.Text, "-") {
			plain = append(plain, w)
		}
	}
	if len(plain) != 2 || !path.IsAbs(plain[1].Text) {
		return nil
	}
	from, to := bundleName(plain[0].Text), plain[1].Text
	if from == "" || !r.in.Bundle.Has(from) {
		return nil
	}
	if strings.HasSuffix(to, "/") || path.Ext(to) == "" && path.Ext(from) != "" {
		to = path.Join(to, path.Base(from))
	}
	p := &placed{path: to, bundle: from, stage: s.stage, at: s.at(plain[0].Start), end: s.at(plain[0].End)}
	if !conditional {
		p.text = r.text(from)
	}
	return p
}

// bundleName is a path as container_commands and hooks write it, as a name in
// the bundle: relative to the application's folder, or below it.
func bundleName(name string) string {
	for _, folder := range []string{"/var/app/staging/", "/var/app/current/", "/var/app/ondeck/"} {
		if rest, ok := strings.CutPrefix(name, folder); ok {
			name = rest
		}
	}
	name = path.Clean(name)
	if path.IsAbs(name) || strings.HasPrefix(name, "../") {
		return ""
	}
	return name
}

// fileAt is the file that stands at a path of the instance when the proxy
// starts, nil when the deployment writes none as far as can be seen.
func (r *run) fileAt(name string) *placed {
	if p := r.placedFiles()[name]; p != nil {
		return p
	}
	for _, folder := range []string{"/var/app/staging/", "/var/app/current/", "/var/app/ondeck/"} {
		rest, ok := strings.CutPrefix(name, folder)
		if !ok || !r.in.Bundle.Has(rest) {
			continue
		}
		p := &placed{path: name, bundle: rest, at: source.Pos{File: rest}, text: r.text(rest)}
		r.placedAt[name] = p
		return p
	}
	return nil
}

// readPEM reads the file as certificates and keys; nil when its content is not
// known.
func (p *placed) readPEM() *pemfile.File {
	if p == nil || p.text == nil {
		return nil
	}
	if p.pem == nil {
		p.pem = pemfile.Read(p.text.Text)
	}
	return p.pem
}
