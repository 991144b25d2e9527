package elasticbeanstalk_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/instance"
)

const (
	application = "aws:elasticbeanstalk:environment LoadBalancerType=application"
	three       = "aws:autoscaling:asg MinSize=3"
)

func byPolicy(p string) string { return "aws:elasticbeanstalk:command DeploymentPolicy=" + p }

// serving is an application load balanced environment of version v1 whose fake
// instances answer health checks while healthy is true; v2 is uploaded.
func serving(t *testing.T, options ...string) (w *world, healthy *atomic.Bool) {
	t.Helper()
	w, healthy = start(t), &atomic.Bool{}
	healthy.Store(true)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if !healthy.Load() {
			rw.WriteHeader(500)
		}
	}))
	t.Cleanup(server.Close)
	at, _ := url.Parse(server.URL)
	w.service.SetServiceWait(5 * time.Second)
	w.service.SetEvaluation(300 * time.Millisecond)
	w.profile()
	w.upload("v1")
	w.upload("v2")
	w.launcher.answer = good
	w.create(al2023, append([]string{withWeb, enhanced, application, "aws:elasticbeanstalk:environment:process:default Port=" + at.Port()}, options...)...)
	return w, healthy
}

// update deploys v2 with more settings, and waits.
func (w *world) update(options ...string) *ebtypes.EnvironmentDescription {
	w.t.Helper()
	in := &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), VersionLabel: awssdk.String("v2"), OptionSettings: settings(options...)}
	if _, err := w.beans.UpdateEnvironment(w.t.Context(), in); err != nil {
		w.t.Fatal(err)
	}
	return w.settle()
}

// since are the events from the last update on, without what goes before.
func (w *world) since() string {
	all := w.events()
	return all[strings.LastIndex(all, "INFO Environment update is starting."):]
}

func TestRollingDeploysBatchByBatchOutOfTheLoadBalancer(t *testing.T) {
	w, _ := serving(t, three)
	w.update(byPolicy("Rolling"), "aws:elasticbeanstalk:command BatchSizeType=Fixed", "aws:elasticbeanstalk:command BatchSize=2")
	want := `INFO Environment update is starting.
INFO Deploying new version to instance(s).
INFO Batch 1: Starting application deployment on instance(s) [i-1, i-2].
INFO Environment health has transitioned from Ok to Info. Command is executing on 2 out of 3 instances.
INFO Batch 1: De-registering instance(s) from the load balancer and waiting for them to go out of service.
INFO Batch 1: Starting application deployment command execution.
INFO Instance deployment completed successfully.
INFO Instance deployment completed successfully.
INFO Batch 1: Completed application deployment command execution.
INFO Command execution completed on 2 of 3 instances in environment.
INFO Batch 1: Registering instance(s) with the load balancer and waiting for them to be healthy.
INFO Batch 1: Completed application deployment.
INFO Batch 2: Starting application deployment on instance(s) [i-3].
INFO Batch 2: De-registering instance(s) from the load balancer and waiting for them to go out of service.
INFO Batch 2: Starting application deployment command execution.
INFO Instance deployment completed successfully.
INFO Batch 2: Completed application deployment command execution.
INFO Command execution completed on 3 of 3 instances in environment.
INFO Batch 2: Registering instance(s) with the load balancer and waiting for them to be healthy.
INFO Batch 2: Completed application deployment.
INFO beanpole: on AWS health checks are N seconds apart and batches wait for them; here they are 750ms apart, and faster while a deployment waits (--real-time keeps AWS's times)
INFO New application version was deployed to running EC2 instances.
INFO Environment health has transitioned from Info to Ok. Application update completed N seconds ago and took N seconds.
INFO Environment update completed successfully.
`
	if got := w.since(); got != want {
		t.Errorf("events are\n%s\nwant\n%s", got, want)
	}
	leaders := 0
	for _, c := range w.launcher.commands[3:] {
		if c.Leader {
			leaders++
		}
	}
	if leaders != 1 {
		t.Errorf("%d instances lead", leaders)
	}
}

func TestAFailedBatchEndsARollingDeploymentAndStaysOutOfService(t *testing.T) {
	w, _ := serving(t, three)
	w.launcher.mu.Lock()
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		if n == 1 {
			return bad(n, c)
		}
		return good(n, c)
	}
	w.launcher.mu.Unlock()
	e := w.update(byPolicy("Rolling"), "aws:elasticbeanstalk:command BatchSizeType=Fixed", "aws:elasticbeanstalk:command BatchSize=1")
	// The order of launch is not that of the environment's list: either one or
	// two batches were tried before the one that fails.
	got := w.since()
	for _, want := range []string{
		"ERROR [Instance: i-", "ERROR Unsuccessful command execution on instance id(s) 'i-", "ERROR During an aborted deployment, some instances may have deployed",
		"ERROR Failed to deploy application.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "Batch 3: Completed") || *e.VersionLabel != "v1" || e.HealthStatus != "Degraded" {
		t.Errorf("version %s, health %s:\n%s", *e.VersionLabel, e.HealthStatus, got)
	}
	out := 0
	for _, id := range w.instances() {
		if !w.service.InService("shop-env", id) {
			out++
		}
	}
	if out != 1 {
		t.Errorf("%d instances are out of service", out)
	}
}

func TestABatchThatDoesNotGetHealthyAbortsTheDeployment(t *testing.T) {
	w, healthy := serving(t)
	w.service.SetServiceWait(300 * time.Millisecond)
	healthy.Store(false)
	e := w.update(byPolicy("Rolling"))
	got := w.since()
	if !strings.Contains(got, "ERROR Instance id(s) 'i-1' did not pass health check after command execution. Aborting the operation.\n") || *e.VersionLabel != "v1" {
		t.Errorf("version %s:\n%s", *e.VersionLabel, got)
	}
	w.update(byPolicy("Rolling"), "aws:elasticbeanstalk:command IgnoreHealthCheck=true")
	if got := w.since(); !strings.Contains(got, "INFO Batch 1: Completed application deployment.\n") || !strings.HasSuffix(got, "INFO Environment update completed successfully.\n") {
		t.Errorf("without health checks:\n%s", got)
	}
}

func TestAnAdditionalBatchKeepsCapacityAndGoesAgain(t *testing.T) {
	w, _ := serving(t, "aws:autoscaling:asg MinSize=2")
	before := w.instances()
	w.update(byPolicy("RollingWithAdditionalBatch"), "aws:elasticbeanstalk:command BatchSize=50")
	got := w.since()
	for _, want := range []string{"launching an additional batch of 1 instance first", "Added instance [i-3]", "Batch 2: Starting", "Batch 3: Completed application deployment.", "Removed instance [i-3] from your environment."} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if after := w.instances(); fmt.Sprint(after) != fmt.Sprint(before) || w.launcher.running() != 2 {
		t.Errorf("instances were %v, are %v; %d run", before, after, w.launcher.running())
	}
}

func TestImmutableReplacesTheInstancesWithHealthyOnes(t *testing.T) {
	w, _ := serving(t, "aws:autoscaling:asg MinSize=2", byPolicy("Immutable"))
	before := w.instances()
	w.update()
	want := `INFO Environment update is starting.
INFO Immutable deployment policy enabled. Launching one instance with the new settings to verify health.
INFO Created temporary auto scaling group awseb-e-ID-immutable-stack-AWSEBAutoScalingGroup-RANDOM.
INFO Instance deployment completed successfully.
INFO Adding new instance(s) (i-3) to the load balancer.
INFO Waiting for instance(s) (i-3) to pass health checks.
INFO Added instance [i-3] to your environment.
INFO Test instance passed health checks. Launching remaining new instances.
INFO Instance deployment completed successfully.
INFO Added instance [i-4] to your environment.
INFO Successfully launched all instances.
INFO Adding new instance(s) (i-4) to the load balancer.
INFO Waiting for instance(s) (i-3,i-4) to pass health checks.
INFO Detached new instance(s) from temporary auto scaling group awseb-e-ID-immutable-stack-AWSEBAutoScalingGroup-RANDOM.
INFO Attached new instance(s) to the permanent auto scaling group awseb-e-ID-stack-AWSEBAutoScalingGroup-RANDOM.
INFO Starting post-deployment configuration on new instances.
INFO Instance deployment completed successfully.
INFO Instance deployment completed successfully.
INFO Waiting for post-deployment configuration to complete.
INFO Deployment succeeded. Terminating old instances and temporary Auto Scaling group.
INFO Removed instances [i-1, i-2] from your environment.
`
	if got := w.since(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "INFO Environment update completed successfully.\n") {
		t.Errorf("events are\n%s\nwant\n%s", got, want)
	}
	after := w.instances()
	if len(after) != 2 || after[0] == before[0] || after[1] == before[1] || w.launcher.running() != 2 {
		t.Errorf("instances were %v, are %v; %d run", before, after, w.launcher.running())
	}
}

func TestAFailedImmutableDeploymentTouchesNoOldInstance(t *testing.T) {
	w, _ := serving(t, "aws:autoscaling:asg MinSize=2", byPolicy("Immutable"))
	w.launcher.files = map[string]string{"/var/log/eb-engine.log": "why\n"}
	before, commands := w.instances(), len(w.launcher.commands)
	w.launcher.mu.Lock()
	w.launcher.answer = bad
	w.launcher.mu.Unlock()
	e := w.update()
	want := `INFO Environment update is starting.
INFO Immutable deployment policy enabled. Launching one instance with the new settings to verify health.
INFO Created temporary auto scaling group awseb-e-ID-immutable-stack-AWSEBAutoScalingGroup-RANDOM.
ERROR Instance deployment failed. For details, see 'eb-engine.log'.
ERROR [Instance: i-3] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..
INFO Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].
INFO [Instance: i-3] Successfully finished tailing 1 log(s)
WARN beanpole: the new instances and their temporary Auto Scaling group are terminated; the other instances were not touched
INFO Removed instance [i-3] from your environment.
ERROR Unsuccessful command execution on instance id(s) 'i-3'. Aborting the operation.
ERROR Failed to deploy application.
`
	if got := w.since(); !strings.HasPrefix(got, want) {
		t.Errorf("events are\n%s\nwant\n%s", got, want)
	}
	if after := w.instances(); fmt.Sprint(after) != fmt.Sprint(before) || len(w.launcher.commands) != commands+1 || w.launcher.running() != 2 {
		t.Errorf("instances were %v, are %v; %d commands", before, after, len(w.launcher.commands)-commands)
	}
	if *e.VersionLabel != "v1" || e.HealthStatus != "Ok" {
		t.Errorf("version %s, health %s", *e.VersionLabel, e.HealthStatus)
	}
}

func TestTrafficSplittingTakesOverOrGoesBack(t *testing.T) {
	w, healthy := serving(t, "aws:autoscaling:asg MinSize=2", byPolicy("TrafficSplitting"))
	before := w.instances()
	w.update()
	got := w.since()
	if !strings.Contains(got, "beanpole: 10 percent of the requests go to the new instances") || !strings.HasSuffix(got, "INFO Environment update completed successfully.\n") {
		t.Errorf("events are\n%s", got)
	}
	after := w.instances()
	if len(after) != 2 || after[0] == before[0] || w.launcher.running() != 2 {
		t.Errorf("instances were %v, are %v", before, after)
	}
	w.service.SetServiceWait(200 * time.Millisecond)
	healthy.Store(false)
	w.update()
	if got := w.since(); !strings.Contains(got, "did not pass health check") || !strings.HasSuffix(got, "ERROR Failed to deploy application.\n") {
		t.Errorf("events are\n%s", got)
	}
	if now := w.instances(); fmt.Sprint(now) != fmt.Sprint(after) {
		t.Errorf("after a failure the instances are %v, not %v", now, after)
	}
}

func TestPoliciesThatAnEnvironmentCannotHaveAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		options    []string
	}{
		{"splitting without an application load balancer", "needs an Application Load Balancer", []string{enhanced, byPolicy("TrafficSplitting")}},
		{"immutable without enhanced health", "needs enhanced health reporting", []string{byPolicy("Immutable")}},
		{"immutable updates and rolling deployments", "you must set both the DeploymentPolicy option", []string{enhanced, byPolicy("Rolling"), "aws:autoscaling:updatepolicy:rollingupdate RollingUpdateType=Immutable"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t)
			w.profile()
			w.upload("v1")
			w.upload("v2")
			w.launcher.answer = good
			w.create(al2023, append(c.options, withWeb)...)
			w.update()
			if got := w.since(); !strings.Contains(got, c.want) || !strings.HasSuffix(got, "ERROR Failed to deploy application.\n") || len(w.launcher.commands) != 1 {
				t.Errorf("events are\n%s", got)
			}
		})
	}
}

func TestASettingOfTheLoadBalancerAloneReachesNoInstance(t *testing.T) {
	w, _ := serving(t)
	change := func(setting string) {
		in := &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), OptionSettings: settings(setting)}
		if _, err := w.beans.UpdateEnvironment(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		w.settle()
	}
	change("aws:elasticbeanstalk:environment:process:default DeregistrationDelay=3")
	if got := w.service.FrontDoor("shop-env"); len(w.launcher.commands) != 1 || !strings.Contains(got, "draining 3s") {
		t.Errorf("%d commands, the load balancer is\n%s", len(w.launcher.commands), got)
	}
	if id := w.instances()[0]; !w.service.InService("shop-env", id) {
		t.Errorf("%s is out of service", id)
	}
	change("aws:elasticbeanstalk:application:environment COLOR=blue")
	if n := len(w.launcher.commands); n != 2 || w.launcher.commands[1].Name != "config-deploy" || w.launcher.commands[1].Env["COLOR"] != "blue" {
		t.Errorf("%d commands, the last %+v", n, w.launcher.commands[n-1])
	}
	change("aws:autoscaling:asg MinSize=2")
	if n := w.launcher.running(); n != 2 {
		t.Errorf("%d instances run", n)
	}
}

func TestSettingsOfTheLaunchConfigurationReplaceInstances(t *testing.T) {
	const rolling = "aws:autoscaling:updatepolicy:rollingupdate "
	for _, c := range []struct {
		name string
		set  []string
		want []string
	}{
		{"all at once", nil, []string{"all are terminated and replaced", "Removed instances [i-1, i-2]", "Added instances [i-3, i-4]"}},
		{"health-based", []string{rolling + "RollingUpdateEnabled=true", rolling + "RollingUpdateType=Health", rolling + "MaxBatchSize=1"},
			[]string{"in batches of 1, with at least 1 in service", "Removed instance [i-1]", "Added instance [i-3]", "Removed instance [i-2]", "Added instance [i-4]"}},
		{"new ones first", []string{rolling + "RollingUpdateEnabled=true", rolling + "MinInstancesInService=2", rolling + "MaxBatchSize=1"},
			[]string{"with at least 2 in service", "Added instance [i-3]", "Removed instance [i-1]", "Added instance [i-4]", "Removed instance [i-2]"}},
		{"immutable", []string{rolling + "RollingUpdateEnabled=true", rolling + "RollingUpdateType=Immutable"}, []string{"Immutable deployment policy enabled.", "Removed instances [i-1, i-2]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _ := serving(t, append(c.set, "aws:autoscaling:asg MinSize=2")...)
			in := &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), OptionSettings: settings("aws:autoscaling:launchconfiguration InstanceType=t3.large")}
			if _, err := w.beans.UpdateEnvironment(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			w.settle()
			got := w.since()
			rest := got
			for _, want := range append(c.want, "INFO Successfully deployed new configuration to environment.", "INFO Environment update completed successfully.") {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Fatalf("there is no %q, or not in its place, in\n%s", want, got)
				}
				rest = after
			}
			if w.launcher.running() != 2 {
				t.Errorf("%d instances run", w.launcher.running())
			}
		})
	}
}

func TestAFailedRollingUpdateIsReverted(t *testing.T) {
	const rolling = "aws:autoscaling:updatepolicy:rollingupdate "
	w, _ := serving(t, "aws:autoscaling:asg MinSize=2", rolling+"RollingUpdateEnabled=true", rolling+"RollingUpdateType=Health", rolling+"MaxBatchSize=1")
	failed := false
	w.launcher.mu.Lock()
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		if n == 2 && !failed {
			failed = true
			return bad(n, c)
		}
		return good(n, c)
	}
	w.launcher.mu.Unlock()
	in := &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), OptionSettings: settings("aws:autoscaling:launchconfiguration InstanceType=t3.large")}
	if _, err := w.beans.UpdateEnvironment(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	w.settle()
	got := w.since()
	if !strings.Contains(got, "ERROR Failed to deploy configuration.\n") || !strings.Contains(got, "ERROR The environment was reverted to the previous configuration setting.\n") || w.launcher.running() != 2 {
		t.Errorf("%d instances run; events are\n%s", w.launcher.running(), got)
	}
	out, err := w.beans.DescribeConfigurationSettings(t.Context(), &eb.DescribeConfigurationSettingsInput{ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("shop-env")})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.ConfigurationSettings[0].OptionSettings {
		if *o.OptionName == "InstanceType" {
			t.Errorf("InstanceType is still %s", awssdk.ToString(o.Value))
		}
	}
}

func TestAReplacedInstanceGetsTheLastVersionThatSucceeded(t *testing.T) {
	w, _ := serving(t)
	w.launcher.mu.Lock()
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		if c.VersionLabel == "v2" {
			return bad(n, c)
		}
		return good(n, c)
	}
	w.launcher.mu.Unlock()
	w.update()
	w.die(0)
	w.until("Severe to Ok")
	if c := w.launcher.commands[len(w.launcher.commands)-1]; c.VersionLabel != "v1" {
		t.Errorf("the new instance got %s", c.VersionLabel)
	}
}
