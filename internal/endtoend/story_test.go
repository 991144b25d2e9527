package endtoend

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	al1    = "64bit Amazon Linux 2018.03 v2.22.1 running Go 1.15.5"
	al2    = "64bit Amazon Linux 2 v3.11.0 running Go 1"
	al2023 = "64bit Amazon Linux 2023 v4.6.0 running Go 1"
)

// beforeTheError are the events of a new environment, in AWS's words; "*"
// stands for names and numbers.
var beforeTheError = []string{
	"INFO createEnvironment is starting.",
	"INFO Using elasticbeanstalk-us-east-1-123456789012 as Amazon S3 storage bucket for environment data.",
	"INFO Created security group named: *",
	"INFO Created load balancer named: *",
	"INFO Created Auto Scaling launch configuration named: *",
	"INFO Created Auto Scaling group named: *",
	"INFO Waiting for EC2 instances to launch. This may take a few minutes.",
	"INFO Environment health has transitioned to Pending. Initialization in progress (running for *). There are no instances.",
	"INFO Added instance [i-*] to your environment.",
}

// afterTheError is how a creation that failed ends; the last line is
// beanpole's own.
var afterTheError = []string{
	"INFO Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].",
	"WARN Environment health has transitioned from Pending to Degraded. Command failed on all instances. Initialization completed * ago and took *.",
	"ERROR Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.",
	"INFO beanpole: on AWS the instance's agent would have waited between its tries for about 5 minutes, * at the longest; here the waits were cut short.",
}

var eventLine = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +(TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +(.*)$`)

// events are the events in an output: severity and text.
func events(out string) (all []string) {
	for _, m := range eventLine.FindAllStringSubmatch(out, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	return all
}

// wantEvents compares events with patterns, one by one.
func wantEvents(t *testing.T, out string, want ...string) {
	t.Helper()
	got := events(out)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			t.Errorf("event %d is missing: %s", i+1, want[i])
		case i >= len(want):
			t.Errorf("event %d is one too many: %s", i+1, got[i])
		default:
			pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want[i]), `\*`, ".+?") + "$"
			if !regexp.MustCompile(pattern).MatchString(got[i]) {
				t.Errorf("event %d is\n     %s\nnot  %s", i+1, got[i], want[i])
			}
		}
	}
}

func TestTheStoryFailsAsOnEachPlatformThenIsMendedThenServesHTTPS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, platform string
		errors         []string
		log            string
		phrases        []string
	}{
		{"Amazon Linux 1", al1, []string{
			`ERROR [Instance: i-*] Command failed on instance. Return code: 1 Output: Failed to retrieve https://shop-certificates.s3.us-east-1.amazonaws.com/server.crt: [Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>. EBExtension failed. For more detail, check /var/log/eb-activity.log using console or EB CLI.`,
		}, "/var/log/eb-activity.log", []string{
			"/StartupStage0/EbExtensionPreBuild] : Starting activity...",
			"/StartupStage0/EbExtensionPreBuild/Infra-EmbeddedPreBuild] : Activity execution failed, because: Failed to retrieve https://shop-certificates.s3.us-east-1.amazonaws.com/server.crt: [Errno 404] HTTP Error 404 : ",
			"(ElasticBeanstalk::ExternalInvocationError)",
			"Application deployment - Command CMD-AppDeploy failed",
		}},
		{"Amazon Linux 2", al2, engineErrors, "/var/log/eb-engine.log", enginePhrases},
		{"Amazon Linux 2023", al2023, engineErrors, "/var/log/eb-engine.log", enginePhrases},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t)
			given := []string{"--parameter", "SolutionStackName=" + c.platform}
			r := s.must(1, s.upArgs(given...)...)
			wantEvents(t, r.out, append(append(append([]string{}, beforeTheError...), c.errors...), afterTheError...)...)
			wantEvents(t, s.must(0, "events").out, events(r.out)...)
			if c.platform == al2023 {
				likeReadme(t, 0, r.out)
			}
			s.diagnosed(r.out)
			contains(t, s.must(0, "logs", c.log).out, c.phrases...)
			s.agentTried()
			s.kept(r.out)

			s.fix()
			r = s.must(0, s.upArgs(given...)...)
			contains(t, strings.Join(events(r.out), "\n"), "INFO Environment update is starting.", "INFO Environment update completed successfully.")
			if c.platform == al2023 {
				likeReadme(t, 1, r.out)
			}
			s.serves()
			s.holdsFiles()
			s.looksWell()
			s.kept(r.out)
			s.down()
		})
	}
}

var (
	engineErrors = []string{
		"ERROR Instance deployment failed. For details, see 'eb-engine.log'.",
		"ERROR [Instance: i-*] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..",
	}
	enginePhrases = []string{
		"[INFO] Engine command: (app-deploy)",
		"[INFO] Instance is Leader.",
		"[INFO] Executing instruction: PreBuildEbExtension",
		"[INFO] Executing cfn scripts in config set Infra-EmbeddedPreBuild.",
		"[ERROR] An error occurred during execution of command [app-deploy] - [PreBuildEbExtension]. Stop running the command. Error: EbExtension build failed. Please refer to /var/log/cfn-init.log for more details.",
		`[INFO] CommandService Response: {"status":"FAILURE","api_version":"1.0","results":[{"status":"FAILURE","msg":"Engine execution has encountered an error.","returncode":1,"events":[{"msg":"Instance deployment failed. For details, see 'eb-engine.log'.","timestamp":`,
	}
)

// diagnosed wants the cause below the last event, with the places in the
// user's own files.
func (s *shop) diagnosed(out string) {
	s.t.Helper()
	at := eventLine.FindAllStringIndex(out, -1)
	if len(at) == 0 {
		s.t.Fatalf("no events:\n%s", out)
	}
	contains(s.t, out[at[len(at)-1][1]:],
		"app/.ebextensions/https.config:59:11: error: instance metadata will answer 404: no credentials under this name [role-name-is-profile]",
		"infra.yaml:84:18", "infra.yaml:34:3", "infra.yaml:21:3",
		"cause: an instance hands out credentials under its role's name only; profile and role are named differently",
		"ruled out: document, source, authentication, profile, trust, identity, bucket, object, network",
		"fix: beanpole fix", "--rule role-name-is-profile")
}

// agentTried wants the agent's log of a fetch that was given up before S3 was
// asked: five rounds of ten requests to instance metadata.
func (s *shop) agentTried() {
	s.t.Helper()
	log := s.must(0, "logs", "/var/log/cfn-init.log").out
	contains(s.t, log, "[INFO] -----------------------Starting build-----------------------",
		"[INFO] Running configSets: Infra-EmbeddedPreBuild",
		"[INFO] Running configSet Infra-EmbeddedPreBuild",
		"[INFO] Running config prebuild_0_shop",
		"[ERROR] Error encountered during build of prebuild_0_shop: Failed to retrieve https://shop-certificates.s3.us-east-1.amazonaws.com/server.crt: [Errno 404] HTTP Error 404 : <?xml version=\"1.0\" encoding=\"iso-8859-1\"?>",
		"[ERROR] -----------------------BUILD FAILED!------------------------",
		"[ERROR] Unhandled exception during build: Failed to retrieve")
	if n := strings.Count(log, "[ERROR] HTTP Error 404 : <?xml version=\"1.0\" encoding=\"iso-8859-1\"?>"); n != 50 {
		s.t.Errorf("instance metadata was asked %d times, not 50", n)
	}
	if strings.Contains(log, "<Error><Code>") || strings.Contains(log, "server.key") {
		s.t.Errorf("the agent went on to S3:\n%s", log)
	}
}

// get asks the shop at one of its ports.
func (s *shop) get(scheme string, port int) (status int, body string, shown []byte, err error) {
	// Which certificate is shown matters here, not who vouches for it: curl asks that.
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	r, err := client.Get(fmt.Sprintf("%s://localhost:%d/", scheme, port))
	if err != nil {
		return 0, "", nil, err
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if r.TLS != nil {
		shown = r.TLS.PeerCertificates[0].Raw
	}
	return r.StatusCode, string(data), shown, err
}

// serves wants the application's page at both ports, and the bucket's own
// certificate at one.
func (s *shop) serves() {
	s.t.Helper()
	curl := output(s.t.Context(), environment(), nil, "curl", "--silent", "--show-error", "--write-out", "%{http_code}",
		"--cacert", filepath.Join(s.dir, "certs", "ca.pem"), fmt.Sprintf("https://localhost:%d/", s.https))
	if curl.status != 0 || !strings.HasSuffix(curl.out, "200") {
		s.t.Errorf("curl: %s", curl)
	}
	text, err := os.ReadFile(filepath.Join(s.dir, "certs", "server.crt"))
	if err != nil {
		s.t.Fatal(err)
	}
	kept, _ := pem.Decode(text)
	status, page, shown, err := s.get("https", s.https)
	if err != nil || status != http.StatusOK || !bytes.Equal(shown, kept.Bytes) {
		s.t.Errorf("https: %d, %v; the bucket's certificate is shown: %t", status, err, bytes.Equal(shown, kept.Bytes))
	}
	plain, other, _, err := s.get("http", s.http)
	if err != nil || plain != http.StatusOK || len(other) == 0 || len(page) == 0 {
		s.t.Errorf("http: %d, %v, %q and %q", plain, err, other, page)
	}
}

// holdsFiles wants the fetched files as the configuration file says.
func (s *shop) holdsFiles() {
	s.t.Helper()
	r := s.must(0, "shell", "--", "stat", "-c", "%a %U:%G %n", "/etc/pki/tls/certs/server.crt", "/etc/pki/tls/certs/server.key")
	if want := "400 root:root /etc/pki/tls/certs/server.crt\n400 root:root /etc/pki/tls/certs/server.key\n"; r.out != want {
		s.t.Errorf("files are\n%snot\n%s", r.out, want)
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "certs", "server.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	if r := s.must(0, "shell", "--", "cat", "/etc/pki/tls/certs/server.key"); r.out != string(key) {
		s.t.Error("the key on the instance is not the one in the bucket")
	}
	if r := s.run("shell", "--", "sh", "-c", "exit 7"); r.status != 7 {
		s.t.Errorf("a command's exit status does not come back: %s", r)
	}
}

// looksWell asks the commands that only look.
func (s *shop) looksWell() {
	s.t.Helper()
	contains(s.t, s.must(0, "status").out, "shop-production Ready Green", fmt.Sprintf("https://localhost:%d/", s.https), fmt.Sprintf("http://localhost:%d/", s.http))
	contains(s.t, s.must(0, "logs").out, "/var/log/cfn-init.log", "-----------------------Build complete-----------------------")
	contains(s.t, s.must(0, "events", "--environment", "shop-production").out, "Environment update completed successfully.")
}
