package cloudformation

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// What a template says of a bucket, S3 answers by; a public policy does not
// get past BlockPublicPolicy.
func TestBucketSettingsCount(t *testing.T) {
	bucket := func(settings, policy string) string {
		return `{"Resources":{"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"site-certs"` + settings + `}}` + policy + `}}`
	}
	public := `,"P":{"Type":"AWS::S3::BucketPolicy","Properties":{"Bucket":{"Ref":"B"},"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site-certs/*"}]}}}`
	for _, c := range []struct {
		name, settings, policy string
		status                 types.StackStatus
		restrict, kms          fact.Verdict
	}{
		{"open", "", public, types.StackStatusCreateComplete, fact.Broken, fact.Broken},
		{"restricted", `,"PublicAccessBlockConfiguration":{"RestrictPublicBuckets":true}`, public, types.StackStatusCreateComplete, fact.Holds, fact.Broken},
		{"blocked", `,"PublicAccessBlockConfiguration":{"BlockPublicPolicy":"true"}`, public, types.StackStatusRollbackComplete, 0, 0},
		{"encrypted", `,"BucketEncryption":{"ServerSideEncryptionConfiguration":[{"ServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]}`, "",
			types.StackStatusCreateComplete, fact.Broken, fact.Holds},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, t.TempDir())
			if err := w.create(bucket(c.settings, c.policy), nil); err != nil {
				t.Fatal(err)
			}
			if got := w.settle(); got != c.status {
				t.Fatalf("status %s, want %s", got, c.status)
			}
			w.state.View(func(a *account.Account) {
				b, found := a.Bucket("site-certs")
				if found != fact.Holds {
					return
				}
				if b.PublicAccess.Restrict != c.restrict || b.Encryption.KMS() != c.kms {
					t.Errorf("restricts %v, by KMS %v", b.PublicAccess.Restrict, b.Encryption.KMS())
				}
			})
		})
	}
}
