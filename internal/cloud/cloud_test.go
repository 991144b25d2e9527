package cloud

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"beanpole/internal/aws"
)

// world is a local AWS that listens, and its admin's clients.
type world struct {
	*Cloud
	url    string
	config awssdk.Config
}

func start(t *testing.T, region string) *world {
	t.Helper()
	c, err := New(Config{Dir: t.TempDir(), Region: region, Log: testLog{t}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(func() {
		server.Close()
		c.Close(context.Background())
	})
	w := &world{Cloud: c, url: server.URL}
	admin, err := c.State().Admin()
	if err != nil {
		t.Fatal(err)
	}
	w.config = w.as(admin, region)
	return w
}

func (w *world) as(c aws.Credentials, region string) awssdk.Config {
	return awssdk.Config{Region: region, BaseEndpoint: &w.url, RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: aws.OwnBody{Next: http.DefaultTransport}},
		Credentials: credentials.NewStaticCredentialsProvider(c.KeyID, c.Secret, c.Token)}
}

func pathStyle(o *s3.Options) { o.UsePathStyle = true }

// testLog fails the test when the cloud logs a failure of its own.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Errorf("the cloud logged: %s", b)
	return len(b), nil
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

const ec2Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func TestSDKClientsMakeRoleAndInstanceProfileUnderTwoNames(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c := iam.NewFromConfig(w.config)
	role, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("shop-role"), Path: awssdk.String("/team/"), AssumeRolePolicyDocument: awssdk.String(ec2Trust)})
	if err != nil {
		t.Fatal(err)
	}
	if got := *role.Role.Arn; got != "arn:aws:iam::"+w.State().AccountID()+":role/team/shop-role" {
		t.Errorf("role ARN %q", got)
	}
	if text, _ := url.QueryUnescape(*role.Role.AssumeRolePolicyDocument); text != ec2Trust {
		t.Errorf("trust policy came back as %q", text)
	}
	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("SHOP-role"), AssumeRolePolicyDocument: awssdk.String(ec2Trust)})
	wantCode(t, err, "EntityAlreadyExists")
	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("other"), AssumeRolePolicyDocument: awssdk.String("{")})
	wantCode(t, err, "MalformedPolicyDocument")
	if _, err = c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: awssdk.String("shop-profile")}); err != nil {
		t.Fatal(err)
	}
	add := &iam.AddRoleToInstanceProfileInput{InstanceProfileName: awssdk.String("shop-profile"), RoleName: awssdk.String("shop-role")}
	if _, err = c.AddRoleToInstanceProfile(ctx, add); err != nil {
		t.Fatal(err)
	}
	_, err = c.AddRoleToInstanceProfile(ctx, add)
	wantCode(t, err, "LimitExceeded")
	p, err := c.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: awssdk.String("shop-profile")})
	if err != nil || len(p.InstanceProfile.Roles) != 1 || *p.InstanceProfile.Roles[0].RoleName != "shop-role" {
		t.Errorf("profile %+v, error %v", p, err)
	}
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: awssdk.String("shop-role")})
	wantCode(t, err, "DeleteConflict")
	_, err = c.GetRole(ctx, &iam.GetRoleInput{RoleName: awssdk.String("shop-profile")})
	wantCode(t, err, "NoSuchEntity")
	_, err = c.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: awssdk.String("https://x.example")})
	wantCode(t, err, "NotImplemented")
	if err == nil || !strings.Contains(err.Error(), "beanpole does not carry out iam:CreateOpenIDConnectProvider yet") {
		t.Errorf("error doesn't name the operation: %v", err)
	}
}

func TestInlineAndManagedPoliciesOfARole(t *testing.T) {
	w, ctx := start(t, "us-east-1"), t.Context()
	c := iam.NewFromConfig(w.config)
	name, text := awssdk.String("r"), awssdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	must(t, second(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: awssdk.String(ec2Trust)})))
	must(t, second(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: awssdk.String("inline"), PolicyDocument: text})))
	p, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: awssdk.String("managed"), PolicyDocument: text})
	must(t, err)
	must(t, second(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: p.Policy.Arn})))
	_, err = c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: p.Policy.Arn})
	wantCode(t, err, "DeleteConflict")
	_, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: awssdk.String(*p.Policy.Arn + "x")})
	wantCode(t, err, "NoSuchEntity")
	l, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || len(l.AttachedPolicies) != 1 || *l.AttachedPolicies[0].PolicyName != "managed" {
		t.Errorf("attached: %+v, %v", l, err)
	}
	v, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: p.Policy.Arn, VersionId: awssdk.String("v1")})
	must(t, err)
	if got, _ := url.QueryUnescape(*v.PolicyVersion.Document); got != *text {
		t.Errorf("document %q", got)
	}
	_, err = c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	wantCode(t, err, "DeleteConflict")
}

func TestObjectsThroughTheSDK(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c := s3.NewFromConfig(w.config, pathStyle)
	b := awssdk.String("shop-data")
	makeBucket(t, c, "shop-data", "eu-west-1")
	must(t, second(c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: awssdk.String("a/b c+d%.txt"), Body: strings.NewReader("0123456789"), ContentType: awssdk.String("text/plain"), Metadata: map[string]string{"who": "me"}})))
	must(t, second(c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: awssdk.String("z"), Body: strings.NewReader("")})))
	got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: awssdk.String("a/b c+d%.txt"), Range: awssdk.String("bytes=2-4")})
	must(t, err)
	if data, _ := io.ReadAll(got.Body); string(data) != "234" || *got.ContentRange != "bytes 2-4/10" || got.Metadata["who"] != "me" {
		t.Errorf("got %q %q %v", data, *got.ContentRange, got.Metadata)
	}
	whole, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: awssdk.String("a/b c+d%.txt")})
	must(t, err)
	if data, err := io.ReadAll(whole.Body); string(data) != "0123456789" || err != nil {
		t.Errorf("got %q %v", data, err)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: awssdk.String("z"), IfNoneMatch: awssdk.String(`"d41d8cd98f00b204e9800998ecf8427e"`)})
	wantStatus(t, err, http.StatusNotModified)
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: awssdk.String("z"), IfMatch: awssdk.String(`"x"`)})
	wantCode(t, err, "PreconditionFailed")
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: awssdk.String("z"), IfNoneMatch: awssdk.String("*"), Body: strings.NewReader("")})
	wantCode(t, err, "PreconditionFailed")
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: awssdk.String("missing")})
	wantCode(t, err, "NoSuchKey")
	l, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Delimiter: awssdk.String("/")})
	must(t, err)
	if len(l.Contents) != 1 || len(l.CommonPrefixes) != 1 || *l.CommonPrefixes[0].Prefix != "a/" {
		t.Errorf("listing %+v", l)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})
	wantCode(t, err, "BucketNotEmpty")
	d, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: b, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: awssdk.String("z")}, {Key: awssdk.String("a/b c+d%.txt")}}}})
	if err != nil || len(d.Deleted) != 2 {
		t.Errorf("deleted %+v, %v", d, err)
	}
	must(t, second(c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: b})))
}

func TestListingGoesOnWhereItStopped(t *testing.T) {
	w, ctx := start(t, "us-east-1"), t.Context()
	c := s3.NewFromConfig(w.config, pathStyle)
	makeBucket(t, c, "pages", "us-east-1")
	for _, k := range []string{"a", "b/1", "b/2", "c", "d/1", "e"} {
		must(t, second(c.PutObject(ctx, &s3.PutObjectInput{Bucket: awssdk.String("pages"), Key: &k, Body: strings.NewReader(k)})))
	}
	var got []string
	p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: awssdk.String("pages"), Delimiter: awssdk.String("/"), MaxKeys: awssdk.Int32(1)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		must(t, err)
		for _, o := range page.Contents {
			got = append(got, *o.Key)
		}
		for _, o := range page.CommonPrefixes {
			got = append(got, *o.Prefix)
		}
	}
	if s := strings.Join(got, " "); s != "a b/ c d/ e" {
		t.Errorf("listed %q", s)
	}
}

func TestUploadInPartsBecomesOneObject(t *testing.T) {
	w, ctx := start(t, "us-east-1"), t.Context()
	c := s3.NewFromConfig(w.config, pathStyle)
	b, k := awssdk.String("parts"), awssdk.String("big")
	makeBucket(t, c, "parts", "us-east-1")
	up, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b, Key: k})
	must(t, err)
	var parts []s3types.CompletedPart
	for i, data := range [][]byte{bytes.Repeat([]byte("x"), 5<<20), []byte("end")} {
		n := awssdk.Int32(int32(i + 1))
		out, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: n, Body: bytes.NewReader(data)})
		must(t, err)
		parts = append(parts, s3types.CompletedPart{PartNumber: n, ETag: out.ETag})
	}
	done, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: b, Key: k, UploadId: up.UploadId, MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts}})
	must(t, err)
	if !strings.HasSuffix(*done.ETag, `-2"`) {
		t.Errorf("entity tag %s", *done.ETag)
	}
	h, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b, Key: k})
	if err != nil || *h.ContentLength != 5<<20+3 {
		t.Errorf("object %+v, %v", h, err)
	}
	_, err = c.UploadPart(ctx, &s3.UploadPartInput{Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: awssdk.Int32(1), Body: strings.NewReader("")})
	wantCode(t, err, "NoSuchUpload")
}

func TestBucketPolicyMayNameOnlyRolesThatExist(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c, ic := s3.NewFromConfig(w.config, pathStyle), iam.NewFromConfig(w.config)
	makeBucket(t, c, "certs", "eu-west-1")
	arn := "arn:aws:iam::" + w.State().AccountID() + ":role/reader"
	policy := awssdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"}]}`)
	put := &s3.PutBucketPolicyInput{Bucket: awssdk.String("certs"), Policy: policy}
	_, err := c.PutBucketPolicy(ctx, put)
	wantCode(t, err, "MalformedPolicy")
	if err == nil || !strings.Contains(err.Error(), "Invalid principal in policy") {
		t.Errorf("error %v", err)
	}
	role := &iam.CreateRoleInput{RoleName: awssdk.String("reader"), AssumeRolePolicyDocument: awssdk.String(ec2Trust)}
	made, err := ic.CreateRole(ctx, role)
	must(t, err)
	must(t, second(c.PutBucketPolicy(ctx, put)))
	must(t, second(ic.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: awssdk.String("reader")})))
	must(t, second(ic.CreateRole(ctx, role)))
	got, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: awssdk.String("certs")})
	must(t, err)
	if !strings.Contains(*got.Policy, *made.Role.RoleId) || strings.Contains(*got.Policy, arn) {
		t.Errorf("the policy doesn't show the dead role's ID: %s", *got.Policy)
	}
}

func TestSeededObjectIsThereWithItsBucket(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	must(t, w.Seed("certs", "server.key", []byte("secret")))
	c := s3.NewFromConfig(w.config, pathStyle)
	makeBucket(t, c, "certs", "eu-west-1")
	must(t, w.Seed("certs", "late", []byte("late")))
	for key, want := range map[string]string{"server.key": "secret", "late": "late"} {
		got, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: awssdk.String("certs"), Key: &key})
		must(t, err)
		if data, _ := io.ReadAll(got.Body); string(data) != want {
			t.Errorf("%s holds %q", key, data)
		}
	}
}

func TestPresignedURLNeedsNoHeaders(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c := s3.NewFromConfig(w.config, pathStyle)
	makeBucket(t, c, "pre", "eu-west-1")
	must(t, second(c.PutObject(ctx, &s3.PutObjectInput{Bucket: awssdk.String("pre"), Key: awssdk.String("k"), Body: strings.NewReader("data")})))
	req, err := s3.NewPresignClient(c).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: awssdk.String("pre"), Key: awssdk.String("k")})
	must(t, err)
	for u, want := range map[string]int{req.URL: 200, req.URL + "0": 403, w.url + "/pre/k": 403} {
		r, err := http.Get(u)
		must(t, err)
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("status %d, want %d", r.StatusCode, want)
		}
	}
}

func TestCallerIdentityAndRoleSessions(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c, ic := sts.NewFromConfig(w.config), iam.NewFromConfig(w.config)
	me, err := c.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	trust := strings.Replace(ec2Trust, `"Service":"ec2.amazonaws.com"`, `"AWS":"`+*me.Arn+`"`, 1)
	for name, doc := range map[string]string{"mine": trust, "ec2s": ec2Trust} {
		must(t, second(ic.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &doc})))
	}
	role := "arn:aws:iam::" + *me.Account + ":role/"
	got, err := c.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: awssdk.String(role + "mine"), RoleSessionName: awssdk.String("test")})
	must(t, err)
	_, err = c.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: awssdk.String(role + "ec2s"), RoleSessionName: awssdk.String("test")})
	wantCode(t, err, "AccessDenied")
	session := w.as(aws.Credentials{KeyID: *got.Credentials.AccessKeyId, Secret: *got.Credentials.SecretAccessKey, Token: *got.Credentials.SessionToken}, "eu-west-1")
	who, err := sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	if want := "arn:aws:sts::" + *me.Account + ":assumed-role/mine/test"; *who.Arn != want {
		t.Errorf("session is %q, want %q", *who.Arn, want)
	}
	_, err = iam.NewFromConfig(session).ListRoles(ctx, &iam.ListRolesInput{})
	wantCode(t, err, "AccessDenied")
	must(t, second(ic.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: awssdk.String("mine")})))
	must(t, second(ic.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("mine"), AssumeRolePolicyDocument: &trust})))
	_, err = sts.NewFromConfig(session).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId")
}

func makeBucket(t *testing.T, c *s3.Client, name, region string) {
	t.Helper()
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	must(t, second(c.CreateBucket(t.Context(), in)))
}

func second[A any](_ A, err error) error { return err }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var e interface{ HTTPStatusCode() int }
	if !errors.As(err, &e) || e.HTTPStatusCode() != status {
		t.Errorf("got error %v, want status %d", err, status)
	}
}
