package cfn

import (
	"regexp"
	"strings"
	"testing"
)

// Every line of the table is read whole: a slip of the pen would only show as
// a name that no resource has on AWS.
func TestTableOfKindsIsWellFormed(t *testing.T) {
	typ := regexp.MustCompile(`^AWS::[A-Za-z0-9]+::[A-Za-z0-9]+$`)
	token := regexp.MustCompile(`^(Name|name|Ref|Path|LogicalId|AWS::(Region|AccountId|Partition|URLSuffix)|\.[A-Za-z]+(:[0-9a-z]+)?|Zone|Letter|Listener|EnginePort|RegionCode|Version)$`)
	random := regexp.MustCompile(`^(uuid|time|[xndAam][0-9]+(\.[0-9])?)$`)
	lines := 0
	for line := range strings.Lines(kindsText) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		lines++
		if !typ.MatchString(f[0]) || len(f) < 3 {
			t.Errorf("%q is no line of the table", line)
			continue
		}
		k, ok := KindOf(f[0])
		if !ok || (k.Limit == 0) == (k.MadeUp == "") {
			t.Errorf("%s: the name is neither of a length nor of a pattern: %+v", f[0], k)
			continue
		}
		patterns := []string{k.MadeUp, k.Ref}
		for i, a := range k.Attributes {
			patterns = append(patterns, a.Pattern)
			if a.Pattern == "" || strings.ContainsAny(a.Name, "[]=") || k.attribute(a.Name) != &k.Attributes[i] {
				t.Errorf("%s: attribute %q", f[0], a)
			}
		}
		for _, p := range patterns {
			if strings.Contains(p, "@") {
				t.Errorf("%s: an ARN's beginning is not written out: %s", f[0], p)
			}
			_, _ = Fill(p, func(name string, drawn bool) (string, bool) {
				if want := map[bool]*regexp.Regexp{true: random, false: token}[drawn]; !want.MatchString(name) {
					t.Errorf("%s: nobody knows {%s}", f[0], name)
				}
				return "", true
			})
		}
	}
	if lines != len(kinds()) {
		t.Errorf("%d lines, %d types: one stands there twice", lines, len(kinds()))
	}
}
