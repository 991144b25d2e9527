package diagnose

import (
	"strings"
	"testing"
)

// Where the logs hold no deployment, what health says last is told, with what
// would settle it; after a good deployment it stands beside.
func TestHealthAlone(t *testing.T) {
	const good = "2024-03-04 10:00:00    INFO    Environment update is starting.\n2024-03-04 10:01:00    INFO    Environment update completed successfully.\n"
	for _, c := range []struct{ text, slug, says string }{
		{"2024-03-04 10:05:00    WARN    Environment health has transitioned from Ok to Severe. 100.0 % of the requests are failing with HTTP 5xx. ELB health is failing or not available for all instances.", "health-5xx", "health is Severe: 100.0 % of the requests are failing with HTTP 5xx"},
		{"Environment health has transitioned from Ok to Warning. 30.0 % of the requests are erroring with HTTP 4xx.", "health-4xx", "health is Warning: 30.0 %"},
		{"Env Event: Environment health has transitioned from Info to Degraded. Following services are not running: web, nginx.", "services-not-running", "Following services are not running"},
		{"Incorrect application version \"v1\" (deployment 29). Expected version \"v2\" (deployment 27).", "wrong-version", "Incorrect application version"},
		{"2024-03-04 10:05:00    WARN    Environment health has transitioned from Ok to No Data. None of the instances are sending data.", "no-health-data", "health is No Data"},
		{"2024-03-04 10:05:00    WARN    Environment health has transitioned from Ok to Severe.", "environment-unhealthy", "the environment's health is Severe"},
	} {
		d := Logs(reading(t, "log", c.text+"\n"))
		if d.Cause == nil || d.Cause.Slug != c.slug || d.Certain || !strings.Contains(d.Cause.Title, c.says) || d.Cause.Settle == "" || d.Outcome != NotShown {
			t.Errorf("%s:\n%s", c.text, describe(d))
		}
		if !strings.HasPrefix(c.text, "2024") {
			continue
		}
		if d = Logs(reading(t, "log", good+c.text+"\n")); d.Outcome != Succeeded || d.Cause != nil || len(d.Quiet) != 1 || d.Quiet[0].Slug != c.slug {
			t.Errorf("after a good deployment:\n%s", describe(d))
		}
	}
	for _, well := range []string{
		"2024-03-04 10:05:00    INFO    Environment health has transitioned from Severe to Ok.",
		"2024-03-04 10:05:00    WARN    Environment health has transitioned from Ok to Severe. ELB health is failing.\n2024-03-04 10:06:00    INFO    Environment health has transitioned from Severe to Ok.",
		"2024-03-04 10:05:00    INFO    Environment health has transitioned from Ok to Info. Application update in progress (running for 13 seconds).",
	} {
		if d := Logs(reading(t, "log", well+"\n")); d.Cause != nil || d.First != nil {
			t.Errorf("%s:\n%s", well, describe(d))
		}
	}
	failed := "2024-03-04 10:00:00    ERROR   [Instance: i-0123456789abcdef0] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..\n2024-03-04 10:05:00    WARN    Environment health has transitioned from Ok to Degraded. Command failed on all instances.\n"
	if d := Logs(reading(t, "log", failed)); d.Cause != nil || d.First == nil {
		t.Errorf("health hides that the cause is not known:\n%s", describe(d))
	}
}

// A sign without a deployment that failed is told as possible, and no more.
func TestPerhaps(t *testing.T) {
	d := Logs(reading(t, "log", "2024/06/07 17:27:38.645724 [INFO] Running command /bin/sh -c composer.phar install\nFatal Error Insufficient shared memory!\n"))
	e := &Explained{Diagnosis: d}
	if d.Cause != nil || len(d.Perhaps) != 1 || !strings.HasPrefix(e.Headline(), "Possible: the instance has no memory left") {
		t.Error(describe(d))
	}
	if text, asJSON, _ := outputs(t, d); !strings.Contains(text, "unsure these logs show neither") || !strings.Contains(asJSON, `"possible"`) {
		t.Error(text, asJSON)
	}
}

// The end of what the failed command wrote is shown where the logs hold it, and
// nobody is sent to look for it.
func TestOutputAtHand(t *testing.T) {
	const init = "2024-03-04 10:00:09,302 [ERROR] Command 01_x (./x.sh) failed\n2024-03-04 10:00:09,303 [ERROR] Error encountered during build of postbuild_0_shop: Command 01_x failed\n"
	const cmd = "2024-03-04 10:00:05,302 P12 [INFO] Command 01_x\n2024-03-04 10:00:05,303 P12 [INFO] -----------------------Command Output-----------------------\n2024-03-04 10:00:05,304 P12 [INFO] \tthe odd thing\n2024-03-04 10:00:05,305 P12 [INFO] ------------------------------------------------------------\n2024-03-04 10:00:05,306 P12 [ERROR] Exited with error code 1\n"
	alone, _, _ := outputs(t, Logs(reading(t, "log", init)))
	if !strings.Contains(alone, "to settle cfn-init-cmd.log") {
		t.Error(alone)
	}
	both, _, _ := outputs(t, Logs(reading(t, "log", init+cmd)))
	if !strings.Contains(both, "output the odd thing") || strings.Contains(both, "to settle") || strings.Contains(both, "-----") {
		t.Error(both)
	}
}
