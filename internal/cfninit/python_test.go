package cfninit

import (
	"testing"

	"beanpole/internal/source"
)

// What Python 2.7 prints for values that its json module read.
func TestValuesArePrintedAsPythonPrintsThem(t *testing.T) {
	for _, c := range []struct{ json, str, dumped, kind string }{
		{`null`, `None`, `null`, "NoneType"},
		{`true`, `True`, `true`, "bool"},
		{`-0`, `0`, `0`, "int"},
		{`9223372036854775807`, `9223372036854775807`, `9223372036854775807`, "int"},
		{`9223372036854775808`, `9223372036854775808`, `9223372036854775808`, "long"},
		{`[9223372036854775808]`, `[9223372036854775808L]`, `[9223372036854775808]`, "list"},
		{`0.1`, `0.1`, `0.1`, "float"},
		{`1234567890123.5`, `1.23456789012e+12`, `1234567890123.5`, "float"},
		{`123456789012.0`, `123456789012.0`, `123456789012.0`, "float"},
		{`999999999999.9`, `1e+12`, `999999999999.9`, "float"},
		{`0.30000000000000004`, `0.3`, `0.30000000000000004`, "float"},
		{`1e22`, `1e+22`, `1e+22`, "float"},
		{`1e-05`, `1e-05`, `1e-05`, "float"},
		{`-1e400`, `-inf`, `-Infinity`, "float"},
		{`"a'b"`, `a'b`, `"a'b"`, "unicode"},
		{`["a'b", "\"'", "\u20ac"]`, `[u"a'b", u'"\'', u'\u20ac']`, `["a'b", "\"'", "\u20ac"]`, "list"},
		{`{"b": 1.0, "a": {"c": null}}`, `{u'a': {u'c': None}, u'b': 1.0}`, `{"b": 1.0, "a": {"c": null}}`, "dict"},
	} {
		n, err := source.ParseJSON("x", []byte(c.json))
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]string{format(n), pythonJSON(n), typeName(n)}; got != [3]string{c.str, c.dumped, c.kind} {
			t.Errorf("%s: got %q, want %q %q %q", c.json, got, c.str, c.dumped, c.kind)
		}
	}
}

func TestFloatsAreTrueUnlessZero(t *testing.T) {
	for json, want := range map[string]bool{"0.0": false, "0e5": false, "-0.0": false, "1e-5": true, "1e400": true} {
		if n, err := source.ParseJSON("x", []byte(json)); err != nil || truthy(n) != want {
			t.Errorf("%s: got %v (%v), want %v", json, !want, err, want)
		}
	}
}
