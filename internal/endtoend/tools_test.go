package endtoend

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// systemCLI is the AWS CLI of the system, as an instance sees it: home
// folders are hidden there.
var systemCLI = sync.OnceValues(func() (path, why string) {
	for _, p := range []string{"/usr/bin/aws", "/usr/local/bin/aws"} {
		if _, err := os.Stat(p); err == nil {
			return p, ""
		}
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", "there is no AWS CLI in /usr/bin, and no apt-get to install one"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, argv := range [][]string{{"apt-get", "update"}, {"apt-get", "install", "-y", "--no-install-recommends", "awscli"}} {
		if r := output(ctx, append(os.Environ(), "DEBIAN_FRONTEND=noninteractive"), nil, argv...); r.status != 0 {
			return "", "there is no AWS CLI in /usr/bin, and apt-get does not install one: " + lastLine(r.errs)
		}
	}
	return "/usr/bin/aws", ""
})

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

func needCLI(t *testing.T) string {
	t.Helper()
	if why := lacking("runc", "nginx", "curl"); why != "" {
		t.Skip(why)
	}
	path, why := systemCLI()
	if why != "" {
		t.Skip(why)
	}
	return path
}

func TestUnmodifiedCurlAndAWSCLIWorkOnAnInstanceAsOnEC2(t *testing.T) {
	t.Parallel()
	aws := needCLI(t)
	s := newShop(t)
	s.fix()
	s.must(0, s.upArgs()...)
	on := func(argv ...string) ended { return s.run(append([]string{"shell", "--"}, argv...)...) }
	role := strings.TrimSpace(on("curl", "-fsS", "http://169.254.169.254/latest/meta-data/iam/security-credentials/").out)
	id := filepath.Base(s.instances()[0])

	t.Run("they find credentials by themselves", func(t *testing.T) {
		r := on(aws, "sts", "get-caller-identity")
		if r.status != 0 || role == "" {
			t.Fatalf("role %q: %s", role, r)
		}
		contains(t, r.out, fmt.Sprintf(`"Arn": "arn:aws:sts::123456789012:assumed-role/%s/%s"`, role, id), `"Account": "123456789012"`)
	})
	t.Run("the certificate may be read", func(t *testing.T) {
		r := on(aws, "s3", "cp", "s3://shop-certificates/server.crt", "-")
		want, err := os.ReadFile(filepath.Join(s.dir, "certs", "server.crt"))
		if err != nil || r.status != 0 || r.out != string(want) {
			t.Errorf("%v, %s", err, r)
		}
	})
	t.Run("nothing else may", func(t *testing.T) {
		s.host(t, aws, "s3", "mb", "s3://another-bucket") // it is there, but not for the instance
		for _, argv := range [][]string{
			{"s3", "cp", "s3://another-bucket/server.crt", "-"},
			{"s3", "cp", "/etc/hostname", "s3://shop-certificates/server.crt"},
			{"s3", "ls", "s3://shop-certificates"},
			{"iam", "list-roles"},
		} {
			r := on(append([]string{aws}, argv...)...)
			if denied := strings.Contains(r.errs, "(403)") || strings.Contains(r.errs, "(AccessDenied)"); r.status == 0 || !denied {
				t.Errorf("%v: %s", argv, r)
			}
		}
	})
	t.Run("instance metadata answers versions 1 and 2", func(t *testing.T) {
		const base = "http://169.254.169.254/latest/"
		if r := on("curl", "-fsS", base+"meta-data/instance-id"); r.out != id {
			t.Errorf("version 1: %s", r)
		}
		token := on("curl", "-fsS", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60", base+"api/token")
		if r := on("curl", "-fsS", "-H", "X-aws-ec2-metadata-token: "+token.out, base+"meta-data/instance-id"); r.out != id {
			t.Errorf("version 2: %s and %s", token, r)
		}
		if r := on("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "X-aws-ec2-metadata-token: wrong", base+"meta-data/instance-id"); r.out != "401" {
			t.Errorf("a wrong token: %s", r)
		}
		if r := on("curl", "-sS", "-w", "%{http_code}", base+"meta-data/iam/security-credentials/not-the-role"); !strings.HasSuffix(r.out, "404") || !strings.Contains(r.out, "iso-8859-1") {
			t.Errorf("another role: %s", r)
		}
	})
	t.Run("AWS has a certificate that the instance trusts and the host does not", func(t *testing.T) {
		// Anonymous: S3 redirects whoever asks for the list of nobody's buckets.
		if r := on("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{ssl_verify_result}", "https://s3.us-east-1.amazonaws.com/"); r.status != 0 || !strings.HasSuffix(r.out, " 0") || strings.HasPrefix(r.out, "000") {
			t.Errorf("on the instance: %s", r)
		}
		if r := on("curl", "-sS", "-o", "/dev/null", "https://s3.us-east-1.amazonaws.com.example.org/"); r.status == 0 {
			t.Errorf("a foreign name is answered: %s", r)
		}
		text, err := os.ReadFile(filepath.Join(s.state(), "authority", "ca.pem"))
		block, _ := pem.Decode(text)
		if err != nil || block == nil {
			t.Fatalf("the local authority's certificate: %v", err)
		}
		ca, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ca.Verify(x509.VerifyOptions{}); err == nil {
			t.Error("the host trusts the local authority")
		}
	})
	t.Run("the host's own files are not changed", func(t *testing.T) {
		if _, err := os.Stat("/etc/pki/tls/certs/server.key"); err == nil {
			t.Error("the instance's key is on the host")
		}
		if r := on("cat", "/etc/hostname"); strings.TrimSpace(r.out) == hostname() {
			t.Errorf("the instance has the host's name: %s", r)
		}
	})
	s.down()
}

func hostname() string {
	h, _ := os.Hostname()
	return h
}

// cli runs the AWS CLI of this machine against the shop's local AWS as its
// administrator.
func (s *shop) cli(aws string, args ...string) ended {
	return s.cliAs(aws, []string{"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(s.state(), "credentials")}, args...)
}

// cliAs runs it with other credentials.
func (s *shop) cliAs(aws string, env []string, args ...string) ended {
	env = append(environment("AWS_CONFIG_FILE=/dev/null", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER="), env...)
	return output(s.t.Context(), env, nil, append([]string{aws, "--endpoint-url", fmt.Sprintf("http://127.0.0.1:%d", s.api)}, args...)...)
}

// host runs it and wants it to work.
func (s *shop) host(t *testing.T, aws string, args ...string) string {
	t.Helper()
	r := s.cli(aws, args...)
	if r.status != 0 {
		t.Fatalf("aws %s: %s", strings.Join(args, " "), r)
	}
	return r.out
}

func TestUnmodifiedAWSCLIOnTheHostRunsTheStoryAgainstServe(t *testing.T) {
	t.Parallel()
	aws := needCLI(t)
	s := newShop(t)
	server := s.start("serve", "--port", fmt.Sprint(s.api), "--listen", fmt.Sprintf("443=%d", s.https), "--listen", fmt.Sprintf("80=%d", s.http))
	s.soon("serve is ready", func() bool { return strings.Contains(server.out.String(), "the local AWS answers") })

	bundle := filepath.Join(s.dir, "app.zip")
	if r := output(t.Context(), os.Environ(), nil, "python3", "-c", zipped, filepath.Join(s.dir, "app"), bundle); r.status != 0 {
		t.Skipf("no python3 to make a zip with: %s", r.errs)
	}
	s.host(t, aws, "s3", "mb", "s3://shop-bundles")
	s.host(t, aws, "s3", "cp", bundle, "s3://shop-bundles/v1.zip")
	deploy := func() ended {
		return s.cli(aws, "cloudformation", "deploy", "--stack-name", "shop", "--template-file", filepath.Join(s.dir, "infra.yaml"),
			"--capabilities", "CAPABILITY_NAMED_IAM", "--parameter-overrides", "BundleBucket=shop-bundles", "BundleKey=v1.zip")
	}
	if r := deploy(); r.status != 0 {
		t.Fatalf("deploy: %s", r)
	}
	described := s.host(t, aws, "cloudformation", "describe-stack-resources", "--stack-name", "shop", "--query", "StackResources[?LogicalResourceId=='InstanceProfile'].PhysicalResourceId", "--output", "text")
	profile := strings.TrimSpace(described)
	if !strings.HasPrefix(profile, "shop-InstanceProfile-") {
		t.Fatalf("the profile is called %q", profile)
	}

	t.Run("describe-configuration-settings names the profile", func(t *testing.T) {
		out := s.host(t, aws, "elasticbeanstalk", "describe-configuration-settings", "--application-name", "shop", "--environment-name", "shop-production",
			"--query", "ConfigurationSettings[0].OptionSettings[?OptionName=='IamInstanceProfile'].[Namespace,Value]", "--output", "text")
		if strings.TrimSpace(out) != "aws:autoscaling:launchconfiguration\t"+profile {
			t.Errorf("it says %q", out)
		}
	})
	t.Run("get-instance-profile names the role", func(t *testing.T) {
		out := s.host(t, aws, "iam", "get-instance-profile", "--instance-profile-name", profile, "--query", "InstanceProfile.Roles[].RoleName", "--output", "text")
		if role := strings.TrimSpace(out); !strings.HasPrefix(role, "shop-InstanceRole-") || role == profile {
			t.Errorf("it says %q", out)
		}
	})
	t.Run("describe-events tells the failure", func(t *testing.T) {
		out := s.host(t, aws, "elasticbeanstalk", "describe-events", "--environment-name", "shop-production", "--output", "text", "--query", "Events[].[Severity,Message]")
		contains(t, out, "ERROR Instance deployment failed. For details, see 'eb-engine.log'.",
			"Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.")
	})
	t.Run("describe-environments shows it", func(t *testing.T) {
		out := s.host(t, aws, "elasticbeanstalk", "describe-environments", "--environment-names", "shop-production", "--output", "text", "--query", "Environments[].[Status,Health,HealthStatus]")
		// Degraded by the command that failed; Severe as soon as the load
		// balancer's health checks have failed too.
		if got := strings.TrimSpace(out); got != "Ready\tRed\tDegraded" && got != "Ready\tRed\tSevere" {
			t.Errorf("it says %q", out)
		}
	})
	t.Run("objects come and go", func(t *testing.T) {
		for _, f := range []string{"server.crt", "server.key"} {
			s.host(t, aws, "s3", "cp", filepath.Join(s.dir, "certs", f), "s3://shop-certificates/"+f)
		}
		back := filepath.Join(s.dir, "back.crt")
		s.host(t, aws, "s3", "cp", "s3://shop-certificates/server.crt", back)
		want, _ := os.ReadFile(filepath.Join(s.dir, "certs", "server.crt"))
		if got, err := os.ReadFile(back); err != nil || string(got) != string(want) || len(want) == 0 {
			t.Errorf("it came back changed: %v", err)
		}
	})
	t.Run("what is refused", func(t *testing.T) { s.refusals(t, aws) })
	t.Run("mended, deploy serves HTTPS", func(t *testing.T) {
		s.fix()
		if r := deploy(); r.status != 0 {
			t.Fatalf("deploy: %s\n%s", r, s.run("events").out)
		}
		s.serves()
	})
	s.kill(server.Process.Pid, 2)
	if r := s.end(server); r.status != 0 {
		t.Errorf("serve ends with %s", r)
	}
	s.down()
}

// zipped makes a bundle without a zip program.
const zipped = `import shutil, sys; shutil.make_archive(sys.argv[2][:-4], "zip", sys.argv[1])`

func (s *shop) refusals(t *testing.T, aws string) {
	wrong := []string{"AWS_ACCESS_KEY_ID=" + s.adminKey(), "AWS_SECRET_ACCESS_KEY=" + strings.Repeat("x", 40)}
	for _, c := range []struct {
		name string
		env  []string
		args []string
		want []string
	}{
		{"a wrong secret key", wrong, []string{"sts", "get-caller-identity"}, []string{"SignatureDoesNotMatch"}},
		{"a wrong secret key at S3", wrong, []string{"s3api", "list-buckets"}, []string{"SignatureDoesNotMatch"}},
		{"no signature at S3", nil, []string{"s3api", "get-object", "--bucket", "shop-certificates", "--key", "server.crt", "--no-sign-request", "/dev/null"}, []string{"AccessDenied"}},
		{"no signature", nil, []string{"iam", "list-roles", "--no-sign-request"}, []string{"MissingAuthenticationToken"}},
		{"an unknown key", []string{"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=x"}, []string{"sts", "get-caller-identity"}, []string{"InvalidClientTokenId"}},
		{"an operation that is not there", []string{"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(s.state(), "credentials")},
			[]string{"iam", "list-open-id-connect-providers"}, []string{"ListOpenIDConnectProviders", "does not carry out"}},
		{"a service that is not there", []string{"AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(s.state(), "credentials")},
			[]string{"sns", "list-topics"}, []string{"ListTopics"}},
	} {
		r := s.cliAs(aws, c.env, c.args...)
		if r.status == 0 {
			t.Errorf("%s is accepted: %s", c.name, r)
		}
		for _, w := range c.want {
			if !strings.Contains(r.errs, w) {
				t.Errorf("%s: the error lacks %q: %s", c.name, w, r)
			}
		}
	}
}

func (s *shop) adminKey() string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.state(), "credentials"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(data), "aws_access_key_id")
	return strings.Trim(strings.SplitN(key, "\n", 2)[0], " =")
}
