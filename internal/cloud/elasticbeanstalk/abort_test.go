package elasticbeanstalk_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/instance"
)

func TestAbortedUpdateFinishesItsBatchAndRollsBack(t *testing.T) {
	w, _ := serving(t, three)
	abort := func() error {
		_, err := w.beans.AbortEnvironmentUpdate(t.Context(), &eb.AbortEnvironmentUpdateInput{EnvironmentName: awssdk.String("shop-env")})
		return err
	}
	if err := abort(); err == nil || !strings.Contains(err.Error(), "Environment named shop-env is in an invalid state for this operation. Must be pending deployment.") {
		t.Errorf("aborting nothing gives %v", err)
	}
	var once sync.Once
	w.launcher.mu.Lock()
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		once.Do(func() {
			if err := abort(); err != nil {
				t.Error(err)
			}
			out, err := w.beans.DescribeEnvironments(t.Context(), &eb.DescribeEnvironmentsInput{})
			if err != nil || out.Environments[0].Status != ebtypes.EnvironmentStatusAborting {
				t.Errorf("%v: status %v", err, out)
			}
		})
		return good(n, c)
	}
	w.launcher.mu.Unlock()
	e := w.update(byPolicy("Rolling"), "aws:elasticbeanstalk:command BatchSizeType=Fixed", "aws:elasticbeanstalk:command BatchSize=1")
	got := w.since()
	for _, want := range []string{"INFO Batch 1: Completed application deployment.", "INFO Environment update is aborting.",
		"INFO The environment was reverted to the previous configuration setting."} {
		if !strings.Contains(got, want) {
			t.Errorf("no event says %q:\n%s", want, got)
		}
	}
	if strings.Contains(strings.Split(got, "is aborting")[0], "Batch 2") {
		t.Errorf("another batch began before the abortion:\n%s", got)
	}
	if *e.VersionLabel != "v1" || e.HealthStatus != "Ok" || *e.AbortableOperationInProgress {
		t.Errorf("version %s, health %s, abortable %v", *e.VersionLabel, e.HealthStatus, *e.AbortableOperationInProgress)
	}
	out, err := w.beans.DescribeInstancesHealth(t.Context(), &eb.DescribeInstancesHealthInput{EnvironmentName: awssdk.String("shop-env"), AttributeNames: []ebtypes.InstancesHealthAttribute{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range out.InstanceHealthList {
		if *i.Deployment.VersionLabel != "v1" {
			t.Errorf("instance %s runs %s", *i.InstanceId, *i.Deployment.VersionLabel)
		}
		// The fake machines work half the time in user mode, per processor.
		if i.System == nil || i.System.CPUUtilization == nil || *i.System.CPUUtilization.User <= 0 || len(i.System.LoadAverage) != 3 {
			t.Errorf("instance %s: system %+v", *i.InstanceId, i.System)
		}
	}
}

func TestOptionsAreDescribedAndHeldAgainstValues(t *testing.T) {
	w := start(t)
	w.profile()
	w.launcher.answer = good
	w.upload("v1")
	w.create(al2023, single, withWeb)
	out, err := w.beans.DescribeConfigurationOptions(t.Context(), &eb.DescribeConfigurationOptionsInput{EnvironmentName: awssdk.String("shop-env"),
		Options: []ebtypes.OptionSpecification{{Namespace: awssdk.String("aws:elasticbeanstalk:command"), OptionName: awssdk.String("Timeout")}}})
	if err != nil || len(out.Options) != 1 {
		t.Fatalf("%v: %+v", err, out)
	}
	o := out.Options[0]
	if *o.DefaultValue != "600" || *o.MinValue != 1 || *o.MaxValue != 3600 || *o.ChangeSeverity != "NoInterruption" {
		t.Errorf("Timeout is described as default %s, from %d to %d, %s", *o.DefaultValue, *o.MinValue, *o.MaxValue, *o.ChangeSeverity)
	}
	checked, err := w.beans.ValidateConfigurationSettings(t.Context(), &eb.ValidateConfigurationSettingsInput{ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("shop-env"),
		OptionSettings: settings("aws:elasticbeanstalk:command Timeout=7200", "aws:elasticbeanstalk:command Nope=1", "aws:elasticbeanstalk:command DeploymentPolicy=Rolling",
			"aws:elasticbeanstalk:container:nodejs NodeCommand=x")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range checked.Messages {
		got = append(got, string(m.Severity)+" "+*m.Message)
	}
	want := `error Invalid option value: '7200' (Namespace: 'aws:elasticbeanstalk:command', OptionName: 'Timeout'): Value is greater than maximum allowed value: 3600
error Invalid option specification (Namespace: 'aws:elasticbeanstalk:command', OptionName: 'Nope'): Unknown configuration setting.
error Invalid option specification (Namespace: 'aws:elasticbeanstalk:container:nodejs', OptionName: 'NodeCommand'): Unknown configuration setting.`
	if strings.Join(got, "\n") != want {
		t.Errorf("messages are\n%s", strings.Join(got, "\n"))
	}
	actions, err := w.beans.DescribeEnvironmentManagedActions(t.Context(), &eb.DescribeEnvironmentManagedActionsInput{EnvironmentName: awssdk.String("shop-env")})
	if err != nil || len(actions.ManagedActions) != 0 {
		t.Errorf("%v: %+v", err, actions)
	}
}

var measuredSince = time.Now()

func (m *machine) Processor() (user, system time.Duration, ok bool) {
	return time.Since(measuredSince) / 2, 0, true
}

func (m *machine) Load() []float64 { return []float64{1, 2, 3} }
