package cloud

import (
	"net/http"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"beanpole/internal/aws"
)

// limited is a user who may do everything but what statements deny.
func (w *world) limited(t *testing.T, name, deny string) awssdk.Config {
	t.Helper()
	doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},` + deny + `]}`
	out, err := iam.NewFromConfig(w.config).CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: &name, PolicyDocument: &doc})
	must(t, err)
	c, err := w.State().NewUser(name, *out.Policy.Arn)
	must(t, err)
	return w.as(c, "eu-west-1")
}

// A deny under a condition whose key the door does not know would deny nothing.
func TestADenyUnderAnOperationsOwnConditionKeyHolds(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	admin := iam.NewFromConfig(w.config)
	powerful, plain := awssdk.String("arn:aws:iam::aws:policy/AdministratorAccess"), awssdk.String("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
	must(t, second(admin.CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("r"), AssumeRolePolicyDocument: awssdk.String(ec2Trust),
		Tags: []types.Tag{{Key: awssdk.String("team"), Value: awssdk.String("core")}}})))

	c := iam.NewFromConfig(w.limited(t, "no-admin", `{"Effect":"Deny","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"`+*powerful+`"}}}`))
	wantCode(t, second(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: awssdk.String("r"), PolicyArn: powerful})), "AccessDenied")
	must(t, second(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: awssdk.String("r"), PolicyArn: plain})))

	c = iam.NewFromConfig(w.limited(t, "not-core", `{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"core"}}}`))
	wantCode(t, second(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: awssdk.String("r"), PolicyName: awssdk.String("p"), PolicyDocument: awssdk.String("{}")})), "AccessDenied")

	c = iam.NewFromConfig(w.limited(t, "bounded", `{"Effect":"Deny","Action":"iam:CreateRole","Resource":"*","Condition":{"StringNotEquals":{"iam:PermissionsBoundary":"`+*plain+`"}}}`))
	create := &iam.CreateRoleInput{RoleName: awssdk.String("b"), AssumeRolePolicyDocument: awssdk.String(ec2Trust)}
	wantCode(t, second(c.CreateRole(ctx, create)), "AccessDenied")
	create.PermissionsBoundary = plain
	must(t, second(c.CreateRole(ctx, create)))
}

func TestATrustPolicyMayAskForAnExternalID(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	me, err := sts.NewFromConfig(w.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must(t, err)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + *me.Arn + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"right"}}}]}`
	must(t, second(iam.NewFromConfig(w.config).CreateRole(ctx, &iam.CreateRoleInput{RoleName: awssdk.String("r"), AssumeRolePolicyDocument: &trust})))
	in := &sts.AssumeRoleInput{RoleArn: awssdk.String("arn:aws:iam::" + *me.Account + ":role/r"), RoleSessionName: awssdk.String("test")}
	for id, ok := range map[string]bool{"": false, "wrong": false, "right": true} {
		if in.ExternalId = nil; id != "" {
			in.ExternalId = &id
		}
		if _, err := sts.NewFromConfig(w.config).AssumeRole(ctx, in); (err == nil) != ok {
			t.Errorf("external ID %q: %v", id, err)
		}
	}
}

func TestABucketPolicyMayAskHowARequestWasSigned(t *testing.T) {
	w, ctx := start(t, "eu-west-1"), t.Context()
	c := s3.NewFromConfig(w.config, pathStyle)
	policy := func(condition string) {
		t.Helper()
		doc := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::signed/*","Condition":` + condition + `}]}`
		must(t, second(c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: awssdk.String("signed"), Policy: &doc})))
	}
	makeBucket(t, c, "signed", "eu-west-1")
	must(t, second(c.PutObject(ctx, &s3.PutObjectInput{Bucket: awssdk.String("signed"), Key: awssdk.String("k"), Body: strings.NewReader("data")})))
	admin, err := w.State().Admin()
	must(t, err)
	presigned := func(ago time.Duration) int {
		u, err := aws.PresignV4("GET", w.url+"/signed/k", admin, "eu-west-1", "s3", time.Hour, time.Now().Add(-ago))
		must(t, err)
		r, err := http.NewRequestWithContext(ctx, "GET", u, nil)
		must(t, err)
		status, _ := send(t, r)
		return status
	}
	get := func() error {
		return second(c.GetObject(ctx, &s3.GetObjectInput{Bucket: awssdk.String("signed"), Key: awssdk.String("k")}))
	}

	policy(`{"StringNotEquals":{"s3:authType":"REST-HEADER"}}`)
	if err, status := get(), presigned(0); err != nil || status != 403 {
		t.Errorf("only signed headers: %v, presigned %d", err, status)
	}
	policy(`{"NumericGreaterThan":{"s3:signatureAge":"600000"}}`)
	if err, young, old := get(), presigned(0), presigned(20*time.Minute); err != nil || young != 200 || old != 403 {
		t.Errorf("ten minutes at most: %v, young %d, old %d", err, young, old)
	}
	policy(`{"StringNotEquals":{"s3:x-amz-server-side-encryption":"AES256"}}`)
	put := &s3.PutObjectInput{Bucket: awssdk.String("signed"), Key: awssdk.String("k"), Body: strings.NewReader("data")}
	wantCode(t, second(c.PutObject(ctx, put)), "AccessDenied")
	put.ServerSideEncryption, put.Body = s3types.ServerSideEncryptionAes256, strings.NewReader("data")
	must(t, second(c.PutObject(ctx, put)))
}
