package check

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var oddCharacterRule = &Rule{
	Slug:  "odd-character",
	Title: "a typographic character where a plain one is meant",
	Why: `Web pages and word processors put typographic quotes, no-break spaces and long dashes
for plain ones. To YAML and to the shell they are letters: a key with a no-break
space before it is another key, a path in typographic quotes has the quotes in its
name, and a command with a no-break space between its words is one long word that no
program has as its name.`,
	Before: "command: echo “done”",
	After:  `command: echo "done"`,
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, file := range r.x.Files {
			if file.Root != nil && file.Skipped == nil {
				out = append(out, oddKeys(file.Root, 0)...)
			}
		}
		for _, section := range []string{"files", "commands", "container_commands"} {
			for _, e := range r.entries(section) {
				for _, key := range []string{"mode", "owner", "group", "source", "authentication", "command", "cwd"} {
					out = append(out, oddValue(e.get(key))...)
				}
			}
		}
		return out
	},
}

// oddKeys are keys of the upper levels that hold such a character.
func oddKeys(n *source.Node, depth int) (out []*finding.Finding) {
	for _, f := range n.Fields {
		out = append(out, oddValue(f.Key)...)
		if f.Value != nil && depth < 3 {
			out = append(out, oddKeys(f.Value, depth+1)...)
		}
	}
	return out
}

// oddValue: dashes are left alone in texts that people read, such as what a
// command prints.
func oddValue(n *source.Node) []*finding.Finding {
	if n == nil || n.Kind != source.String {
		return nil
	}
	i := oddCharacter(n.Text, '\u2013', '\u2014', '\u2019')
	if i < 0 {
		return nil
	}
	c, w := utf8.DecodeRuneInString(n.Text[i:])
	f := &finding.Finding{Rule: "odd-character", Severity: finding.Warning, Certain: true, Pos: n.PosAt(i), End: n.PosAt(i + w)}
	f.Message = fmt.Sprintf("%s (U+%04X) stands here, and counts as a letter", typographic[c], c)
	plain := map[rune]string{'\u201c': `"`, '\u201d': `"`, '\u2018': "'", '\u00a0': " ", '\u2009': " ", '\u202f': " "}[c]
	switch {
	case plain != "":
		note(f, "fix", fmt.Sprintf("write the plain one: %q", plain))
	default:
		note(f, "fix", "remove it")
	}
	return []*finding.Finding{f}
}

// typographic are characters that editors and web pages put for plain ones.
var typographic = map[rune]string{
	'\u00a0': "a no-break space", '\u200b': "a zero-width space", '\u2009': "a thin space", '\u202f': "a narrow no-break space",
	'\u201c': "a typographic quote", '\u201d': "a typographic quote", '\u2018': "a typographic quote", '\u2019': "a typographic quote",
	'\ufeff': "a byte order mark", '\u2013': "a dash that is no hyphen", '\u2014': "a dash that is no hyphen",
}

// oddCharacter is the first such character of a text, -1 for none.
func oddCharacter(text string, but ...rune) int {
	return strings.IndexFunc(text, func(c rune) bool {
		_, odd := typographic[c]
		return odd && !slices.Contains(but, c)
	})
}
