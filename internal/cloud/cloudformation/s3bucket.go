package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucket is AWS::S3::Bucket; Ref is its name [CFN:aws-properties-s3-bucket].
// Its other properties are recorded and change nothing yet.
var bucket = kind{create: createBucket, update: recordBucket, replace: []string{"BucketName"}, delete: deleteBucket}

func createBucket(q *request) (made, error) {
	name := q.text("BucketName")
	if name == "" {
		name = bucketName(q.stack.Name, q.logical)
	}
	in := &s3.CreateBucketInput{Bucket: &name}
	if q.stack.Region != "us-east-1" { // which S3 wants to be left out
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(q.stack.Region)}
	}
	// CreateBucket answers 200 in us-east-1 for a bucket that the caller owns;
	// CloudFormation refuses to take such a bucket over (general).
	if _, err := call[s3.HeadBucketInput, s3.HeadBucketOutput](q, "s3", "HeadBucket", &s3.HeadBucketInput{Bucket: &name}); err == nil {
		return made{}, because("%s already exists", name)
	}
	if _, err := call[s3.CreateBucketInput, s3.CreateBucketOutput](q, "s3", "CreateBucket", in); err != nil {
		return made{}, err
	}
	return made{physical: name, attributes: bucketAttributes(name, q.stack.Region)}, nil
}

func bucketAttributes(name, region string) map[string]string {
	return map[string]string{
		"Arn":                 "arn:aws:s3:::" + name,
		"DomainName":          name + ".s3.amazonaws.com",
		"RegionalDomainName":  name + ".s3." + region + ".amazonaws.com",
		"DualStackDomainName": name + ".s3.dualstack." + region + ".amazonaws.com",
		"WebsiteURL":          "http://" + name + ".s3-website-" + region + ".amazonaws.com",
	}
}

func recordBucket(q *request) (made, error) {
	return made{physical: q.physical, attributes: q.r.Attributes}, nil
}

func deleteBucket(q *request) error {
	_, err := call[s3.DeleteBucketInput, s3.DeleteBucketOutput](q, "s3", "DeleteBucket", &s3.DeleteBucketInput{Bucket: &q.physical})
	return err
}
