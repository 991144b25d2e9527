package cloud

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cli runs the AWS CLI of this machine against a local AWS, as its admin.
type cli struct {
	t    *testing.T
	url  string
	path string
	env  []string
}

func newCLI(t *testing.T, w *world) *cli {
	t.Helper()
	if testing.Short() {
		t.Skip("the AWS CLI takes a second for each call")
	}
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("this machine has no AWS CLI")
	}
	home := t.TempDir()
	c := &cli{t: t, url: w.url, path: path}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "AWS_") {
			c.env = append(c.env, e)
		}
	}
	c.env = append(c.env, "AWS_SHARED_CREDENTIALS_FILE="+w.State().CredentialsFile(), "AWS_CONFIG_FILE="+filepath.Join(home, "none"),
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	return c
}

func (c *cli) run(args ...string) (string, error) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), c.path, append([]string{"--endpoint-url", c.url}, args...)...)
	cmd.Env = c.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (c *cli) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func TestAWSCLIWorksUnmodified(t *testing.T) {
	w := start(t, "eu-west-1")
	c := newCLI(t, w)
	dir := t.TempDir()
	small, big := filepath.Join(dir, "small"), filepath.Join(dir, "big")
	must(t, os.WriteFile(small, []byte("hello"), 0o600))
	must(t, os.WriteFile(big, bytes.Repeat([]byte("0123456789abcdef"), 1<<20), 0o600)) // 16 MiB: in parts

	c.must("s3", "mb", "s3://cli-bucket")
	c.must("s3", "cp", small, "s3://cli-bucket/dir/small")
	c.must("s3", "cp", big, "s3://cli-bucket/big")
	if out := c.must("s3", "ls", "s3://cli-bucket/"); !strings.Contains(out, "PRE dir/") || !strings.Contains(out, "16777216 big") {
		t.Errorf("listing:\n%s", out)
	}
	back := filepath.Join(dir, "back")
	c.must("s3", "cp", "s3://cli-bucket/big", back)
	want, _ := os.ReadFile(big)
	if got, _ := os.ReadFile(back); !bytes.Equal(got, want) {
		t.Error("the big object came back changed")
	}
	c.must("s3api", "get-object", "--bucket", "cli-bucket", "--key", "dir/small", back)
	if got, _ := os.ReadFile(back); string(got) != "hello" {
		t.Errorf("the small object came back as %q", got)
	}
	c.must("s3", "cp", "s3://cli-bucket/dir/small", "s3://cli-bucket/copy")
	if out, err := c.run("s3api", "get-object", "--bucket", "cli-bucket", "--key", "nothing", back); err == nil || !strings.Contains(out, "NoSuchKey") {
		t.Errorf("a missing key: %s", out)
	}
	c.must("s3", "rb", "--force", "s3://cli-bucket")

	c.must("iam", "create-role", "--role-name", "cli-role", "--assume-role-policy-document", ec2Trust)
	if out := c.must("iam", "get-role", "--role-name", "cli-role", "--query", "Role.AssumeRolePolicyDocument.Statement[0].Principal.Service", "--output", "text"); strings.TrimSpace(out) != "ec2.amazonaws.com" {
		t.Errorf("trust policy: %s", out)
	}
	c.must("iam", "delete-role", "--role-name", "cli-role")
	if out := c.must("sts", "get-caller-identity", "--query", "Arn", "--output", "text"); !strings.HasSuffix(strings.TrimSpace(out), ":user/admin") {
		t.Errorf("caller: %s", out)
	}
}

func TestAWSCLIWorksOverTLS(t *testing.T) {
	w := start(t, "eu-west-1")
	c := newCLI(t, w)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: w.Cloud}
	go server.Serve(tls.NewListener(plain, w.Authority().TLS()))
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, w.Authority().PEM(), 0o600))
	c.url = "https://" + plain.Addr().String()
	c.env = append(c.env, "AWS_CA_BUNDLE="+ca)
	file := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(file, []byte("over TLS: a trailer carries the checksum"), 0o600))
	c.must("s3", "mb", "s3://tls-bucket")
	c.must("s3", "cp", file, "s3://tls-bucket/f")
	if out := c.must("s3", "cp", "s3://tls-bucket/f", "-"); !strings.Contains(out, "over TLS: a trailer carries the checksum") {
		t.Errorf("came back as %q", out)
	}
}

// Whoever calls a service that is not there must be told which, and not that
// the signature is wrong.
func TestServicesThatAreNotThereSayTheirNames(t *testing.T) {
	w := start(t, "eu-west-1")
	c := newCLI(t, w)
	for _, call := range []struct{ args, want string }{
		{"secretsmanager get-secret-value --secret-id x", "beanpole does not simulate secretsmanager: nothing here carries out GetSecretValue"},
		{"ssm get-parameter --name x", "beanpole does not simulate ssm: nothing here carries out GetParameter"},
		{"dynamodb put-item --table-name x --item {}", "beanpole does not simulate dynamodb: nothing here carries out PutItem"},
		{"sqs list-queues", "beanpole does not simulate sqs: nothing here carries out ListQueues"},
		{"sns publish --message m --topic-arn arn:aws:sns:eu-west-1:123456789012:t", "beanpole does not simulate sns: nothing here carries out Publish"},
		{"rds describe-db-instances", "beanpole does not simulate rds: nothing here carries out DescribeDBInstances"},
		{"cloudwatch put-metric-data --namespace n --metric-name m --value 1", "beanpole does not simulate monitoring: nothing here carries out PutMetricData"},
		{"lambda invoke --function-name f /dev/null", "beanpole does not simulate lambda: nothing here carries out POST /2015-03-31/functions/f/invocations"},
		{"efs create-file-system --creation-token t", "beanpole does not simulate elasticfilesystem: nothing here carries out POST /2015-02-01/file-systems"},
		{"route53 list-hosted-zones", "beanpole does not simulate route53: nothing here carries out GET /2013-04-01/hostedzone"},
	} {
		out, err := c.run(strings.Fields(call.args)...)
		if err == nil || !strings.Contains(out, call.want) || !strings.Contains(out, "(NotImplemented)") {
			t.Errorf("aws %s: %v: %s", call.args, err, out)
		}
	}
}
