package elasticbeanstalk_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/elasticbeanstalk"
	cloudiam "beanpole/internal/cloud/iam"
	clouds3 "beanpole/internal/cloud/s3"
	"beanpole/internal/cloud/state"
	"beanpole/internal/cloud/sts"
	"beanpole/internal/fact"
	policy "beanpole/internal/iam"
	"beanpole/internal/instance"
)

const (
	al1    = "64bit Amazon Linux 2018.03 v2.17.1 running Go 1.13.4"
	al2023 = "64bit Amazon Linux 2023 v4.6.0 running Go 1"
)

// script is what the fake instances answer, by their order of launch.
type script func(n int, c *instance.Command) (*instance.Result, error)

// launcher is a fake Launcher: its machines answer what the script says.
type launcher struct {
	mu       sync.Mutex
	answer   script
	fail     error
	machines []*machine
	commands []*instance.Command
	files    map[string]string // on every machine
}

func (l *launcher) Launch(_ context.Context, m elasticbeanstalk.MachineSpec) (elasticbeanstalk.Machine, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, l.fail
	}
	x := &machine{l: l, n: len(l.machines), spec: m, done: make(chan struct{})}
	l.machines = append(l.machines, x)
	return x, nil
}

// running is how many machines are not stopped.
func (l *launcher) running() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.machines {
		select {
		case <-m.done:
		default:
			n++
		}
	}
	return n
}

type machine struct {
	l    *launcher
	n    int
	spec elasticbeanstalk.MachineSpec
	once sync.Once
	done chan struct{}
}

func (m *machine) ID() string            { return m.spec.InstanceID }
func (m *machine) Address() netip.Addr   { return netip.MustParseAddr("127.0.0.1") }
func (m *machine) Done() <-chan struct{} { return m.done }
func (m *machine) Stop(context.Context) error {
	m.once.Do(func() { close(m.done) })
	return nil
}

// ReadFile gives the launcher's files.
func (m *machine) ReadFile(path string) ([]byte, error) {
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	if text, ok := m.l.files[path]; ok {
		return []byte(text), nil
	}
	return nil, fs.ErrNotExist
}

func (m *machine) ReadEnd(path string, _ int64) ([]byte, error) { return m.ReadFile(path) }

func (m *machine) Do(ctx context.Context, c *instance.Command) (*instance.Result, error) {
	m.l.mu.Lock()
	m.l.commands = append(m.l.commands, c)
	answer := m.l.answer
	m.l.mu.Unlock()
	if answer == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return answer(m.n, c)
}

// world is a local AWS with a fake launcher, and an admin's clients.
type world struct {
	t        *testing.T
	dir      string
	url      string
	state    *state.State
	service  *elasticbeanstalk.Service
	stacks   *cloudformation.Service
	launcher *launcher
	denied   string // action that the judge refuses

	beans   *eb.Client
	cfn     *cf.Client
	objects *s3.Client
	iam     *iam.Client
	stop    func()
}

func start(t *testing.T) *world {
	t.Helper()
	return open(t, t.TempDir())
}

// open starts the local AWS on a directory, which may have been used before.
func open(t *testing.T, dir string) *world {
	t.Helper()
	st, err := state.OpenAs(dir, "123456789012", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, state: st, launcher: &launcher{}}
	d := door.New(door.Options{Accounts: st, Region: "eu-west-1", Judge: w.judge(), Log: t.Output()})
	objects, err := clouds3.New(st)
	if err != nil {
		t.Fatal(err)
	}
	if w.stacks, err = cloudformation.New(d, st); err != nil {
		t.Fatal(err)
	}
	w.service, err = elasticbeanstalk.New(elasticbeanstalk.Options{
		Door: d, State: st, Stacks: w.stacks, Launcher: w.launcher, PortFor: func(int) int { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.service.SetServiceWait(200 * time.Millisecond) // nothing answers on the fake instances
	d.Add(cloudiam.New(st).Rows()...)
	d.Add(sts.New(st).Rows()...)
	d.Add(objects.Rows()...)
	d.Add(w.stacks.Rows()...)
	d.Add(w.service.Rows()...)
	w.service.Resume()
	server := httptest.NewServer(d)
	w.url = server.URL
	w.stop = sync.OnceFunc(func() {
		server.Close()
		w.service.Close(context.Background())
		w.stacks.Close()
		st.Close()
	})
	t.Cleanup(w.stop)
	w.connect()
	return w
}

func (w *world) connect() {
	key, err := w.state.Admin()
	if err != nil {
		w.t.Fatal(err)
	}
	config := awssdk.Config{Region: "eu-west-1", BaseEndpoint: &w.url, RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: aws.OwnBody{Next: http.DefaultTransport}},
		Credentials: credentials.NewStaticCredentialsProvider(key.KeyID, key.Secret, "")}
	w.beans, w.cfn, w.iam = eb.NewFromConfig(config), cf.NewFromConfig(config), iam.NewFromConfig(config)
	w.objects = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
}

// judge lets everybody in who has a key, except for the one denied action;
// what access decides is tested where it is.
func (w *world) judge() door.Judge {
	decide := func(who policy.Principal, action string) policy.Decision {
		if who.Anonymous || action == w.denied {
			return policy.Decision{Reason: policy.ImplicitDeny}
		}
		return policy.Decision{Reason: policy.Allowed}
	}
	return door.Judge{
		Authorize: func(_ *account.Account, who policy.Principal, action, _ string, _ map[string][]string) policy.Decision {
			return decide(who, action)
		},
		Assume: func(_ *account.Account, who policy.Principal, _ string, _ map[string][]string) policy.Decision {
			return decide(who, "sts:AssumeRole")
		},
		S3: func(a *account.Account, r *door.S3Request) access.Answer {
			if _, v := a.Bucket(r.Bucket); v == fact.Broken && r.Bucket != "" && r.Action != "s3:CreateBucket" {
				return access.Answer{From: access.FromS3, Status: 404, Code: "NoSuchBucket", Verdict: fact.Broken}
			}
			return access.Answer{Verdict: fact.Holds}
		},
	}
}

// bundle makes a source bundle of name and content pairs.
func bundle(t *testing.T, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i+1 < len(files); i += 2 {
		f, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(files[i+1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// put puts a bundle where the service keeps them.
func (w *world) put(key string, files ...string) (bucket string) {
	w.t.Helper()
	ctx := w.t.Context()
	where, err := w.beans.CreateStorageLocation(ctx, &eb.CreateStorageLocationInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	files = append([]string{"Procfile", "web: ./server\n"}, files...)
	if _, err := w.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: where.S3Bucket, Key: &key, Body: bytes.NewReader(bundle(w.t, files...))}); err != nil {
		w.t.Fatal(err)
	}
	return *where.S3Bucket
}

// upload makes a bundle a version of application "shop".
func (w *world) upload(label string, files ...string) {
	w.t.Helper()
	key, yes := label+".zip", true
	bucket := w.put(key, files...)
	_, err := w.beans.CreateApplicationVersion(w.t.Context(), &eb.CreateApplicationVersionInput{
		ApplicationName: awssdk.String("shop"), VersionLabel: &label, AutoCreateApplication: &yes, SourceBundle: &ebtypes.S3Location{S3Bucket: &bucket, S3Key: &key},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// profile makes an instance profile "web" that holds a role "web-role".
func (w *world) profile() {
	w.t.Helper()
	ctx, role, profile := w.t.Context(), "web-role", "web"
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	if _, err := w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: &trust}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: &profile}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &profile, RoleName: &role}); err != nil {
		w.t.Fatal(err)
	}
}

// setting is "namespace name=value".
func settings(list ...string) []ebtypes.ConfigurationOptionSetting {
	var out []ebtypes.ConfigurationOptionSetting
	for _, s := range list {
		namespace, rest, _ := strings.Cut(s, " ")
		name, value, _ := strings.Cut(rest, "=")
		out = append(out, ebtypes.ConfigurationOptionSetting{Namespace: &namespace, OptionName: &name, Value: &value})
	}
	return out
}

const (
	single   = "aws:elasticbeanstalk:environment EnvironmentType=SingleInstance"
	withWeb  = "aws:autoscaling:launchconfiguration IamInstanceProfile=web"
	enhanced = "aws:elasticbeanstalk:healthreporting:system SystemType=enhanced"
)

// create makes environment "shop-env" and waits until nothing goes on in it.
func (w *world) create(platform string, options ...string) *ebtypes.EnvironmentDescription {
	w.t.Helper()
	_, err := w.beans.CreateEnvironment(w.t.Context(), &eb.CreateEnvironmentInput{
		ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("shop-env"), VersionLabel: awssdk.String("v1"),
		SolutionStackName: &platform, OptionSettings: settings(options...),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.settle()
}

func (w *world) settle() *ebtypes.EnvironmentDescription {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		out, err := w.beans.DescribeEnvironments(w.t.Context(), &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{"shop-env"}})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(out.Environments) > 0 && (out.Environments[0].Status == ebtypes.EnvironmentStatusReady || out.Environments[0].Status == ebtypes.EnvironmentStatusTerminated) {
			return &out.Environments[0]
		}
	}
	w.t.Fatalf("the environment does not settle; its events:\n%s", w.events())
	return nil
}

var (
	randoms = regexp.MustCompile(`-[0-9A-Z]{13}\b`)
	ids     = regexp.MustCompile(`\be-[a-z0-9]{10}\b`)
	hosts   = regexp.MustCompile(`i-[0-9a-f]{17}`)
	spans   = regexp.MustCompile(`\b\d+ (second|minute)s?\b`)
	eips    = regexp.MustCompile(`203\.0\.113\.\d+`)
)

// events are all events, oldest first, with what is random made plain:
// instances are i-1, i-2 in their order of launch.
func (w *world) events() string {
	w.t.Helper()
	out, err := w.beans.DescribeEvents(context.Background(), &eb.DescribeEventsInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(out.Events)
	var text strings.Builder
	for _, e := range out.Events {
		text.WriteString(string(e.Severity) + " " + awssdk.ToString(e.Message) + "\n")
	}
	s := randoms.ReplaceAllString(text.String(), "-RANDOM")
	s = eips.ReplaceAllString(spans.ReplaceAllString(ids.ReplaceAllString(s, "e-ID"), "N seconds"), "IP")
	seen := map[string]string{}
	return hosts.ReplaceAllStringFunc(s, func(id string) string {
		if seen[id] == "" {
			seen[id] = "i-" + string(rune('1'+len(seen)))
		}
		return seen[id]
	})
}

// expect compares the events from the line that begins with from on.
func (w *world) expect(from, want string) {
	w.t.Helper()
	got := w.events()
	i := strings.LastIndex(got, from)
	if i < 0 {
		w.t.Fatalf("no event %q in:\n%s", from, got)
	}
	if got = strings.TrimSpace(got[i:]); got != strings.TrimSpace(want) {
		w.t.Errorf("events are\n%s\nwant\n%s", got, want)
	}
}
