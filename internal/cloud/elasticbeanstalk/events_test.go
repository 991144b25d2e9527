package elasticbeanstalk_test

import (
	"context"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/instance"
	"beanpole/internal/source"
)

func good(int, *instance.Command) (*instance.Result, error) {
	return &instance.Result{Status: instance.Success, Message: "Engine execution has succeeded.",
		Events: []instance.EngineEvent{{Message: "Instance deployment completed successfully.", Severity: "INFO"}}}, nil
}

func bad(int, *instance.Command) (*instance.Result, error) {
	return &instance.Result{
		Status: instance.Failure, ReturnCode: 1, Message: "Engine execution has encountered an error.", FailedStep: "PreBuildEbExtension",
		Events:   []instance.EngineEvent{{Message: "Instance deployment failed. For details, see 'eb-engine.log'.", Severity: "ERROR"}},
		Expected: 5 * time.Minute, Longest: 9 * time.Minute,
	}, nil
}

func badAL1(int, *instance.Command) (*instance.Result, error) {
	return &instance.Result{Status: instance.Failure, ReturnCode: 1,
		Output: "Failed to retrieve https://b.s3.amazonaws.com/k: [Errno 404] HTTP Error 404 : <?xml version=\"1.0\" encoding=\"iso-8859-1\"?>. EBExtension failed. For more detail, check /var/log/eb-activity.log using console or EB CLI"}, nil
}

func TestCreationOnAmazonLinux2023TellsAWSsEventsInOrder(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = good
	e := w.create(al2023, single, withWeb, enhanced)
	w.expect("INFO createEnvironment", `
INFO createEnvironment is starting.
INFO Using elasticbeanstalk-eu-west-1-123456789012 as Amazon S3 storage bucket for environment data.
INFO Created security group named: awseb-e-ID-stack-AWSEBSecurityGroup-RANDOM
INFO Created EIP: IP
INFO Created Auto Scaling launch configuration named: awseb-e-ID-stack-AWSEBAutoScalingLaunchConfiguration-RANDOM
INFO Created Auto Scaling group named: awseb-e-ID-stack-AWSEBAutoScalingGroup-RANDOM
INFO Waiting for EC2 instances to launch. This may take a few minutes.
INFO Environment health has transitioned to Pending. Initialization in progress (running for N seconds). There are no instances.
INFO Added instance [i-1] to your environment.
INFO Instance deployment completed successfully.
INFO Environment health has transitioned from Pending to Ok. Initialization completed N seconds ago and took N seconds.
INFO Successfully launched environment: shop-env`)
	if e.Health != ebtypes.EnvironmentHealthGreen || e.HealthStatus != ebtypes.EnvironmentHealthStatusOk {
		t.Errorf("health is %s, %s", e.Health, e.HealthStatus)
	}
	c := w.launcher.commands[0]
	if c.Resource != "AWSEBAutoScalingGroup" || !strings.HasPrefix(c.Stack, "awseb-e-") || !strings.Contains(c.BundleURL, "/v1.zip?") || c.Timeout != 840*time.Second {
		t.Errorf("the instance was told %+v", c)
	}
}

func TestFailedCreationTellsEnginesEventsSummaryHealthAndTheWaitsThatWereCutShort(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = bad
	e := w.create(al2023, single, withWeb, enhanced)
	w.expect("ERROR Instance deployment", `
ERROR Instance deployment failed. For details, see 'eb-engine.log'.
ERROR [Instance: i-1] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..
INFO Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].
WARN Environment health has transitioned from Pending to Degraded. Command failed on all instances. Initialization completed N seconds ago and took N seconds.
ERROR Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.
INFO beanpole: on AWS the instance's agent would have waited between its tries for about N seconds, N seconds at the longest; here the waits were cut short.`)
	if e.Status != ebtypes.EnvironmentStatusReady || e.Health != ebtypes.EnvironmentHealthRed {
		t.Errorf("status %s, health %s; a failed creation leaves a usable environment", e.Status, e.Health)
	}
}

func TestFailedCreationOnAmazonLinuxAMITellsTheHostManagersText(t *testing.T) {
	w := start(t)
	w.upload("v1")
	w.launcher.answer = badAL1
	w.create(al1, single)
	w.expect("ERROR [Instance", `
ERROR [Instance: i-1] Command failed on instance. Return code: 1 Output: Failed to retrieve https://b.s3.amazonaws.com/k: [Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>. EBExtension failed. For more detail, check /var/log/eb-activity.log using console or EB CLI.
INFO Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].
ERROR Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.`)
}

func TestFailedUpdateOfTwoInstancesWarnsOfMixedVersions(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.upload("v2")
	w.launcher.answer = good
	// No listener on the fake instances: health checks fail, and are not what
	// is tested here.
	w.create(al2023, withWeb, enhanced, "aws:autoscaling:asg MinSize=2")
	w.launcher.mu.Lock()
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		if n == 0 {
			return good(n, c)
		}
		return bad(n, c)
	}
	w.launcher.mu.Unlock()
	_, err := w.beans.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), VersionLabel: awssdk.String("v2")})
	if err != nil {
		t.Fatal(err)
	}
	e := w.settle()
	got := w.events()
	got = strings.NewReplacer("i-1", "i-N", "i-2", "i-N").Replace(got[strings.Index(got, "INFO Environment update is"):])
	want := `INFO Environment update is starting.
INFO Deploying new version to instance(s).
INFO Environment health has transitioned from Severe to Info. Command is executing on all instances.
INFO Instance deployment completed successfully.
ERROR Instance deployment failed. For details, see 'eb-engine.log'.
ERROR [Instance: i-N] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..
INFO Command execution completed on all instances. Summary: [Successful: 1, Failed: 1].
ERROR Unsuccessful command execution on instance id(s) 'i-N'. Aborting the operation.
WARN Environment health has transitioned from Info to Degraded. Command failed on 1 out of 2 instances. Incorrect application version found on all instances. Expected version "v1" (deployment 1).
ERROR During an aborted deployment, some instances may have deployed the new application version. To ensure all instances are running the same version, re-deploy the appropriate application version.
ERROR Failed to deploy application.
INFO beanpole: on AWS the instance's agent would have waited between its tries for about N seconds, N seconds at the longest; here the waits were cut short.
`
	lines := strings.Split(got, "\n") // the engines' own events come in the order of the instances
	if i := strings.Index(got, want[:40]); i != 0 || !sameLines(lines, strings.Split(want, "\n")) {
		t.Errorf("events are\n%s\nwant\n%s", got, want)
	}
	if awssdk.ToString(e.VersionLabel) != "v1" {
		t.Errorf("version is %s after a failed deployment", awssdk.ToString(e.VersionLabel))
	}
}

// sameLines compares lines where two that stand beside each other may have
// changed places.
func sameLines(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := 0; i < len(got); i++ {
		if got[i] == want[i] {
			continue
		}
		if i+1 < len(got) && got[i] == want[i+1] && got[i+1] == want[i] {
			i++
			continue
		}
		return false
	}
	return true
}

func TestSuccessfulUpdateEndsWithTheEventsThatClientsWaitFor(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.upload("v2")
	w.launcher.answer = good
	w.create(al2023, single, withWeb, enhanced)
	if _, err := w.beans.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), VersionLabel: awssdk.String("v2")}); err != nil {
		t.Fatal(err)
	}
	if e := w.settle(); awssdk.ToString(e.VersionLabel) != "v2" {
		t.Errorf("version is %s", awssdk.ToString(e.VersionLabel))
	}
	w.expect("INFO Environment update is", `
INFO Environment update is starting.
INFO Deploying new version to instance(s).
INFO Environment health has transitioned from Ok to Info. Command is executing on all instances.
INFO Instance deployment completed successfully.
INFO New application version was deployed to running EC2 instances.
INFO Environment health has transitioned from Info to Ok. Application update completed N seconds ago and took N seconds.
INFO Environment update completed successfully.`)
}

func TestLaunchWithoutWhatItNeedsFailsInAWSsWords(t *testing.T) {
	cases := []struct {
		name, platform, config, want string
		options                      []string
		fail                         error
	}{
		{name: "noProfile", platform: al2023, options: []string{single}, want: "ERROR Environment must have instance profile associated with it."},
		{name: "unknownProfile", platform: al2023, options: []string{single, "aws:autoscaling:launchconfiguration IamInstanceProfile=nobody"},
			want: "ERROR The instance profile nobody associated with the environment does not exist."},
		{name: "roleARN", platform: al2023, options: []string{single, "aws:autoscaling:launchconfiguration IamInstanceProfile=arn:aws:iam::123456789012:role/web-role"},
			want: "ERROR The instance profile arn:aws:iam::123456789012:role/web-role associated with the environment is invalid."},
		{name: "unreadableFile", platform: al2023, options: []string{single, withWeb}, config: "files: [\n",
			want: "ERROR The configuration file .ebextensions/x.config in application version v1 contains invalid YAML or JSON."},
		{name: "unknownType", platform: al2023, options: []string{single, withWeb}, config: "Resources:\n  Queue:\n    Type: AWS::Nope::Queue\n",
			want: "ERROR Creating AWS::Nope::Queue named: Queue failed Reason: beanpole cannot make a resource of type AWS::Nope::Queue yet"},
		{name: "noMachine", platform: al2023, options: []string{single, withWeb}, fail: &source.Problem{What: "runc is not installed", Remedy: "install it"},
			want: "runc is not installed; install it"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			w.profile()
			w.launcher.answer, w.launcher.fail = good, c.fail
			if c.config != "" {
				w.upload("v1", ".ebextensions/x.config", c.config)
			} else {
				w.upload("v1")
			}
			e := w.create(c.platform, c.options...)
			got := w.events()
			if !strings.Contains(got, c.want) || !strings.HasSuffix(got, "ERROR Failed to launch environment.\n") {
				t.Errorf("events are\n%s\nwant %q and a failed launch", got, c.want)
			}
			if e.Status != ebtypes.EnvironmentStatusTerminated || w.launcher.running() != 0 {
				t.Errorf("status %s with %d instances", e.Status, w.launcher.running())
			}
		})
	}
}

// A stack waits for the signals of the instances that it starts, so they start
// before it is complete, and what they signal decides about it.
func TestSignalsOfInstancesDecideAboutTheStack(t *testing.T) {
	for status, want := range map[cftypes.ResourceSignalStatus][]string{
		"SUCCESS": {"Successfully launched environment: shop-env"},
		"FAILURE": {"failed Reason: Received 1 FAILURE signal(s) out of 1.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement", "ERROR Failed to launch environment."},
	} {
		t.Run(string(status), func(t *testing.T) {
			w := start(t)
			w.profile()
			w.launcher.answer = func(machine int, c *instance.Command) (*instance.Result, error) {
				env, err := w.beans.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{})
				if err != nil {
					return nil, err
				}
				_, err = w.cfn.SignalResource(t.Context(), &cf.SignalResourceInput{LogicalResourceId: awssdk.String("AWSEBAutoScalingGroup"), Status: status,
					StackName: awssdk.String("awseb-" + awssdk.ToString(env.Environments[0].EnvironmentId) + "-stack"), UniqueId: awssdk.String("i-1")})
				if err != nil {
					return nil, err
				}
				return good(machine, c)
			}
			w.upload("v1", ".ebextensions/x.config", "Resources: {AWSEBAutoScalingGroup: {CreationPolicy: {ResourceSignal: {Timeout: PT1M}}}}\n")
			w.create(al2023, single, withWeb)
			for _, text := range append(want, "beanpole: the environment's stack goes on after its signals: AWSEBAutoScalingGroup waits for 1 signal, 1m0s at most") {
				if got := w.events(); !strings.Contains(got, text) {
					t.Errorf("no event says %q:\n%s", text, got)
				}
			}
		})
	}
}

func TestFileWithUnknownKeyIsSkippedWithAWarning(t *testing.T) {
	w := start(t)
	w.profile()
	w.launcher.answer = good
	w.upload("v1", ".ebextensions/x.config", "OptionSettings: []\n")
	w.create(al2023, single, withWeb)
	if got := w.events(); !strings.Contains(got, "WARN Error processing file (Skipping): '.ebextensions/x.config' - Contains invalid key: 'OptionSettings'.") {
		t.Errorf("events are\n%s", got)
	}
}

func TestTimedOutCommandEndsWithCommandTimeouts(t *testing.T) {
	w := start(t)
	w.upload("v1")
	w.launcher.answer = func(int, *instance.Command) (*instance.Result, error) { return nil, context.DeadlineExceeded }
	w.create(al1, single)
	got := w.events()
	if !strings.Contains(got, "WARN The following instances have not responded in the allowed command timeout time (they might still finish eventually on their own): [i-1].") ||
		!strings.HasSuffix(got, "Create environment operation is complete, but with command timeouts. Try increasing the timeout period. For more information, see troubleshooting documentation.\n") {
		t.Errorf("events are\n%s", got)
	}
}

func TestWhatIsNotCarriedOutIsToldInOneWarning(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		r, err := good(n, c)
		r.Skipped = []instance.Skipped{{What: "packages", File: ".ebextensions/a.config"}, {What: "services", File: ".ebextensions/b.config"}, {What: "systemctl restart crond"}}
		return r, err
	}
	w.create(al2023, single, withWeb, "aws:autoscaling:asg MinSize=2")
	const want = "WARN beanpole: not carried out here yet, though AWS would: `packages` (.ebextensions/a.config), `services` (.ebextensions/b.config), `systemctl restart crond`\n"
	if got := w.events(); strings.Count(got, want) != 1 || strings.Count(got, "not carried out") != 1 {
		t.Errorf("events are\n%s", got)
	}
}

func TestPackagesThatCountAsInstalledAreToldInOneWarning(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		r, err := good(n, c)
		r.Assumed = []instance.Assumed{{Manager: "yum", Packages: []string{"git", "jq"}, File: ".ebextensions/a.config"},
			{Manager: "python", Packages: []string{"flask"}, File: ".ebextensions/b.config", Why: "Could not successfully install python packages (return code 1)"}}
		return r, err
	}
	w.create(al2023, single, withWeb, "aws:autoscaling:asg MinSize=2")
	const want = ": yum git, jq (.ebextensions/a.config): there is no yum; python flask (.ebextensions/b.config): Could not successfully install python packages (return code 1)\n"
	if got := w.events(); strings.Count(got, want) != 1 || strings.Count(got, "WARN beanpole: this instance's root is not Amazon Linux") != 1 {
		t.Errorf("events are\n%s", got)
	}
}
