package elasticbeanstalk_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

func TestTerminationStopsInstancesAndDeletesTheStack(t *testing.T) {
	w := start(t)
	w.upload("v1")
	w.launcher.answer = good
	e := w.create(al1, single)
	if _, err := w.beans.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentId: e.EnvironmentId}); err != nil {
		t.Fatal(err)
	}
	if e = w.settle(); e.Status != ebtypes.EnvironmentStatusTerminated || w.launcher.running() != 0 {
		t.Errorf("status %s, %d instances", e.Status, w.launcher.running())
	}
	if got := w.events(); !strings.HasSuffix(got, "INFO terminateEnvironment completed successfully.\n") {
		t.Errorf("events are\n%s", got)
	}
	_, err := w.cfn.DescribeStacks(t.Context(), &cf.DescribeStacksInput{StackName: awssdk.String("awseb-" + *e.EnvironmentId + "-stack")})
	if err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("the stack is still there: %v", err)
	}
}

func TestTerminationEndsADeploymentUnderWay(t *testing.T) {
	w := start(t)
	w.upload("v1") // without an answer the instance hangs
	_, err := w.beans.CreateEnvironment(t.Context(), &eb.CreateEnvironmentInput{ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("shop-env"),
		VersionLabel: awssdk.String("v1"), SolutionStackName: awssdk.String(al1), OptionSettings: settings(single)})
	if err != nil {
		t.Fatal(err)
	}
	for w.launcher.running() == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := w.beans.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentName: awssdk.String("shop-env")}); err != nil {
		t.Fatal(err)
	}
	if e := w.settle(); e.Status != ebtypes.EnvironmentStatusTerminated || w.launcher.running() != 0 {
		t.Errorf("status %s, %d instances", e.Status, w.launcher.running())
	}
	if got := w.events(); strings.Contains(got, "ERROR") {
		t.Errorf("a termination is no error:\n%s", got)
	}
}

func TestEnvironmentOfADeadProcessIsTerminatedWithAnEvent(t *testing.T) {
	w := start(t)
	w.upload("v1")
	w.launcher.answer = good
	e := w.create(al1, single)
	before := w.events()
	w.stop()
	again := open(t, w.dir)
	if got := again.settle(); got.Status != ebtypes.EnvironmentStatusTerminated {
		t.Errorf("status is %s", got.Status)
	}
	got := again.events()
	if !strings.HasPrefix(got, before) || !strings.Contains(got[len(before):], "WARN beanpole: the beanpole that ran this environment was ended") {
		t.Errorf("events are\n%s", got)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, err := again.cfn.DescribeStacks(t.Context(), &cf.DescribeStacksInput{StackName: awssdk.String("awseb-" + *e.EnvironmentId + "-stack")})
		if err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the environment's stack is still there")
		}
	}
}

func TestSettingsInForceNameTheInstanceProfile(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1", ".ebextensions/a.config", "option_settings:\n  aws:autoscaling:launchconfiguration:\n    IamInstanceProfile: hidden\n  aws:autoscaling:asg:\n    MaxSize: 2\n")
	w.launcher.answer = good
	w.create(al2023, single, withWeb)
	out, err := w.beans.DescribeConfigurationSettings(t.Context(), &eb.DescribeConfigurationSettingsInput{ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("shop-env")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range out.ConfigurationSettings[0].OptionSettings {
		got[*o.OptionName] = awssdk.ToString(o.Value)
	}
	if got["IamInstanceProfile"] != "web" || got["MaxSize"] != "2" || got["MinSize"] != "1" {
		t.Errorf("settings are %v", got)
	}
	if s := out.ConfigurationSettings[0].DeploymentStatus; s != ebtypes.ConfigurationDeploymentStatusDeployed {
		t.Errorf("deployment status is %s", s)
	}
}

func TestFunctionsInSettingsAreWorkedOutForInstancesAndDescriptions(t *testing.T) {
	w := start(t)
	w.profile()
	const config = `
option_settings:
  aws:elasticbeanstalk:application:environment:
    REGION: '` + "`" + `{"Ref": "AWS::Region"}` + "`" + `'
    GROUP: '` + "`" + `{"Ref": "AWSEBAutoScalingGroup"}` + "`" + `'
    TOPIC: 'arn:aws:sns:` + "`" + `{"Ref": "AWS::Region"}` + "`" + `:news'
    OVERRIDDEN: '` + "`" + `{"Ref": "AWS::Region"}` + "`" + `'
    PLAIN: "ls ` + "`" + `pwd` + "`" + `"
  aws:elasticbeanstalk:customoption:
    Copy: '` + "`" + `{"Fn::GetOptionSetting": {"Namespace": "aws:autoscaling:launchconfiguration", "OptionName": "IamInstanceProfile"}}` + "`" + `'
`
	w.upload("v1", ".ebextensions/a.config", config)
	w.upload("v2", ".ebextensions/a.config", strings.Replace(config, `{"Ref": "AWS::Region"}`, `{"Ref": "AWS::AccountId"}`, 1))
	w.launcher.answer = good
	w.create(al2023, single, withWeb, "aws:elasticbeanstalk:application:environment OVERRIDDEN=given")
	check := func(region string) {
		t.Helper()
		out, err := w.beans.DescribeConfigurationSettings(t.Context(), &eb.DescribeConfigurationSettingsInput{ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("shop-env")})
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string]string{}
		for _, o := range out.ConfigurationSettings[0].OptionSettings {
			shown[*o.OptionName] = awssdk.ToString(o.Value)
		}
		told := w.launcher.commands[len(w.launcher.commands)-1].Env
		for name, want := range map[string]string{"REGION": region, "TOPIC": "arn:aws:sns:eu-west-1:news", "OVERRIDDEN": "given", "PLAIN": "ls `pwd`"} {
			if told[name] != want || shown[name] != want {
				t.Errorf("%s is %q on the instance and described as %q, want %q\n%s", name, told[name], shown[name], want, w.events())
			}
		}
		if !strings.HasPrefix(told["GROUP"], "awseb-e-") || shown["GROUP"] != told["GROUP"] {
			t.Errorf("GROUP is %q, described as %q", told["GROUP"], shown["GROUP"])
		}
		if shown["Copy"] != "web" {
			t.Errorf("an option filled from another one is %q", shown["Copy"])
		}
	}
	check("eu-west-1")
	if _, err := w.beans.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), VersionLabel: awssdk.String("v2")}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	check("123456789012")
}

func TestProfileOfTheEnvironmentsOwnStackIsTakenByReference(t *testing.T) {
	w := start(t)
	w.upload("v1", ".ebextensions/a.config", `
option_settings:
  aws:autoscaling:launchconfiguration:
    IamInstanceProfile: '`+"`"+`{"Ref": "Mine"}`+"`"+`'
Resources:
  Mine:
    Type: AWS::IAM::InstanceProfile
    Properties: {Roles: [{Ref: Role}]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}
`)
	w.launcher.answer = good
	e := w.create(al2023, single)
	if e.Health != ebtypes.EnvironmentHealthGreen {
		t.Fatalf("health %s\n%s", e.Health, w.events())
	}
	if got := w.launcher.machines[0].spec.Profile(); !strings.Contains(got, "-stack-Mine-") {
		t.Errorf("the instance's profile is %q", got)
	}
}

// example is the story's template with a bundle for it, in S3.
func (w *world) example() (template, bucket string) {
	w.t.Helper()
	path := filepath.Join("..", "..", "..", "examples", "https-from-s3")
	config, err := os.ReadFile(filepath.Join(path, "app", ".ebextensions", "https.config"))
	if err != nil {
		w.t.Fatal(err)
	}
	return filepath.Join(path, "infra.yaml"), w.put("shop.zip", ".ebextensions/https.config", string(config))
}

func TestStoryOfTheExampleIsReachedThroughCloudFormation(t *testing.T) {
	w := start(t)
	template, bucket := w.example()
	text, err := os.ReadFile(template)
	if err != nil {
		t.Fatal(err)
	}
	w.launcher.answer = bad
	body, name := string(text), "story"
	in := &cf.CreateStackInput{StackName: &name, TemplateBody: &body, Parameters: []cftypes.Parameter{
		{ParameterKey: awssdk.String("BundleBucket"), ParameterValue: &bucket}, {ParameterKey: awssdk.String("BundleKey"), ParameterValue: awssdk.String("shop.zip")}}}
	if _, err := w.cfn.CreateStack(t.Context(), in); err == nil || !strings.Contains(err.Error(), "InsufficientCapabilitiesException") {
		t.Fatalf("without capability: %v", err)
	}
	in.Capabilities = []cftypes.Capability{cftypes.CapabilityCapabilityIam}
	if _, err := w.cfn.CreateStack(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := cf.NewStackCreateCompleteWaiter(w.cfn, func(o *cf.StackCreateCompleteWaiterOptions) { o.MinDelay = 20 * time.Millisecond }).Wait(t.Context(), &cf.DescribeStacksInput{StackName: &name}, time.Minute); err != nil {
		t.Fatalf("%v\n%s\n%s", err, w.stackEvents(name), w.events())
	}
	out, err := w.cfn.DescribeStackResources(t.Context(), &cf.DescribeStackResourcesInput{StackName: &name})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, r := range out.StackResources {
		ids[*r.LogicalResourceId] = awssdk.ToString(r.PhysicalResourceId)
	}
	if !strings.HasPrefix(ids["InstanceProfile"], "story-InstanceProfile-") || !strings.HasPrefix(ids["InstanceRole"], "story-InstanceRole-") {
		t.Errorf("physical IDs are %v", ids)
	}
	e, err := w.beans.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{"shop-production"}})
	if err != nil || len(e.Environments) != 1 {
		t.Fatal(err, e)
	}
	stack := "awseb-" + *e.Environments[0].EnvironmentId + "-stack"
	r, err := w.cfn.DescribeStackResource(t.Context(), &cf.DescribeStackResourceInput{StackName: &stack, LogicalResourceId: awssdk.String("AWSEBAutoScalingGroup")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(awssdk.ToString(r.StackResourceDetail.Metadata), ids["InstanceProfile"]) {
		t.Errorf("the metadata does not name the instance profile, which roleName is filled from:\n%s", awssdk.ToString(r.StackResourceDetail.Metadata))
	}
}

// stackEvents are a stack's events with their reasons, newest first.
func (w *world) stackEvents(name string) string {
	out, err := w.cfn.DescribeStackEvents(w.t.Context(), &cf.DescribeStackEventsInput{StackName: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range out.StackEvents {
		text.WriteString(*e.LogicalResourceId + " " + string(e.ResourceStatus) + " " + awssdk.ToString(e.ResourceStatusReason) + "\n")
	}
	return text.String()
}

// aws runs the AWS CLI against the world.
func (w *world) aws(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "aws", append([]string{"--endpoint-url", w.url, "--region", "eu-west-1", "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_SHARED_CREDENTIALS_FILE="+w.state.CredentialsFile(), "AWS_CONFIG_FILE=/dev/null", "AWS_MAX_ATTEMPTS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestUnmodifiedAWSCLIDeploysTheExample(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	if testing.Short() {
		t.Skip("takes the AWS CLI's waiters, which poll every five seconds")
	}
	w := start(t)
	template, bucket := w.example()
	w.launcher.answer = bad
	w.aws("cloudformation", "deploy", "--stack-name", "story", "--template-file", template, "--capabilities", "CAPABILITY_IAM",
		"--parameter-overrides", "BundleBucket="+bucket, "BundleKey=shop.zip")
	if got := w.aws("cloudformation", "describe-stacks", "--stack-name", "story"); !strings.Contains(got, `"CREATE_COMPLETE"`) || !strings.Contains(got, "shop-production.eu-west-1.elb.localhost") {
		t.Errorf("describe-stacks says %s", got)
	}
	w.aws("cloudformation", "wait", "stack-create-complete", "--stack-name", "story")
	if got := w.aws("elasticbeanstalk", "describe-configuration-settings", "--application-name", "shop", "--environment-name", "shop-production"); !strings.Contains(got, `"story-InstanceProfile-`) {
		t.Errorf("describe-configuration-settings says %s", got)
	}
	if got := w.aws("elasticbeanstalk", "describe-events", "--environment-name", "shop-production", "--max-items", "3"); !strings.Contains(got, "Create environment operation is complete, but with errors.") {
		t.Errorf("describe-events says %s", got)
	}
	if got := w.aws("elasticbeanstalk", "describe-environments", "--environment-names", "shop-production"); !strings.Contains(got, `"Red"`) {
		t.Errorf("describe-environments says %s", got)
	}
}
