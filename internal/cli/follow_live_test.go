package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// watched is an AWS of one environment whose state is told by step: how often it
// was asked. Nothing else is offered.
func watched(t *testing.T, step func(n int64) (status, event string, code int)) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			http.Error(w, "form", http.StatusBadRequest)
			return
		}
		op := r.Form.Get("Action")
		n := asked.Load()
		if op == "DescribeEnvironments" && r.Form.Get("EnvironmentNames.member.1") != "" {
			n = asked.Add(1)
		}
		status, event, code := step(n)
		body := ""
		switch {
		case op != "DescribeEnvironments" && op != "DescribeEvents":
			code = http.StatusNotImplemented
		case op == "DescribeEvents":
			body = fmt.Sprintf("<Events><member><EventDate>%s</EventDate><Message>%s</Message><Severity>ERROR</Severity></member></Events>", time.Now().UTC().Format("2006-01-02T15:04:05Z"), event)
		case status != "":
			body = "<Environments><member><EnvironmentName>shop</EnvironmentName><EnvironmentId>e-abcdefghij</EnvironmentId><ApplicationName>shop</ApplicationName><Status>" + status + "</Status></member></Environments>"
		}
		w.WriteHeader(code)
		if code != http.StatusOK {
			name := map[int]string{http.StatusBadRequest: "Throttling", http.StatusForbidden: "ExpiredToken"}[code]
			fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>", either(name, "NotImplemented"))
			return
		}
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", op, body)
	}))
	t.Cleanup(server.Close)
	for k, v := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none"} {
		t.Setenv(k, v)
	}
	return &asked
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func quickly(t *testing.T) {
	every, mute := watchEvery, muteFor
	watchEvery, muteFor = 10*time.Millisecond, 100*time.Millisecond
	t.Cleanup(func() { watchEvery, muteFor = every, mute })
}

const failedEvent = "Failed to deploy application."

func TestAnEnvironmentThatIsTerminatedWhileItIsFollowedIsDiagnosedFromItsEvents(t *testing.T) {
	quickly(t)
	watched(t, func(n int64) (string, string, int) {
		if n > 3 {
			return "", failedEvent, http.StatusOK
		}
		return "Launching", failedEvent, http.StatusOK
	})
	status, out, errs := command(t, t.TempDir(), "diagnose", "--environment", "shop", "--follow")
	if status != exitFindings || !strings.Contains(errs, "environment shop is Terminated") || !strings.Contains(out, failedEvent) {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

func TestFollowingGoesOnAfterThrottlingAndEndsWithExpiredCredentials(t *testing.T) {
	if testing.Short() {
		t.Skip("the SDK's own tries take seconds")
	}
	quickly(t)
	muteFor = time.Minute
	watched(t, func(n int64) (string, string, int) {
		switch {
		case n > 1 && n <= 7:
			return "Updating", failedEvent, http.StatusBadRequest
		case n > 9:
			return "Updating", failedEvent, http.StatusForbidden
		}
		return "Updating", failedEvent, http.StatusOK
	})
	status, out, errs := command(t, t.TempDir(), "diagnose", "--environment", "shop", "--follow")
	if status != exitUsage || strings.Count(errs, "still watching") != 1 || !strings.Contains(errs, "the credentials have expired") || strings.Contains(errs, "\x1b") {
		t.Errorf("status %d\n%s%s", status, out, errs)
	}
}

// Ctrl-C on the real program: what came so far is diagnosed.
func TestCtrlCEndsTheFollowingWithADiagnosis(t *testing.T) {
	asked := watched(t, func(int64) (string, string, int) { return "Updating", failedEvent, http.StatusOK })
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program)
	c.Args = []string{"beanpole", "diagnose", "--environment", "shop", "--follow"} // see TestMain
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); asked.Load() == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
	}
	time.Sleep(200 * time.Millisecond) // it has the answer by then
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	err = c.Wait()
	if status := c.ProcessState.ExitCode(); status != exitFindings || !strings.Contains(errs.String(), "stopped watching; this is what can be told so far") || !strings.Contains(out.String(), failedEvent) {
		t.Errorf("%v, status %d\n%s%s", err, status, out.String(), errs.String())
	}
}
