package terraform

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

type object = map[string]any

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// planned is one resource of a plan for tests.
type planned struct {
	address string // of the root module, or module.NAME.TYPE.NAME
	values  object
	unknown object // after_unknown
	written object // expressions
	data    bool
}

func constant(v any) object      { return object{"constant_value": v} }
func refers(to ...string) object { return object{"references": to} }

func (x planned) named() (kind, name, index string) {
	rest := x.address
	for rest != "" {
		var step string
		step, rest = cutStep(rest)
		kind, name = name, step
	}
	name, index = cutIndex(name)
	return kind, name, index
}

// document writes a plan as `terraform show -json` does.
func document(root object, children map[string]object, rs ...planned) []byte {
	values := map[string][]any{}
	written := map[string][]any{}
	var changes []any
	for _, x := range rs {
		module, address := "", x.address
		if rest, ok := strings.CutPrefix(address, "module."); ok {
			module, address, _ = strings.Cut(rest, ".")
		}
		kind, name, index := x.named()
		mode := "managed"
		if x.data {
			mode = "data"
		}
		entry := object{"address": x.address, "mode": mode, "type": kind, "name": name, "values": x.values}
		if index != "" {
			entry["index"] = json.RawMessage(index[1 : len(index)-1])
		}
		if !x.data {
			values[module] = append(values[module], entry)
		}
		change := object{"address": x.address, "mode": mode, "type": kind, "name": name, "change": object{"after": x.values, "after_unknown": x.unknown}}
		if module != "" {
			change["module_address"] = "module." + module
		}
		if index != "" {
			change["index"] = entry["index"]
		}
		changes = append(changes, change)
		bare, _ := cutIndex(address)
		written[module] = append(written[module], object{"address": bare, "mode": mode, "type": kind, "name": name, "expressions": x.written})
	}
	top := object{"resources": values[""]}
	config := object{"resources": written[""]}
	var below []any
	calls := object{}
	for name, more := range children {
		below = append(below, object{"address": "module." + name, "resources": values[name]})
		calls[name] = object{"expressions": more["expressions"], "module": object{"resources": written[name], "outputs": more["outputs"]}}
	}
	top["child_modules"], config["module_calls"] = below, calls
	for k, v := range root {
		config[k] = v
	}
	out, err := json.Marshal(object{"format_version": "1.2", "planned_values": object{"root_module": top},
		"resource_changes": changes, "configuration": object{"root_module": config,
			"provider_config": object{"aws": object{"expressions": object{"region": constant("eu-west-1")}}}}})
	if err != nil {
		panic(err)
	}
	return out
}

func stack(t *testing.T, data []byte) *cfn.Stack {
	t.Helper()
	p, err := Parse("plan.json", data)
	if err != nil {
		t.Fatal(err)
	}
	return p.Stack(&cfn.Env{AccountID: "123456789012", Partition: "aws", Region: "eu-west-1"})
}

func role(name string, values object) planned {
	values["assume_role_policy"], values["path"] = trust, "/"
	written := object{}
	for k := range values {
		written[k] = constant(values[k])
	}
	return planned{"aws_iam_role." + name, values, object{"arn": true, "id": true, "name": true, "managed_policy_arns": true, "inline_policy": true}, written, false}
}

func TestNames(t *testing.T) {
	s := stack(t, document(nil, nil,
		role("given", object{"name": "web"}),
		role("prefix", object{"name_prefix": "web-"}),
		role("madeup", object{}),
		planned{"aws_iam_role.pet", object{"path": "/"}, object{"name": true}, object{"name": refers("random_pet.x.id", "random_pet.x")}, false},
	))
	for address, want := range map[string]string{
		"aws_iam_role.given": "web", "aws_iam_role.prefix": "web-…", "aws_iam_role.madeup": "terraform-…",
		"aws_iam_role.pet": "${aws_iam_role.pet.name}",
	} {
		r := s.Resource(address)
		if got := fact.Show(r.PhysicalID); got != want {
			t.Errorf("%s is named %q, want %q", address, got, want)
		}
		if !r.Pos.IsValid() {
			t.Errorf("%s has no place", address)
		}
	}
	if v := fact.Equal(s.Resource("aws_iam_role.prefix").PhysicalID, "web-profile"); v == fact.Holds {
		t.Error("a made-up name equals a given one")
	}
	if s.Resource("aws_iam_role.given").Properties.Get("ManagedPolicyArns") != nil {
		t.Error("a computed attribute that nobody gives counts as unknown")
	}
}

// roles are the roles of a profile as Terraform's references say.
func TestReferencesKeepWhoIsMeant(t *testing.T) {
	profile := func(address string, refs ...string) planned {
		return planned{address, object{"name": "p"}, object{"role": true}, object{"name": constant("p"), "role": refers(refs...)}, false}
	}
	inner := planned{"module.roles.aws_iam_role.x", object{"path": "/"}, object{"name": true}, object{}, false}
	second := planned{"module.web.aws_iam_instance_profile.z", object{"name": "p"}, object{"role": true}, object{"name": constant("p"), "role": refers("var.role")}, false}
	s := stack(t, document(nil, map[string]object{
		"roles": {"outputs": object{"role": object{"expression": refers("aws_iam_role.x.name", "aws_iam_role.x")}}},
		"web":   {"expressions": object{"role": refers("module.roles.role", "module.roles")}},
	},
		role("a", object{}), role("n[0]", object{}), role("n[1]", object{}), role(`e["k.1"]`, object{}), inner, second,
		profile("aws_iam_instance_profile.plain", "aws_iam_role.a.name", "aws_iam_role.a"),
		profile("aws_iam_instance_profile.byid", "aws_iam_role.a.id", "aws_iam_role.a"),
		profile("aws_iam_instance_profile.counted[1]", "aws_iam_role.n", "count.index"),
		profile(`aws_iam_instance_profile.each["k.1"]`, "aws_iam_role.e", "each.key"),
		profile("aws_iam_instance_profile.literal", "aws_iam_role.n[0].name", "aws_iam_role.n[0]", "aws_iam_role.n"),
		profile("aws_iam_instance_profile.module", "module.roles.role", "module.roles"),
		profile("aws_iam_instance_profile.local", "local.role"),
		profile("aws_iam_instance_profile.either", "aws_iam_role.a.name", "aws_iam_role.a", "aws_iam_role.n[0].name", "aws_iam_role.n[0]", "aws_iam_role.n"),
	))
	for address, want := range map[string]string{
		"aws_iam_instance_profile.plain":        "aws_iam_role.a",
		"aws_iam_instance_profile.byid":         "aws_iam_role.a",
		"aws_iam_instance_profile.counted[1]":   "aws_iam_role.n[1]",
		`aws_iam_instance_profile.each["k.1"]`:  `aws_iam_role.e["k.1"]`,
		"aws_iam_instance_profile.literal":      "aws_iam_role.n[0]",
		"aws_iam_instance_profile.module":       "module.roles.aws_iam_role.x",
		"module.web.aws_iam_instance_profile.z": "module.roles.aws_iam_role.x",
		"aws_iam_instance_profile.local":        "",
		"aws_iam_instance_profile.either":       "",
	} {
		got := s.Resource(address).Properties.Get("Roles").Items[0].Text
		for _, r := range s.Resources {
			if r.Type != "AWS::IAM::Role" {
				continue
			}
			if v := fact.Equal(got, r.PhysicalID); (v == fact.Holds) != (r.LogicalID == want) {
				t.Errorf("role of %s is %q; that it is %s: %v, want only %q", address, fact.Show(got), r.LogicalID, v, want)
			}
		}
		if want == "" && len(fact.Missing(got)) != 1 {
			t.Errorf("role of %s is %q, want unknown with a name", address, fact.Show(got))
		}
	}
}

func TestAttachments(t *testing.T) {
	attach := func(name string, arn object, roles object) planned {
		return planned{"aws_iam_role_policy_attachment." + name, object{}, object{"role": true, "policy_arn": true}, object{"role": roles, "policy_arn": arn}, false}
	}
	s := stack(t, document(nil, nil, role("a", object{}), role("b", object{"name": "b"}),
		planned{"aws_iam_policy.read", object{"name": "read", "path": "/app/", "policy": trust}, object{"arn": true, "id": true}, object{"name": constant("read")}, false},
		attach("one", refers("aws_iam_policy.read.arn", "aws_iam_policy.read"), refers("aws_iam_role.a.name", "aws_iam_role.a")),
		attach("what", refers("local.arns"), refers("local.role")),
	))
	got := s.Resource("aws_iam_role.a").Properties.Get("ManagedPolicyArns")
	if want := "arn:aws:iam::123456789012:policy/app/read"; got.Items[0].Text != want || s.Resource("aws_iam_policy.read").PhysicalID != want {
		t.Errorf("attached %q, want %q", got.Items[0].Text, want)
	}
	for _, address := range []string{"aws_iam_role.a", "aws_iam_role.b"} {
		list := s.Resource(address).Properties.Get("ManagedPolicyArns")
		if last := list.Items[len(list.Items)-1]; last.Kind != source.Null {
			t.Errorf("%s: a policy may be attached that is not known, and nothing says so", address)
		}
	}
}

func TestDeferredDocumentsKeepTheirStatements(t *testing.T) {
	doc := planned{"data.aws_iam_policy_document.read", object{"version": nil, "statement": []any{object{
		"sid": "", "effect": nil, "actions": []any{"s3:GetObject"}, "resources": []any{nil, "arn:aws:s3:::b/&{aws:username}/*"},
		"principals": []any{object{"type": "AWS", "identifiers": []any{"123456789012"}}},
		"condition":  []any{object{"test": "StringEquals", "variable": "aws:RequestedRegion", "values": []any{"eu-west-1"}}},
	}}}, object{"json": true, "statement": []any{object{"actions": []any{false}, "resources": []any{true, false}}}}, object{}, true}
	s := stack(t, document(nil, nil, doc, role("a", object{"name": "a"}),
		planned{"aws_iam_role_policy.p", object{"name": "p", "role": "a"}, object{"policy": true}, object{"role": constant("a"), "policy": refers("data.aws_iam_policy_document.read.json", "data.aws_iam_policy_document.read")}, false},
		planned{"aws_iam_role_policy.q", object{"name": "q", "role": "a"}, object{"policy": true}, object{"role": constant("a"), "policy": refers("aws_s3_bucket.x.arn", "aws_s3_bucket.x")}, false}))
	st := s.Resource("aws_iam_role_policy.p").Properties.Get("PolicyDocument").Get("Statement").Items[0]
	if got := st.Get("Effect").Text + st.Get("Action").Items[0].Text + st.At("Principal", "AWS").Items[0].Text + st.At("Condition", "StringEquals", "aws:RequestedRegion").Items[0].Text; got != "Allows3:GetObject123456789012eu-west-1" {
		t.Errorf("statement = %q", got)
	}
	res := st.Get("Resource").Items
	if fact.Known(res[0].Text) || res[1].Text != "arn:aws:s3:::b/${aws:username}/*" {
		t.Errorf("resources = %q, %q", fact.Show(res[0].Text), res[1].Text)
	}
	if q := s.Resource("aws_iam_role_policy.q").Properties.Get("PolicyDocument").Text; fact.Known(q) {
		t.Errorf("a text that Terraform puts together later is %q", q)
	}
}

func TestSettings(t *testing.T) {
	launch := "aws:autoscaling:launchconfiguration"
	env := planned{"aws_elastic_beanstalk_environment.web", object{"name": "shop", "setting": []any{
		object{"namespace": launch, "name": "IamInstanceProfile"},
		object{"namespace": launch, "name": "ImageId"},
		object{"namespace": launch, "name": "InstanceType", "value": "t3.small"},
	}}, object{}, object{"name": constant("shop"), "setting": []any{
		object{"namespace": constant(launch), "name": constant("IamInstanceProfile"), "value": refers("aws_iam_instance_profile.web.id", "aws_iam_instance_profile.web")},
		object{"namespace": constant(launch), "name": constant("ImageId"), "value": refers("aws_ami.x.id", "aws_ami.x")},
	}}, false}
	s := stack(t, document(nil, nil, env,
		planned{"aws_iam_instance_profile.web", object{"name_prefix": "web-"}, object{"name": true, "id": true}, object{"name_prefix": constant("web-")}, false}))
	list := s.Resource("aws_elastic_beanstalk_environment.web").Properties.Get("OptionSettings").Items
	if got := list[0].Get("Value").Text; fact.Equal(got, s.Resource("aws_iam_instance_profile.web").PhysicalID) != fact.Holds {
		t.Errorf("profile = %q", fact.Show(got))
	}
	if got := list[1].Get("Value").Text; len(fact.Missing(got)) != 1 {
		t.Errorf("image = %q, want unknown with a name", fact.Show(got))
	}
	if got := list[2].Get("Value"); got.Text != "t3.small" || got.From[0].What != "aws_elastic_beanstalk_environment.web" || !got.Pos.IsValid() {
		t.Errorf("type = %+v", got)
	}
}

func TestSecretSettingsAreNotShown(t *testing.T) {
	data := strings.Replace(string(document(nil, nil, planned{"aws_elastic_beanstalk_environment.web", object{"setting": []any{
		object{"namespace": "aws:elasticbeanstalk:application:environment", "name": "KEY", "value": "hunter2"},
		object{"namespace": "aws:ec2:vpc", "name": "VPCId", "value": "vpc-1"},
	}}, object{}, object{}, false})), `"values":{"setting"`, `"sensitive_values":{"setting":true},"values":{"setting"`, 1)
	list := stack(t, []byte(data)).Resource("aws_elastic_beanstalk_environment.web").Properties.Get("OptionSettings").Items
	if strings.Contains(list[0].Get("Value").Text, "hunter2") || list[1].Get("Value").Text != "vpc-1" {
		t.Errorf("settings = %q, %q", list[0].Get("Value").Text, list[1].Get("Value").Text)
	}
}

func TestObjectsAndRegion(t *testing.T) {
	p, err := Parse("plan.json", document(nil, nil,
		planned{"aws_s3_bucket.certs", object{"bucket": "certs"}, object{"id": true}, object{"bucket": constant("certs")}, false},
		planned{"aws_s3_object.key", object{"key": "/server.key"}, object{"bucket": true}, object{"bucket": refers("aws_s3_bucket.certs.id", "aws_s3_bucket.certs")}, false}))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Objects(&cfn.Env{}); len(got) != 1 || got[0] != (Object{"certs", "server.key"}) {
		t.Errorf("objects = %q", got)
	}
	if p.Region() != "eu-west-1" {
		t.Errorf("region = %q", p.Region())
	}
}

func TestWhatIsNoPlanIsRefusedInWords(t *testing.T) {
	for data, want := range map[string]string{
		"PK\x03\x04\x14": "binary plan",
		`{"version":4,"lineage":"x","resources":[]}`:   "state, not a plan",
		`{"format_version":"1.0","values":{}}`:         "state, not a plan",
		`{"@level":"info","@message":"Terraform 1.9"}`: "log of terraform plan -json",
		`[]`:                 "no Terraform plan in JSON",
		``:                   "no Terraform plan in JSON",
		`{}`:                 "it has no planned_values",
		`{"planned_values":`: "this is not JSON",
		"\xff\xfe{\x00}\x00": "it has no planned_values",
	} {
		_, err := Parse("plan.json", []byte(data))
		var p *source.Problem
		if !errors.As(err, &p) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", data, err, want)
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(document(nil, nil, role("a", object{}),
		planned{"aws_iam_instance_profile.x", object{}, object{"role": true}, object{"role": refers("aws_iam_role.a.name")}, false}))
	f.Add([]byte(`{"planned_values":{"root_module":{"resources":[{"address":"aws_iam_role.x","type":"aws_iam_role","values":{"inline_policy":[{"name":"a"}]}}]}}}`))
	f.Add([]byte(`{"planned_values":{"root_module":{"child_modules":[{"address":"module.a[\"x"}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("plan.json", data)
		var problem *source.Problem
		if err != nil && !errors.As(err, &problem) {
			t.Fatalf("not the user's problem: %v", err)
		}
		if err == nil {
			p.Stack(&cfn.Env{})
			p.Objects(&cfn.Env{})
			p.Region()
			p.Account()
		}
	})
}
