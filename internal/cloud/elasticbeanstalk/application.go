package elasticbeanstalk

import (
	"context"
	"slices"
	"sort"
	"time"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// applicationRecord is an application's record.
type applicationRecord struct {
	Name, Description string
	Created, Updated  time.Time
}

// CreateApplication makes an application.
func (s *Service) CreateApplication(_ context.Context, in *eb.CreateApplicationInput) (*eb.CreateApplicationOutput, error) {
	name := door.Value(in.ApplicationName)
	if name == "" || len(name) > 100 {
		return nil, invalid("Value for parameter ApplicationName must be between 1 and 100 characters in length.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applications[name] != nil {
		return nil, invalid("Application %s already exists.", name)
	}
	a := &applicationRecord{Name: name, Description: door.Value(in.Description), Created: s.now().UTC(), Updated: s.now().UTC()}
	if err := s.State.Put(applicationRecords, name, a); err != nil {
		return nil, err
	}
	s.applications[name] = a
	d := s.describeApplication(a)
	return &eb.CreateApplicationOutput{Application: &d}, nil
}

// describeApplication is an application's description. The caller holds mu.
func (s *Service) describeApplication(a *applicationRecord) types.ApplicationDescription {
	d := types.ApplicationDescription{ApplicationName: door.Given(a.Name), Description: door.Given(a.Description), DateCreated: door.GivenTime(a.Created), DateUpdated: door.GivenTime(a.Updated),
		ApplicationArn: door.Given(s.State.ARN("elasticbeanstalk", s.State.Region(), "application/"+a.Name)), ConfigurationTemplates: []string{}, Versions: []string{}}
	for _, v := range s.sortedVersions() {
		if v.Application == a.Name {
			d.Versions = append(d.Versions, v.Label)
		}
	}
	return d
}

// DescribeApplications lists applications.
func (s *Service) DescribeApplications(_ context.Context, in *eb.DescribeApplicationsInput) (*eb.DescribeApplicationsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &eb.DescribeApplicationsOutput{Applications: []types.ApplicationDescription{}}
	for _, a := range s.applications {
		if len(in.ApplicationNames) == 0 || slices.Contains(in.ApplicationNames, a.Name) {
			out.Applications = append(out.Applications, s.describeApplication(a))
		}
	}
	sort.Slice(out.Applications, func(i, j int) bool {
		return *out.Applications[i].ApplicationName < *out.Applications[j].ApplicationName
	})
	return out, nil
}

// DeleteApplication deletes an application with its versions.
func (s *Service) DeleteApplication(ctx context.Context, in *eb.DeleteApplicationInput) (*eb.DeleteApplicationOutput, error) {
	name := door.Value(in.ApplicationName)
	for _, e := range s.running(name) {
		if !door.Value(in.TerminateEnvByForce) {
			return nil, &aws.Error{Code: "OperationInProgressFailure", Status: 400,
				Message: "Unable to delete application " + name + " because it has a version that is deployed to a running environment."}
		}
		if _, err := s.TerminateEnvironment(ctx, &eb.TerminateEnvironmentInput{EnvironmentId: &e}); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, v := range s.versions {
		if v.Application == name {
			if err := s.State.Delete(versionRecords, key); err != nil {
				return nil, err
			}
			delete(s.versions, key)
		}
	}
	delete(s.applications, name)
	return nil, s.State.Delete(applicationRecords, name)
}

// running are the IDs of an application's environments that live.
func (s *Service) running(application string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.environments {
		if e.Application == application && e.Status != types.EnvironmentStatusTerminated && e.Status != types.EnvironmentStatusTerminating {
			out = append(out, e.ID)
		}
	}
	return out
}
