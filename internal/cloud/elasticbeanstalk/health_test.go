package elasticbeanstalk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// answered writes n requests of a status into the health agent's log of every
// instance, at a time before now.
func (w *world) answered(n, status int, ago time.Duration) {
	now := time.Now().UTC()
	at := now.Add(-ago)
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%.3f\"/a\"%d\"%.3f\"0.001\"-\n", float64(at.UnixMilli())/1000, status, float64(i+1)/1000)
	}
	w.launcher.mu.Lock()
	defer w.launcher.mu.Unlock()
	if w.launcher.files == nil {
		w.launcher.files = map[string]string{}
	}
	w.launcher.files["/var/log/nginx/healthd/application.log."+at.Format("2006-01-02-15")] += text.String()
}

func (w *world) health() *eb.DescribeEnvironmentHealthOutput {
	w.t.Helper()
	h, err := w.beans.DescribeEnvironmentHealth(w.t.Context(), &eb.DescribeEnvironmentHealthInput{
		EnvironmentName: awssdk.String("shop-env"), AttributeNames: []ebtypes.EnvironmentHealthAttribute{"All"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestRequestCountsAndLatenciesComeFromTheProxysLog(t *testing.T) {
	w, _ := serving(t, "aws:autoscaling:asg MinSize=2")
	w.answered(40, 200, time.Second)
	w.answered(10, 404, time.Second)
	w.answered(99, 200, 20*time.Second) // too long ago
	h := w.health()
	m := h.ApplicationMetrics
	if m.RequestCount != 100 || *m.Duration != 10 || *m.StatusCodes.Status2xx != 80 || *m.StatusCodes.Status4xx != 20 || *m.StatusCodes.Status5xx != 0 {
		t.Errorf("metrics are %+v, %+v", m, m.StatusCodes)
	}
	if p50, p999 := *m.Latency.P50, *m.Latency.P999; p50 < .015 || p50 > .025 || p999 != .04 {
		t.Errorf("latencies are %v and %v", p50, p999)
	}
	one, err := w.beans.DescribeInstancesHealth(t.Context(), &eb.DescribeInstancesHealthInput{EnvironmentName: awssdk.String("shop-env"), AttributeNames: []ebtypes.InstancesHealthAttribute{"All"}})
	if err != nil || len(one.InstanceHealthList) != 2 {
		t.Fatalf("%+v, %v", one, err)
	}
	i := one.InstanceHealthList[0]
	if i.ApplicationMetrics.RequestCount != 50 || *i.HealthStatus != "Degraded" || len(i.Causes) != 1 || i.Causes[0] != "20.0 % of the requests are erroring with HTTP 4xx." ||
		*i.Deployment.VersionLabel != "v1" || *i.Deployment.Status != "Deployed" || *i.Deployment.DeploymentId != 1 {
		t.Errorf("the instance's health is %+v, %+v", i, i.Deployment)
	}
	named, err := w.beans.DescribeEnvironmentHealth(t.Context(), &eb.DescribeEnvironmentHealthInput{EnvironmentName: awssdk.String("shop-env")})
	if err != nil || named.HealthStatus != nil || named.ApplicationMetrics != nil || *named.EnvironmentName != "shop-env" {
		t.Errorf("without attributes: %+v, %v", named, err)
	}
}

func TestHealthFollowsFailingRequestsAndBack(t *testing.T) {
	w, _ := serving(t)
	w.answered(20, 503, time.Second)
	w.until("Environment health has transitioned from Ok to Severe. 100.0 % of the requests are failing with HTTP 5xx.")
	if h := w.health(); *h.Color != "Red" || *h.HealthStatus != "Severe" || *h.InstancesHealth.Severe != 1 {
		t.Errorf("health is %+v", h)
	}
	w.launcher.mu.Lock()
	w.launcher.files = nil
	w.launcher.mu.Unlock()
	w.until("Environment health has transitioned from Severe to Ok.")
}

func TestFewRequestsAreToldAndDoNotCount(t *testing.T) {
	w, _ := serving(t)
	w.answered(1, 404, time.Second)
	for end := time.Now().Add(5 * time.Second); len(w.health().Causes) != 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("causes are %q", w.health().Causes)
		}
		w.answered(0, 404, 0)
	}
	h := w.health()
	if h.Causes[1] != "Insufficient request rate (6.0 requests/min) to determine application health." || *h.HealthStatus != "Ok" {
		t.Errorf("health %s, causes %q", *h.HealthStatus, h.Causes)
	}
}

func TestClientErrorsCanBeLeftOut(t *testing.T) {
	w, _ := serving(t, `aws:elasticbeanstalk:healthreporting:system ConfigDocument={"Rules":{"Environment":{"Application":{"ApplicationRequests4xx":{"Enabled":false}}}},"Version":1}`)
	w.answered(20, 404, time.Second)
	one, err := w.beans.DescribeInstancesHealth(t.Context(), &eb.DescribeInstancesHealthInput{EnvironmentName: awssdk.String("shop-env"), AttributeNames: []ebtypes.InstancesHealthAttribute{"All"}})
	if err != nil || *one.InstanceHealthList[0].HealthStatus != "Ok" || one.InstanceHealthList[0].ApplicationMetrics.RequestCount != 20 {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestHealthFollowsTheLoadBalancersHealthChecks(t *testing.T) {
	w, healthy := serving(t)
	healthy.Store(false)
	w.until("Environment health has transitioned from Ok to Severe. ELB processes are not healthy on all instances. ELB health is failing or not available for all instances.")
	one, err := w.beans.DescribeInstancesHealth(t.Context(), &eb.DescribeInstancesHealthInput{EnvironmentName: awssdk.String("shop-env"), AttributeNames: []ebtypes.InstancesHealthAttribute{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	if i := one.InstanceHealthList[0]; *i.HealthStatus != "Severe" || *i.Color != "Red" || !strings.HasPrefix(i.Causes[0], "Process default has been unhealthy for ") || !strings.HasSuffix(i.Causes[0], " (Target.ResponseCodeMismatch).") {
		t.Errorf("the instance's health is %+v", i)
	}
	healthy.Store(true)
	w.until("Environment health has transitioned from Severe to Ok.")
}

func TestLogLinesOfStrangersAreNotCounted(t *testing.T) {
	w, _ := serving(t)
	hour := time.Now().UTC().Format("2006-01-02-15")
	now := fmt.Sprintf("%d.000", time.Now().Unix())
	w.launcher.mu.Lock()
	w.launcher.files = map[string]string{"/var/log/nginx/healthd/application.log." + hour: strings.Join([]string{
		"", "\"", "\"\"\"\"", now, now + `"/"x"1"1"-`, now + `"/"999"1"1"-`, "NaN\"/\"200\"1\"1\"-", now + `"/a"b"200"0.5"0.5"-`, "\x00\xff",
	}, "\n")}
	w.launcher.mu.Unlock()
	if n := w.health().ApplicationMetrics.RequestCount; n != 1 {
		t.Errorf("%d requests are counted", n)
	}
}
