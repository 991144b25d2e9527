package agent

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// option is one option of a program.
type option struct {
	short byte   // 0: none
	long  string // without the dashes
	value string // name of its value in the help, "a|b" for a choice; "": the option is a switch
	help  string
}

// line is a command line, taken apart.
type line struct {
	values map[string]string // by long name; a switch that is set has "true"
	rest   []string          // what is no option
}

func (l *line) is(name string) bool { return l.values[name] != "" }

// given is the value of an option, and whether there is one: it may be empty.
func (l *line) given(name string) (string, bool) {
	if l == nil {
		return "", false
	}
	v, ok := l.values[name]
	return v, ok
}

// usageFault is a command line that can't be read; its text is that of
// Python's optparse, which scripts may have come to know.
type usageFault struct{ text string }

func (e *usageFault) Error() string { return e.text }

// number is the value of an option that takes a whole number.
const number = "NUMBER"

// parse reads a command line as optparse does: options may stand behind
// other words, their long names may be cut short, and "--" ends them. Nothing
// behind a wish for help is read.
func parse(options []option, args []string) (*line, error) {
	l := &line{values: map[string]string{}}
	for len(args) > 0 && !l.is("help") {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			l.rest = append(l.rest, args...)
			return l, nil
		case strings.HasPrefix(word, "--"):
			name, value, given := strings.Cut(word[2:], "=")
			o, err := byName(options, name)
			if err != nil {
				return nil, err
			}
			if o.value == "" && given {
				return nil, &usageFault{"--" + o.long + " option does not take a value"}
			}
			if args, err = l.set(o, "--"+o.long, value, given, args); err != nil {
				return nil, err
			}
		case len(word) > 1 && word[0] == '-':
			var err error
			if args, err = l.letters(options, word[1:], args); err != nil {
				return nil, err
			}
		default:
			l.rest = append(l.rest, word)
		}
	}
	return l, nil
}

// letters reads "-v", "-s NAME", "-sNAME" and switches written together.
func (l *line) letters(options []option, word string, args []string) ([]string, error) {
	for word != "" && !l.is("help") {
		i := slices.IndexFunc(options, func(o option) bool { return o.short == word[0] })
		if i < 0 {
			return nil, &usageFault{"no such option: -" + word[:1]}
		}
		o, name := &options[i], "-"+word[:1]
		word = word[1:]
		var err error
		if o.value != "" {
			return l.set(o, name, word, word != "", args)
		}
		if args, err = l.set(o, name, "", false, args); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func (l *line) set(o *option, name, value string, given bool, args []string) ([]string, error) {
	switch {
	case o.value == "":
		value = "true"
	case !given && len(args) == 0:
		return nil, &usageFault{name + " option requires an argument"}
	case !given:
		value, args = args[0], args[1:]
	}
	l.values[o.long] = value
	return args, o.check(name, value)
}

// check says what is wrong with a value; name is how the option is written.
func (o *option) check(name, value string) error {
	if o.value == number {
		if _, err := wholeNumber(value); err != nil {
			return &usageFault{"option " + name + ": invalid integer value: '" + value + "'"}
		}
	}
	choices := strings.Split(o.value, "|")
	if len(choices) > 1 && !slices.Contains(choices, value) {
		return &usageFault{"option " + name + ": invalid choice: '" + value + "' (choose from '" + strings.Join(choices, "', '") + "')"}
	}
	return nil
}

// wholeNumber reads a number as optparse does: 0x, 0b and a leading 0 give its
// base.
func wholeNumber(text string) (*big.Int, error) {
	base, digits := 10, text
	switch lower := strings.ToLower(text); {
	case strings.HasPrefix(lower, "0x"):
		base = 16
	case strings.HasPrefix(lower, "0b"):
		base, digits = 2, cmp.Or(text[2:], "0")
	case strings.HasPrefix(lower, "0"):
		base = 8
	}
	digits = strings.TrimSpace(digits)
	if base == 16 {
		digits = digits[2:]
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, strconv.ErrSyntax
	}
	return n, nil
}

// byName finds a long option, also by the beginning of its name.
func byName(options []option, name string) (*option, error) {
	var found []*option
	for i := range options {
		if options[i].long == name {
			return &options[i], nil
		}
		if strings.HasPrefix(options[i].long, name) {
			found = append(found, &options[i])
		}
	}
	switch len(found) {
	case 0:
		return nil, &usageFault{"no such option: --" + name}
	case 1:
		return found[0], nil
	}
	names := make([]string, len(found))
	for i, o := range found {
		names[i] = "--" + o.long
	}
	slices.Sort(names)
	return nil, &usageFault{fmt.Sprintf("ambiguous option: --%s (%s?)", name, strings.Join(names, ", "))}
}

// describe is the list of options for a help page of 80 columns.
func describe(options []option) string {
	var b strings.Builder
	for _, o := range options {
		left := "    --" + o.long
		if o.short != 0 {
			left = "-" + string(o.short) + ", --" + o.long
		}
		if o.value != "" {
			left += " " + o.value
		}
		b.WriteString("  " + left + "\n")
		const indent, width = "          ", 80
		line := indent
		for _, word := range strings.Fields(o.help) {
			if len(line)+len(word) >= width {
				b.WriteString(strings.TrimRight(line, " ") + "\n")
				line = indent
			}
			line += word + " "
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
