package nginx

import (
	_ "embed"
	"strings"
	"sync"
)

// Context is where directives may stand: one letter each.
type Context byte

const (
	Main          Context = 'm'
	Events        Context = 'e'
	HTTP          Context = 'h'
	Server        Context = 's'
	Location      Context = 'l'
	Upstream      Context = 'u'
	IfInServer    Context = 'S'
	IfInLocation  Context = 'L'
	LimitExcept   Context = 'x'
	notUnderstood Context = 0 // map, types, stream: no directives, or not ours
)

// known are the directives of nginx 1.22's built-in modules, a line each:
// name, contexts, numbers of arguments ("{" in front: it has a block), and "d"
// where a second one beside it is a duplicate. TestTable holds it against a
// real nginx.
//
//go:embed directives.txt
var known string

type row struct {
	contexts, arguments string
	block, single       bool
}

var table = sync.OnceValue(func() map[string]row {
	out := map[string]row{}
	for line := range strings.Lines(known) {
		f := strings.Fields(line)
		if len(f) != 4 {
			continue
		}
		arguments, block := strings.CutPrefix(f[2], "{")
		out[f[0]] = row{f[1], arguments, block, f[3] == "d"}
	}
	return out
})

// inner is the context inside of a directive's block.
func inner(name string, at Context) Context {
	switch name {
	case "events":
		return Events
	case "http":
		return HTTP
	case "server":
		return Server
	case "location":
		return Location
	case "upstream":
		return Upstream
	case "limit_except":
		return LimitExcept
	case "if":
		if at == Server {
			return IfInServer
		}
		return IfInLocation
	}
	return notUnderstood
}

// newer directives came after 1.22, or belong to modules that Amazon Linux has
// as packages: not a misspelling of another one.
var newer = map[string]bool{"http2": true, "http3": true, "quic": true, "more_set_headers": true,
	"more_clear_headers": true, "brotli": true, "headers_more": true, "ssl_certificate_cache": true}

// nearest is the known directive that a name is most likely a misspelling of:
// one letter too much, missing, another or swapped; "" when there is none, or
// several.
func nearest(name string) string {
	if newer[name] || len(name) < 5 {
		return ""
	}
	found := ""
	for k := range table() {
		if !oneOff(name, k) {
			continue
		}
		if found != "" {
			return ""
		}
		found = k
	}
	return found
}

// oneOff: one edit apart.
func oneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
		return true
	}
	return a[i+1:] == b[i+1:]
}
