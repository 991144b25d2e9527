package agent

import (
	"fmt"
	"strings"

	"beanpole/internal/lazyregexp"
)

// ini is the files of cfn-hup, read as Python 2's SafeConfigParser does:
// several files go into one, [DEFAULT] holds for all sections, a line that
// begins with a space goes on, " ;" begins a comment, and a value may name
// others as %(name)s.
type ini struct {
	names    []string // of the sections, in order
	sections map[string]map[string]string
	defaults map[string]string
}

var (
	iniHeader    = lazyregexp.New(`^\[([^]]+)\]`)
	iniOption    = lazyregexp.New(`^([^:=\s][^:=]*)[:=]\s*(.*)$`)
	iniReference = lazyregexp.New(`^%\(([^)]+)\)s`)
)

// largestReference is how deep values may name each other.
const largestReference = 10

// read adds a file. What can't be read in it is named together, at the end.
func (f *ini) read(name, text string) error {
	if f.sections == nil {
		f.sections, f.defaults = map[string]map[string]string{}, map[string]string{}
	}
	var options map[string]string
	var faults strings.Builder
	key, number := "", 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || line[0] == '#' || line[0] == ';' || strings.EqualFold(words[0], "rem") && line[0]|0x20 == 'r':
		case strings.ContainsRune(" \t\v\f", rune(line[0])) && options != nil && key != "":
			options[key] += "\n" + strings.TrimSpace(line)
		case iniHeader.MatchString(line):
			options, key = f.section(iniHeader.FindStringSubmatch(line)[1]), ""
		case options == nil:
			return message(fmt.Sprintf("File contains no section headers.\nfile: %s, line: %d\n'%s\\n'", name, number, line))
		case iniOption.MatchString(line):
			m := iniOption.FindStringSubmatch(line)
			key = strings.ToLower(strings.TrimSpace(m[1]))
			options[key] = iniValue(m[2])
		default:
			fmt.Fprintf(&faults, "\n\t[line %2d]: '%s\\n'", number, line)
		}
	}
	if faults.Len() > 0 {
		return message("File contains parsing errors: " + name + faults.String())
	}
	return nil
}

func (f *ini) section(name string) map[string]string {
	if name == "DEFAULT" {
		return f.defaults
	}
	if f.sections[name] == nil {
		f.names = append(f.names, name)
		f.sections[name] = map[string]string{}
	}
	return f.sections[name]
}

// iniValue is the first line of a value without its comment.
func iniValue(text string) string {
	if i := strings.IndexByte(text, ';'); i > 0 && strings.ContainsRune(" \t", rune(text[i-1])) {
		text = text[:i]
	}
	if text = strings.TrimSpace(text); text == `""` {
		return ""
	}
	return text
}

// raw is a value as it is written.
func (f *ini) raw(section, option string) (string, bool) {
	options, ok := f.sections[section]
	if !ok {
		return "", false
	}
	v, ok := options[option]
	if !ok {
		v, ok = f.defaults[option]
	}
	return v, ok
}

// get is a value with what it names filled in; ok is false when there is none.
func (f *ini) get(section, option string) (v string, ok bool, err error) {
	v, ok = f.raw(section, option)
	if ok {
		v, err = f.fill(section, option, v, 1)
	}
	return v, ok, err
}

func (f *ini) fill(section, option, text string, depth int) (string, error) {
	if depth > largestReference {
		return "", message("Value interpolation too deeply recursive:\n\tsection: [" + section + "]\n\toption : " + option)
	}
	var out strings.Builder
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:i])
		text = text[i:]
		m := iniReference.FindStringSubmatch(text)
		switch {
		case strings.HasPrefix(text, "%%"):
			out.WriteByte('%')
			text = text[2:]
		case m != nil:
			v, ok := f.raw(section, strings.ToLower(m[1]))
			if !ok {
				return "", message("Bad value substitution:\n\tsection: [" + section + "]\n\toption : " + option + "\n\tkey    : " + strings.ToLower(m[1]))
			}
			v, err := f.fill(section, option, v, depth+1)
			if err != nil {
				return "", err
			}
			out.WriteString(v)
			text = text[len(m[0]):]
		case strings.HasPrefix(text, "%("):
			return "", message("bad interpolation variable reference '" + text + "' (option " + option + " of [" + section + "])")
		default:
			return "", message("'%' must be followed by '%' or '(', found: '" + text + "' (option " + option + " of [" + section + "]; write %% for a per cent sign)")
		}
	}
}
