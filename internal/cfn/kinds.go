package cfn

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// Kind says what CloudFormation calls a resource of one type, and what Ref and
// Fn::GetAtt give of it. Patterns are those that kinds.txt explains.
type Kind struct {
	Property   string // that sets the name; "" when the user can set none
	Limit      int    // longest name that is made up of stack and logical ID; a longer one is shortened
	Lower      bool   // made-up names are in lower case
	MadeUp     string // pattern of a made-up name or ID; "" for <stack>-<logical ID>-<random>
	Ref        string // pattern; "" when Ref is the name
	RefUnknown bool   // what Ref gives is not documented
	Attributes []Attribute
}

// Attribute is what Fn::GetAtt gives.
type Attribute struct {
	Name    string
	Pattern string
	If      string // property that must be set; with "!" before it: must not be
}

//go:embed kinds.txt
var kindsText string

// kinds is the table, read when it is first asked.
var kinds = sync.OnceValue(func() map[string]*Kind {
	out := map[string]*Kind{}
	for line := range strings.Lines(kindsText) {
		f := strings.Fields(line)
		if len(f) >= 3 && !strings.HasPrefix(f[0], "#") {
			out[f[0]] = readKind(f[1:])
		}
	}
	return out
})

// KindOf is a type's kind; ok is false for a type that the table has not.
func KindOf(typ string) (k *Kind, ok bool) {
	k, ok = kinds()[typ]
	return k, ok
}

func readKind(columns []string) *Kind {
	k := &Kind{Ref: whole(columns[1]), MadeUp: whole(columns[0])}
	if property, rest, ok := strings.Cut(columns[0], ":"); ok && (property == "-" || word(property)) {
		limit, lower, _ := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(limit); err == nil {
			k.Property, k.Limit, k.Lower, k.MadeUp = strings.TrimPrefix(property, "-"), n, lower == "lower", ""
		}
	} else if property, pattern, ok := strings.Cut(columns[0], "|"); ok && word(property) {
		k.Property, k.MadeUp = property, whole(pattern)
	}
	switch k.Ref {
	case ".":
		k.Ref = ""
	case "?":
		k.Ref, k.RefUnknown = "", true
	}
	for _, c := range columns[2:] {
		name, pattern, _ := strings.Cut(c, "=")
		name, condition, _ := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		k.Attributes = append(k.Attributes, Attribute{Name: name, Pattern: whole(pattern), If: condition})
	}
	return k
}

// word reports whether s is a property's name.
func word(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}

// whole writes an ARN's beginning out.
func whole(pattern string) string {
	rest := strings.TrimLeft(pattern, "@")
	if rest == pattern {
		return pattern
	}
	region := "${AWS::Region}"
	if strings.HasPrefix(pattern, "@@") {
		region = ""
	}
	service, rest, _ := strings.Cut(rest, ":")
	return "arn:${AWS::Partition}:" + service + ":" + region + ":${AWS::AccountId}:" + rest
}

// attribute is the pattern of an attribute; nil when the table has none.
func (k *Kind) attribute(name string) *Attribute {
	for i := range k.Attributes {
		if k.Attributes[i].Name == name {
			return &k.Attributes[i]
		}
	}
	return nil
}

// Fill puts values into a pattern. The token is a variable's name, as in
// ${Name}, or a random part's, as in {x17}. ok is false when value did not know
// a token; text then ends before it.
func Fill(pattern string, value func(token string, random bool) (string, bool)) (text string, ok bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(pattern, '{')
		j := strings.IndexByte(pattern, '}')
		if i < 0 || j < i {
			b.WriteString(pattern)
			return b.String(), true
		}
		before, random := strings.CutSuffix(pattern[:i], "$")
		b.WriteString(before)
		v, ok := value(pattern[i+1:j], !random)
		if !ok {
			return b.String(), false
		}
		b.WriteString(v)
		pattern = pattern[j+1:]
	}
}
