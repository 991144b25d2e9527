package cfn

import (
	"strings"

	"beanpole/internal/source"
)

// call takes a value apart that is a function, in short or long form: its
// name without "Fn::", and its argument. The name is "" for any other value.
func call(n *source.Node) (name string, arg *source.Node) {
	if n == nil {
		return "", nil
	}
	if short, ok := strings.CutPrefix(n.Tag, "!"); ok && short != "" && short[0] != '!' {
		plain := *n
		plain.Tag = ""
		return short, &plain
	}
	if n.Kind != source.Map || len(n.Fields) != 1 {
		return "", nil
	}
	f := n.Fields[0]
	if f.Key.Text == "Ref" {
		return "Ref", f.Value
	}
	if long, ok := strings.CutPrefix(f.Key.Text, "Fn::"); ok {
		return long, f.Value
	}
	return "", nil
}

// args is the arguments of a function that takes a list of so many.
func args(name string, arg *source.Node, from, to int) ([]*source.Node, *source.Problem) {
	if arg == nil || arg.Kind != source.Seq || arg.Tag != "" || len(arg.Items) < from || len(arg.Items) > to {
		return nil, templateError(arg.Place(), "every Fn::%s object requires a list of %s", name, map[bool]string{true: count(from), false: count(from) + " to " + count(to)}[from == to])
	}
	return arg.Items, nil
}

func count(n int) string {
	words := []string{"no values", "one value", "two values", "three values", "four values"}
	if n < len(words) {
		return words[n]
	}
	return "ten values"
}

// attribute takes the argument of GetAtt apart: "Role.Arn" or [Role, Arn].
func attribute(arg *source.Node) (logical string, attr *source.Node, problem *source.Problem) {
	if s, ok := arg.Str(); ok {
		if l, a, ok := strings.Cut(s, "."); ok {
			return l, source.NewString(a, arg.PosAt(len(l)+1)), nil
		}
	}
	if arg != nil && arg.Kind == source.Seq && len(arg.Items) == 2 {
		if l, ok := arg.Items[0].Str(); ok && arg.Items[0].Tag == "" {
			return l, arg.Items[1], nil
		}
	}
	return "", nil, templateError(arg.Place(), "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
}

// part is a literal text of Sub, or a variable in it.
type part struct {
	text     string
	variable bool
	at       int // byte in the text
}

// subParts takes the text of Sub apart. "${!x}" is the literal "${x}".
func subParts(s string) []part {
	var out []part
	at := 0
	for {
		i := strings.Index(s[at:], "${")
		if i < 0 {
			break
		}
		i += at
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			break
		}
		j += i
		if i > at {
			out = append(out, part{text: s[at:i], at: at})
		}
		name := s[i+2 : j]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			out = append(out, part{text: "${" + literal + "}", at: i})
		} else {
			out = append(out, part{text: strings.TrimSpace(name), variable: true, at: i + 2})
		}
		at = j + 1
	}
	if at < len(s) {
		out = append(out, part{text: s[at:], at: at})
	}
	return out
}

// sub is the text and the variables' map of Sub's argument.
func sub(arg *source.Node) (text, vars *source.Node, problem *source.Problem) {
	text = arg
	if arg != nil && arg.Kind == source.Seq && len(arg.Items) == 2 && arg.Items[1].Kind == source.Map {
		text, vars = arg.Items[0], arg.Items[1]
	}
	if text == nil || text.Kind != source.String || text.Tag != "" {
		return nil, nil, templateError(arg.Place(), "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
	}
	return text, vars, nil
}
