package elasticbeanstalk

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
	"beanpole/internal/event"
	"beanpole/internal/iam"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// environment is an environment's record. It changes with the service's mu
// held.
type environment struct {
	ID, Name, Application, Region string // ID: "e-" and 10 letters and digits
	Description                   string `json:",omitempty"`
	Version                       string // label of the version that runs, or was to
	Platform, PlatformARN         string // solution stack name
	CNAME                         string
	EndpointURL                   string
	Owner                         iam.Principal // who made it; its clean-up is asked for in this name

	Status       types.EnvironmentStatus
	Health       types.EnvironmentHealth
	HealthStatus types.EnvironmentHealthStatus `json:",omitempty"`
	Causes       []string                      `json:",omitempty"`
	Abortable    bool                          `json:",omitempty"`
	Created      time.Time
	Updated      time.Time

	Given        []option                            // set through the API
	Files        []option                            // set by .ebextensions of the version that runs
	Resolved     []resolved                          // of these settings, those with functions, by CloudFormation
	Deployment   types.ConfigurationDeploymentStatus // of these settings
	DeploymentID int64
	Passed       string `json:",omitempty"` // instance profile that the instances have: the caller was allowed to pass its role
	Instances    []instanceRecord
	Balancer     string `json:",omitempty"` // name
}

// option is an option setting, as it is stored.
type option struct{ Namespace, Name, Value string }

// resolved is what CloudFormation made of an option's value.
type resolved struct {
	option
	Raw string // what it was made of
}

// instanceRecord is what is known of an instance besides the machine itself.
type instanceRecord struct {
	ID       string
	Launched time.Time
	Deployed time.Time
	Status   string // "In Progress", "Deployed", "Failed"
	// Version and DeploymentID are of the last deployment that succeeded on it.
	Version      string `json:",omitempty"`
	DeploymentID int64  `json:",omitempty"`
}

func (e *environment) stackName() string { return "awseb-" + e.ID + "-stack" }

func (e *environment) caller() *door.Caller {
	return &door.Caller{Principal: e.Owner, Region: e.Region}
}

func (e *environment) event(sev event.Severity, requestID, message string) event.Event {
	return event.Event{Severity: sev, Message: message, Application: e.Application, Environment: e.Name, EnvironmentID: e.ID, Platform: e.PlatformARN, RequestID: requestID}
}

// settings are all settings made, for ebext's precedence.
func (e *environment) settings() ebext.Settings {
	out := ebext.Defaults(ebext.ParsePlatform(e.Platform))
	out = append(append(out, levelled(e.Files, ebext.Extension)...), levelled(e.Given, ebext.Direct)...)
	for i := range out {
		for _, r := range e.Resolved {
			if out[i].Namespace == r.Namespace && out[i].Option == r.Name && out[i].Value.TextOr("") == r.Raw {
				out[i].Value = source.NewString(r.Value, source.Pos{})
			}
		}
	}
	return out
}

func levelled(options []option, level ebext.Level) ebext.Settings {
	var out ebext.Settings
	for _, o := range options {
		out = append(out, ebext.Setting{Namespace: o.Namespace, Option: o.Name, Value: source.NewString(o.Value, source.Pos{}), Level: level})
	}
	return out
}

// value is the value in force of an option, "" when it has none.
func (e *environment) value(namespace, name string) string {
	if set, ok := e.settings().Get(namespace, name); ok {
		return set.Value.TextOr("")
	}
	return ""
}

func (e *environment) profile() string {
	return e.value("aws:autoscaling:launchconfiguration", "IamInstanceProfile")
}

func (e *environment) enhanced() bool {
	return e.value("aws:elasticbeanstalk:healthreporting:system", "SystemType") == "enhanced"
}

func (e *environment) describe() types.EnvironmentDescription {
	abortable := e.Abortable
	return types.EnvironmentDescription{
		EnvironmentId: door.Given(e.ID), EnvironmentName: door.Given(e.Name), ApplicationName: door.Given(e.Application), Description: door.Given(e.Description),
		VersionLabel: door.Given(e.Version), SolutionStackName: door.Given(e.Platform), PlatformArn: door.Given(e.PlatformARN), CNAME: door.Given(e.CNAME), EndpointURL: door.Given(e.EndpointURL),
		DateCreated: door.GivenTime(e.Created), DateUpdated: door.GivenTime(e.Updated), Status: e.Status, Health: e.Health, HealthStatus: e.HealthStatus,
		AbortableOperationInProgress: &abortable, EnvironmentLinks: []types.EnvironmentLink{},
		Tier: &types.EnvironmentTier{Name: door.Given("WebServer"), Type: door.Given("Standard"), Version: door.Given("1.0")},
	}
}

// find is the living environment of a name or ID. The caller holds mu.
func (s *Service) find(id, name *string) (*environment, error) {
	for _, e := range s.environments {
		if e.Status == types.EnvironmentStatusTerminated {
			continue
		}
		if id != nil && e.ID == *id || id == nil && name != nil && e.Name == *name {
			return e, nil
		}
	}
	switch {
	case id != nil:
		return nil, invalid("No Environment found for EnvironmentId = '%s'.", *id)
	case name != nil:
		return nil, invalid("No Environment found for EnvironmentName = '%s'.", *name)
	}
	return nil, invalid("You must specify either EnvironmentId or EnvironmentName.")
}

// deletedFor is how long terminated environments stay listed (API reference:
// IncludedDeletedBackTo; one hour otherwise).
const deletedFor = time.Hour

// DescribeEnvironments lists environments, newest first.
func (s *Service) DescribeEnvironments(_ context.Context, in *eb.DescribeEnvironmentsInput) (*eb.DescribeEnvironmentsOutput, error) {
	since := s.now().Add(-deletedFor)
	if in.IncludedDeletedBackTo != nil {
		since = *in.IncludedDeletedBackTo
	}
	withDeleted := in.IncludeDeleted == nil || *in.IncludeDeleted
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []types.EnvironmentDescription{}
	for _, e := range s.environments {
		gone := e.Status == types.EnvironmentStatusTerminated
		switch {
		case gone && (!withDeleted || e.Updated.Before(since)),
			in.ApplicationName != nil && *in.ApplicationName != e.Application,
			in.VersionLabel != nil && *in.VersionLabel != e.Version,
			len(in.EnvironmentIds) > 0 && !slices.Contains(in.EnvironmentIds, e.ID),
			len(in.EnvironmentNames) > 0 && !slices.Contains(in.EnvironmentNames, e.Name):
			continue
		}
		list = append(list, e.describe())
	}
	sort.Slice(list, func(i, j int) bool { return list[i].DateCreated.After(*list[j].DateCreated) })
	out := &eb.DescribeEnvironmentsOutput{}
	var err error
	out.Environments, out.NextToken, err = page(list, in.MaxRecords, in.NextToken)
	return out, err
}

// page cuts one page out of a list; the token is where the next begins.
func page[T any](list []T, limit *int32, token *string) ([]T, *string, error) {
	from, size := 0, 1000
	if token != nil {
		n, err := strconv.Atoi(*token)
		if err != nil || n < 0 || n > len(list) {
			return nil, nil, invalid("Invalid NextToken.")
		}
		from = n
	}
	if limit != nil && *limit > 0 && int(*limit) < size {
		size = int(*limit)
	}
	if len(list)-from <= size {
		return list[from:], nil, nil
	}
	next := strconv.Itoa(from + size)
	return list[from : from+size], &next, nil
}

var platformVersion = lazyregexp.New(` v([0-9][0-9.]*) running `)

// platformARN is the platform behind a solution stack's name.
func platformARN(region, name string) string {
	p, v := ebext.ParsePlatform(name), "0.0.0"
	if m := platformVersion.FindStringSubmatch(name); m != nil {
		v = m[1]
	}
	system, _, _ := strings.Cut(name, " running ")
	system, _, _ = strings.Cut(system, " v")
	return "arn:aws:elasticbeanstalk:" + region + "::platform/" + p.Branch + " running on " + system + "/" + v
}
