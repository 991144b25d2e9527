package endtoend

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/cloud"
	"beanpole/internal/ebext"
	"beanpole/internal/iam"
	"beanpole/internal/instance"
	"beanpole/internal/source"
)

const (
	publicRegion  = "us-east-1"
	publicAccount = "123456789012"
	publicProfile = "aws-elasticbeanstalk-ec2-role" // the EB CLI's
)

// publicPlatforms are those that the files are deployed to.
const (
	publicPython = "64bit Amazon Linux 2 v3.3.9 running Python 3.8"
	publicAL1    = "64bit Amazon Linux 2018.03 v2.17.1 running Go 1.13.4"
	publicAL2    = "64bit Amazon Linux 2 v3.8.0 running Go 1"
)

// deployed is one file, predicted and run.
type deployed struct {
	name     string
	platform string
	settings [][3]string
	report   *check.Report
	problem  string // why check could not read the version, "" when it could
	result   *instance.Result
	events   []string // ERROR events, oldest first
	logs     string
	took     time.Duration
}

// play predicts one configuration file and deploys it, in a local AWS of its
// own. The error is a failure of ours: a crash, or what was left behind.
func play(ctx context.Context, name, text string) (d *deployed, err error) {
	began := time.Now()
	// Not t.TempDir: nothing may be deleted through a mount that was left.
	dir, err := os.MkdirTemp("", "beanpole-public.")
	if err != nil {
		return nil, err
	}
	d = &deployed{name: name, platform: platformOf(text), settings: settingsFor(text)}
	bundle, err := d.bundle(filepath.Join(dir, "app"), text)
	if err != nil {
		return nil, err
	}
	a, objects, err := d.predict(bundle)
	bundle.Close()
	if err != nil {
		return d, err
	}
	s := &stage{dir: filepath.Join(dir, "state"), hosts: outsiders(text)}
	s.traces = &traces{state: s.dir}
	err = d.run(ctx, s, a, objects, filepath.Join(dir, "app"))
	if crash := strings.Index(s.log.String(), "goroutine "); crash >= 0 {
		err = errors.Join(err, fmt.Errorf("PID 1 crashed: %s", s.log.String()))
	}
	if found := s.traces.left(); len(found) > 0 {
		return d, errors.Join(err, fmt.Errorf("left behind:\n  %s", strings.Join(found, "\n  ")))
	}
	d.took = time.Since(began)
	return d, errors.Join(err, os.RemoveAll(dir))
}

// platformOf is the platform that a file is for: the Amazon Linux AMI when it
// names paths that are gone since; the language whose options it sets.
func platformOf(text string) string {
	for _, old := range []string{"/opt/elasticbeanstalk/hooks", "/etc/init/", "/opt/elasticbeanstalk/support", "/opt/python/", "initctl", "/var/app/ondeck", "eb-commandprocessor",
		"/opt/elasticbeanstalk/containerfiles", "httpd24", "/opt/elasticbeanstalk/node-install", "EB_CONFIG_"} {
		if strings.Contains(text, old) {
			return publicAL1
		}
	}
	if strings.Contains(text, "aws:elasticbeanstalk:container:python") {
		return publicPython
	}
	return publicAL2
}

// settingsFor are the settings that a deployment of the file is made with.
func settingsFor(text string) [][3]string {
	all := [][3]string{
		{"aws:autoscaling:launchconfiguration", "IamInstanceProfile", publicProfile},
		{"aws:autoscaling:asg", "MinSize", "1"},
		{"aws:autoscaling:asg", "MaxSize", "1"},
	}
	if strings.Contains(text, "AWSEBV2") || strings.Contains(text, "aws:elbv2:") {
		all = append(all, [3]string{"aws:elasticbeanstalk:environment", "LoadBalancerType", "application"})
	}
	return all
}

// bundle writes the source bundle: the file, and an application that runs.
func (d *deployed) bundle(dir, text string) (*source.Bundle, error) {
	if err := os.MkdirAll(filepath.Join(dir, ".ebextensions"), 0o755); err != nil {
		return nil, err
	}
	base, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(d.name), ".config"), "@")
	for file, data := range map[string]string{
		".ebextensions/" + base + ".config": text,
		"Procfile":                          "web: /opt/beanpole/beanpole test-application\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(data), 0o644); err != nil {
			return nil, err
		}
	}
	return source.OpenBundle(dir)
}

// predict lets check judge the deployment in an account in which there is what
// the file fetches.
func (d *deployed) predict(b *source.Bundle) (*account.Account, map[string][]string, error) {
	in := &check.Input{Bundle: b, Platform: d.platform, Reachable: true, Given: direct(d.settings),
		Env: &cfn.Env{StackName: "public", Region: publicRegion, AccountID: publicAccount}}
	a, objects, err := surroundings(nil)
	if err != nil {
		return nil, nil, err
	}
	in.Account = a
	r, err := check.Run(in)
	if err == nil {
		if a, objects, err = surroundings(r.Chains); err != nil {
			return nil, nil, err
		}
		in.Account = a
		r, err = check.Run(in)
	}
	var problem *source.Problem
	if errors.As(err, &problem) {
		d.problem = problem.Error()
		return a, objects, nil
	}
	d.report = r
	return a, objects, err
}

func direct(all [][3]string) (out ebext.Settings) {
	for _, g := range all {
		out = append(out, ebext.Setting{Namespace: g[0], Option: g[1], Level: ebext.Direct, Value: source.NewString(g[2], source.Pos{})})
	}
	return out
}

// surroundings is the account of a deployment: the EB CLI's role and profile,
// and for each fetch a bucket with its object, which all may read when nobody
// signs.
func surroundings(chains []*access.Chain) (*account.Account, map[string][]string, error) {
	var failed []error
	parse := func(name, text string) *iam.Policy {
		p, err := iam.ParseJSON(name, "", []byte(text))
		failed = append(failed, err)
		return p
	}
	a := &account.Account{ID: publicAccount, Partition: "aws", Region: publicRegion, Complete: true}
	a.Roles = []*account.Role{{
		Name: publicProfile, Path: "/", ARN: "arn:aws:iam::" + publicAccount + ":role/" + publicProfile, ID: "AROAPUBLICPUBLIC0001",
		Trust:  parse("trust", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
		Inline: []*iam.Policy{parse("s3", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)},
	}}
	a.Profiles = []*account.Profile{{Name: publicProfile, Path: "/", ARN: "arn:aws:iam::" + publicAccount + ":instance-profile/" + publicProfile,
		ID: "AIPAPUBLICPUBLIC0001", Roles: []string{publicProfile}}}
	objects := map[string][]string{}
	for _, c := range chains {
		at := c.Fetch.Address
		if at.Bucket == "" || at.Key == "" || slices.Contains(objects[at.Bucket], at.Key) {
			continue
		}
		b, _ := a.Bucket(at.Bucket)
		if b == nil {
			b = &account.Bucket{Name: at.Bucket, Region: at.Region, ObjectsComplete: true, Objects: map[string]*account.Object{}}
			if b.Region == "" {
				b.Region = publicRegion
			}
			if c.Fetch.Signer.Kind == access.Nobody {
				b.Policy = parse("bucket", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::`+at.Bucket+`/*"}]}`)
			}
			a.Buckets = append(a.Buckets, b)
		}
		b.Objects[at.Key] = &account.Object{Type: "binary/octet-stream"}
		objects[at.Bucket] = append(objects[at.Bucket], at.Key)
	}
	return a, objects, errors.Join(failed...)
}

// run deploys the folder as `up` does.
func (d *deployed) run(ctx context.Context, s *stage, a *account.Account, objects map[string][]string, app string) (err error) {
	var ours bytes.Buffer
	s.cloud, err = cloud.New(cloud.Config{Dir: s.dir, Region: publicRegion, AccountID: publicAccount, Launcher: s, PortFor: func(int) int { return 0 }, Log: &ours})
	if err != nil {
		return err
	}
	server := httptest.NewServer(s.cloud)
	defer func() {
		server.Close()
		err = errors.Join(err, s.cloud.Close(context.Background()), s.failed)
		if ours.Len() > 0 {
			err = errors.Join(err, errors.New(ours.String()))
		}
	}()
	if err := s.cloud.State().Load(a); err != nil {
		return err
	}
	key, err := s.cloud.State().Admin()
	if err != nil {
		return err
	}
	config := awssdk.Config{Region: publicRegion, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: aws.OwnBody{Next: http.DefaultTransport}},
		Credentials: credentials.NewStaticCredentialsProvider(key.KeyID, key.Secret, "")}
	if err := upload(ctx, config, a, objects); err != nil {
		return err
	}
	if err := d.create(ctx, config, app); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ran) > 0 {
		d.result = s.ran[0]
	}
	d.logs = s.logs
	return nil
}

func upload(ctx context.Context, config awssdk.Config, a *account.Account, objects map[string][]string) error {
	for _, b := range a.Buckets {
		client := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle, o.Region = true, b.Region })
		for _, k := range objects[b.Name] {
			if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.Name, Key: &k, Body: bytes.NewReader(stuff(k))}); err != nil {
				return err
			}
		}
	}
	return nil
}

// create makes the environment and waits until it is made, or not.
func (d *deployed) create(ctx context.Context, config awssdk.Config, app string) error {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	if err := errors.Join(z.AddFS(os.DirFS(app)), z.Close()); err != nil {
		return err
	}
	beans := eb.NewFromConfig(config)
	where, err := beans.CreateStorageLocation(ctx, &eb.CreateStorageLocationInput{})
	if err != nil {
		return err
	}
	objects := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	key, name, environment := "v1.zip", "public", "public-env"
	if _, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: where.S3Bucket, Key: &key, Body: bytes.NewReader(packed.Bytes())}); err != nil {
		return err
	}
	_, err = beans.CreateApplicationVersion(ctx, &eb.CreateApplicationVersionInput{ApplicationName: &name, VersionLabel: &name,
		AutoCreateApplication: awssdk.Bool(true), SourceBundle: &ebtypes.S3Location{S3Bucket: where.S3Bucket, S3Key: &key}})
	if err != nil {
		return err
	}
	var settings []ebtypes.ConfigurationOptionSetting
	for _, g := range d.settings {
		settings = append(settings, ebtypes.ConfigurationOptionSetting{Namespace: &g[0], OptionName: &g[1], Value: &g[2]})
	}
	_, err = beans.CreateEnvironment(ctx, &eb.CreateEnvironmentInput{ApplicationName: &name, EnvironmentName: &environment, VersionLabel: &name,
		SolutionStackName: &d.platform, OptionSettings: settings})
	if err != nil {
		d.events = []string{err.Error()}
		return nil
	}
	for {
		out, err := beans.DescribeEnvironments(ctx, &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{environment}})
		if err != nil {
			return err
		}
		if len(out.Environments) > 0 && out.Environments[0].Status != ebtypes.EnvironmentStatusLaunching {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	out, err := beans.DescribeEvents(ctx, &eb.DescribeEventsInput{EnvironmentName: &environment, Severity: ebtypes.EventSeverityError})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(out.Events) {
		d.events = append(d.events, *e.Message)
	}
	return nil
}
