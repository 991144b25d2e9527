package cli

import (
	"strings"
	"testing"

	"beanpole/internal/cfn"
)

func TestGapsNameWhatTheLocalAWSDoesNotEnforce(t *testing.T) {
	for _, c := range []struct{ name, resources, want string }{
		{"nothing", "{B: {Type: 'AWS::S3::Bucket'}}", ""},
		{"S3's own key", "{B: {Type: 'AWS::S3::Bucket', Properties: {BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: alias/aws/s3}}]}}}}", ""},
		{"a key of one's own", "{B: {Type: 'AWS::S3::Bucket', Properties: {BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'arn:aws:kms:us-east-1:123456789012:key/1'}}]}}}}", "the KMS key of B"},
		{"a key that it makes", "{K: {Type: 'AWS::KMS::Key'}, A: {Type: 'AWS::KMS::Alias', Properties: {AliasName: alias/b, TargetKeyId: {Ref: K}}}, " +
			"B: {Type: 'AWS::S3::Bucket', Properties: {BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: {'Fn::GetAtt': [K, Arn]}}}]}}}, " +
			"C: {Type: 'AWS::S3::Bucket', Properties: {BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: alias/b}}]}}}}", ""},
		{"an update policy", "{W: {Type: 'AWS::CloudFormation::WaitCondition'}, G: {Type: 'AWS::AutoScaling::AutoScalingGroup', UpdatePolicy: {}}}", "the UpdatePolicy of G: no instances"},
		{"a VPC", "{E: {Type: 'AWS::ElasticBeanstalk::Environment', Properties: {OptionSettings: [{Namespace: 'aws:ec2:vpc', OptionName: Subnets, Value: subnet-1}]}}}", ""},
		{"an endpoint", "{E: {Type: 'AWS::EC2::VPCEndpoint', Properties: {ServiceName: com.amazonaws.us-east-1.s3}}}", ""},
		{"an endpoint with a policy", "{E: {Type: 'AWS::EC2::VPCEndpoint', Properties: {PolicyDocument: {Statement: []}}}}", ""},
	} {
		tpl, err := cfn.Parse("t.yaml", []byte("Resources: "+c.resources))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(gaps(tpl), "; ")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
