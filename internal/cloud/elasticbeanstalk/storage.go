package elasticbeanstalk

import (
	"context"
	"strings"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/cloud/door"
)

// CreateStorageLocation makes the bucket for versions and logs, if it isn't
// there yet.
func (s *Service) CreateStorageLocation(ctx context.Context, _ *eb.CreateStorageLocationInput) (*eb.CreateStorageLocationOutput, error) {
	bucket, err := s.storage(ctx, s.regionOf(ctx))
	if err != nil {
		return nil, err
	}
	return &eb.CreateStorageLocationOutput{S3Bucket: &bucket}, nil
}

// storage is the name of the service's bucket, which exists afterwards.
func (s *Service) storage(ctx context.Context, region string) (string, error) {
	bucket := "elasticbeanstalk-" + region + "-" + s.State.AccountID()
	if _, err := door.Invoke[s3.HeadBucketInput, s3.HeadBucketOutput](ctx, s.Door, "s3", "HeadBucket", &s3.HeadBucketInput{Bucket: &bucket}); err == nil {
		return bucket, nil
	}
	in := &s3.CreateBucketInput{Bucket: &bucket}
	if region != "us-east-1" { // which S3 wants to be left out
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	_, err := door.Invoke[s3.CreateBucketInput, s3.CreateBucketOutput](ctx, s.Door, "s3", "CreateBucket", in)
	return bucket, err
}

// CheckDNSAvailability tells whether a CNAME prefix is free here.
func (s *Service) CheckDNSAvailability(ctx context.Context, in *eb.CheckDNSAvailabilityInput) (*eb.CheckDNSAvailabilityOutput, error) {
	name := cname(strings.ToLower(door.Value(in.CNAMEPrefix)), s.regionOf(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	free := s.available(name)
	return &eb.CheckDNSAvailabilityOutput{Available: &free, FullyQualifiedCNAME: &name}, nil
}

// available tells whether no living environment has a CNAME. The caller holds
// mu.
func (s *Service) available(cname string) bool {
	for _, e := range s.environments {
		if e.CNAME == cname && e.Status != types.EnvironmentStatusTerminated {
			return false
		}
	}
	return true
}

// solutionStacks are examples of each generation; any other name of an Amazon
// Linux platform is taken too.
var solutionStacks = []string{
	"64bit Amazon Linux 2023 v4.6.0 running Go 1",
	"64bit Amazon Linux 2023 v4.6.0 running Docker",
	"64bit Amazon Linux 2023 v4.6.0 running Python 3.13",
	"64bit Amazon Linux 2023 v6.6.0 running Node.js 22",
	"64bit Amazon Linux 2 v3.11.0 running Go 1",
	"64bit Amazon Linux 2018.03 v2.17.1 running Go 1.13.4",
}

// ListAvailableSolutionStacks lists examples of solution stacks.
func (s *Service) ListAvailableSolutionStacks(context.Context, *eb.ListAvailableSolutionStacksInput) (*eb.ListAvailableSolutionStacksOutput, error) {
	out := &eb.ListAvailableSolutionStacksOutput{SolutionStacks: solutionStacks}
	for _, name := range solutionStacks {
		out.SolutionStackDetails = append(out.SolutionStackDetails, types.SolutionStackDescription{SolutionStackName: door.Given(name), PermittedFileTypes: []string{"zip"}})
	}
	return out, nil
}
