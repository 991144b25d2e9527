package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/account"
	"beanpole/internal/account/template"
	"beanpole/internal/cloud/state"
)

// bucket is AWS::S3::Bucket; Ref is its name [CFN:aws-properties-s3-bucket].
// Block Public Access, ownership and encryption count, the other properties are
// recorded and change nothing yet. A bucket that says nothing of Block Public
// Access is open, unlike a new one on AWS.
var bucket = kind{create: createBucket, update: updateBucket, replace: []string{"BucketName"}, delete: deleteBucket}

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
	if err := keepSettings(q, name); err != nil {
		return made{}, err
	}
	return made{physical: name, attributes: bucketAttributes(name, q.stack.Region)}, nil
}

// keepSettings has S3 answer by the bucket's settings.
func keepSettings(q *request, name string) error {
	var settings account.Bucket
	template.BucketSettings(&settings, q.props)
	return q.s.state.Update(func(tx *state.Tx) error {
		b, ok, err := tx.Bucket(name)
		if err != nil || !ok {
			return err
		}
		b.Keep(&settings)
		return tx.PutBucket(b)
	})
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

func updateBucket(q *request) (made, error) {
	if err := keepSettings(q, q.physical); err != nil {
		return made{}, err
	}
	return made{physical: q.physical, attributes: q.r.Attributes}, nil
}

func deleteBucket(q *request) error {
	_, err := call[s3.DeleteBucketInput, s3.DeleteBucketOutput](q, "s3", "DeleteBucket", &s3.DeleteBucketInput{Bucket: &q.physical})
	return err
}
