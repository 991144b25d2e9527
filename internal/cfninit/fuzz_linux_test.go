package cfninit

import (
	"testing"

	"beanpole/internal/source"
)

func FuzzPlan(f *testing.F) {
	for _, s := range []string{
		`{"AWS::CloudFormation::Init": {"config": {"files": {"/a": {"source": "https://b.s3.amazonaws.com/k", "authentication": "A", "mode": "120777"}, "/b": null}}},
		  "AWS::CloudFormation::Authentication": {"A": {"type": "S3", "roleName": null, "buckets": ["b", null]}, "B": {"type": "basic", "uris": {"x": 1}}}}`,
		`{"AWS::CloudFormation::Init": {"configSets": {"default": [["a"], {"ConfigSet": "default"}], "x": "a"}, "a": {"commands": {"1": {"command": null}}}}}`,
		`{"AWS::CloudFormation::Init": [1]}`,
		`null`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := source.ParseJSON("m.json", []byte(s))
		if err != nil {
			return
		}
		p, err := NewPlan(n, nil)
		if p == nil && err == nil {
			t.Fatal("neither plan nor error")
		}
		if p != nil {
			p.Fetches()
		}
	})
}

func FuzzMustache(f *testing.F) {
	f.Add("{{#a}}x{{/a}}{{=<% %>=}}<% b %>", `{"a": [1, {"b": 2}], "b": "x"}`)
	f.Add("{{^a}}{{.}}{{/a}}{{{a.b}}}{{= =}}", `"x"`)
	f.Fuzz(func(t *testing.T, template, context string) {
		n, err := source.ParseJSON("c.json", []byte(context))
		if err != nil {
			return
		}
		b := &build{Runner: &Runner{}, Result: &Result{}}
		b.render(template, n)
	})
}
