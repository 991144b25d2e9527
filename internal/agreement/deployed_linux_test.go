package agreement

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/account"
	"beanpole/internal/cfninit"
	"beanpole/internal/cloud"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/cloud/state"
	"beanpole/internal/ebext"
	"beanpole/internal/instance"
	"beanpole/internal/source"
)

// site is a local AWS on loopback to which worlds are deployed through its API,
// one after the other; on its instances there is the agent and nothing else.
type site struct {
	*bench
	url     string
	profile string // in the shared credentials file
	beans   *eb.Client
	stacks  *cloudformation.Client
	objects *s3.Client
}

// pollEvery is how often it is asked whether a deployment has ended.
const pollEvery = 15 * time.Millisecond

const (
	application = "worlds"
	bundles     = "world-bundles"
	linux1      = "64bit Amazon Linux 2018.03 v2.9.20 running Python 3.6"
	linux2023   = "64bit Amazon Linux 2023 v4.3.0 running Python 3.11"
)

// newSite makes a site whose admin is a profile of that name.
func newSite(t *testing.T, profile string) *site {
	t.Helper()
	s := &site{profile: profile}
	s.bench = newBenchOf(t, cloud.Config{Launcher: s, PortFor: func(int) int { return 0 }})
	server := httptest.NewServer(s.cloud)
	t.Cleanup(server.Close)
	s.url = server.URL
	admin, err := s.cloud.State().Admin()
	if err != nil {
		t.Fatal(err)
	}
	c := aws.Config{Region: region, BaseEndpoint: &s.url, RetryMaxAttempts: 1, HTTPClient: server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(admin.KeyID, admin.Secret, "")}
	s.beans, s.stacks = eb.NewFromConfig(c), cloudformation.NewFromConfig(c)
	s.objects = s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	ctx := t.Context()
	_, err1 := s.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bundles)})
	_, err2 := s.beans.CreateApplication(ctx, &eb.CreateApplicationInput{ApplicationName: aws.String(application)})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return s
}

// credentialsFile is a section of a shared credentials file.
func (s *site) credentialsFile() string {
	admin, err := s.cloud.State().Admin()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", s.profile, admin.KeyID, admin.Secret)
}

// deploy deploys a world to an environment of its own and waits for its end.
// failure is the agent's error text, "" when no instance got so far.
func (s *site) deploy(ctx context.Context, w *world) (environment, failure string, err error) {
	environment = fmt.Sprintf("world-%d", w.seed)
	if err := s.network(ctx, environment+"-network", w); err != nil {
		return "", "", err
	}
	a, err := w.account()
	if err != nil {
		return "", "", err
	}
	if err := s.load(w, a); err != nil {
		return "", "", err
	}
	if w.vanishes() {
		if err := s.setProfile(w.option, w.roleName); err != nil {
			return "", "", err
		}
	}
	way := w.through
	s.bench.world = w
	s.way.Store(&way)
	if err := s.version(ctx, environment, w.config()); err != nil {
		return "", "", err
	}
	in := &eb.CreateEnvironmentInput{ApplicationName: aws.String(application), EnvironmentName: &environment, VersionLabel: &environment,
		SolutionStackName: aws.String(w.platform()), OptionSettings: w.options()}
	if _, err := s.beans.CreateEnvironment(ctx, in); err != nil {
		return "", "", fmt.Errorf("create the environment: %w", err)
	}
	for {
		out, err := s.beans.DescribeEnvironments(ctx, &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{environment}})
		if err != nil {
			return "", "", err
		}
		switch out.Environments[0].Status {
		case ebtypes.EnvironmentStatusReady, ebtypes.EnvironmentStatusTerminated:
			return environment, w.said, nil
		}
		time.Sleep(pollEvery)
	}
}

// missing is an instance profile that no world has.
const missing = "missing-profile"

// vanishes: the instance profile, which Elastic Beanstalk found, is deleted
// before the instance asks for it. Elsewhere it never was.
func (w *world) vanishes() bool { return w.option == missing && w.seed%3 != 0 }

// refused is the cause for which Elastic Beanstalk itself refuses the
// environment, before any instance could fetch anything; "" for none.
func (w *world) refused() string {
	switch {
	case w.option == missing && !w.vanishes():
		return "profile-missing"
	case w.option == w.roleARN():
		return "role-as-profile"
	}
	return ""
}

// setProfile makes an instance profile with a role, or deletes it, for "".
func (s *site) setProfile(name, role string) error {
	return s.cloud.State().Update(func(tx *state.Tx) error {
		if role == "" {
			return tx.DeleteProfile(name)
		}
		return tx.PutProfile(&state.Profile{Name: name, Path: "/", ID: "AIPAWORLDPROFILE0002", Roles: []string{role}})
	})
}

// platform: the host manager of Amazon Linux 1 puts the agent's error into an
// event, the engine of later ones does not. An environment without an instance
// profile is possible on the former alone.
func (w *world) platform() string {
	if w.option == "" || w.seed%2 == 0 {
		return linux1
	}
	return linux2023
}

func (w *world) options() (out []ebtypes.ConfigurationOptionSetting) {
	set := func(namespace, name, value string) {
		out = append(out, ebtypes.ConfigurationOptionSetting{Namespace: &namespace, OptionName: &name, Value: &value})
	}
	set("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
	if w.option != "" {
		set("aws:autoscaling:launchconfiguration", "IamInstanceProfile", w.option)
	}
	if w.network != "" {
		set("aws:ec2:vpc", "VPCId", w.made["vpc-1"])
		set("aws:ec2:vpc", "Subnets", w.made["subnet-1"])
		set("aws:ec2:vpc", "AssociatePublicIpAddress", "true")
	}
	return out
}

// version makes an application version whose bundle is one configuration file.
func (s *site) version(ctx context.Context, label, config string) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create(".ebextensions/tls.config")
	if err == nil {
		_, err = f.Write([]byte(config))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return err
	}
	key := label + ".zip"
	_, err = s.objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bundles), Key: &key, Body: bytes.NewReader(b.Bytes())})
	if err == nil {
		_, err = s.beans.CreateApplicationVersion(ctx, &eb.CreateApplicationVersionInput{ApplicationName: aws.String(application), VersionLabel: &label,
			SourceBundle: &ebtypes.S3Location{S3Bucket: aws.String(bundles), S3Key: &key}})
	}
	return err
}

// network creates the world's network as a stack, and gives the world's policies
// the IDs that it got.
func (s *site) network(ctx context.Context, name string, w *world) error {
	if w.network == "" {
		return nil
	}
	n := w.build(mustParse)
	text, err := json.Marshal(map[string]any{"Resources": resources(&n)})
	if err != nil {
		return err
	}
	if _, err := s.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(string(text))}); err != nil {
		return fmt.Errorf("create the network: %w", err)
	}
	for {
		out, err := s.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return err
		}
		if status := out.Stacks[0].StackStatus; status == cftypes.StackStatusCreateComplete {
			break
		} else if !strings.HasSuffix(string(status), "IN_PROGRESS") {
			return fmt.Errorf("the network's stack is %s: %s", status, aws.ToString(out.Stacks[0].StackStatusReason))
		}
		time.Sleep(pollEvery)
	}
	parts, err := s.stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &name})
	if err != nil {
		return err
	}
	w.made = map[string]string{}
	for _, r := range parts.StackResources {
		if before, number, ok := strings.Cut(*r.LogicalResourceId, "X"); ok {
			w.made[before+"-"+number] = *r.PhysicalResourceId
		}
	}
	for _, id := range []string{"vpce-1", "vpc-1"} {
		if physical := w.made[id]; physical != "" {
			w.bucketPolicy = strings.ReplaceAll(w.bucketPolicy, `"`+id+`"`, `"`+physical+`"`)
		}
	}
	return nil
}

// resources is a network as a template's resources. "vpc-1" is called "vpcX1" there.
func resources(n *account.Network) map[string]any {
	type m = map[string]any
	ref := func(id string) m { return m{"Ref": strings.Replace(id, "-", "X", 1)} }
	out := m{}
	add := func(id, kind string, p m) {
		out[strings.Replace(id, "-", "X", 1)] = m{"Type": "AWS::EC2::" + kind, "Properties": p}
	}
	for _, v := range n.VPCs {
		add(v.ID, "VPC", m{"CidrBlock": v.CIDRs[0]})
	}
	for _, s := range n.Subnets {
		add(s.ID, "Subnet", m{"VpcId": ref(s.VPC), "CidrBlock": "10.0." + s.ID[len("subnet-"):] + ".0/24"})
		if s.RouteTable != "" {
			add("joined"+s.ID, "SubnetRouteTableAssociation", m{"SubnetId": ref(s.ID), "RouteTableId": ref(s.RouteTable)})
		}
		if s.ACL != "" {
			add("listed"+s.ID, "SubnetNetworkAclAssociation", m{"SubnetId": ref(s.ID), "NetworkAclId": ref(s.ACL)})
		}
	}
	for _, g := range n.Gateways {
		add(g.ID, "InternetGateway", m{})
		if g.VPC != "" {
			add("attached"+g.ID, "VPCGatewayAttachment", m{"VpcId": ref(g.VPC), "InternetGatewayId": ref(g.ID)})
		}
	}
	for _, g := range n.NATs {
		add(g.ID, "NatGateway", m{"SubnetId": ref(g.Subnet)})
	}
	for _, t := range n.RouteTables {
		add(t.ID, "RouteTable", m{"VpcId": ref(t.VPC)})
		for i, r := range t.Routes {
			p := m{"RouteTableId": ref(t.ID), "DestinationCidrBlock": r.CIDR}
			p[map[account.RouteKind]string{account.ToGateway: "GatewayId", account.ToNAT: "NatGatewayId", account.ToIPv6: "EgressOnlyInternetGatewayId"}[r.Kind]] = ref(r.Target)
			if r.Kind == account.ToIPv6 {
				add(r.Target, "EgressOnlyInternetGateway", m{"VpcId": ref(t.VPC)})
			}
			add(fmt.Sprintf("route%d%s", i, t.ID), "Route", p)
		}
	}
	for _, e := range n.Endpoints {
		p := m{"VpcId": ref(e.VPC), "ServiceName": e.Service, "RouteTableIds": []any{ref(e.RouteTables[0])}}
		if e.Policy != nil {
			text, err := e.Policy.Text()
			if err == nil {
				p["PolicyDocument"] = json.RawMessage(text)
			}
		}
		add(e.ID, "VPCEndpoint", p)
	}
	for _, l := range n.ACLs {
		add(l.ID, "NetworkAcl", m{"VpcId": ref(l.VPC)})
		for i, e := range l.Entries {
			p := m{"NetworkAclId": ref(l.ID), "RuleNumber": e.Number, "Protocol": e.Protocol, "RuleAction": "allow", "Egress": e.Egress, "CidrBlock": e.CIDR}
			if e.Protocol == "tcp" {
				p["Protocol"], p["PortRange"] = 6, m{"From": e.From, "To": e.To}
			}
			add(fmt.Sprintf("entry%d%s", i, l.ID), "NetworkAclEntry", p)
		}
	}
	return out
}

// Launch is an instance on which the agent builds what its metadata says. The
// rest of a deployment is left out, since fetches come first.
func (s *site) Launch(_ context.Context, m elasticbeanstalk.MachineSpec) (elasticbeanstalk.Machine, error) {
	s.profileNow = m.Profile
	if w := s.bench.world; w.vanishes() {
		if err := s.setProfile(w.option, ""); err != nil {
			return nil, err
		}
	}
	return &machine{site: s, done: make(chan struct{})}, nil
}

type machine struct {
	site *site
	once sync.Once
	done chan struct{}
}

// ID is the one that worlds' policies name.
func (m *machine) ID() string            { return instanceID }
func (m *machine) Address() netip.Addr   { return netip.MustParseAddr("127.0.0.1") }
func (m *machine) Done() <-chan struct{} { return m.done }
func (m *machine) Stop(context.Context) error {
	m.once.Do(func() { close(m.done) })
	return nil
}

// Do runs the agent as app-deploy does, and answers as host manager and engine do.
func (m *machine) Do(ctx context.Context, c *instance.Command) (*instance.Result, error) {
	out, err := m.site.stacks.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &c.Stack, LogicalResourceId: &c.Resource})
	if err != nil {
		return nil, err
	}
	metadata, err := source.ParseJSON("metadata", []byte(aws.ToString(out.StackResourceDetail.Metadata)))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(m.site.dir, "instance")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o755); err != nil {
		return nil, err
	}
	runner := &cfninit.Runner{Root: dir, HTTP: m.site, Sleep: func(context.Context, time.Duration) {}, Rand: func() float64 { return 1 }}
	_, err = runner.Build(ctx, metadata, []string{ebext.PreBuild})
	var failed *cfninit.BuildError
	switch {
	case err == nil:
		return &instance.Result{Status: instance.Success}, nil
	case !errors.As(err, &failed):
		return nil, err
	}
	m.site.bench.world.said = failed.Text
	r := &instance.Result{Status: instance.Failure, ReturnCode: 1}
	if c.Platform == linux1 {
		r.Output = hostManager(failed.Text)
		return r, nil
	}
	r.Message = "Engine execution has encountered an error."
	r.Events = []instance.EngineEvent{{Message: "Instance deployment failed. For details, see 'eb-engine.log'.", Severity: "ERROR"}}
	return r, nil
}

// hostManager is what the host manager of Amazon Linux 1 makes of the agent's
// error: its first line, at most 256 bytes of it.
func hostManager(failure string) string {
	line, _, _ := strings.Cut(failure, "\n")
	if line = strings.TrimSpace(line); len(line) > 256 {
		line = "(TRUNCATED)..." + strings.ToValidUTF8(line[len(line)-256:], "")
	}
	return strings.TrimSuffix(line, ".") + ". EBExtension failed. For more detail, check /var/log/eb-activity.log using console or EB CLI"
}

// end terminates the world's environment, and its network with it.
func (s *site) end(ctx context.Context, environment string, w *world) error {
	_, err := s.beans.TerminateEnvironment(ctx, &eb.TerminateEnvironmentInput{EnvironmentName: &environment})
	if err != nil && strings.Contains(err.Error(), "No Environment found") {
		err = nil // it was refused, and is terminated
	}
	if w.network != "" {
		_, gone := s.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: aws.String(environment + "-network")})
		err = errors.Join(err, gone)
	}
	return err
}

// logs are the environment's events as the console prints them, newest last, and
// the agent's log.
func (s *site) logs(t *testing.T, environment, failure string) string {
	out, err := s.beans.DescribeEvents(t.Context(), &eb.DescribeEventsInput{EnvironmentName: &environment})
	if err != nil {
		t.Error(err)
		return ""
	}
	text := ""
	for _, e := range slices.Backward(out.Events) {
		text += fmt.Sprintf("%s    %-7s %s\n", e.EventDate.UTC().Format("2006-01-02 15:04:05"), e.Severity, aws.ToString(e.Message))
	}
	if failure != "" {
		at := aws.ToTime(out.Events[0].EventDate).UTC().Format("2006-01-02 15:04:05")
		text += at + ",100 [ERROR] Error encountered during build of prebuild_0_tls: " + failure + "\n" +
			at + ",101 [ERROR] -----------------------BUILD FAILED!------------------------\n"
	}
	return text
}
