package cli

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rogpeppe/go-internal/testscript"

	localaws "beanpole/internal/aws"
	"beanpole/internal/cloud"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/instance"
)

// fakeInstances stands for instances whose commands end as it is told.
type fakeInstances struct{ result instance.Result }

func (f *fakeInstances) Launch(_ context.Context, m elasticbeanstalk.MachineSpec) (elasticbeanstalk.Machine, error) {
	return &fakeInstance{id: m.InstanceID, result: &f.result, done: make(chan struct{})}, nil
}

type fakeInstance struct {
	id     string
	result *instance.Result
	once   sync.Once
	done   chan struct{}
}

func (m *fakeInstance) ID() string            { return m.id }
func (m *fakeInstance) Address() netip.Addr   { return netip.MustParseAddr("127.0.0.1") }
func (m *fakeInstance) Done() <-chan struct{} { return m.done }
func (m *fakeInstance) Stop(context.Context) error {
	m.once.Do(func() { close(m.done) })
	return nil
}
func (m *fakeInstance) Do(context.Context, *instance.Command) (*instance.Result, error) {
	r := *m.result
	return &r, nil
}
func (m *fakeInstance) ReadFile(path string) ([]byte, error) {
	if path == "/var/log/eb-engine.log" {
		return []byte("2026/11/23 22:01:41.572472 [ERROR] An error occurred during execution of command [app-deploy] - [PreBuildEbExtension]. Stop running the command. Error: EbExtension build failed.\n"), nil
	}
	return nil, fs.ErrNotExist
}

func (m *fakeInstance) ReadEnd(path string, _ int64) ([]byte, error) { return m.ReadFile(path) }

// failedBuild is what an instance says whose fetch was answered 404.
var failedBuild = instance.Result{Status: instance.Failure, ReturnCode: 1, Message: "Engine execution has encountered an error.", FailedStep: "PreBuildEbExtension",
	Events: []instance.EngineEvent{{Message: "Instance deployment failed. For details, see 'eb-engine.log'.", Severity: "ERROR"}}}

// well is what an instance says that has nothing to complain of.
var well = instance.Result{Status: instance.Success, Events: []instance.EngineEvent{{Message: "Instance deployment completed successfully.", Severity: "INFO"}}}

// localAWSOf: localaws failed|mended gives the following commands a local AWS in
// which the example was deployed, as it is or with one name for role and profile.
func localAWSOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: localaws failed|mended")
	}
	result, edit := failedBuild, asIs
	if args[0] == "mended" {
		result, edit = well, oneName
	}
	w := deployShop(&scripted{ts}, ts.MkAbs("localaws-"+args[0]), result, edit)
	for _, v := range w.env {
		k, x, _ := strings.Cut(v, "=")
		ts.Setenv(k, x)
	}
}

// oneName names role and instance profile alike.
func oneName(template string) string {
	template = strings.Replace(template, "    Type: AWS::IAM::Role\n    Properties:\n", "    Type: AWS::IAM::Role\n    Properties:\n      RoleName: shop-instance\n", 1)
	return strings.Replace(template, "    Type: AWS::IAM::InstanceProfile\n    Properties:\n", "    Type: AWS::IAM::InstanceProfile\n    Properties:\n      InstanceProfileName: shop-instance\n", 1)
}

// scripted is a script as what sets a local AWS up needs it.
type scripted struct{ *testscript.TestScript }

func (s *scripted) Fatal(args ...any) { s.Fatalf("%s", fmt.Sprint(args...)) }
func (s *scripted) Cleanup(f func())  { s.Defer(f) }
func (s *scripted) Helper()           {}

// tester is what of testing.TB is needed.
type tester interface {
	Fatal(args ...any)
	Cleanup(func())
	Helper()
}

// localAWS is a local AWS in which the story's stack was deployed.
type localAWS struct {
	url    string
	config aws.Config
	env    []string // of a program that asks it
}

// deployShop deploys the example, changed by edit, with the object that its
// instances fetch, and instances that end as they are told.
func deployShop(t tester, dir string, result instance.Result, edit func(template string) string) *localAWS {
	t.Helper()
	c, err := cloud.New(cloud.Config{Dir: filepath.Join(dir, "state"), Launcher: &fakeInstances{result}, Log: os.Stderr, PortFor: func(int) int { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.Close()
		c.Close(context.Background())
	})
	admin, err := c.State().Admin()
	if err != nil {
		t.Fatal(err)
	}
	w := &localAWS{url: server.URL, config: aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: localaws.OwnBody{Next: http.DefaultTransport}},
		Credentials: credentials.NewStaticCredentialsProvider(admin.KeyID, admin.Secret, "")}}
	w.env = []string{"AWS_ENDPOINT_URL=" + w.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + admin.KeyID, "AWS_SECRET_ACCESS_KEY=" + admin.Secret,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none"}
	if err := c.Seed("shop-certificates", "server.crt", []byte("certificate")); err != nil {
		t.Fatal(err)
	}
	if err := c.Seed("shop-certificates", "server.key", []byte("key")); err != nil {
		t.Fatal(err)
	}
	w.deploy(t, edit)
	return w
}

func (w *localAWS) deploy(t tester, edit func(string) string) {
	t.Helper()
	ctx := context.Background()
	objects := s3.NewFromConfig(w.config, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bundles")}); err != nil {
		t.Fatal(err)
	}
	bundle := zipOf(t, filepath.Join(exampleRoot, "examples", "https-from-s3", "app"))
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("bundles"), Key: aws.String("shop.zip"), Body: bytes.NewReader(bundle)}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(exampleRoot, "examples", "https-from-s3", "infra.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	stacks := cloudformation.NewFromConfig(w.config)
	_, err = stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: aws.String("shop"), TemplateBody: aws.String(edit(string(text))),
		Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		Parameters: []cfntypes.Parameter{{ParameterKey: aws.String("BundleBucket"), ParameterValue: aws.String("bundles")},
			{ParameterKey: aws.String("BundleKey"), ParameterValue: aws.String("shop.zip")}}})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("shop")})
		if err != nil {
			t.Fatal(err)
		}
		if status := string(out.Stacks[0].StackStatus); !strings.HasSuffix(status, "IN_PROGRESS") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the stack does not end")
		}
	}
}

func zipOf(t tester, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// exampleRoot is the project's folder, wherever a test stands by then.
var exampleRoot = func() string {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		panic(err) // the tests have no working directory
	}
	return root
}()

func asIs(s string) string { return s }
