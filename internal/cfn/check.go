package cfn

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Check holds parameter values against the template's declarations, as
// CloudFormation does before it creates anything. The error is a
// *source.Problem. A NoEcho value is never in it.
func (t *Template) Check(params map[string]string) error {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if t.parameter(name) == nil {
			return t.undeclared(name)
		}
	}
	for _, p := range t.Parameters {
		value, given := params[p.Name]
		if !given && p.Default == nil {
			return &source.Problem{Pos: p.Pos, What: fmt.Sprintf("parameter %s has no value", p.Name), Remedy: fmt.Sprintf("give it with --parameter %s=…", p.Name)}
		}
		if !given {
			value = p.Default.Value()
		}
		if problem := p.check(value); problem != nil {
			return problem
		}
	}
	return nil
}

// CheckGiven holds the values that were given against the declarations; a
// parameter without a value is not missed, and one that is not known passes.
// The error is that of Check.
func (t *Template) CheckGiven(params map[string]string) error {
	for _, p := range t.Parameters {
		value, given := params[p.Name]
		if !given || !fact.Known(value) {
			continue
		}
		if problem := p.check(value); problem != nil {
			return problem
		}
	}
	return nil
}

func (t *Template) undeclared(name string) *source.Problem {
	p := &source.Problem{Pos: source.Pos{File: t.File}, What: fmt.Sprintf("Parameters: [%s] do not exist in the template", name)}
	for _, d := range t.Parameters {
		if strings.EqualFold(d.Name, name) {
			p.Remedy = fmt.Sprintf("it is spelled %q", d.Name)
		}
	}
	return p
}

// check holds one value against its parameter's constraints.
func (p *Parameter) check(value string) *source.Problem {
	shown := strconv.Quote(value)
	if p.NoEcho {
		shown = "its value"
	}
	fail := func(format string, args ...any) *source.Problem {
		problem := &source.Problem{Pos: p.Pos, What: fmt.Sprintf("parameter %s: %s ", p.Name, shown) + fmt.Sprintf(format, args...)}
		if d, ok := p.Node.Get("ConstraintDescription").Str(); ok {
			problem.Remedy = strings.Join(strings.Fields(d), " ")
		}
		return problem
	}
	values := []string{value}
	if p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<") {
		values = strings.Split(value, ",")
	}
	for _, v := range values {
		v = strings.TrimSpace(v)
		if allowed := p.Node.Get("AllowedValues"); allowed != nil && !oneOf(v, allowed) {
			return fail("is none of AllowedValues: %s", strings.Join(shownValues(allowed), ", "))
		}
		if p.Type == "Number" || p.Type == "List<Number>" {
			f, err := strconv.ParseFloat(v, 64)
			switch {
			case err != nil:
				return fail("is no number")
			case beyond(p.Node.Get("MinValue"), f, -1), beyond(p.Node.Get("MaxValue"), f, 1):
				return fail("is not between MinValue and MaxValue")
			}
		}
	}
	if pattern, ok := p.Node.Get("AllowedPattern").Str(); ok {
		// A pattern that is Java's own and not Go's cannot be held against it.
		if re, err := regexp.Compile(`^(?:` + pattern + `)$`); err == nil && !re.MatchString(value) {
			return fail("does not match AllowedPattern %s", pattern)
		}
	}
	n := float64(utf8.RuneCountInString(value))
	if beyond(p.Node.Get("MinLength"), n, -1) || beyond(p.Node.Get("MaxLength"), n, 1) {
		return fail("is not as long as MinLength and MaxLength ask for")
	}
	return nil
}

// beyond reports whether v is below (side -1) or above (side 1) a limit.
func beyond(limit *source.Node, v float64, side float64) bool {
	if limit == nil {
		return false
	}
	l, err := strconv.ParseFloat(limit.Value(), 64)
	return err == nil && (v-l)*side > 0
}

func oneOf(v string, allowed *source.Node) bool {
	for _, a := range allowed.Items {
		if a.Value() == v {
			return true
		}
	}
	return len(allowed.Items) == 0
}

func shownValues(allowed *source.Node) []string {
	var out []string
	for _, a := range allowed.Items {
		out = append(out, a.Value())
	}
	return out
}
