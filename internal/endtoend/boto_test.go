package endtoend

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestBoto3DescribesUpdatesAndTerminatesAnEnvironment(t *testing.T) {
	t.Parallel()
	if r := output(t.Context(), os.Environ(), nil, "python3", "-c", "import boto3"); r.status != 0 {
		t.Skipf("this machine has no boto3: %s", lastLine(r.errs))
	}
	p := newPages(t, "aws:elasticbeanstalk:environment:LoadBalancerType=application")
	p.version("2")
	p.upload("v2")
	env := append(os.Environ(), "AWS_ENDPOINT_URL="+fmt.Sprintf("http://127.0.0.1:%d", p.api), "AWS_SHARED_CREDENTIALS_FILE="+p.state()+"/credentials",
		"AWS_CONFIG_FILE=/dev/null", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true")
	r := output(t.Context(), env, nil, "python3", "testdata/boto.py", "green-env", "v2")
	if r.status != 0 || !strings.Contains(r.out, "all as on AWS") {
		t.Errorf("%s\n%s", r.out, r.errs)
	}
	p.down()
}
