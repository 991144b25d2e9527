package cli

import (
	"slices"
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/lazyregexp"
)

// words are the arguments that a further command on the same input takes.
func (p *prediction) words() (out []string) {
	if p.path != "." {
		out = append(out, word(p.path))
	}
	add := func(flag string, values ...string) {
		for _, v := range values {
			if v != "" {
				out = append(out, flag, word(v))
			}
		}
	}
	if p.template != p.path { // PATH is the template
		add("--template", p.template)
	}
	add("--terraform-plan", p.planFile)
	add("--saved-config", p.savedName)
	add("--parameters", p.paramFile)
	add("--parameter", p.openParameters()...)
	add("--option-settings", p.optionFile)
	add("--option", p.options...)
	add("--environment", p.environment)
	add("--region", p.region)
	add("--platform", p.platform)
	add("--stack-name", p.stack)
	return out
}

// openParameters are the parameters as given, without those that the template
// wants nobody to read (NoEcho).
func (p *prediction) openParameters() (out []string) {
	for _, given := range p.inputFlags.params {
		name, _, _ := strings.Cut(given, "=")
		secret := p.parsed != nil && slices.ContainsFunc(p.parsed.Parameters, func(d *cfn.Parameter) bool {
			return d.Name == name && d.NoEcho
		})
		if !secret {
			out = append(out, given)
		}
	}
	return out
}

var plainWord = lazyregexp.New(`^[-\w./:=@%+,]+$`)

// word quotes an argument where a shell would take it apart.
func word(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
