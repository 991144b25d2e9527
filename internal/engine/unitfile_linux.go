package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// unitFolders are where systemd reads units, the first that has one counts.
// [systemd.unit(5)]
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// unitKinds are the endings of units that are known here. Only services run;
// the others count as started, and that they do nothing is told.
var unitKinds = []string{".service", ".timer", ".path", ".socket", ".mount"}

// unitFile is a unit of the user's, or of a package.
type unitFile struct {
	name, path string // "worker.service", where it lies
	values     map[string][]string
}

// get is a key's last value, "" when it is not set: "Service.Type".
func (u *unitFile) get(key string) string {
	all := u.values[key]
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

const largestUnit = 256 << 10 // bytes

// findUnit reads a unit by its name with ending; nil when there is none.
func findUnit(root, name string) (*unitFile, error) {
	if strings.Contains(name, "/") || !slices.Contains(unitKinds, filepath.Ext(name)) {
		return nil, nil
	}
	for _, dir := range unitFolders {
		at := filepath.Join(root+dir, name)
		fi, err := os.Stat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		case !fi.Mode().IsRegular() || fi.Size() > largestUnit:
			return nil, nil // masked, or nothing that systemd takes
		}
		data, err := os.ReadFile(at)
		if err != nil {
			return nil, err
		}
		return &unitFile{name: name, path: strings.TrimPrefix(at, root), values: parseUnit(string(data))}, nil
	}
	return ownUnit(name), nil
}

// ownUnit is cron's unit, under the name that it has on Amazon Linux, where the
// instance has a cron under either name.
func ownUnit(name string) *unitFile {
	if name != "crond.service" {
		return nil
	}
	for program, flag := range map[string]string{"crond": "-n", "cron": "-f"} {
		if at, err := findProgram(program); err == nil {
			return &unitFile{name: name, path: "/usr/lib/systemd/system/crond.service", values: parseUnit("[Unit]\nDescription=Command Scheduler\n[Service]\nRestart=on-failure\nExecStart=" + at + " " + flag + "\n[Install]\nWantedBy=multi-user.target\n")}
		}
	}
	return nil
}

// parseUnit reads the keys of a unit, each as "Section.Key". An empty value
// clears what was set before. [systemd.syntax(7)]
func parseUnit(text string) map[string][]string {
	out := map[string][]string{}
	section, whole := "", ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if whole == "" && (line == "" || line[0] == '#' || line[0] == ';') {
			continue
		}
		if rest, more := strings.CutSuffix(line, "\\"); more {
			whole += rest + " "
			continue
		}
		line, whole = whole+line, ""
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
			section = line[1 : len(line)-1]
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		at := section + "." + strings.TrimSpace(key)
		if value = strings.TrimSpace(value); value == "" {
			delete(out, at)
			continue
		}
		out[at] = append(out[at], value)
	}
	return out
}

// execLine is a line of Exec…: its words, and whether its failure counts.
type execLine struct {
	argv      []string
	mayFail   bool // "-" before the program
	privilege bool // "+" or "!": as root whatever User says
}

// parseCommand splits a line as systemd does: no shell, quotes around words,
// $VAR as a word of its own and ${VAR} anywhere. [systemd.service(5)]
func parseCommand(line string, env func(string) string) (execLine, error) {
	var c execLine
	for line != "" && strings.ContainsRune("-@+!:", rune(line[0])) {
		c.mayFail = c.mayFail || line[0] == '-'
		c.privilege = c.privilege || line[0] == '+' || line[0] == '!'
		line = line[1:]
	}
	words, err := splitWords(line)
	if err != nil {
		return c, err
	}
	for i, w := range words {
		if name, ok := strings.CutPrefix(w, "$"); i > 0 && ok && name != "" && name[0] != '{' && name[0] != '$' {
			c.argv = append(c.argv, strings.Fields(env(name))...)
			continue
		}
		c.argv = append(c.argv, expandWord(w, env))
	}
	if len(c.argv) == 0 {
		return c, errors.New("it names no program")
	}
	return c, nil
}

// expandWord replaces ${VAR}, and undoes $$ and %%.
func expandWord(w string, env func(string) string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(w, "$%")
		if i < 0 || i+1 >= len(w) {
			return b.String() + w
		}
		b.WriteString(w[:i])
		end := strings.IndexByte(w[i:], '}')
		switch {
		case w[i] == w[i+1]:
			b.WriteByte(w[i])
			w = w[i+2:]
		case w[i] == '$' && w[i+1] == '{' && end > 0:
			b.WriteString(env(w[i+2 : i+end]))
			w = w[i+end+1:]
		default:
			b.WriteByte(w[i])
			w = w[i+1:]
		}
	}
}

// splitWords splits at blanks outside of quotes; a backslash takes the next
// character as it is.
func splitWords(line string) ([]string, error) {
	var words []string
	var b strings.Builder
	quote, inside := byte(0), false
	for i := 0; i < len(line); i++ {
		ch := line[i]
		switch {
		case ch == '\\' && quote != '\'' && i+1 < len(line):
			i++
			b.WriteByte(line[i])
			inside = true
		case quote != 0 && ch == quote:
			quote = 0
		case quote != 0:
			b.WriteByte(ch)
		case ch == '"' || ch == '\'':
			quote, inside = ch, true
		case ch == ' ' || ch == '\t':
			if inside {
				words = append(words, b.String())
				b.Reset()
				inside = false
			}
		default:
			b.WriteByte(ch)
			inside = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a %c has no end", quote)
	}
	if inside {
		words = append(words, b.String())
	}
	return words, nil
}

// environment is what the unit's programs see: Environment and the files that
// EnvironmentFile names; a file that is missing counts unless its name begins
// with "-". [systemd.exec(5)]
func (u *unitFile) environment(root string) ([]string, error) {
	out := []string{"PATH=" + searchPath, "LANG=C.UTF-8"}
	for _, line := range u.values["Service.Environment"] {
		words, err := splitWords(line)
		if err != nil {
			return nil, err
		}
		out = append(out, words...)
	}
	for _, at := range u.values["Service.EnvironmentFile"] {
		name, optional := strings.CutPrefix(at, "-")
		data, err := os.ReadFile(root + name)
		if err != nil && optional {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, line := range strings.Split(string(data), "\n") {
			line = strings.TrimSpace(line)
			name, value, ok := strings.Cut(line, "=")
			if !ok || line[0] == '#' || line[0] == ';' {
				continue
			}
			if n := len(value); n > 1 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
				value = value[1 : n-1]
			}
			out = append(out, strings.TrimSpace(name)+"="+value)
		}
	}
	return out, nil
}
