package source

import (
	"path"
	"strings"
)

// ignore is the content of .ebignore, patterns like .gitignore's. As in the
// EB CLI the last pattern that fits a file decides, also when a folder above
// it is left out.
type ignore []ignorePattern

type ignorePattern struct {
	parts   []string // of the pattern, between slashes
	rooted  bool     // it holds a slash, so it counts from the root
	folders bool     // it ends with a slash: only folders fit
	keep    bool     // it begins with !
	line    int      // from 1
}

func parseIgnore(text string) ignore {
	var out ignore
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		p := ignorePattern{line: i + 1}
		if line, p.keep = strings.CutPrefix(line, "!"); line == "" || line[0] == '#' {
			continue
		}
		line, p.folders = strings.CutSuffix(line, "/")
		p.rooted = strings.Contains(line, "/")
		p.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
		out = append(out, p)
	}
	return out
}

// matches reports whether the file or folder is left out.
func (ig ignore) matches(name string, folder bool) bool {
	out := false
	for _, p := range ig {
		if out == p.keep && p.fitsAny(name, folder) {
			out = !p.keep
		}
	}
	return out
}

// line is that of the pattern that leaves a name out, 0 for none.
func (ig ignore) line(name string, folder bool) (line int) {
	out := false
	for _, p := range ig {
		if out == p.keep && p.fitsAny(name, folder) {
			if out, line = !p.keep, p.line; !out {
				line = 0
			}
		}
	}
	return line
}

// wholeFolder reports whether a folder is left out with all that it holds, so
// that nothing below needs a look.
func (ig ignore) wholeFolder(name string) bool {
	for _, p := range ig {
		if p.keep {
			return false
		}
	}
	return ig.matches(name, true)
}

// fitsAny reports whether the pattern fits name or a folder above it.
func (p *ignorePattern) fitsAny(name string, folder bool) bool {
	for {
		if p.fits(name, folder) {
			return true
		}
		if name = path.Dir(name); name == "." {
			return false
		}
		folder = true
	}
}

func (p *ignorePattern) fits(name string, folder bool) bool {
	if p.folders && !folder {
		return false
	}
	if !p.rooted {
		ok, _ := path.Match(p.parts[0], path.Base(name)) // a malformed pattern fits nothing
		return ok
	}
	return fitParts(p.parts, strings.Split(name, "/"))
}

// fitParts matches part by part; ** stands for any number of folders. One
// point of return is enough, as for * in a text.
func fitParts(pattern, name []string) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(name) {
		fits := false
		if i < len(pattern) && pattern[i] != "**" {
			fits, _ = path.Match(pattern[i], name[j])
		}
		switch {
		case i < len(pattern) && pattern[i] == "**":
			star, mark = i, j
			i++
		case fits:
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == "**" {
		i++
	}
	return i == len(pattern)
}
