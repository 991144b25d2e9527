package cloud

import (
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What the API sets of Block Public Access counts from then on.
func TestBlockPublicAccessIsSetShownAndObeyed(t *testing.T) {
	w, ctx := start(t, "us-east-1"), t.Context()
	c, name := s3.NewFromConfig(w.config, pathStyle), awssdk.String("open-or-not")
	must(t, second(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name})))
	public := &s3.PutBucketPolicyInput{Bucket: name, Policy: awssdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::open-or-not/*"}]}`)}
	wantCode(t, second(c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: name})), "NoSuchPublicAccessBlockConfiguration")
	must(t, second(c.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: name,
		PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicPolicy: awssdk.Bool(true)}})))
	got, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: name})
	must(t, err)
	if p := got.PublicAccessBlockConfiguration; !*p.BlockPublicPolicy || *p.RestrictPublicBuckets {
		t.Errorf("it shows %+v", p)
	}
	wantCode(t, second(c.PutBucketPolicy(ctx, public)), "AccessDenied")
	must(t, second(c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: name})))
	must(t, second(c.PutBucketPolicy(ctx, public)))
}

// cfn-signal gets AWS's answer for a resource that waits for nothing.
func TestAResourceThatIsMadeCannotBeSignaled(t *testing.T) {
	w, name := start(t, "us-east-1"), "signaled"
	if status, why := w.made(t, name, "Resources:\n  VPC: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}\n"); status != "CREATE_COMPLETE" {
		t.Fatal(status, why)
	}
	c := cloudformation.NewFromConfig(w.config)
	for resource, want := range map[string]string{"VPC": "Resource VPC is in CREATE_COMPLETE state and cannot be signaled", "Other": "Resource Other does not exist for stack signaled"} {
		_, err := c.SignalResource(t.Context(), &cloudformation.SignalResourceInput{StackName: &name, LogicalResourceId: &resource, UniqueId: awssdk.String("i-1"), Status: cftypes.ResourceSignalStatusSuccess})
		wantCode(t, err, "ValidationError")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", resource, err)
		}
	}
}
