package terraform

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"beanpole/internal/account"
	"beanpole/internal/account/template"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
)

// filled is the account of a plan whose buckets and roles are as given.
func filled(t *testing.T, data []byte) *account.Account {
	t.Helper()
	env := &cfn.Env{AccountID: "123456789012", Partition: "aws", Region: "eu-west-1"}
	a, problems := template.Fill(stack(t, data), env)
	if len(problems) > 0 {
		t.Error(problems)
	}
	return a
}

// TestPartsOfNamesAreNotTheNames: what two values refer to may be a part of
// both, so they are not the same for that.
func TestPartsOfNamesAreNotTheNames(t *testing.T) {
	pet := planned{"random_pet.x", object{}, object{"id": true}, object{}, false}
	of := refers("random_pet.x.id", "random_pet.x")
	const launch = "aws:autoscaling:launchconfiguration"
	s := stack(t, document(nil, nil, pet,
		planned{"aws_iam_instance_profile.web", object{}, object{"name": true, "role": true}, object{"name": of, "role": of}, false},
		planned{"aws_elastic_beanstalk_environment.web", object{"setting": []any{object{"namespace": launch, "name": "IamInstanceProfile"}}},
			object{"setting": []any{object{"value": true}}},
			object{"setting": []any{object{"namespace": constant(launch), "name": constant("IamInstanceProfile"), "value": of}}}, false}))
	profile := s.Resource("aws_iam_instance_profile.web")
	option := s.Resource("aws_elastic_beanstalk_environment.web").Properties.Get("OptionSettings").Items[0].Get("Value").Text
	role := profile.Properties.Get("Roles").Items[0].Text
	for _, pair := range [][2]string{{option, role}, {option, profile.PhysicalID}, {role, profile.PhysicalID}} {
		if v := fact.Equal(pair[0], pair[1]); v != fact.Unknown {
			t.Errorf("%q and %q: %v", fact.Show(pair[0]), fact.Show(pair[1]), v)
		}
	}
}

func TestWhatDecidesAnUnknownValue(t *testing.T) {
	known := role("known", object{"name": "known"})
	profile := func(name string, written object) planned {
		return planned{"aws_iam_instance_profile." + name, object{"name": "p"}, object{"role": true}, object{"name": constant("p"), "role": written}, false}
	}
	s := stack(t, document(nil, nil, known, role("made", object{}),
		profile("either", refers("var.which", "aws_iam_role.made.name", "aws_iam_role.made", "aws_iam_role.known.name", "aws_iam_role.known")),
		profile("arn", refers("aws_iam_role.made.arn", "aws_iam_role.made")),
		planned{"aws_iam_role.null", object{}, object{"name": true, "name_prefix": true}, object{"name": refers("var.role_name")}, false}))
	if got, want := s.Resource("aws_iam_instance_profile.either").Properties.Get("Roles").Items[0].Text, s.Resource("aws_iam_role.made").PhysicalID; got != want {
		t.Errorf("the known role is not why the value is unknown: %q", fact.Show(got))
	}
	if got := s.Resource("aws_iam_instance_profile.arn").Properties.Get("Roles").Items[0].Text; len(fact.Missing(got)) != 1 {
		t.Errorf("an ARN is no role's name: %q", fact.Show(got))
	}
	if got := fact.Show(s.Resource("aws_iam_role.null").PhysicalID); got != "terraform-…" {
		t.Errorf("a variable that is null leaves the name to Terraform: %q", got)
	}
}

func TestListsOfWhichAPartIsUnknown(t *testing.T) {
	a := filled(t, document(nil, nil, role("web", object{"name": "web"}), role("other", object{"name": "other"}),
		planned{"aws_iam_policy_attachment.both", object{"policy_arn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "roles": []any{nil, "other"}},
			object{"roles": []any{true, false}}, object{"roles": refers("aws_iam_role.web.id", "aws_iam_role.web", "aws_iam_role.other.name", "aws_iam_role.other")}, false},
		planned{"aws_iam_policy_attachment.open", object{"policy_arn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "roles": []any{nil, "web"}},
			object{"roles": []any{true, false}}, object{"roles": refers("local.roles")}, false}))
	web, other := a.Roles[0], a.Roles[1]
	if len(web.Attached) != 2 || len(other.Attached) != 1 {
		t.Errorf("attached = %q and %q", web.Attached, other.Attached)
	}
	if len(other.PoliciesUnknown) != 1 {
		t.Errorf("unknown = %q: the open place may be this role", other.PoliciesUnknown)
	}
}

func TestSettingsThatAreNotKnown(t *testing.T) {
	s := stack(t, document(nil, nil,
		planned{"aws_elastic_beanstalk_environment.all", object{"name": "all"}, object{"setting": true}, object{}, false},
		planned{"aws_elastic_beanstalk_environment.one", object{"name": "one", "setting": []any{nil}}, object{"setting": []any{true}}, object{}, false}))
	if n := s.Resource("aws_elastic_beanstalk_environment.all").Properties.Get("OptionSettings"); !n.IsScalar() || fact.Known(n.Text) {
		t.Errorf("settings = %+v, want unknown", n)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0].What, "aws_elastic_beanstalk_environment.one") {
		t.Errorf("notes = %v", s.Notes)
	}
}

func TestBuckets(t *testing.T) {
	data := document(nil, nil,
		planned{"aws_s3_bucket.certs", object{"bucket": "certs"}, object{"id": true}, object{"bucket": constant("certs")}, false},
		planned{"aws_s3_bucket.here", object{"bucket": "here", "region": "eu-west-1"}, object{}, object{"bucket": constant("here")}, false},
		planned{"aws_s3_bucket.there", object{"bucket": "there", "region": "us-east-1"}, object{}, object{"bucket": constant("there")}, false},
		planned{"aws_s3_bucket_public_access_block.certs", object{"block_public_policy": true, "restrict_public_buckets": false}, object{"bucket": true},
			object{"bucket": refers("aws_s3_bucket.certs.id", "aws_s3_bucket.certs")}, false},
		planned{"aws_s3_bucket_ownership_controls.certs", object{"bucket": "certs", "rule": []any{object{"object_ownership": "ObjectWriter"}}}, object{}, object{}, false},
		planned{"aws_s3_bucket_server_side_encryption_configuration.certs",
			object{"bucket": "certs", "rule": []any{object{"apply_server_side_encryption_by_default": []any{object{"sse_algorithm": "aws:kms"}}}}},
			object{"rule": []any{object{"apply_server_side_encryption_by_default": []any{object{"kms_master_key_id": true}}}}}, object{}, false},
		planned{"aws_s3_bucket_server_side_encryption_configuration.here", object{"bucket": "here"}, object{"rule": true}, object{}, false})
	a := filled(t, data)
	certs, here := a.Buckets[0], a.Buckets[1]
	if p := certs.PublicAccess; p == nil || p.BlockPolicy != fact.Holds || p.Restrict != fact.Broken {
		t.Errorf("public access = %+v", p)
	}
	if certs.Ownership != account.ObjectWriter {
		t.Errorf("ownership = %q", certs.Ownership)
	}
	if e := certs.Encryption; e.KMS() != fact.Holds || fact.Known(e.Key) {
		t.Errorf("encryption = %+v, want KMS with a key that is not known", e)
	}
	if e := here.Encryption; e.KMS() != fact.Unknown {
		t.Errorf("encryption = %+v, want unknown", e)
	}
	p, err := Parse("plan.json", data)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.BucketRegions(&cfn.Env{Region: "eu-west-1"}); len(got) != 1 || got["aws_s3_bucket.there"] != "us-east-1" {
		t.Errorf("regions = %v", got)
	}
}

// TestReferencesThatDouble would take 2^30 steps without a bound.
func TestReferencesThatDouble(t *testing.T) {
	outputs, call := object{}, object{}
	for i := range 40 {
		from := object{"expression": refers(fmt.Sprint("var.v", i))}
		outputs[fmt.Sprint("a", i)], outputs[fmt.Sprint("b", i)] = from, from
		call[fmt.Sprint("v", i)] = refers(fmt.Sprint("module.m.a", i+1), fmt.Sprint("module.m.b", i+1))
	}
	data := document(nil, map[string]object{"m": {"outputs": outputs, "expressions": call}},
		planned{"module.m.aws_iam_role.x", object{}, object{}, object{}, false},
		planned{"aws_iam_instance_profile.p", object{"name": "p"}, object{"role": true}, object{"name": constant("p"), "role": refers("module.m.a0")}, false})
	start := time.Now()
	s := stack(t, data)
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	if got := s.Resource("aws_iam_instance_profile.p").Properties.Get("Roles").Items[0].Text; len(fact.Missing(got)) != 1 {
		t.Errorf("role = %q", fact.Show(got))
	}
}

func TestPlansOfManyBytesAreReadAndOfManyValuesAreNot(t *testing.T) {
	long := `{"format_version":"1.2","x":"` + strings.Repeat("x", 3<<20) + `","planned_values":{}}`
	if _, err := Parse("plan.json", []byte(long)); err != nil {
		t.Error(err)
	}
	dense := `{"format_version":"1.2","planned_values":{"x":[` + strings.Repeat("0,", mostParts) + `0]}}`
	if _, err := Parse("plan.json", []byte(dense)); err == nil || !strings.Contains(err.Error(), "too many values") {
		t.Error(err)
	}
}
