package cfninit

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// remotePattern is what `sources` fetches; everything else is the path of a file on
// the instance, s3:// included. [cb:sources_tool.py]
var remotePattern = lazyregexp.New(`(?i)^(https?|ftp)://.*\n?$`) // Python's "$" stands before a last newline too

// sources are the steps of a config's `sources`, by directory.
func (p *Plan) sources(n *source.Node, config string) []Step {
	if n.Kind != source.Map {
		return []Step{{Fault: &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'iteritems'", Config: config,
			Pos: n.Pos, Means: "sources holds no directories, each with the address of an archive"}}}
	}
	var out []Step
	for _, f := range sorted(n) {
		from := evaluated(f.Value)
		if from == nil || from.Kind != source.String {
			out = append(out, Step{Fault: &BuildError{Text: "expected string or buffer", Config: config, Pos: f.Key.Pos,
				Means: "the archive of a directory below sources is one text; a source has no properties such as authentication"}})
			continue
		}
		s := &Source{Dir: f.Key.Text, From: from.Text, At: from.Pos, Pos: f.Key.Pos}
		if isRemote(from.Text) {
			s.Fetch = p.fetch("sources", s.Dir, from, nil)
		}
		out = append(out, Step{Source: s})
	}
	return out
}

// isRemote takes a text of which the beginning is not known for a URL: few
// archives lie on the instance.
func isRemote(text string) bool {
	scheme, _, _ := strings.Cut(text, "://")
	if !fact.Known(scheme) {
		return true
	}
	return remotePattern.MatchString(text)
}
