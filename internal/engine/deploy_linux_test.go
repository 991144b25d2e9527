package engine

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"beanpole/internal/docker"
	"beanpole/internal/instance"
)

// TestMain lets this program be PID 1 of an instance, and an application on it.
func TestMain(m *testing.M) {
	if IsApplet(os.Args[0]) {
		os.Exit(Applet(os.Args, os.Stdout, os.Stderr))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "test-engine":
			os.Exit(Main(os.Stdin, os.Stdout))
		case "test-init":
			os.Exit(asInit(startAndLeave))
		case "test-application":
			http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, "uid %d, greeting %s", os.Getuid(), os.Getenv("GREETING"))
			}))
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

const (
	al2023 = "64bit Amazon Linux 2023 v4.6.0 running Go 1"
	al1    = "64bit Amazon Linux 2018.03 v2.16.0 running Go 1.14"
)

// world is what answers an instance in these tests.
type world struct {
	metadata string            // of AWSEBAutoScalingGroup
	bundle   map[string]string // files of the source bundle
	// gone is a prefix of the paths of instance metadata that nobody answers.
	gone atomic.Pointer[string]
}

func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.Host, "cloudformation."):
		if !strings.HasPrefix(r.Header.Get("Authorization"), "CFN_V1 ") {
			http.Error(rw, "not signed by the instance", http.StatusForbidden)
			return
		}
		json.NewEncoder(rw).Encode(map[string]any{"DescribeStackResourceResponse": map[string]any{
			"DescribeStackResourceResult": map[string]any{"StackResourceDetail": map[string]any{"Metadata": w.metadata}}}})
	case r.URL.Path == "/bundle.zip":
		z := zip.NewWriter(rw)
		for name, text := range w.bundle {
			h := &zip.FileHeader{Name: name, Method: zip.Deflate}
			h.SetMode(0o755)
			f, _ := z.CreateHeader(h)
			io.WriteString(f, text)
		}
		z.Close()
	default:
		rw.WriteHeader(http.StatusNotFound)
		io.WriteString(rw, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code></Error>")
	}
}

// instanceMetadata is the metadata service, as far as it is there.
func (w *world) instanceMetadata(rw http.ResponseWriter, r *http.Request) {
	if gone := w.gone.Load(); gone != nil && strings.HasPrefix(r.URL.Path, *gone) {
		panic(http.ErrAbortHandler) // the connection is cut
	}
	instanceMetadata(rw, r)
}

// instanceMetadata knows the identity document and no credentials.
func instanceMetadata(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/latest/api/token":
		rw.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		io.WriteString(rw, "token")
	case "/latest/dynamic/instance-identity/document":
		io.WriteString(rw, `{"instanceId":"i-0123456789abcdef0"}`)
	case "/latest/meta-data/instance-id":
		io.WriteString(rw, "i-0123456789abcdef0")
	case "/latest/dynamic/instance-identity/signature":
		io.WriteString(rw, "c2lnbmF0dXJl")
	default:
		rw.WriteHeader(http.StatusNotFound)
		io.WriteString(rw, "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<!DOCTYPE html>")
	}
}

// certificate is self-signed for the names that the tests use.
func certificate(t *testing.T) ([]byte, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"*.us-east-1.amazonaws.com"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func startInstance(t *testing.T, w *world, cache string) *instance.Instance {
	t.Helper()
	return startInstanceWith(t, w, cache, nil)
}

// startInstanceWith starts an instance that may fetch images.
func startInstanceWith(t *testing.T, w *world, cache string, pull func(context.Context, docker.Pull) (*instance.Pulled, error)) *instance.Instance {
	t.Helper()
	if testing.Short() {
		t.Skip("instances are left out with -short")
	}
	for _, n := range instance.Missing() {
		t.Skipf("no %s here: %s", n.What, n.Remedy)
	}
	ca, config := certificate(t)
	var log bytes.Buffer
	i, err := instance.Start(t.Context(), &instance.Spec{ID: "i-0123456789abcdef0", Dir: t.TempDir(), Volume: 512 << 20, Args: []string{"test-engine"},
		CA: ca, Cache: cache, TLS: config, AWS: w, Metadata: http.HandlerFunc(w.instanceMetadata), Log: &log, Pull: pull})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
		if t.Failed() {
			t.Logf("instance said: %s", log.String())
		}
	})
	return i
}

// command is app-deploy of version v1.
func command(platform string) *instance.Command {
	return &instance.Command{Name: "app-deploy", Stack: "awseb-e-1-stack", Resource: "AWSEBAutoScalingGroup", Region: "us-east-1",
		Application: "shop", VersionLabel: "v1", Environment: "shop-production", Platform: platform, Leader: true,
		BundleURL: "https://s3.us-east-1.amazonaws.com/bundle.zip", Env: map[string]string{"GREETING": "hello"}}
}

// deploy gives app-deploy and shows the logs when the result is not wanted.
func deploy(t *testing.T, i *instance.Instance, platform string, want string) *instance.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	r, err := i.Do(ctx, command(platform))
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != want {
		for _, name := range []string{"eb-engine.log", "eb-activity.log", "cfn-init.log"} {
			data, _ := i.ReadFile("/var/log/" + name)
			t.Logf("%s:\n%s", name, data)
		}
		t.Fatalf("got %+v", r)
	}
	return r
}

func get(t *testing.T, i *instance.Instance, path string) string {
	t.Helper()
	var last string
	for range 50 { // the application may still be starting behind the proxy
		resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + i.Address().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if last = string(body); resp.StatusCode == http.StatusOK {
			return last
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("last answer: %s", last)
	return ""
}

func logOf(t *testing.T, i *instance.Instance, name string) string {
	t.Helper()
	data, err := i.ReadFile("/var/log/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// inOrder says which of the phrases is missing in text after the one before.
func inOrder(text string, phrases ...string) string {
	for _, p := range phrases {
		i := strings.Index(text, p)
		if i < 0 {
			return p
		}
		text = text[i+len(p):]
	}
	return ""
}

const goodMetadata = `{"AWS::CloudFormation::Init": {
	"configSets": {"Infra-EmbeddedPreBuild": ["prebuild_0_shop"], "Infra-EmbeddedPostBuild": ["postbuild_0_shop"]},
	"prebuild_0_shop": {
		"files": {"/etc/nginx/conf.d/extra.conf": {"mode": "000644", "content": "server { listen 8080; return 200 extra; }"}},
		"commands": {"01_not_unpacked": {"command": "test ! -e /var/app/staging/Procfile"}}},
	"postbuild_0_shop": {"commands": {"01_staged": {"command": "test -f built && cat Procfile > /srv/procfile && echo $GREETING > /srv/greeting"}}}},
	"AWS::ElasticBeanstalk::Ext": {"_EBExtensionFilePaths": {"prebuild_0_shop": ".ebextensions/a.config", "postbuild_0_shop": ".ebextensions/a.config"}}}`

var goodBundle = map[string]string{
	"Procfile":                            "web: /opt/beanpole/beanpole test-application\n",
	"Buildfile":                           "build: touch built\n",
	".ebextensions/a.config":              "commands: {}\n",
	".platform/hooks/prebuild/01.sh":      "#!/bin/sh\necho prebuild in $PWD\n",
	".platform/hooks/postdeploy/01.sh":    "#!/bin/sh\necho postdeploy in $PWD\n",
	".platform/nginx/conf.d/hello.conf":   "# at http level\n",
	".ebextensions/nginx/conf.d/old.conf": "# Amazon Linux 1\n",
}

func TestAnApplicationIsDeployedInThePlatformsOrder(t *testing.T) {
	i := startInstance(t, &world{metadata: goodMetadata, bundle: goodBundle}, "")
	r := deploy(t, i, al2023, instance.Success)
	if r.Message != "Engine execution has succeeded." || len(r.Events) != 1 || r.Events[0].Message != "Instance deployment completed successfully." {
		t.Errorf("result %+v", r)
	}
	if got := get(t, i, "/"); !strings.HasSuffix(got, ", greeting hello") || strings.HasPrefix(got, "uid 0,") {
		t.Errorf("application says %q", got)
	}
	if missing := inOrder(logOf(t, i, "eb-engine.log"), "[INFO] Engine command: (app-deploy)", "[INFO] Instance is Leader.",
		"[INFO] Executing instruction: PreBuildEbExtension", "[INFO] Executing cfn scripts in config set Infra-EmbeddedPreBuild.",
		"[INFO] Executing instruction: StageApplication", "RunAppDeployPreBuildHooks", "Golang Specific Build Application", "configure proxy",
		"PostBuildEbExtension", "CleanEbExtensions", "RunAppDeployPreDeployHooks", "stop proxy", "FlipApplication", "start proxy",
		"RunAppDeployPostDeployHooks", `CommandService Response: {"status":"SUCCESS","api_version":"1.0","results":[{"status":"SUCCESS","msg":"Engine execution has succeeded.","returncode":0`); missing != "" {
		t.Errorf("eb-engine.log: %q is missing or out of order:\n%s", missing, logOf(t, i, "eb-engine.log"))
	}
	if got := logOf(t, i, "eb-hooks.log"); got != "prebuild in /var/app/staging\npostdeploy in /var/app/current\n" {
		t.Errorf("eb-hooks.log: %q", got)
	}
	for path, want := range map[string]string{"/srv/greeting": "hello\n", "/srv/procfile": goodBundle["Procfile"], "/etc/nginx/conf.d/hello.conf": "# at http level\n"} {
		if got, err := i.ReadFile(path); string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := i.ReadFile("/var/app/current/.ebextensions/a.config"); err == nil {
		t.Error("configuration files went live")
	}
	resp, err := http.Get("http://" + i.Address().String() + ":8080/")
	if err != nil {
		t.Fatalf("a server block from files: %v", err)
	}
	resp.Body.Close()
	deploy(t, i, al2023, instance.Success) // and once more, over the running version
	get(t, i, "/")
}

func withSource(url string) string {
	return `{"AWS::CloudFormation::Authentication": {"S3Auth": {"type": "S3", "buckets": ["certs"], "roleName": "profile"}},
	"AWS::CloudFormation::Init": {"configSets": {"Infra-EmbeddedPreBuild": ["prebuild_0_shop"], "Infra-EmbeddedPostBuild": []},
	"prebuild_0_shop": {"files": {"/etc/pki/tls/certs/client.pem": {"source": "` + url + `", "authentication": "S3Auth"}}}}}`
}

func TestTheStorysFailureOnEitherGeneration(t *testing.T) {
	w := &world{metadata: withSource("https://certs.s3.us-east-1.amazonaws.com/client.pem"), bundle: goodBundle}
	i := startInstance(t, w, "")
	r := deploy(t, i, al2023, instance.Failure)
	if r.Message != "Engine execution has encountered an error." || r.FailedStep != "PreBuildEbExtension" || r.MetadataCalls < 50 ||
		r.Expected < 300*time.Second || r.Expected > r.Longest || r.Longest > 660*time.Second || r.TimedOut {
		t.Errorf("result %+v", r)
	}
	const cause = `Failed to retrieve https://certs.s3.us-east-1.amazonaws.com/client.pem: [Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>`
	if !strings.HasPrefix(r.Cause, cause) {
		t.Errorf("cause %q", r.Cause)
	}
	if missing := inOrder(logOf(t, i, "eb-engine.log"), "[ERROR] An error occurred during execution of command [app-deploy] - [PreBuildEbExtension]. Stop running the command. Error: EbExtension build failed. Please refer to /var/log/cfn-init.log for more details.",
		`"status":"FAILURE"`); missing != "" {
		t.Errorf("eb-engine.log lacks %q", missing)
	}
	r = deploy(t, i, al1, instance.Failure)
	if want := cause + ". EBExtension failed. " + tipAL1; r.Output != want {
		t.Errorf("output %q, want %q", r.Output, want)
	}
}

func TestAmazonLinux1DeploysAndNamesTheCommandThatFails(t *testing.T) {
	w := &world{metadata: goodMetadata, bundle: goodBundle}
	i := startInstance(t, w, "")
	deploy(t, i, al1, instance.Success)
	get(t, i, "/")
	if missing := inOrder(logOf(t, i, "eb-activity.log"), "StartupStage0/DownloadSourceBundle] : Starting activity...", "EbExtensionPreBuild",
		"AppDeployPreHook", "EbExtensionPostBuild", "InfraCleanEbextension", "StartupStage1/AppDeployEnactHook", "AppDeployPostHook",
		"[Application deployment v1@1] : Completed activity. Result:\n  Application deployment - Command CMD-AppDeploy succeeded\n"); missing != "" {
		t.Errorf("eb-activity.log: %q is missing or out of order:\n%s", missing, logOf(t, i, "eb-activity.log"))
	}
	w.metadata = strings.Replace(goodMetadata, "test ! -e /var/app/staging/Procfile", "echo went wrong; exit 3", 1)
	r := deploy(t, i, al1, instance.Failure)
	if want := "went wrong. command 01_not_unpacked in .ebextensions/a.config failed. " + tipAL1; r.Output != want {
		t.Errorf("output %q, want %q", r.Output, want)
	}
	get(t, i, "/") // the old version is still there
}
