package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// command runs one command line in dir.
func command(t *testing.T, dir string, args ...string) (status int, out, errs string) {
	t.Helper()
	t.Chdir(dir)
	var o, e bytes.Buffer
	status = Main(args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

// shop is a copy of the example of the story.
func shop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "https-from-s3"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// expect looks for texts in an output, however it is wrapped.
func expect(t *testing.T, out string, all ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(out), " ")
	for _, want := range all {
		if !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestCheckFindsTheProfileInRoleNameAndFixMendsIt(t *testing.T) {
	dir := shop(t)
	for _, more := range [][]string{nil, {"--parameter", "BundleBucket=b", "--parameter", "BundleKey=k"}} {
		status, out, errs := command(t, dir, append([]string{"check", "app", "--template", "infra.yaml"}, more...)...)
		if status != exitFindings || errs != "" {
			t.Fatalf("status %d, %s\n%s", status, errs, out)
		}
		expect(t, out, "app/.ebextensions/https.config:59:11: error: instance metadata will answer 404", "[role-name-is-profile]",
			"infra.yaml:84:18", "infra.yaml:34:3", "infra.yaml:21:3", "1 finding; 2 fetches: 2 broken")
	}
	status, out, _ := command(t, dir, "fix", "app", "--template", "infra.yaml")
	if status != exitFindings {
		t.Errorf("a diff alone mends nothing, but the status is %d", status)
	}
	expect(t, out, "+      RoleName: !Ref InstanceRoleName", "CAPABILITY_NAMED_IAM")
	before, err := os.ReadFile(filepath.Join(dir, "infra.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if status, out, errs := command(t, dir, "fix", "app", "--template", "infra.yaml", "--write"); status != exitClean {
		t.Fatalf("fix --write: status %d\n%s%s", status, out, errs)
	}
	after, err := os.ReadFile(filepath.Join(dir, "infra.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for line := range strings.Lines(string(after)) {
		if strings.Contains(string(before), line) {
			kept += len(line)
		}
	}
	if kept < len(before) {
		t.Errorf("the fix changed more than it added:\n%s", after)
	}
	status, out, _ = command(t, dir, "check", "app", "--template", "infra.yaml")
	if status != exitClean {
		t.Errorf("after the fix: status %d\n%s", status, out)
	}
	expect(t, out, "no finding; 2 fetches: 2 not settled")
	status, out, _ = command(t, dir, "fix", "app", "--template", "infra.yaml", "--write")
	if again, _ := os.ReadFile(filepath.Join(dir, "infra.yaml")); status != exitClean || string(again) != string(after) {
		t.Errorf("a second fix is not silent: status %d\n%s", status, out)
	}
}

func TestTwoFindingsWithOneRemedyAreMendedOnce(t *testing.T) {
	dir := shop(t)
	second := `files:
  /etc/other:
    authentication: Other
    source: https://shop-certificates.s3.us-east-1.amazonaws.com/other
Resources:
  AWSEBAutoScalingGroup:
    Metadata:
      AWS::CloudFormation::Authentication:
        Other:
          type: S3
          roleName: {"Fn::GetOptionSetting": {Namespace: "aws:autoscaling:launchconfiguration", OptionName: IamInstanceProfile}}
`
	if err := os.WriteFile(filepath.Join(dir, "app", ".ebextensions", "other.config"), []byte(second), 0o644); err != nil {
		t.Fatal(err)
	}
	_, out, _ := command(t, dir, "check", "app", "--template", "infra.yaml")
	expect(t, out, "2 findings; 3 fetches: 3 broken")
	if status, out, errs := command(t, dir, "fix", "app", "--template", "infra.yaml", "--write"); status != exitClean {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	data, err := os.ReadFile(filepath.Join(dir, "infra.yaml"))
	if err != nil || strings.Count(string(data), "RoleName: !Ref") != 1 {
		t.Errorf("%v\n%s", err, data)
	}
}

func TestCheckSaysWhatStaysUnknownWithoutATemplate(t *testing.T) {
	status, out, _ := command(t, shop(t), "check", "app")
	if status != exitClean {
		t.Errorf("status %d", status)
	}
	expect(t, out, "not known: whether 2 files can be fetched", "--option aws:autoscaling:launchconfiguration:IamInstanceProfile=NAME", "--template FILE", "2 not settled")
}

func TestUnusableInputIsOneLineAndStatusTwo(t *testing.T) {
	dir := shop(t)
	for _, args := range [][]string{
		{"check", "nowhere"},
		{"check", "app", "--template", "nowhere.yaml"},
		{"check", "app", "--option", "a=b"},
		{"check", "app", "--option", "aws:x:=b"},
		{"check", "app", "--option-settings", "nowhere.json"},
		{"check", "app", "--parameter", "A=b"},
		{"check", "app", "--template", "infra.yaml", "--parameter", "Nope=b"},
		{"check", "app", "--template", "infra.yaml", "--environment", "nope"},
		{"fix", "app", "--rule", "nope"},
		{"explain", "nope"},
	} {
		status, out, errs := command(t, dir, args...)
		if status != exitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "beanpole: ") {
			t.Errorf("%v: status %d, %q, %q", args, status, out, errs)
		}
	}
}

func TestExplainPrintsARuleAndListsAll(t *testing.T) {
	status, out, _ := command(t, t.TempDir(), "explain", "role-name-is-profile")
	if status != exitClean {
		t.Errorf("status %d", status)
	}
	expect(t, out, "Before:", "After:", "Since 0.1.0")
	_, out, _ = command(t, t.TempDir(), "explain")
	expect(t, out, "role-name-is-profile", "unsigned-fetch")
}

func TestAnotherTemplateAndSettingsFileGiveTheSameDiagnosis(t *testing.T) {
	official, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "cases", "aws-official"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(official); err != nil {
		t.Skip("the official sample does not lie beside the repository")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(official)); err != nil {
		t.Fatal(err)
	}
	args := []string{"app", "--template", "instanceprofile-web.yaml", "--option-settings", "option-settings.json"}
	status, out, errs := command(t, dir, append([]string{"check"}, args...)...)
	if status != exitFindings {
		t.Fatalf("status %d\n%s%s", status, out, errs)
	}
	expect(t, out, "[role-name-is-profile]", "option-settings.json:2:101", "instanceprofile-web.yaml:51:3", "instanceprofile-web.yaml:35:3")
	if status, out, _ := command(t, dir, append([]string{"fix", "--write"}, args...)...); status != exitClean {
		t.Errorf("fix: status %d\n%s", status, out)
	}
	if status, out, _ := command(t, dir, append([]string{"check"}, args...)...); status != exitClean {
		t.Errorf("after the fix: status %d\n%s", status, out)
	}
}
