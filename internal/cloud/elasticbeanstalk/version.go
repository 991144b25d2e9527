package elasticbeanstalk

import (
	"context"
	"slices"
	"sort"
	"time"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// version is an application version's record.
type version struct {
	Application, Label, Description string
	Bucket, Key                     string
	Created                         time.Time
}

func versionKey(application, label string) string { return application + "\x00" + label }

func (v *version) key() string { return versionKey(v.Application, v.Label) }

// CreateApplicationVersion makes a version of a bundle that must be in S3.
func (s *Service) CreateApplicationVersion(ctx context.Context, in *eb.CreateApplicationVersionInput) (*eb.CreateApplicationVersionOutput, error) {
	v := &version{Application: door.Value(in.ApplicationName), Label: door.Value(in.VersionLabel), Description: door.Value(in.Description), Created: s.now().UTC()}
	if v.Label == "" || len(v.Label) > 100 {
		return nil, invalid("Value for parameter VersionLabel must be between 1 and 100 characters in length.")
	}
	if in.SourceBundle == nil {
		return nil, invalid("beanpole has no sample application: give the version a SourceBundle with S3Bucket and S3Key")
	}
	v.Bucket, v.Key = door.Value(in.SourceBundle.S3Bucket), door.Value(in.SourceBundle.S3Key)
	head := &s3.HeadObjectInput{Bucket: &v.Bucket, Key: &v.Key}
	if _, err := door.Invoke[s3.HeadObjectInput, s3.HeadObjectOutput](ctx, s.Door, "s3", "HeadObject", head); err != nil {
		return nil, invalid("Unable to download from S3 location (Bucket: %s  Key: %s). Reason: %s", v.Bucket, v.Key, s3Reason(err))
	}
	if door.Value(in.AutoCreateApplication) {
		if err := s.ensureApplication(ctx, v.Application); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applications[v.Application] == nil {
		return nil, invalid("No Application named '%s' found.", v.Application)
	}
	if s.versions[v.key()] != nil {
		return nil, invalid("Application Version %s already exists.", v.Label)
	}
	if err := s.State.Put(versionRecords, v.key(), v); err != nil {
		return nil, err
	}
	s.versions[v.key()] = v
	d := s.describeVersion(v)
	return &eb.CreateApplicationVersionOutput{ApplicationVersion: &d}, nil
}

// s3Reason is S3's short word for an error.
func s3Reason(err error) string {
	if e, ok := err.(*aws.Error); ok {
		switch e.Status {
		case 403:
			return "Forbidden"
		case 404:
			return "Not Found"
		}
		return e.Message
	}
	return err.Error()
}

func (s *Service) ensureApplication(ctx context.Context, name string) error {
	s.mu.Lock()
	exists := s.applications[name] != nil
	s.mu.Unlock()
	if exists {
		return nil
	}
	_, err := s.CreateApplication(ctx, &eb.CreateApplicationInput{ApplicationName: &name})
	return err
}

func (s *Service) describeVersion(v *version) types.ApplicationVersionDescription {
	return types.ApplicationVersionDescription{
		ApplicationName: door.Given(v.Application), VersionLabel: door.Given(v.Label), Description: door.Given(v.Description), DateCreated: door.GivenTime(v.Created), DateUpdated: door.GivenTime(v.Created),
		ApplicationVersionArn: door.Given(s.State.ARN("elasticbeanstalk", s.State.Region(), "applicationversion/"+v.Application+"/"+v.Label)),
		SourceBundle:          &types.S3Location{S3Bucket: door.Given(v.Bucket), S3Key: door.Given(v.Key)}, Status: types.ApplicationVersionStatusUnprocessed,
	}
}

// sortedVersions are all versions, newest first. The caller holds mu.
func (s *Service) sortedVersions() []*version {
	var out []*version
	for _, v := range s.versions {
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool {
		if !out[i].Created.Equal(out[j].Created) {
			return out[i].Created.After(out[j].Created)
		}
		return out[i].Label < out[j].Label
	})
	return out
}

// DescribeApplicationVersions lists versions, newest first.
func (s *Service) DescribeApplicationVersions(_ context.Context, in *eb.DescribeApplicationVersionsInput) (*eb.DescribeApplicationVersionsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []types.ApplicationVersionDescription{}
	for _, v := range s.sortedVersions() {
		if in.ApplicationName != nil && *in.ApplicationName != v.Application || len(in.VersionLabels) > 0 && !slices.Contains(in.VersionLabels, v.Label) {
			continue
		}
		list = append(list, s.describeVersion(v))
	}
	out := &eb.DescribeApplicationVersionsOutput{}
	var err error
	out.ApplicationVersions, out.NextToken, err = page(list, in.MaxRecords, in.NextToken)
	return out, err
}

// DeleteApplicationVersion deletes a version that no environment runs.
func (s *Service) DeleteApplicationVersion(ctx context.Context, in *eb.DeleteApplicationVersionInput) (*eb.DeleteApplicationVersionOutput, error) {
	v, err := s.takeVersion(door.Value(in.ApplicationName), door.Value(in.VersionLabel))
	if err != nil || v == nil || !door.Value(in.DeleteSourceBundle) {
		return nil, err
	}
	_, err = door.Invoke[s3.DeleteObjectInput, s3.DeleteObjectOutput](ctx, s.Door, "s3", "DeleteObject", &s3.DeleteObjectInput{Bucket: &v.Bucket, Key: &v.Key})
	return nil, err
}

func (s *Service) takeVersion(application, label string) (*version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.environments {
		if e.Application == application && e.Version == label && e.Status != types.EnvironmentStatusTerminated {
			return nil, &aws.Error{Code: "SourceBundleDeletionFailure", Status: 400,
				Message: "Unable to delete application version " + label + " because it is deployed to environment " + e.Name + "."}
		}
	}
	key := versionKey(application, label)
	v := s.versions[key]
	delete(s.versions, key)
	return v, s.State.Delete(versionRecords, key)
}

// findVersion is a version with AWS's error for one that isn't there. The
// caller holds mu.
func (s *Service) findVersion(application, label string) (*version, error) {
	if v := s.versions[versionKey(application, label)]; v != nil {
		return v, nil
	}
	return nil, invalid("No Application Version named '%s' found.", label)
}
