package cloud

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
)

// TestMain lets this program be a local AWS that gets killed.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "test-serve" {
		c, err := New(Config{Dir: os.Args[2], Region: "us-east-1", Log: os.Stderr})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(httptest.NewServer(c).URL)
		select {}
	}
	os.Exit(m.Run())
}

// load is what clients do to a local AWS until it is killed.
type load struct {
	config awssdk.Config
	run    int

	mu    sync.Mutex
	known map[string]string // key to content, of what was acknowledged
}

func (l *load) put(ctx context.Context, worker int) {
	c := s3.NewFromConfig(l.config, pathStyle)
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("run%d-worker%d-%d", l.run, worker, n%7) // keys are overwritten, too
		body := fmt.Sprintf("%s at %d %s", key, n, strings.Repeat("x", rand.IntN(20_000)))
		if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: awssdk.String("load"), Key: &key, Body: strings.NewReader(body)}); err != nil {
			l.mu.Lock()
			l.known[key] = "" // either content is right
			l.mu.Unlock()
			return
		}
		l.mu.Lock()
		l.known[key] = body
		l.mu.Unlock()
	}
}

const loadTemplate = `{"Resources": {
 "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}},
 "Profile": {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
 "Bucket": {"Type": "AWS::S3::Bucket"}}}`

func (l *load) stacks(ctx context.Context) {
	c := cloudformation.NewFromConfig(l.config)
	b := elasticbeanstalk.NewFromConfig(l.config)
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("run%d-%d", l.run, n)
		_, err := c.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &name, TemplateBody: awssdk.String(loadTemplate), Capabilities: []cftypes.Capability{cftypes.CapabilityCapabilityIam}})
		if err != nil {
			return
		}
		b.CreateApplicationVersion(ctx, &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: &name, VersionLabel: awssdk.String("v1"),
			AutoCreateApplication: awssdk.Bool(true), SourceBundle: &ebtypes.S3Location{S3Bucket: awssdk.String("load"), S3Key: awssdk.String("bundle.zip")}})
		b.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: &name, EnvironmentName: awssdk.String(name + "-env"), VersionLabel: awssdk.String("v1"),
			SolutionStackName: awssdk.String("64bit Amazon Linux 2023 v4.6.0 running Go 1")})
	}
}

// TestAKillAtAnyMomentLosesNothingThatWasAcknowledged kills a local AWS under
// load, again and again over the same folder, and looks at what is left.
func TestAKillAtAnyMomentLosesNothingThatWasAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("takes about ten seconds")
	}
	dir, known := t.TempDir(), map[string]string{}
	for run := range 8 {
		killUnderLoad(t, dir, &load{run: run, known: known}, time.Duration(50+rand.IntN(600))*time.Millisecond)
		lookAfter(t, dir, known)
		if t.Failed() {
			t.Fatalf("after run %d", run)
		}
	}
	if len(known) < 20 {
		t.Errorf("only %d objects were put: there was no load", len(known))
	}
}

func killUnderLoad(t *testing.T, dir string, l *load, after time.Duration) {
	t.Helper()
	server := exec.Command(os.Args[0], "test-serve", dir)
	var log bytes.Buffer
	server.Stderr = &log
	out, err := server.StdoutPipe()
	must(t, err)
	must(t, server.Start())
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		server.Wait()
		t.Fatalf("it does not start again: %s", log.String())
	}
	data, err := os.ReadFile(filepath.Join(dir, "credentials"))
	must(t, err)
	key := aws.Credentials{}
	for _, line := range strings.Split(string(data), "\n") {
		name, value, _ := strings.Cut(line, "=")
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			key.KeyID = strings.TrimSpace(value)
		case "aws_secret_access_key":
			key.Secret = strings.TrimSpace(value)
		}
	}
	l.config = awssdk.Config{Region: "us-east-1", BaseEndpoint: awssdk.String(strings.TrimSpace(url)), RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Timeout: 20 * time.Second, Transport: aws.OwnBody{Next: http.DefaultTransport}}, Credentials: credentials.NewStaticCredentialsProvider(key.KeyID, key.Secret, "")}
	c := s3.NewFromConfig(l.config, pathStyle)
	if l.run == 0 {
		makeBucket(t, c, "load", "us-east-1")
		must(t, second(c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: awssdk.String("load"), Key: awssdk.String("bundle.zip"), Body: strings.NewReader("PK")})))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for i := range 3 {
		clients.Go(func() { l.put(ctx, i) })
	}
	clients.Go(func() { l.stacks(ctx) })
	time.Sleep(after)
	server.Process.Kill()
	server.Wait()
	cancel()
	clients.Wait()
}

// lookAfter opens the local AWS again and holds it against what was known.
func lookAfter(t *testing.T, dir string, known map[string]string) {
	t.Helper()
	c, err := New(Config{Dir: dir, Log: testLog{t}})
	must(t, err)
	server := httptest.NewServer(c)
	defer func() {
		server.Close()
		c.Close(context.Background())
	}()
	w := &world{Cloud: c, url: server.URL}
	admin, err := c.State().Admin()
	must(t, err)
	w.config = w.as(admin, "us-east-1")
	objects, ctx := s3.NewFromConfig(w.config, pathStyle), t.Context()
	for key, want := range known {
		got, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: awssdk.String("load"), Key: &key})
		if err != nil {
			if want != "" {
				t.Errorf("%s was acknowledged, but: %v", key, err)
			}
			continue
		}
		data, err := io.ReadAll(got.Body)
		if err != nil || want != "" && string(data) != want || !strings.HasPrefix(string(data), key+" at ") {
			t.Errorf("%s holds %.60q, error %v; acknowledged was %.60q", key, data, err, want)
		}
		known[key] = string(data)
	}
	files, err := os.ReadDir(filepath.Join(dir, "objects"))
	must(t, err)
	listed := 0
	buckets, err := objects.ListBuckets(ctx, &s3.ListBucketsInput{})
	must(t, err)
	for _, b := range buckets.Buckets {
		out, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b.Name})
		must(t, err)
		listed += len(out.Contents)
	}
	if listed != len(files) {
		t.Errorf("%d objects are listed, %d files lie there", listed, len(files))
	}
	w.wantNothingUnderWay(t)
}

// wantNothingUnderWay waits until nothing of the killed process looks as if it
// went on.
func (w *world) wantNothingUnderWay(t *testing.T) {
	t.Helper()
	stacks, beans := cloudformation.NewFromConfig(w.config), elasticbeanstalk.NewFromConfig(w.config)
	var busy []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		busy = nil
		out, err := stacks.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{})
		must(t, err)
		for _, s := range out.Stacks {
			if strings.HasSuffix(string(s.StackStatus), "_IN_PROGRESS") {
				busy = append(busy, *s.StackName+" "+string(s.StackStatus))
			}
		}
		envs, err := beans.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{})
		must(t, err)
		for _, e := range envs.Environments {
			if e.Status != ebtypes.EnvironmentStatusTerminated {
				busy = append(busy, *e.EnvironmentName+" "+string(e.Status))
			}
		}
		if len(busy) == 0 {
			return
		}
	}
	t.Errorf("still under way: %v", busy)
}
