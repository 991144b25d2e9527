package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

var directiveRemoved = &Rule{
	Slug:  "nginx-directive-removed",
	Title: "newer versions of nginx do not know the directive",
	Why: `"ssl on;" was a warning for years. nginx 1.25.1 took the directive out, and platform
versions of Amazon Linux 2023 bring nginx 1.28 by now. AWS's older HTTPS samples have
it. nginx ends with
  nginx: [emerg] unknown directive "ssl" in /var/proxy/staging/nginx/conf.d/https.conf:4
TLS is switched on where the port stands: listen 443 ssl.`,
	Before: `listen 443;
ssl    on;`,
	After: `listen 443 ssl;`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if applies, _ := r.onGenerations(ebext.AL2023); !applies {
			return nil
		}
		files, _ := r.nginxInForce()
		for _, f := range files {
			for _, server := range serversOf(f.directives) {
				if d := nginx.Find(server, "ssl"); d != nil {
					out = append(out, r.removedDirective(f, server, d))
				}
			}
		}
		return out
	},
}

// serversOf are the blocks in which ssl may stand: the list itself, and all
// http and server blocks below.
func serversOf(ds []*nginx.Directive) (out [][]*nginx.Directive) {
	out = append(out, ds)
	for _, d := range ds {
		if d.Name.Text == "server" || d.Name.Text == "http" {
			out = append(out, serversOf(d.Block)...)
		}
	}
	return out
}

// removedDirective: which nginx a platform version brings is not known here
// [nginx: CHANGES 1.25.1; EB:platform-history-nodejs, nginx 1.28.0 since August
// 2025 at the latest].
func (r *run) removedDirective(f *proxyFile, server []*nginx.Directive, d *nginx.Directive) *finding.Finding {
	out := f.finding("nginx-directive-removed", d.Name, false)
	out.End = f.text.PosAt(d.End)
	out.Message = `nginx may not start: newer versions know no directive "ssl"`
	note(out, "on AWS", fmt.Sprintf(`nginx: [emerg] unknown directive "ssl" in %s:%d`, f.onInstance(), f.line(d.Name.Start)))
	note(out, "not known", "the platform version's nginx; it is so from nginx 1.25.1 on")
	note(out, "fix", "write   listen 443 ssl   and leave   ssl on   out")
	out.Fixes = r.sslWithListen(f, server, d)
	return out
}

// sslWithListen moves ssl from its own directive to every listen of 443 beside
// it; none when it is not clear what is meant.
func (r *run) sslWithListen(f *proxyFile, server []*nginx.Directive, d *nginx.Directive) []finding.Fix {
	if r.in.Read == nil || len(d.Args) != 1 || d.Args[0].Text != "on" {
		return nil
	}
	cut := func(start, end int, text string) (source.Edit, bool) {
		a, b := f.text.PosAt(start), f.text.PosAt(end)
		data := r.in.Read(a.File)
		plain := a.File == b.File && b.Offset-a.Offset == end-start && b.Offset <= len(data) && a.Offset >= 0 &&
			string(data[a.Offset:b.Offset]) == f.text.Text[start:end]
		return source.Edit{File: a.File, Start: a.Offset, End: b.Offset, New: text}, plain
	}
	var edits []source.Edit
	for _, l := range server {
		if l.Name.Text != "listen" {
			continue
		}
		has := false
		for _, a := range l.Args {
			has = has || a.Text == "ssl"
		}
		if has {
			continue
		}
		if len(l.Args) == 0 || !isPort443(l.Args[0].Text) {
			return nil // a plain port beside it, which ssl on covers, too
		}
		e, ok := cut(l.Args[0].End, l.Args[0].End, " ssl")
		if !ok {
			return nil
		}
		edits = append(edits, e)
	}
	start, end := lineAround(f.text.Text, d.Name.Start, d.End+1)
	e, ok := cut(start, end, "")
	if !ok || len(edits) == 0 {
		return nil
	}
	return []finding.Fix{{Name: "listen-ssl", Title: "write listen 443 ssl in its place", Edits: append(edits, e)}}
}

// lineAround widens a part of a text to its whole line when nothing else stands
// on it.
func lineAround(text string, start, end int) (int, int) {
	from := strings.LastIndexByte(text[:start], '\n') + 1
	to := strings.IndexByte(text[end:], '\n')
	if to < 0 || strings.TrimSpace(text[from:start]) != "" || strings.TrimSpace(text[end:end+to]) != "" {
		return start, end
	}
	return from, end + to + 1
}
