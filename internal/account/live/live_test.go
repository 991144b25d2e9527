package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"beanpole/internal/access"
	"beanpole/internal/account/reading"
	localaws "beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// chain follows a fetch over what was read.
func chain(r *reading.Reading) *access.Chain {
	a := r.Facts()
	at := source.Pos{File: "x", Line: 1, Col: 1}
	url := "https://certs.s3.eu-west-1.amazonaws.com/tls/server.key"
	w := &access.World{Account: a, Instance: "i-0123456789abcdef0", ProfileUnknown: "the settings",
		Placement: &access.Placement{VPC: "vpc-1", Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"}, PublicIP: fact.Broken}}
	if p := r.Environment.Setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile"); p != "" {
		w.Profile, w.ProfileUnknown = source.NewString(p, at), ""
	}
	f := &access.Fetch{Section: "files", Target: "/key", URL: url, URLAt: at, Address: localaws.AgentS3(url),
		Signer: access.Signer{Kind: access.RoleKeys, Block: "S3Auth", BlockAt: at, Role: source.NewString("shop-role", at)}}
	return access.Follow(w, f)
}

func TestAFetchIsSoundWhenAllCanBeRead(t *testing.T) {
	r := readAll(t, &fakeAWS{}).Reading()
	if len(r.NotRead) > 0 {
		t.Errorf("not read: %v", r.NotRead)
	}
	c := chain(r)
	for _, l := range c.Links {
		if l.Verdict != fact.Holds {
			t.Errorf("link %s: %v: %s (%s)", l.Name, l.Verdict, l.Says, l.Missing)
		}
	}
	if c.Answer.Verdict != fact.Holds {
		t.Errorf("the fetch: %v", c.Answer)
	}
}

// beside are calls without which the fetch can still be told: another call
// tells the same, or the answer is only shown.
var beside = []string{
	"elasticbeanstalk:DescribeConfigurationOptions", "elasticbeanstalk:DescribeEnvironmentResources", "elasticbeanstalk:DescribeEvents",
	"elasticbeanstalk:DescribeApplicationVersions", "cloudformation:ListStackResources", "cloudformation:DescribeStackResource",
	"cloudformation:DescribeStackEvents", "s3:HeadBucket", "s3:GetBucketPolicyStatus", "s3control:GetPublicAccessBlock",
	"s3:GetPublicAccessBlock", "s3:GetBucketOwnershipControls", "s3:GetBucketEncryption", "ec2:DescribeInternetGateways", "ec2:DescribeNatGateways",
	"ec2:DescribeVpcAttribute", "kms:ListGrants", "sts:GetCallerIdentity",
	// See TestPoliciesOfTheOrganisationThatMayNotBeReadAreExcepted.
	"organizations:DescribeOrganization", "organizations:ListParents", "organizations:ListPoliciesForTarget", "organizations:DescribePolicy",
}

func TestARefusedCallMakesItsLinkUnknownAndNamesThePermission(t *testing.T) {
	all := &fakeAWS{}
	readAll(t, all)
	for _, op := range all.made() {
		if op == "elasticbeanstalk:DescribeEnvironments" {
			continue // nothing is read then: see below
		}
		f := &fakeAWS{refuse: op}
		r := readAll(t, f).Reading()
		if op != "s3:HeadBucket" { // S3 tells the bucket's region with a refusal too
			if !slices.ContainsFunc(r.NotRead, func(x reading.Refusal) bool { return x.Permission == permission(op) && x.Refused && x.Link != "" }) {
				t.Errorf("%s refused: no word of permission %s in %v", op, permission(op), r.NotRead)
			}
		}
		c := chain(r)
		var missing []string
		for _, l := range c.Links {
			if l.Verdict == fact.Broken {
				t.Errorf("%s refused: link %s is broken: %s", op, l.Name, l.Says)
			}
			missing = append(missing, l.Missing)
		}
		switch {
		case slices.Contains(beside, op):
			if c.Answer.Verdict == fact.Broken {
				t.Errorf("%s refused: the fetch is broken", op)
			}
		case c.Answer.Verdict == fact.Holds:
			t.Errorf("%s refused: the fetch still looks clean", op)
		case strings.Join(missing, "") == "":
			t.Errorf("%s refused: nothing would settle it", op)
		}
	}
}

func TestWithoutTheEnvironmentNothingIsTold(t *testing.T) {
	x := New((&fakeAWS{refuse: "elasticbeanstalk:DescribeEnvironments"}).asks())
	if err := x.Environment(context.Background(), "shop"); !Denied(err) {
		t.Errorf("error %v", err)
	}
	x = New((&fakeAWS{}).asks())
	if err := x.Environment(context.Background(), "other"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("error %v", err)
	}
}

// everything makes every call that there is.
func everything(t *testing.T, f *fakeAWS, flags ...string) {
	t.Helper()
	ctx := context.Background()
	x := New(f.asks(flags...))
	if err := x.Environment(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	x.Needed(ctx, theFetch)
	if err := x.Stack(ctx, "plain"); err != nil {
		t.Fatal(err)
	}
	x.networksOf(ctx, []string{"subnet-1"})
	x.listed(ctx, &reading.Bucket{Name: "certs"}, "tls/server.key", func(*s3.Options) {}) // what a refused HeadObject leads to
	if len(flags) == 0 {
		return
	}
	x.Logs(ctx)
	if logs := x.Reading().Environment.Logs; len(logs) != 1 || !strings.Contains(logs[0].Text, "tail of the log") {
		t.Errorf("logs %v", logs)
	}
	to, err := os.Create(filepath.Join(t.TempDir(), "bundle"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := x.Bundle(ctx, "bundles", "shop.zip", to); err != nil {
		t.Error(err)
	}
}

func TestNothingIsWritten(t *testing.T) {
	f := &fakeAWS{}
	everything(t, f)
	for _, op := range f.made() {
		if !readsOnly.MatchString(op) {
			t.Errorf("%s was called", op)
		}
	}
	f = &fakeAWS{}
	everything(t, f, "--fetch-logs", "--fetch-bundle")
	for _, op := range f.made() {
		if !readsOnly.MatchString(op) && op != "elasticbeanstalk:RequestEnvironmentInfo" && op != "elasticbeanstalk:RetrieveEnvironmentInfo" {
			t.Errorf("%s was called", op)
		}
	}
}

func TestTheClientsRefuseWhatIsNoReading(t *testing.T) {
	f := &fakeAWS{}
	c := s3.NewFromConfig(aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		APIOptions: []func(*middleware.Stack) error{Guard(nil, nil)}})
	_, err := c.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String("b"), Policy: aws.String("{}")})
	if err == nil || !strings.Contains(err.Error(), "no call that reading makes") {
		t.Errorf("error %v", err)
	}
	x := New(f.asks())
	x.out.Environment = &reading.Environment{Name: "shop"}
	x.Logs(t.Context())
	if len(f.calls) != 0 {
		t.Errorf("without the flag %v was called", f.calls)
	}
	if err := (&ec2Client{}).Describe(t.Context(), "TerminateInstances", nil, nil); err == nil {
		t.Error("EC2 takes any action")
	}
}

func TestThePolicyIsWhatTheCallsNeed(t *testing.T) {
	for _, flags := range [][]string{nil, {"--fetch-logs", "--fetch-bundle"}} {
		f := &fakeAWS{}
		everything(t, f, flags...)
		want := map[string]bool{}
		for _, op := range f.made() {
			if op != "sts:GetCallerIdentity" { // which needs none
				want[permission(op)] = true
			}
		}
		var p struct{ Statement []statement }
		if err := json.Unmarshal(Policy("aws", flags), &p); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, s := range p.Statement {
			for _, a := range s.Action {
				if s.Sid != "AskedByElasticBeanstalk" {
					got[a] = true
				}
			}
		}
		for a := range want {
			if !got[a] {
				t.Errorf("flags %v: the policy lacks %s", flags, a)
			}
		}
		for a := range got {
			if !want[a] {
				t.Errorf("flags %v: the policy allows %s, which no call needs", flags, a)
			}
		}
	}
}

func TestALargeAccountTakesNoMoreCalls(t *testing.T) {
	small, large := &fakeAWS{roles: 5}, &fakeAWS{roles: 5000}
	a, b := readAll(t, small), readAll(t, large)
	if a.Calls() != b.Calls() || len(small.calls) != len(large.calls) || a.Calls() != len(small.calls) {
		t.Errorf("%d calls (%d sent) of a small account, %d (%d sent) of a large one", a.Calls(), len(small.calls), b.Calls(), len(large.calls))
	}
}

// longest is the longest chain of calls that wait for each other: environment,
// settings, profile, attached policies, policy, version; then bucket, object,
// key, the key's policy.
const longest = 10

func TestCallsAreMadeSideBySide(t *testing.T) {
	f := &fakeAWS{delay: 50 * time.Millisecond}
	began := time.Now()
	x := readAll(t, f)
	if took := time.Since(began); took > 3*longest*f.delay {
		t.Errorf("%d calls of %v took %v, more than 3 times the longest chain of %d", x.Calls(), f.delay, took, longest)
	}
	if x.Calls() <= longest {
		t.Errorf("%d calls are too few to tell", x.Calls())
	}
}

func TestASavedReadingSaysTheSameAndHoldsNoSecret(t *testing.T) {
	x := New((&fakeAWS{}).asks())
	ctx := t.Context()
	if err := x.Environment(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	x.Needed(ctx, theFetch)
	var b bytes.Buffer
	hide := func(s string) string { return strings.ReplaceAll(s, "hunter2hunter2", "****") }
	if err := x.Reading().Save(&b, hide); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"correct-horse", "battery-staple", "hunter2hunter2", "open-sesame"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q was saved", secret)
		}
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := reading.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after := chain(x.Reading()), chain(r)
	for i := range before.Links {
		if p, q := before.Links[i], after.Links[i]; p.Verdict != q.Verdict || p.Says != q.Says {
			t.Errorf("link %s: %s; saved: %s", p.Name, p.Says, q.Says)
		}
	}
	from := map[string]string{}
	for _, s := range r.Environment.Settings {
		from[s.Name] = fmt.Sprint(s.From, s.Withheld)
	}
	if from["Timeout"] != "saved configuration productionfalse" || from["STRIPE"] != "saved configuration productiontrue" {
		t.Errorf("settings %v", from)
	}
}

// Whatever could be read, a colleague with the saved account is told the same.
func TestASavedReadingSaysTheSameInEveryWorld(t *testing.T) {
	worlds := []*fakeAWS{{alone: true}, {scp: deniesCerts}, {rcp: strings.Replace(deniesAll, "ORG", "o-another", 1)}, {pages: true}}
	all := &fakeAWS{}
	readAll(t, all)
	for _, op := range all.made() {
		if op != "elasticbeanstalk:DescribeEnvironments" {
			worlds = append(worlds, &fakeAWS{refuse: op, scp: deniesCerts})
		}
	}
	for _, f := range worlds {
		live := readAll(t, f).Reading()
		var b bytes.Buffer
		if err := live.Save(&b, strings.ToLower); err != nil { // which masks much more than secrets
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "account.json")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		saved, err := reading.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		before, after := chain(live), chain(saved)
		for i := range before.Links {
			if p, q := before.Links[i], after.Links[i]; p.Verdict != q.Verdict || p.Says != q.Says || p.Missing != q.Missing {
				t.Errorf("%+v: link %s: %s; saved: %s", f.refuse, p.Name, p.Says, q.Says)
			}
		}
		if before.Answer.Verdict != after.Answer.Verdict || before.Answer.Code != after.Answer.Code {
			t.Errorf("%s refused: %v, saved %v", f.refuse, before.Answer, after.Answer)
		}
	}
}

// A role that is asked for by the name in roleName and as the role of the
// instance profile is read whole, whichever comes first.
func TestARoleThatIsNamedTwiceIsReadWithItsPolicies(t *testing.T) {
	for range 20 {
		x := New((&fakeAWS{}).asks())
		x.Needed(t.Context(), &Needs{Roles: []string{"shop-role"}, Profiles: []string{"shop-profile"}})
		r := x.Reading()
		if len(r.Roles) != 1 || len(r.Roles[0].Inline) != 1 || len(r.Roles[0].Attached) != 1 {
			t.Fatalf("roles %+v", r.Roles)
		}
	}
}

func TestAGrantIsReadWithItsConstraints(t *testing.T) {
	r := readAll(t, &fakeAWS{}).Reading()
	for i := range r.Policies {
		r.Policies[i].Document = allow("s3:GetObject", "*") // kms:Decrypt no more
	}
	r.Keys[0].Policy = `{"Version":"2012-10-17","Statement":[]}`
	if l := chain(r).Link(access.Object); l.Verdict != fact.Holds {
		t.Errorf("with the grant: %v %s (%s)", l.Verdict, l.Says, l.Missing)
	}
	r.Keys[0].Grants[0].ContextSubset["aws:s3:arn"] = "arn:aws:s3:::certs/tls/other.key"
	r.Keys[0].Grants[0].Operations = []string{"Decrypt"}
	if l := chain(r).Link(access.Object); l.Verdict == fact.Holds {
		t.Errorf("with a grant for another object: %v %s", l.Verdict, l.Says)
	}
}
