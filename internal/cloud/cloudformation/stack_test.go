package cloudformation

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	cloudiam "beanpole/internal/cloud/iam"
	clouds3 "beanpole/internal/cloud/s3"
	"beanpole/internal/cloud/state"
	"beanpole/internal/fact"
	policy "beanpole/internal/iam"
)

// world is CloudFormation with IAM and S3 behind a door.
type world struct {
	t      *testing.T
	s      *Service
	door   *door.Door
	state  *state.State
	ctx    context.Context
	denied string // action that the judge refuses
}

func start(t *testing.T, dir string) *world {
	t.Helper()
	st, err := state.OpenAs(dir, "123456789012", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, state: st}
	w.door = door.New(door.Options{Accounts: st, Region: "eu-west-1", Judge: w.judge(), Log: t.Output()})
	objects, err := clouds3.New(st)
	if err != nil {
		t.Fatal(err)
	}
	if w.s, err = New(w.door, st); err != nil {
		t.Fatal(err)
	}
	w.door.Add(cloudiam.New(st).Rows()...)
	w.door.Add(w.s.HandleRow())
	w.door.Add(objects.Rows()...)
	w.door.Add(w.s.Rows()...)
	w.ctx = door.WithCaller(t.Context(), &door.Caller{Principal: policy.Principal{ARN: "arn:aws:iam::123456789012:user/dev"}, Region: "eu-west-1"})
	t.Cleanup(func() {
		w.s.Close()
		st.Close()
	})
	return w
}

// judge lets everybody in but for the denied action; what access decides is
// tested where it is.
func (w *world) judge() door.Judge {
	decide := func(action string) policy.Decision {
		if action == w.denied {
			return policy.Decision{Reason: policy.ImplicitDeny}
		}
		return policy.Decision{Reason: policy.Allowed}
	}
	return door.Judge{
		Authorize: func(_ *account.Account, _ policy.Principal, action, _ string, _ map[string][]string) policy.Decision {
			return decide(action)
		},
		Assume: func(_ *account.Account, _ policy.Principal, _ string, _ map[string][]string) policy.Decision {
			return decide("sts:AssumeRole")
		},
		S3: func(a *account.Account, r *door.S3Request) access.Answer {
			if _, v := a.Bucket(r.Bucket); v == fact.Broken && r.Action != "s3:CreateBucket" {
				return access.Answer{Status: 404, Code: "NoSuchBucket", Verdict: fact.Broken}
			}
			return access.Answer{Verdict: fact.Holds}
		},
	}
}

func (w *world) create(template string, change func(*cf.CreateStackInput)) error {
	in := &cf.CreateStackInput{StackName: door.Given("site"), TemplateBody: &template, Capabilities: []types.Capability{types.CapabilityCapabilityIam}}
	if change != nil {
		change(in)
	}
	_, err := w.s.CreateStack(w.ctx, in)
	return err
}

// settle waits until nothing goes on and gives the stack's status.
func (w *world) settle() types.StackStatus {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		w.s.mu.Lock()
		status := w.s.sorted()[0].Status
		w.s.mu.Unlock()
		if !inProgress(status) {
			return status
		}
	}
	w.t.Fatal("the stack does not settle")
	return ""
}

// events are "LogicalID STATUS reason" lines, oldest first.
func (w *world) events() string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	var text strings.Builder
	for _, e := range w.s.events[w.s.sorted()[0].ID] {
		text.WriteString(strings.TrimSpace(door.Value(e.LogicalResourceId)+" "+string(e.ResourceStatus)+" "+door.Value(e.ResourceStatusReason)) + "\n")
	}
	return text.String()
}

func (w *world) physical(logical string) string {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if r := w.s.sorted()[0].resource(logical); r != nil {
		return r.PhysicalID
	}
	return ""
}

const web = `
Parameters:
  Suffix: {Type: String, Default: a}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}]}
      Policies:
        - PolicyName: !Sub "read-${Suffix}"
          PolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]}
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}
  Files: {Type: AWS::S3::Bucket}
Outputs:
  Role: {Value: !GetAtt Role.Arn}
`

func TestStackMakesResourcesInOrderUnderGeneratedNames(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create(web, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); got != types.StackStatusCreateComplete {
		t.Fatalf("status %s\n%s", got, w.events())
	}
	for logical, pattern := range map[string]string{
		"Role": `^site-Role-[0-9A-Z]{13}$`, "Profile": `^site-Profile-[0-9A-Z]{13}$`, "Files": `^site-files-[0-9a-z]{13}$`,
	} {
		if got := w.physical(logical); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s is named %q", logical, got)
		}
	}
	out, err := w.s.DescribeStacks(w.ctx, &cf.DescribeStacksInput{StackName: door.Given("site")})
	if err != nil || door.Value(out.Stacks[0].Outputs[0].OutputValue) != "arn:aws:iam::123456789012:role/"+w.physical("Role") {
		t.Errorf("outputs are %v, %v", out.Stacks[0].Outputs, err)
	}
}

func TestRefusalsComeBeforeAnythingIsMade(t *testing.T) {
	named := "Resources: {Role: {Type: 'AWS::IAM::Role', Properties: {RoleName: x}}}"
	circle := "Resources: {A: {Type: 'AWS::S3::Bucket', DependsOn: B}, B: {Type: 'AWS::S3::Bucket', DependsOn: A}}"
	cases := []struct{ name, template, code, text string }{
		{"namedWithoutNamedCapability", named, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_NAMED_IAM]"},
		{"circle", circle, "ValidationError", "ircular depende"},
		{"parameterWithoutValue", "Parameters: {Key: {Type: String}}\nResources: {A: {Type: 'AWS::S3::Bucket'}}", "ValidationError", "Parameters: [Key] must have values"},
		{"loop", "Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::R': [N, [a], {'R${N}': {Type: 'AWS::S3::Bucket'}}]}", "ValidationError", "does not carry out Fn::ForEach"},
		{"noYAML", "a: [", "ValidationError", "Template format error"},
		{"noResources", "Parameters: {}", "ValidationError", "Template format error"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, t.TempDir())
			err := w.create(c.template, nil)
			var e *aws.Error
			if !errors.As(err, &e) || e.Code != c.code || !strings.Contains(e.Message, c.text) {
				t.Errorf("got %v, want %s: %s", err, c.code, c.text)
			}
			if len(w.s.stacks) != 0 {
				t.Error("a stack was made")
			}
		})
	}
}

func TestFailedResourceRollsTheStackBackWithTheReason(t *testing.T) {
	for _, c := range []struct {
		onFailure types.OnFailure
		want      types.StackStatus
	}{{"", types.StackStatusRollbackComplete}, {types.OnFailureDoNothing, types.StackStatusCreateFailed}, {types.OnFailureDelete, types.StackStatusDeleteComplete}} {
		t.Run(string(c.want), func(t *testing.T) {
			w := start(t, t.TempDir())
			template := web + "  Odd: {Value: 1}\n"
			template = strings.Replace(template, "  Files:", "  Fleet: {Type: AWS::Nope::Fleet, DependsOn: Profile}\n  Files:", 1)
			if err := w.create(template, func(in *cf.CreateStackInput) { in.OnFailure = c.onFailure }); err != nil {
				t.Fatal(err)
			}
			if got := w.settle(); got != c.want {
				t.Errorf("status %s, want %s", got, c.want)
			}
			if got := w.events(); !strings.Contains(got, "Fleet CREATE_FAILED beanpole cannot make a resource of type AWS::Nope::Fleet yet") {
				t.Errorf("events are\n%s", got)
			}
			_, err := door.Invoke[iam.GetRoleInput, iam.GetRoleOutput](w.ctx, w.door, "iam", "GetRole", &iam.GetRoleInput{RoleName: door.Given(w.physical("Role"))})
			if kept := err == nil; kept != (c.want == types.StackStatusCreateFailed) {
				t.Errorf("the role is kept: %v", kept)
			}
		})
	}
}

func TestCallsAreMadeInTheCallersName(t *testing.T) {
	w := start(t, t.TempDir())
	w.denied = "iam:CreateRole"
	if err := w.create(web, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if got := w.events(); !strings.Contains(got, "Role CREATE_FAILED User: arn:aws:iam::123456789012:user/dev is not authorized to perform: iam:CreateRole") {
		t.Errorf("events are\n%s", got)
	}
}

func TestBucketWithObjectsKeepsItsStackFromDeletion(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create(web, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	bucket := w.physical("Files")
	_, err := door.Invoke[s3.PutObjectInput, s3.PutObjectOutput](w.ctx, w.door, "s3", "PutObject", &s3.PutObjectInput{Bucket: &bucket, Key: door.Given("k"), Body: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	remove := func() types.StackStatus {
		if _, err := w.s.DeleteStack(w.ctx, &cf.DeleteStackInput{StackName: door.Given("site")}); err != nil {
			t.Fatal(err)
		}
		return w.settle()
	}
	if got := remove(); got != types.StackStatusDeleteFailed || !strings.Contains(w.events(), "Files DELETE_FAILED The bucket you tried to delete is not empty") {
		t.Errorf("status %s\n%s", got, w.events())
	}
	if _, err := door.Invoke[s3.DeleteObjectInput, s3.DeleteObjectOutput](w.ctx, w.door, "s3", "DeleteObject", &s3.DeleteObjectInput{Bucket: &bucket, Key: door.Given("k")}); err != nil {
		t.Fatal(err)
	}
	if got := remove(); got != types.StackStatusDeleteComplete {
		t.Errorf("status %s after the bucket was emptied\n%s", got, w.events())
	}
}

func TestUpdateChangesInPlaceReplacesAndRollsBack(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create(web, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	role, files := w.physical("Role"), w.physical("Files")
	update := func(template string, ps ...types.Parameter) error {
		_, err := w.s.UpdateStack(w.ctx, &cf.UpdateStackInput{StackName: door.Given("site"), TemplateBody: &template, Parameters: ps, Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
		return err
	}
	if err := update(web); err == nil || !strings.Contains(err.Error(), "No updates are to be performed.") {
		t.Errorf("the same again: %v", err)
	}
	if err := update(web, types.Parameter{ParameterKey: door.Given("Suffix"), ParameterValue: door.Given("b")}); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); got != types.StackStatusUpdateComplete || w.physical("Role") != role || w.physical("Files") != files {
		t.Errorf("status %s\n%s", got, w.events())
	}
	policies, err := door.Invoke[iam.ListRolePoliciesInput, iam.ListRolePoliciesOutput](w.ctx, w.door, "iam", "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil || !slices.Equal(policies.PolicyNames, []string{"read-b"}) {
		t.Errorf("the role has %v, %v", policies, err)
	}
	broken := strings.Replace(strings.Replace(web, "AWS::S3::Bucket", "AWS::S3::Bucket, Properties: {BucketName: other-name}", 1), "Outputs:", "  Z: {Type: AWS::Nope::Z, DependsOn: Files}\nOutputs:", 1)
	if err := update(broken, types.Parameter{ParameterKey: door.Given("Suffix"), ParameterValue: door.Given("c")}); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); got != types.StackStatusUpdateRollbackComplete || w.physical("Files") != files {
		t.Errorf("status %s, bucket %s\n%s", got, w.physical("Files"), w.events())
	}
	policies, err = door.Invoke[iam.ListRolePoliciesInput, iam.ListRolePoliciesOutput](w.ctx, w.door, "iam", "ListRolePolicies", &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil || !slices.Equal(policies.PolicyNames, []string{"read-b"}) {
		t.Errorf("after the rollback the role has %v, %v", policies, err)
	}
}

func TestStackOfADeadProcessIsFailedAtStart(t *testing.T) {
	dir := t.TempDir()
	w := start(t, dir)
	if err := w.create(web, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.s.mu.Lock()
	st := w.s.sorted()[0]
	st.Status = types.StackStatusUpdateInProgress
	err := w.s.save(st)
	w.s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	w.s.Close()
	w.state.Close()
	again := start(t, dir)
	if got := again.settle(); got != types.StackStatusUpdateFailed || !strings.HasSuffix(again.events(), "site UPDATE_FAILED beanpole was ended during this operation\n") {
		t.Errorf("status %s\n%s", got, again.events())
	}
}

func TestInstanceReadsMetadataOfItsOwnStackOnly(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create(web, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.s.Join("i-1", "site")
	instance := func(id string) error {
		ctx := door.WithCaller(t.Context(), &door.Caller{Principal: policy.Principal{Anonymous: true}, Instance: id})
		_, err := door.Invoke[cf.DescribeStackResourceInput, cf.DescribeStackResourceOutput](ctx, w.door, "cloudformation", "DescribeStackResource",
			&cf.DescribeStackResourceInput{StackName: door.Given("site"), LogicalResourceId: door.Given("Role")})
		return err
	}
	if err := instance("i-1"); err != nil {
		t.Errorf("its own: %v", err)
	}
	if err := instance("i-2"); err == nil {
		t.Error("a stranger was let in")
	}
	w.s.Leave("i-1")
	if err := instance("i-1"); err == nil {
		t.Error("an instance that has left was let in")
	}
}

func TestNamesTooLongLoseEndsButNotTheRandomPart(t *testing.T) {
	cases := []struct {
		stack, logical string
		limit          int
		want           string
	}{
		{"site", "Role", 64, "^site-Role-[0-9A-Z]{13}$"},
		{"awseb-e-3vui9m2zcq-stack", "AWSEBLoadBalancer", 32, "^awseb-e-3-AWSEBLoa-[0-9A-Z]{13}$"},
		{strings.Repeat("s", 100), "Role", 64, "^s{45}-Role-[0-9A-Z]{13}$"},
		{"site", strings.Repeat("R", 100), 64, "^site-R{45}-[0-9A-Z]{13}$"},
	}
	for _, c := range cases {
		if got := physicalName(c.stack, c.logical, c.limit); !regexp.MustCompile(c.want).MatchString(got) || len(got) > c.limit {
			t.Errorf("%s, %s: %q (%d)", c.stack, c.logical, got, len(got))
		}
	}
}
