package cloud

import (
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// made creates a stack and gives its last status and why its first resource
// failed.
func (w *world) made(t *testing.T, name, template string) (status, why string) {
	t.Helper()
	c := cloudformation.NewFromConfig(w.config)
	must(t, second(c.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template})))
	for {
		out, err := c.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		must(t, err)
		if status = string(out.Stacks[0].StackStatus); !strings.HasSuffix(status, "IN_PROGRESS") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	events, err := c.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &name})
	must(t, err)
	for _, e := range events.StackEvents {
		if e.ResourceStatus == "CREATE_FAILED" {
			why = awssdk.ToString(e.ResourceStatusReason)
		}
	}
	return status, why
}

func TestKMSRefusesKeysAndAliasesAsOnAWS(t *testing.T) {
	w := start(t, "eu-west-1")
	key := func(principal string) string {
		return `{Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "` + principal + `"}, Action: "kms:*", Resource: "*"}]}}}`
	}
	root := "arn:aws:iam::" + w.State().AccountID() + ":root"
	for _, c := range []struct{ name, resources, want string }{
		{"policy-by-default", "K: {Type: AWS::KMS::Key}", ""},
		{"to-the-account", "K: " + key(root), ""},
		{"nobody-who-may-change-it", "K: " + key("arn:aws:iam::444455556666:root"), "will not allow you to update the key policy in the future"},
		{"dead-principal", "K: {Type: AWS::KMS::Key, Properties: {BypassPolicyLockoutSafetyCheck: true, KeyPolicy: {Statement: [{Effect: Allow, Principal: {AWS: \"arn:aws:iam::" +
			w.State().AccountID() + ":role/gone\"}, Action: \"kms:*\", Resource: \"*\"}]}}}", "one or more invalid principals"},
		{"alias", "K: {Type: AWS::KMS::Key}\n  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/certs, TargetKeyId: !GetAtt K.Arn}}", ""},
		{"alias-again", "K: {Type: AWS::KMS::Key}\n  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/certs, TargetKeyId: !Ref K}}", "alias/certs already exists"},
		{"alias-of-nothing", "A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/other, TargetKeyId: 1234abcd-12ab-34cd-56ef-1234567890ab}}", "does not exist"},
	} {
		status, why := w.made(t, c.name, "Resources:\n  "+c.resources+"\n")
		if (c.want == "") != (status == "CREATE_COMPLETE") || !strings.Contains(why, c.want) {
			t.Errorf("%s: %s: %s", c.name, status, why)
		}
	}
	c, name := cloudformation.NewFromConfig(w.config), "alias"
	must(t, second(c.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name})))
	for alive := true; alive; time.Sleep(time.Millisecond) {
		_, err := c.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		alive = err == nil
	}
	w.State().View(func(a *account.Account) {
		if _, found := a.Key("alias/certs"); found != fact.Broken {
			t.Error("the alias outlived its stack")
		}
		pending := 0
		for _, k := range a.Keys {
			if k.PendingDeletion && k.Enabled == fact.Broken {
				pending++
			}
		}
		if pending != 2 { // of the deleted stack, and of the one that was rolled back
			t.Errorf("%d keys wait to be deleted", pending)
		}
	})
}

// What clients ask of encryption is kept with each object, and KMS has its say
// when one is stored.
func TestObjectsAreStoredUnderTheKeyThatIsAskedFor(t *testing.T) {
	w := start(t, "eu-west-1")
	root := "arn:aws:iam::" + w.State().AccountID() + ":root"
	w.made(t, "keys", `Resources:
  Ours: {Type: AWS::KMS::Key}
  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/ours, TargetKeyId: !Ref Ours}}
  Closed: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "`+root+`"}, Action: ["kms:PutKeyPolicy", "kms:Decrypt"], Resource: "*"}]}}}
`)
	var ours, closed string
	w.State().View(func(a *account.Account) {
		for _, k := range a.Keys {
			if len(k.Aliases) > 0 {
				ours = k.ARN
			} else {
				closed = k.ARN
			}
		}
	})
	c := s3.NewFromConfig(w.config, func(o *s3.Options) { o.UsePathStyle = true })
	bucket := awssdk.String("kept")
	must(t, second(c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})))
	setDefault := func(algorithm types.ServerSideEncryption, key *string) error {
		return second(c.PutBucketEncryption(t.Context(), &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: algorithm, KMSMasterKeyID: key}}}}}))
	}
	if err := setDefault("AES256", &ours); err == nil || !strings.Contains(err.Error(), "a KMSMasterKeyID is not applicable") {
		t.Errorf("a key with AES256: %v", err)
	}
	must(t, setDefault("aws:kms", awssdk.String("alias/ours")))
	shown, err := c.GetBucketEncryption(t.Context(), &s3.GetBucketEncryptionInput{Bucket: bucket})
	must(t, err)
	if r := shown.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault; r.SSEAlgorithm != "aws:kms" || *r.KMSMasterKeyID != ours {
		t.Errorf("the default encryption is %s with %s", r.SSEAlgorithm, *r.KMSMasterKeyID)
	}
	for i, put := range []struct {
		algorithm types.ServerSideEncryption
		key       string
		algo, arn string // that the object is under
		refused   string
	}{
		{"", "", "aws:kms", ours, ""},
		{"AES256", "", "AES256", "", ""},
		{"aws:kms", "", "aws:kms", "", ""},
		{"aws:kms:dsse", ours, "aws:kms:dsse", ours, ""},
		{"aws:kms", closed, "", "", "AccessDenied"},
		{"aws:kms", strings.Replace(ours, ":key/", ":key/0", 1), "", "", "KMS.NotFoundException"},
		{"rot13", "", "", "", "The encryption method specified is not supported"},
		{"AES256", ours, "", "", "requires HTTP header x-amz-server-side-encryption : aws:kms"},
	} {
		in := &s3.PutObjectInput{Bucket: bucket, Key: awssdk.String(fmt.Sprint(i)), Body: strings.NewReader("data"), ServerSideEncryption: put.algorithm}
		if put.key != "" {
			in.SSEKMSKeyId = &put.key
		}
		_, err := c.PutObject(t.Context(), in)
		if put.refused != "" {
			if err == nil || !strings.Contains(err.Error(), put.refused) {
				t.Errorf("%+v: %v", put, err)
			}
			continue
		}
		must(t, err)
		// What the bucket says later does not change what is stored.
		must(t, second(c.DeleteBucketEncryption(t.Context(), &s3.DeleteBucketEncryptionInput{Bucket: bucket})))
		h, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: in.Key})
		must(t, err)
		if string(h.ServerSideEncryption) != put.algo || awssdk.ToString(h.SSEKMSKeyId) != put.arn {
			t.Errorf("%+v: it is under %s with %q", put, h.ServerSideEncryption, awssdk.ToString(h.SSEKMSKeyId))
		}
		must(t, setDefault("aws:kms", &ours))
	}
	// In parts, and copied.
	up, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: awssdk.String("parts"), ServerSideEncryption: "AES256"})
	must(t, err)
	part, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: bucket, Key: up.Key, UploadId: up.UploadId, PartNumber: awssdk.Int32(1), Body: strings.NewReader("data")})
	must(t, err)
	must(t, second(c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: up.Key, UploadId: up.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: awssdk.Int32(1), ETag: part.ETag}}}})))
	copied, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: awssdk.String("copy"), CopySource: awssdk.String("kept/parts")})
	must(t, err)
	h, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: awssdk.String("parts")})
	must(t, err)
	if h.ServerSideEncryption != "AES256" || copied.ServerSideEncryption != "aws:kms" || awssdk.ToString(copied.SSEKMSKeyId) != ours {
		t.Errorf("in parts %s, copied %s with %s", h.ServerSideEncryption, copied.ServerSideEncryption, awssdk.ToString(copied.SSEKMSKeyId))
	}
}
