package elasticbeanstalk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/instance"
)

// die ends the n-th machine from within.
func (w *world) die(n int) {
	w.t.Helper()
	w.launcher.mu.Lock()
	m := w.launcher.machines[n]
	w.launcher.mu.Unlock()
	m.once.Do(func() { close(m.done) })
}

// until waits for an event and for the end of the operation that told it.
func (w *world) until(text string) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(w.events(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("no event %q in:\n%s", text, w.events())
		}
	}
	w.settle()
}

func (w *world) instances() (ids []string) {
	w.t.Helper()
	out, err := w.beans.DescribeEnvironmentResources(w.t.Context(), &eb.DescribeEnvironmentResourcesInput{EnvironmentName: awssdk.String("shop-env")})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, i := range out.EnvironmentResources.Instances {
		ids = append(ids, *i.Id)
	}
	return ids
}

func TestInstanceThatEndsIsReplacedAndGetsTheLastVersion(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = good
	w.create(al2023, single, withWeb, enhanced)
	before := w.instances()
	w.die(0)
	w.until("Severe to Ok")
	w.expect("WARN beanpole: i-1", `
WARN beanpole: i-1 ended without being told to; Auto Scaling would start as many again, and so does beanpole
WARN Environment health has transitioned from Ok to Severe. None of the instances are sending data.
INFO Removed instance [i-1] from your environment.
INFO Added instance [i-2] to your environment.
INFO Instance deployment completed successfully.
INFO Environment health has transitioned from Severe to Ok.`)
	after := w.instances()
	if len(after) != 1 || len(before) != 1 || after[0] == before[0] || w.launcher.running() != 1 {
		t.Errorf("instances were %v, are %v; %d run", before, after, w.launcher.running())
	}
	if n := len(w.launcher.commands); n != 2 || w.launcher.commands[1].VersionLabel != "v1" || w.launcher.commands[1].BundleURL == "" {
		t.Errorf("%d commands, the last %+v", n, w.launcher.commands[n-1])
	}
	if e := w.settle(); e.Health != ebtypes.EnvironmentHealthGreen {
		t.Errorf("health is %s", e.Health)
	}
	if !w.launcher.commands[0].Leader || w.launcher.commands[1].Leader {
		t.Error("the instance of a deployment leads, one that replaces it does not")
	}
}

func TestOneInstanceOfADeploymentLeads(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = good
	w.create(al2023, withWeb, "aws:autoscaling:asg MinSize=3")
	leaders := 0
	for _, c := range w.launcher.commands {
		if c.Leader {
			leaders++
		}
	}
	if len(w.launcher.commands) != 3 || leaders != 1 {
		t.Errorf("%d of %d instances lead", leaders, len(w.launcher.commands))
	}
}

func TestReplacedInstanceDoesNotHideAFailedDeployment(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = bad
	w.create(al2023, single, withWeb, enhanced)
	w.die(0)
	w.until("Severe to Degraded. Command failed on all instances.")
	if e := w.settle(); e.Health != ebtypes.EnvironmentHealthRed || w.launcher.running() != 1 {
		t.Errorf("health is %s, %d instances", e.Health, w.launcher.running())
	}
}

func TestMachineThatCannotRunInstancesEndsTheReplacing(t *testing.T) {
	w := start(t)
	w.profile()
	var pauses []int
	w.service.SetPause(func(n int) time.Duration { pauses = append(pauses, n); return 0 })
	w.upload("v1")
	w.upload("v2")
	w.launcher.answer = good
	w.create(al2023, single, withWeb)
	w.launcher.mu.Lock()
	w.launcher.fail = errors.New("out of memory")
	w.launcher.mu.Unlock()
	w.die(0)
	w.until("ERROR beanpole: 5 instances in a row did not last, so no more are started")
	if len(pauses) != 5 || len(w.instances()) != 0 || strings.Count(w.events(), "out of memory") != 5 {
		t.Errorf("pauses %v, instances %v\n%s", pauses, w.instances(), w.events())
	}
	if e := w.settle(); e.Health != ebtypes.EnvironmentHealthRed {
		t.Errorf("health is %s", e.Health)
	}
	w.launcher.mu.Lock()
	w.launcher.fail = nil
	w.launcher.mu.Unlock()
	if _, err := w.beans.UpdateEnvironment(t.Context(), &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"), VersionLabel: awssdk.String("v2")}); err != nil {
		t.Fatal(err)
	}
	w.until("Environment update completed successfully.")
	if last := w.launcher.commands[len(w.launcher.commands)-1]; len(w.instances()) != 1 || last.VersionLabel != "v2" {
		t.Errorf("an update starts no instance: %v, %+v", w.instances(), last)
	}
}

func TestInstancesThatEndAgainAndAgainAreReplacedFiveTimes(t *testing.T) {
	w := start(t)
	w.profile()
	w.service.SetPause(func(int) time.Duration { return 0 })
	w.upload("v1")
	w.launcher.answer = func(n int, c *instance.Command) (*instance.Result, error) {
		if n > 0 {
			go w.die(n)
		}
		return good(n, c)
	}
	w.create(al2023, single, withWeb)
	w.die(0)
	w.until("ERROR beanpole: 5 instances in a row did not last")
	if n := len(w.launcher.machines); n != 6 || w.launcher.running() != 0 {
		t.Errorf("%d instances were started, %d run", n, w.launcher.running())
	}
}

func TestTerminationEndsTheReplacing(t *testing.T) {
	w := start(t)
	w.profile()
	w.service.SetPause(func(int) time.Duration { return time.Hour })
	w.upload("v1")
	w.launcher.answer = good
	w.create(al2023, single, withWeb)
	w.die(0)
	for end := time.Now().Add(5 * time.Second); len(w.instances()) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the instance stays")
		}
	}
	if _, err := w.beans.TerminateEnvironment(context.Background(), &eb.TerminateEnvironmentInput{EnvironmentName: awssdk.String("shop-env")}); err != nil {
		t.Fatal(err)
	}
	if e := w.settle(); e.Status != ebtypes.EnvironmentStatusTerminated {
		t.Errorf("status is %s", e.Status)
	}
}
