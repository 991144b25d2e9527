package elasticbeanstalk_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// fetch gets a URL without any credentials of its own.
func fetch(t *testing.T, url string) (status int, body []byte) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// withLogs is an environment of one instance with two log files.
func withLogs(t *testing.T) *world {
	t.Helper()
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = good
	w.launcher.files = map[string]string{"/var/log/eb-engine.log": strings.Repeat("old\n", 500) + strings.Repeat("line\n", 100), "/var/log/nginx/error.log": ""}
	w.create(al2023, single, withWeb)
	return w
}

func TestTailLogsAreInS3UnderAPresignedURL(t *testing.T) {
	w := withLogs(t)
	name := awssdk.String("shop-env")
	asked, err := w.beans.RequestEnvironmentInfo(t.Context(), &eb.RequestEnvironmentInfoInput{EnvironmentName: name, InfoType: ebtypes.EnvironmentInfoTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	w.expect("INFO requestEnvironmentInfo", `
INFO requestEnvironmentInfo is starting.
INFO [Instance: i-1] Successfully finished tailing 2 log(s)
INFO Pulled logs for environment instances.`)
	id, _ := awsmiddleware.GetRequestIDMetadata(asked.ResultMetadata)
	events, err := w.beans.DescribeEvents(t.Context(), &eb.DescribeEventsInput{RequestId: &id})
	if err != nil || len(events.Events) != 3 {
		t.Errorf("%d events have the request's ID %q, which the EB CLI looks for; %v", len(events.Events), id, err)
	}
	out, err := w.beans.RetrieveEnvironmentInfo(t.Context(), &eb.RetrieveEnvironmentInfoInput{EnvironmentName: name, InfoType: ebtypes.EnvironmentInfoTypeTail})
	if err != nil || len(out.EnvironmentInfo) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	i := out.EnvironmentInfo[0]
	environment := w.settle()
	where := "/elasticbeanstalk-eu-west-1-123456789012/resources/environments/logs/tail/" + *environment.EnvironmentId + "/" + w.instances()[0] + "/TailLogs-"
	if *i.Ec2InstanceId != w.instances()[0] || !strings.HasPrefix(*i.Message, w.url+where) || i.SampleTimestamp == nil {
		t.Errorf("info %s, %s", *i.Ec2InstanceId, *i.Message)
	}
	rule := strings.Repeat("-", 37)
	want := rule + "\n/var/log/eb-engine.log\n" + rule + "\n" + strings.Repeat("line\n", 100) + "\n" + rule + "\n/var/log/nginx/error.log\n" + rule + "\n\n\n"
	if status, body := fetch(t, *i.Message); status != 200 || string(body) != want {
		t.Errorf("%d\n%q\nwant\n%q", status, body, want)
	}
	if status, body := fetch(t, strings.Replace(*i.Message, "X-Amz-Expires=900", "X-Amz-Expires=9000", 1)); status != 403 || !strings.Contains(string(body), "SignatureDoesNotMatch") {
		t.Errorf("with another lifetime than signed: %d, %s", status, body)
	}
	bundles, err := w.beans.RetrieveEnvironmentInfo(t.Context(), &eb.RetrieveEnvironmentInfoInput{EnvironmentName: name, InfoType: ebtypes.EnvironmentInfoTypeBundle})
	if err != nil || len(bundles.EnvironmentInfo) != 0 {
		t.Errorf("bundle logs that nobody asked for: %+v, %v", bundles, err)
	}
}

func TestBundleLogsAreWholeFilesInAnArchive(t *testing.T) {
	w := withLogs(t)
	name := awssdk.String("shop-env")
	if _, err := w.beans.RequestEnvironmentInfo(t.Context(), &eb.RequestEnvironmentInfoInput{EnvironmentName: name, InfoType: ebtypes.EnvironmentInfoTypeBundle}); err != nil {
		t.Fatal(err)
	}
	out, err := w.beans.RetrieveEnvironmentInfo(t.Context(), &eb.RetrieveEnvironmentInfoInput{EnvironmentName: name, InfoType: ebtypes.EnvironmentInfoTypeBundle})
	if err != nil || len(out.EnvironmentInfo) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	_, body := fetch(t, *out.EnvironmentInfo[0].Message)
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil || len(z.File) != 2 || z.File[0].Name != "var/log/eb-engine.log" || z.File[0].UncompressedSize64 != 2500 {
		t.Errorf("archive of %d bytes: %v", len(body), err)
	}
	_, err = w.beans.RequestEnvironmentInfo(t.Context(), &eb.RequestEnvironmentInfoInput{EnvironmentName: name, InfoType: "analyze"})
	if err == nil || !strings.Contains(err.Error(), "tail and bundle") {
		t.Errorf("another type: %v", err)
	}
}

func TestUnmodifiedAWSCLIGetsTailLogs(t *testing.T) {
	if testing.Short() {
		t.Skip("the AWS CLI takes a second for each call")
	}
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	w := withLogs(t)
	w.aws("elasticbeanstalk", "request-environment-info", "--environment-name", "shop-env", "--info-type", "tail")
	var out struct {
		EnvironmentInfo []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(w.aws("elasticbeanstalk", "retrieve-environment-info", "--environment-name", "shop-env", "--info-type", "tail")), &out); err != nil || len(out.EnvironmentInfo) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	if status, body := fetch(t, out.EnvironmentInfo[0].Message); status != 200 || !strings.Contains(string(body), "line\n") {
		t.Errorf("%d, %s", status, body)
	}
}
