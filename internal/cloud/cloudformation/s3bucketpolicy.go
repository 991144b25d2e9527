package cloudformation

import "github.com/aws/aws-sdk-go-v2/service/s3"

// bucketPolicy is AWS::S3::BucketPolicy; its physical ID is the bucket's name
// [CFN:aws-properties-s3-policy].
var bucketPolicy = kind{create: putBucketPolicy, update: putBucketPolicy, replace: []string{"Bucket"}, delete: deleteBucketPolicy}

func putBucketPolicy(q *request) (made, error) {
	name, err := q.required("Bucket")
	if err != nil {
		return made{}, err
	}
	_, err = call[s3.PutBucketPolicyInput, s3.PutBucketPolicyOutput](q, "s3", "PutBucketPolicy",
		&s3.PutBucketPolicyInput{Bucket: &name, Policy: document(q.props.Get("PolicyDocument"))})
	return made{physical: name}, err
}

func deleteBucketPolicy(q *request) error {
	_, err := call[s3.DeleteBucketPolicyInput, s3.DeleteBucketPolicyOutput](q, "s3", "DeleteBucketPolicy", &s3.DeleteBucketPolicyInput{Bucket: &q.physical})
	return err
}
