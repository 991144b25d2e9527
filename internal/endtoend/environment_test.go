package endtoend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pages is an environment without a template, of the shop's application, whose
// versions show in a header.
type pages struct {
	*shop
	aws string
}

func newPages(t *testing.T, options ...string) *pages {
	t.Helper()
	p := &pages{aws: needCLI(t), shop: newShop(t)}
	if err := os.RemoveAll(filepath.Join(p.dir, "app", ".ebextensions")); err != nil {
		t.Fatal(err)
	}
	p.version("1")
	args := []string{"up", "app", "--port", fmt.Sprint(p.api), "--listen", fmt.Sprintf("443=%d", p.https), "--listen", fmt.Sprintf("80=%d", p.http), "--environment", "green-env"}
	for _, o := range append(options, "aws:elasticbeanstalk:healthreporting:system:SystemType=enhanced") {
		args = append(args, "--option", o)
	}
	p.must(0, args...)
	return p
}

// version has the bundle's next version show itself.
func (p *pages) version(v string) {
	p.t.Helper()
	at := filepath.Join(p.dir, "app", ".platform", "nginx", "conf.d", "elasticbeanstalk", "version.conf")
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte("add_header X-Version "+v+" always;\n"), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// upload makes a version of the bundle as it is, with the AWS CLI.
func (p *pages) upload(label string) {
	p.t.Helper()
	bundle := filepath.Join(p.dir, label+".zip")
	if r := output(p.t.Context(), os.Environ(), nil, "python3", "-c", zipped, filepath.Join(p.dir, "app"), bundle); r.status != 0 {
		p.t.Skipf("no python3 to make a zip with: %s", r.errs)
	}
	p.host(p.t, p.aws, "s3", "cp", bundle, "s3://elasticbeanstalk-us-east-1-123456789012/"+label+".zip")
	p.host(p.t, p.aws, "elasticbeanstalk", "create-application-version", "--application-name", "app", "--version-label", label,
		"--source-bundle", "S3Bucket=elasticbeanstalk-us-east-1-123456789012,S3Key="+label+".zip")
}

// update brings a version to the environment with the AWS CLI, by a policy.
func (p *pages) update(label, policy string, more ...string) string {
	p.t.Helper()
	args := []string{"elasticbeanstalk", "update-environment", "--environment-name", "green-env", "--version-label", label, "--option-settings",
		"Namespace=aws:elasticbeanstalk:command,OptionName=DeploymentPolicy,Value=" + policy,
		"Namespace=aws:elasticbeanstalk:command,OptionName=BatchSize,Value=50"}
	p.host(p.t, p.aws, append(args, more...)...)
	p.soon("the environment is Ready", func() bool {
		return strings.TrimSpace(p.host(p.t, p.aws, "elasticbeanstalk", "describe-environments", "--environment-names", "green-env", "--query", "Environments[0].Status", "--output", "text")) == "Ready"
	})
	all := p.run("events", "--environment", "green-env").out
	return all[max(strings.LastIndex(all, "Environment update is starting."), 0):]
}

// shown is the version that answers under a host name.
func (p *pages) shown(host string) string {
	r, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/", p.http), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	r.Host = host
	res, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return err.Error()
	}
	res.Body.Close()
	return fmt.Sprintf("%d %s", res.StatusCode, res.Header.Get("X-Version"))
}

// asking asks for the page without a pause until stop is called, and gives what
// was answered otherwise than with 200.
func (p *pages) asking() (stop func() (asked int, bad []string)) {
	var all sync.WaitGroup
	end, n := make(chan struct{}), 0
	var bad []string
	all.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(2 * time.Millisecond):
			}
			n++
			if got := p.shown("localhost"); !strings.HasPrefix(got, "200 ") {
				bad = append(bad, got)
			}
		}
	})
	return func() (int, []string) { close(end); all.Wait(); return n, bad }
}

func TestDeploymentPoliciesKeepServingAndFailAsOnAWS(t *testing.T) {
	t.Parallel()
	p := newPages(t, "aws:elasticbeanstalk:environment:LoadBalancerType=application", "aws:autoscaling:asg:MinSize=2",
		"aws:elasticbeanstalk:trafficsplitting:EvaluationTime=3")
	if got := p.shown("localhost"); got != "200 1" {
		t.Fatalf("it answers %q", got)
	}
	before := p.instances()
	for i, c := range []struct {
		policy, event string
		same          bool // instances
	}{
		{"Rolling", "Batch 2: Completed application deployment.", true},
		{"RollingWithAdditionalBatch", "Batch 3: Completed application deployment.", true},
		{"Immutable", "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.", false},
		{"TrafficSplitting", "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.", false},
	} {
		label := fmt.Sprint("v", i+2)
		p.version(fmt.Sprint(i + 2))
		p.upload(label)
		stop := p.asking()
		events := p.update(label, c.policy)
		if n, bad := stop(); len(bad) > 0 || n < 10 {
			t.Errorf("%s: of %d requests %d failed: %v", c.policy, n, len(bad), bad)
		}
		contains(t, events, c.event, "New application version was deployed to running EC2 instances.", "Environment update completed successfully.")
		if got := p.shown("localhost"); got != fmt.Sprint("200 ", i+2) {
			t.Errorf("%s: it answers %q", c.policy, got)
		}
		after := p.instances()
		if same := strings.Join(after, " ") == strings.Join(before, " "); same != c.same || len(after) != 2 {
			t.Errorf("%s: instances were %v, are %v", c.policy, before, after)
		}
		before = after
	}

	// A version that fails: the immutable deployment leaves everything as it was.
	p.version("6")
	if err := os.WriteFile(filepath.Join(p.dir, "app", "Buildfile"), []byte("build: exit 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.upload("v6")
	stop := p.asking()
	events := p.update("v6", "Immutable")
	if n, bad := stop(); len(bad) > 0 {
		t.Errorf("a failed version: of %d requests %d failed: %v", n, len(bad), bad)
	}
	contains(t, events, "Instance deployment failed. For details, see 'eb-engine.log'.", "Failed to deploy application.")
	if got, after := p.shown("localhost"), p.instances(); got != "200 5" || strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("after it %q answers, instances are %v, not %v", got, after, before)
	}
	// The logs of the instances that are gone say why.
	r := p.must(1, "deploy", "app", "--label", "v7")
	contains(t, r.out, "/var/log/eb-engine.log on i-", "exit 3")
	// An instance comes back with the version before it.
	p.kill(initPID(t, before[0]), syscall.SIGKILL)
	p.soon("another instance is there", func() bool {
		now := p.instances()
		return len(now) == 2 && strings.Join(now, " ") != strings.Join(before, " ")
	})
	p.soon("health is Ok again", func() bool {
		return strings.TrimSpace(p.host(t, p.aws, "elasticbeanstalk", "describe-environment-health", "--environment-name", "green-env", "--attribute-names", "All", "--query", "HealthStatus", "--output", "text")) == "Ok"
	})
	if got := p.shown("localhost"); got != "200 5" {
		t.Errorf("after the replacement it answers %q", got)
	}
	p.down()
}

func TestHealthNamesAndSwapForTheAWSCLI(t *testing.T) {
	t.Parallel()
	p := newPages(t, "aws:elasticbeanstalk:environment:LoadBalancerType=application")
	for range 20 {
		p.shown("localhost")
	}
	var h struct {
		HealthStatus, Color string
		ApplicationMetrics  struct {
			RequestCount int
			StatusCodes  map[string]int
			Latency      map[string]float64
		}
		InstancesHealth map[string]int
	}
	text := p.host(t, p.aws, "elasticbeanstalk", "describe-environment-health", "--environment-name", "green-env", "--attribute-names", "All")
	if err := json.Unmarshal([]byte(text), &h); err != nil || h.HealthStatus != "Ok" || h.Color != "Green" || h.ApplicationMetrics.RequestCount < 20 ||
		h.ApplicationMetrics.StatusCodes["Status2xx"] < 20 || h.ApplicationMetrics.Latency["P99"] < h.ApplicationMetrics.Latency["P50"] || h.InstancesHealth["Ok"] != 1 {
		t.Errorf("health is %s (%v)", text, err)
	}
	text = p.host(t, p.aws, "elasticbeanstalk", "describe-instances-health", "--environment-name", "green-env", "--attribute-names", "All")
	contains(t, text, `"HealthStatus": "Ok"`, `"Status": "Deployed"`, `"DeploymentId": 1`)
	for line := range strings.Lines(p.must(0, "status").out) {
		if len(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("status has a line of %d columns: %s", len(line)-1, line)
		}
	}

	// A second environment on the same ports, and its name.
	p.version("2")
	p.must(0, "up", "app", "--environment", "blue-env", "--option", "aws:elasticbeanstalk:environment:EnvironmentType=SingleInstance")
	const green, blue = "green-env.us-east-1.elasticbeanstalk.localhost", "blue-env.us-east-1.elasticbeanstalk.localhost"
	if a, b := p.shown(green), p.shown(blue); a != "200 1" || b != "200 2" {
		t.Errorf("green answers %q, blue %q", a, b)
	}
	p.host(t, p.aws, "elasticbeanstalk", "swap-environment-cnames", "--source-environment-name", "green-env", "--destination-environment-name", "blue-env")
	if a, b := p.shown(green), p.shown(blue); a != "200 2" || b != "200 1" {
		t.Errorf("after the swap green answers %q, blue %q", a, b)
	}
	if got := strings.TrimSpace(p.host(t, p.aws, "elasticbeanstalk", "describe-environments", "--environment-names", "blue-env", "--query", "Environments[0].CNAME", "--output", "text")); got != green {
		t.Errorf("blue's CNAME is %s", got)
	}
	p.host(t, p.aws, "elasticbeanstalk", "terminate-environment", "--environment-name", "green-env")
	p.host(t, p.aws, "elasticbeanstalk", "wait", "environment-terminated", "--environment-names", "green-env")
	if got := p.shown("localhost"); got != "200 2" {
		t.Errorf("with green gone it answers %q", got)
	}
	p.down()
}
