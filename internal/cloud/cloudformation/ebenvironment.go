package cloudformation

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
)

// environment is AWS::ElasticBeanstalk::Environment; Ref is its name. It is
// complete once the environment is Ready, whatever its health: a failed
// deployment still gives CREATE_COMPLETE
// [gh:theserverlessway/formica#90].
var environment = kind{
	create: createEnvironment, update: updateEnvironment, delete: deleteEnvironment,
	replace: []string{"ApplicationName", "CNAMEPrefix", "EnvironmentName", "SolutionStackName", "PlatformArn", "Tier"},
}

// pollEvery is how often an environment's status is looked at.
const pollEvery = 20 * time.Millisecond

func createEnvironment(q *request) (made, error) {
	app, err := q.required("ApplicationName")
	if err != nil {
		return made{}, err
	}
	name := q.text("EnvironmentName")
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, environmentNameLimit)
	}
	in := &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: &app, EnvironmentName: &name, CNAMEPrefix: q.optional("CNAMEPrefix"), Description: q.optional("Description"),
		VersionLabel: q.optional("VersionLabel"), SolutionStackName: q.optional("SolutionStackName"), PlatformArn: q.optional("PlatformArn"),
		TemplateName: q.optional("TemplateName"), OptionSettings: optionSettings(q),
	}
	if q.props.Get("Tier") != nil {
		in.Tier = &types.EnvironmentTier{Name: q.optional("Tier", "Name"), Type: q.optional("Tier", "Type"), Version: q.optional("Tier", "Version")}
	}
	if _, err := call[elasticbeanstalk.CreateEnvironmentInput, elasticbeanstalk.CreateEnvironmentOutput](q, "elasticbeanstalk", "CreateEnvironment", in); err != nil {
		return made{}, err
	}
	if err := q.initiated(name); err != nil {
		return made{}, err
	}
	return awaitEnvironment(q, name)
}

func optionSettings(q *request) []types.ConfigurationOptionSetting {
	var out []types.ConfigurationOptionSetting
	if n := q.props.Get("OptionSettings"); n != nil {
		for _, it := range n.Items {
			out = append(out, types.ConfigurationOptionSetting{
				Namespace: door.Given(it.Get("Namespace").TextOr("")), OptionName: door.Given(it.Get("OptionName").TextOr("")),
				ResourceName: door.Given(it.Get("ResourceName").TextOr("")), Value: door.Given(it.Get("Value").TextOr("")),
			})
		}
	}
	return out
}

// awaitEnvironment waits until nothing is going on in the environment.
func awaitEnvironment(q *request, name string) (made, error) {
	for {
		e, err := describeEnvironment(q, name)
		switch {
		case err != nil:
			return made{}, err
		case e == nil, e.Status == types.EnvironmentStatusTerminated:
			// [gh:awsdocs/aws-cloudformation-user-guide#782]
			return made{}, because("Environment failed to launch as it entered Terminated state")
		case e.Status == types.EnvironmentStatusReady:
			return made{physical: name, attributes: map[string]string{"EndpointURL": door.Value(e.EndpointURL)}}, nil
		}
		if err := sleep(q.ctx, pollEvery); err != nil {
			return made{}, err
		}
	}
}

func describeEnvironment(q *request, name string) (*types.EnvironmentDescription, error) {
	yes := true
	out, err := call[elasticbeanstalk.DescribeEnvironmentsInput, elasticbeanstalk.DescribeEnvironmentsOutput](q, "elasticbeanstalk", "DescribeEnvironments",
		&elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{name}, IncludeDeleted: &yes})
	if err != nil {
		return nil, err
	}
	var last *types.EnvironmentDescription
	for i, e := range out.Environments {
		if e.Status != types.EnvironmentStatusTerminated {
			return &out.Environments[i], nil
		}
		last = &out.Environments[i]
	}
	return last, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func updateEnvironment(q *request) (made, error) {
	_, err := call[elasticbeanstalk.UpdateEnvironmentInput, elasticbeanstalk.UpdateEnvironmentOutput](q, "elasticbeanstalk", "UpdateEnvironment",
		&elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: &q.physical, Description: q.optional("Description"),
			VersionLabel: q.optional("VersionLabel"), OptionSettings: optionSettings(q)})
	if err != nil {
		return made{}, err
	}
	return awaitEnvironment(q, q.physical)
}

func deleteEnvironment(q *request) error {
	e, err := describeEnvironment(q, q.physical)
	if err != nil || e == nil || e.Status == types.EnvironmentStatusTerminated {
		return err
	}
	_, err = call[elasticbeanstalk.TerminateEnvironmentInput, elasticbeanstalk.TerminateEnvironmentOutput](q, "elasticbeanstalk", "TerminateEnvironment",
		&elasticbeanstalk.TerminateEnvironmentInput{EnvironmentName: &q.physical})
	if err != nil {
		return err
	}
	for {
		e, err := describeEnvironment(q, q.physical)
		if err != nil || e == nil || e.Status == types.EnvironmentStatusTerminated {
			return err
		}
		if err := sleep(q.ctx, pollEvery); err != nil {
			return err
		}
	}
}
