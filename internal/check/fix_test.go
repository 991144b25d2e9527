package check

import "testing"

func TestKebabNamesReadLikeNames(t *testing.T) {
	for id, want := range map[string]string{
		"InstanceRole": "instance-role", "EC2InstanceRole": "ec2-instance-role", "Role": "role", "WebIAM": "web-iam", "a": "a",
	} {
		if got := kebab(id); got != want {
			t.Errorf("kebab(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestNearFindsSlipsAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"S3Auth", "s3auth", true}, {"S3Auth", "S3Aut", true}, {"S3Auth", "S3Auht", false},
		{"container_commands", "container-commands", true}, {"files", "file", true}, {"files", "filez", true},
		{"files", "users", false}, {"", "a", true}, {"", "ab", false}, {"commands", "commands", true},
	} {
		if got := near(c.a, c.b); got != c.want {
			t.Errorf("near(%q, %q) = %v", c.a, c.b, got)
		}
		if got := near(c.b, c.a); got != c.want {
			t.Errorf("near(%q, %q) = %v", c.b, c.a, got)
		}
	}
}

func TestEveryRuleIsDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.Slug == "" || r.Title == "" || r.Why == "" || r.Before == "" || r.After == "" || r.Since == "" || seen[r.Slug] {
			t.Errorf("rule %q lacks documentation, or stands twice", r.Slug)
		}
		if r.find == nil && r.claims == nil && r.review == nil || (r.claims == nil) != (r.explain == nil) {
			t.Errorf("rule %q reads neither the input nor chains, or does not explain the chains that it claims", r.Slug)
		}
		seen[r.Slug] = true
	}
	if Lookup("no-such-rule") != nil {
		t.Error("a rule that does not exist was found")
	}
}
