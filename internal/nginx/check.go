package nginx

import (
	"fmt"
	"strings"
)

// Scope is one block over all files that stand in it: what is there once must
// not come again.
type Scope struct {
	context Context
	seen    map[string]occurrence
	// Problems are what nginx refuses, in the order in which it reads.
	Problems []*Problem
	// Servers are the server blocks of the scope and of those inside it.
	Servers []*Block
	// Upstreams are the names that upstream blocks define.
	Upstreams map[string]bool
	// Opaque: something is included or loaded that is not known, so that more
	// can be there than can be seen.
	Opaque bool
	outer  *Scope
}

// Block is a block with the file that it stands in.
type Block struct {
	*Directive
	Owner any
	// Outside are the directives around it, from the inside out.
	Outside []*Directive
}

type occurrence struct {
	d     *Directive
	owner any
}

// NewScope is an empty scope; of a context that can hold anything, nothing is
// checked.
func NewScope(at Context) *Scope {
	return &Scope{context: at, seen: map[string]occurrence{}, Upstreams: map[string]bool{}}
}

// Set marks what a file that is not the user's has already set.
func (s *Scope) Set(keys ...string) {
	for _, k := range keys {
		s.seen[k] = occurrence{}
	}
}

// Add checks the directives of one file, or of a part of it.
func (s *Scope) Add(owner any, ds []*Directive) {
	for _, d := range ds {
		s.directive(owner, d)
	}
}

func (s *Scope) refuse(owner any, d *Directive, k Kind, format string, args ...any) *Problem {
	p := &Problem{Text: fmt.Sprintf(format, args...), Start: d.Name.Start, End: d.Name.End, Owner: owner, Directive: d, Kind: k}
	s.Problems = append(s.Problems, p)
	return p
}

// directive is ngx_conf_handler [nginx: src/core/ngx_conf_file.c]: first where
// it stands, then its block, then the number of its arguments.
func (s *Scope) directive(owner any, d *Directive) {
	name := d.Name.Text
	r, found := table()[name]
	switch {
	case !found:
		s.unknown(owner, d)
		return
	case s.context == Upstream && name == "server":
		r = row{"u", "12345678", false, false}
	case name == "include":
		s.Opaque = true
		return
	case name == "load_module" || strings.HasPrefix(name, "perl"):
		s.Opaque = true
		return
	}
	switch {
	case !strings.ContainsRune(r.contexts, rune(s.context)):
		s.refuse(owner, d, Misplaced, `%q directive is not allowed here`, name)
		return
	case r.block && !d.HasBlock:
		s.refuse(owner, d, Arguments, `directive %q has no opening "{"`, name)
		return
	case !r.block && d.HasBlock:
		s.refuse(owner, d, Arguments, `directive %q is not terminated by ";"`, name)
		return
	case len(d.Args) < 9 && !strings.Contains(r.arguments, string(rune('0'+len(d.Args)))) ||
		len(d.Args) >= 9 && !strings.HasSuffix(r.arguments, "8"):
		s.refuse(owner, d, Arguments, `invalid number of arguments in %q directive`, name)
		return
	}
	s.once(owner, d, r)
	if d.HasBlock {
		s.inside(owner, d)
	}
}

// unknown speaks only where the name is surely a misspelling: there are
// modules beside the built-in ones.
func (s *Scope) unknown(owner any, d *Directive) {
	if near := nearest(d.Name.Text); near != "" {
		s.refuse(owner, d, Unknown, `unknown directive %q`, d.Name.Text)
	}
}

// Nearest is what a name is a misspelling of, "" when nothing is near.
func Nearest(name string) string { return nearest(name) }

// once looks for what may stand only once in a block.
func (s *Scope) once(owner any, d *Directive, r row) {
	name, key, text := d.Name.Text, "", ""
	switch {
	case name == "log_format" && len(d.Args) > 0:
		key, text = "log_format "+d.Args[0].Text, fmt.Sprintf(`duplicate "log_format" name %q`, d.Args[0].Text)
	case name == "upstream" && len(d.Args) > 0:
		s.Upstreams[d.Args[0].Text] = true
		key, text = "upstream "+d.Args[0].Text, fmt.Sprintf("duplicate upstream %q", d.Args[0].Text)
	case name == "location" && s.context == Server:
		key, text = location(d)
	case name == "listen" && s.context == Server && len(d.Args) > 0:
		if at := listenAddress(d.Args[0].Text); at != "" {
			key, text = "listen "+at, "a duplicate listen "+at
		}
	case r.single:
		key, text = name, fmt.Sprintf(`%q directive is duplicate`, name)
	}
	if key == "" {
		return
	}
	first, again := s.seen[key]
	if !again {
		s.seen[key] = occurrence{d, owner}
		return
	}
	p := s.refuse(owner, d, Duplicate, "%s", text)
	p.First, p.FirstOwner = first.d, first.owner
}

// location is what makes two locations the same: modifier and path, but for
// regular expressions, which may repeat.
func location(d *Directive) (key, text string) {
	mod, path := "", d.Args[0].Text
	if len(d.Args) == 2 {
		mod, path = d.Args[0].Text, d.Args[1].Text
	}
	switch {
	case mod == "~" || mod == "~*" || strings.HasPrefix(path, "~") || strings.HasPrefix(path, "^~") || strings.HasPrefix(path, "="):
		return "", ""
	case mod == "=":
		return "location = " + path, fmt.Sprintf("duplicate location %q", path)
	}
	return "location " + path, fmt.Sprintf("duplicate location %q", path)
}

// listenAddress is a port of all IPv4 addresses as nginx names it, "" for
// everything else.
func listenAddress(arg string) string {
	port := strings.TrimPrefix(strings.TrimPrefix(arg, "*:"), "0.0.0.0:")
	if port == "" || strings.Trim(port, "0123456789") != "" || len(port) > 5 {
		return ""
	}
	return "0.0.0.0:" + port
}

// inside checks a block.
func (s *Scope) inside(owner any, d *Directive) {
	at := inner(d.Name.Text, s.context)
	if d.Name.Text == "server" {
		s.addServer(&Block{Directive: d, Owner: owner})
	}
	if at == notUnderstood {
		return
	}
	in := NewScope(at)
	in.outer = s
	in.Add(owner, d.Block)
	s.Problems = append(s.Problems, in.Problems...)
	s.Opaque = s.Opaque || in.Opaque
	for name := range in.Upstreams {
		s.Upstreams[name] = true
	}
}

func (s *Scope) addServer(b *Block) {
	for ; s != nil; s = s.outer {
		s.Servers = append(s.Servers, b)
	}
}

// Args is the first directive of a name in a list, nil when there is none.
func Find(ds []*Directive, name string) *Directive {
	for _, d := range ds {
		if d.Name.Text == name {
			return d
		}
	}
	return nil
}

// Walk visits all directives, those of blocks behind the block's own; blocks
// that hold no directives are not entered.
func Walk(ds []*Directive, visit func(*Directive)) {
	for _, d := range ds {
		visit(d)
		if d.HasBlock && inner(d.Name.Text, Server) != notUnderstood {
			Walk(d.Block, visit)
		}
	}
}
