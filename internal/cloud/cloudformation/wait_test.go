package cloudformation

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cloud/door"
)

// until waits for a text in the stack's events.
func (w *world) until(text string) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if strings.Contains(w.events(), text) {
			return
		}
	}
	w.t.Fatalf("no event says %q:\n%s", text, w.events())
}

// put puts a text to a handle's address, as an instance does.
func (w *world) put(address, body string) int {
	w.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPut, u.RequestURI(), bytes.NewReader([]byte(body)))
	r.Host = u.Host
	answer := httptest.NewRecorder()
	w.door.ServeHTTP(answer, r)
	return answer.Code
}

func (w *world) signal(resource, id string, status types.ResourceSignalStatus) error {
	_, err := w.s.SignalResource(w.ctx, &cf.SignalResourceInput{StackName: door.Given("site"), LogicalResourceId: &resource, UniqueId: &id, Status: status})
	return err
}

const handled = `
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Ready: {Type: AWS::CloudFormation::WaitCondition, Properties: {Handle: !Ref Handle, Timeout: 60, Count: 2}}
  After: {Type: AWS::SNS::Topic, DependsOn: Ready}
  Beside: {Type: AWS::SNS::Topic}
Outputs: {Data: {Value: !GetAtt Ready.Data}}
`

func TestWaitConditionWaitsForSignalsToItsHandle(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create(handled, nil); err != nil {
		t.Fatal(err)
	}
	w.until("Beside CREATE_COMPLETE") // made beside the wait
	w.until("Ready CREATE_IN_PROGRESS beanpole: waits for 2 signals, 1m0s at most")
	address := w.physical("Handle")
	if !strings.HasPrefix(address, "https://cloudformation-waitcondition-eu-west-1.s3.eu-west-1.amazonaws.com/arn%3Aaws%3Acloudformation%3Aeu-west-1%3A123456789012%3Astack%2Fsite%2F") {
		t.Errorf("the handle's address is %s", address)
	}
	for _, c := range []struct {
		address, body string
		want          int
	}{
		{address, `{"Status": "SUCCESS", "UniqueId": "a", "Data": "one", "Reason": "done"}`, 200},
		{address, `{"Status": "SUCCESS", "UniqueId": "a", "Data": "again"}`, 200},
		{address, `{"Status": "Success", "UniqueId": "b"}`, 400},
		{strings.Replace(address, "Handle?", "Other?", 1), `{"Status": "SUCCESS", "UniqueId": "b"}`, 403},
		{address[:strings.Index(address, "?")], `{"Status": "SUCCESS", "UniqueId": "b"}`, 403},
	} {
		if got := w.put(c.address, c.body); got != c.want {
			t.Errorf("%s to %s gives %d, want %d", c.body, c.address, got, c.want)
		}
	}
	if got := w.events(); strings.Contains(got, "After") {
		t.Errorf("what depends on the wait condition was made before it:\n%s", got)
	}
	if got := w.put(address, `{"Status": "SUCCESS", "UniqueId": "b", "Data": "two"}`); got != 200 {
		t.Fatalf("status %d", got)
	}
	if got := w.settle(); got != types.StackStatusCreateComplete {
		t.Fatalf("status %s:\n%s", got, w.events())
	}
	if got := door.Value(w.s.sorted()[0].Outputs[0].OutputValue); got != `{"a":"one","b":"two"}` {
		t.Errorf("Data is %s", got)
	}
}

func TestWaitsFailInAWSsWords(t *testing.T) {
	const policy = "Resources:\n  G: {Type: AWS::%s, CreationPolicy: {ResourceSignal: {Count: 2, Timeout: PT1S}}}\n  Other: {Type: AWS::CloudFormation::WaitCondition, CreationPolicy: {ResourceSignal: {Timeout: PT1H}}}"
	group := strings.Replace(policy, "%s", "AutoScaling::AutoScalingGroup", 1)
	machine := strings.Replace(policy, "%s", "EC2::Instance", 1)
	half := strings.Replace(group, "CreationPolicy: {R", "CreationPolicy: {AutoScalingCreationPolicy: {MinSuccessfulInstancesPercent: 50}, R", 1)
	cases := []struct {
		name, template string
		signals        []string // of G, or to Handle
		want           []string
	}{
		{"handle fails", handled, []string{`{"Status": "FAILURE", "UniqueId": "i-1", "Reason": "no disk"}`},
			[]string{"Ready CREATE_FAILED WaitCondition received failed message: 'no disk' for uniqueId: i-1", "ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Ready]. "}},
		{"handle is late", strings.Replace(handled, "60", "1", 1), []string{`{"Status": "SUCCESS", "UniqueId": "i-1"}`},
			[]string{"Ready CREATE_FAILED WaitCondition timed out. Received 1 conditions when expecting 2"}},
		{"instance fails", machine, []string{"SUCCESS", "FAILURE"},
			[]string{"G CREATE_IN_PROGRESS Received SUCCESS signal with UniqueId i-0", "G CREATE_FAILED Received FAILURE signal with UniqueId i-1",
				"Other CREATE_FAILED Resource creation cancelled", "The following resource(s) failed to create: [G, Other]. "}},
		{"instance is late", machine, nil, []string{"G CREATE_FAILED Failed to receive 2 resource signal(s) within the specified duration"}},
		{"group fails", group, []string{"FAILURE", "SUCCESS"}, []string{"G CREATE_IN_PROGRESS Received FAILURE signal with UniqueId i-0",
			"G CREATE_FAILED Received 1 FAILURE signal(s) out of 2.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"}},
		{"group is late", group, []string{"SUCCESS"}, []string{"G CREATE_IN_PROGRESS Failed to receive 1 resource signal(s) for the current batch.  Each resource signal timeout is counted as a FAILURE.",
			"G CREATE_FAILED Received 1 SUCCESS signal(s) out of 2.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement"}},
		{"half a group does", strings.Split(half, "\n  Other")[0], []string{"FAILURE", "SUCCESS"}, []string{"G CREATE_COMPLETE"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, t.TempDir())
			if err := w.create(c.template, nil); err != nil {
				t.Fatal(err)
			}
			w.until("beanpole: waits for 2 signals")
			for i, sig := range c.signals {
				if strings.HasPrefix(sig, "{") {
					if got := w.put(w.physical("Handle"), sig); got != 200 {
						t.Fatalf("signal answered with %d", got)
					}
				} else if err := w.signal("G", []string{"i-0", "i-1"}[i], types.ResourceSignalStatus(sig)); err != nil {
					t.Fatal(err)
				}
			}
			w.settle()
			for _, want := range c.want {
				if got := w.events(); !strings.Contains(got, want) {
					t.Errorf("events lack %q:\n%s", want, got)
				}
			}
		})
	}
}

// A deletion, or the end of the process, does not wait for a wait.
func TestDeletionEndsAWait(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create(handled, nil); err != nil {
		t.Fatal(err)
	}
	w.until("Ready CREATE_IN_PROGRESS beanpole: waits")
	if err := w.signal("Handle", "i-0", "SUCCESS"); err == nil || !strings.Contains(err.Error(), "cannot be signaled") {
		t.Errorf("a resource without a creation policy took a signal: %v", err)
	}
	if _, err := w.s.DeleteStack(w.ctx, &cf.DeleteStackInput{StackName: door.Given("site")}); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); got != types.StackStatusDeleteComplete {
		t.Errorf("status %s:\n%s", got, w.events())
	}
}

func TestPatienceBoundsAWait(t *testing.T) {
	w := start(t, t.TempDir())
	w.s.Patience(time.Millisecond)
	if err := w.create(handled, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	for _, want := range []string{"1ms at most (on AWS 1m0s)", "WaitCondition timed out. Received 0 conditions when expecting 2"} {
		if got := w.events(); !strings.Contains(got, want) {
			t.Errorf("events lack %q:\n%s", want, got)
		}
	}
}

func TestDurationsOfCreationPolicies(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT1H30M5S": time.Hour + 30*time.Minute + 5*time.Second, "PT15M": 15 * time.Minute, "PT0S": 0, "PT": -1, "15": -1, "P1D": -1} {
		got, err := isoDuration(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
}
