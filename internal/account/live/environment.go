package live

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"beanpole/internal/account/reading"
	localaws "beanpole/internal/aws"
)

// maxEvents is how many events of an environment are read, the newest: what
// one call gives at most.
const maxEvents = 1000

// Environment reads an environment by name: its settings, events, resources
// and stack, and what its instances are and where. The error is ErrNone, or why
// nothing at all could be read.
func (x *Reader) Environment(ctx context.Context, name string) error {
	var env *types.EnvironmentDescription
	var failed error
	together(
		func() { x.caller(ctx) },
		func() { env, failed = x.describe(ctx, name) },
	)
	if failed != nil {
		return failed
	}
	e := environment(env)
	x.keep(func(r *reading.Reading) { r.Environment = e })
	if env.Status == types.EnvironmentStatusTerminated {
		together(func() { x.events(ctx, e) }, func() { x.version(ctx, e) })
		x.settled()
		return nil
	}
	app := env.ApplicationName
	stack := "awseb-" + e.ID + "-stack"
	together(
		func() {
			x.settings(ctx, e, app)
			together(
				func() { x.profile(ctx, e.Setting("aws:autoscaling:launchconfiguration", "IamInstanceProfile")) },
				func() { x.network(ctx, e.Setting("aws:ec2:vpc", "VPCId")) },
			)
		},
		func() { x.resources(ctx, e) },
		func() { x.events(ctx, e) },
		func() { x.version(ctx, e) },
		func() { x.ownStack(ctx, stack) },
		func() { x.organization(ctx) },
	)
	x.settled()
	return nil
}

// caller reads who asks, and so which account is read.
func (x *Reader) caller(ctx context.Context) {
	q := question{op: "sts:GetCallerIdentity", kind: reading.AnAccount, name: "of the caller", link: "identity"}
	out, _ := ask(ctx, x, q, func(ctx context.Context, in *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
		return x.c.Caller.GetCallerIdentity(ctx, in)
	}, &sts.GetCallerIdentityInput{})
	if out == nil {
		return
	}
	x.keep(func(r *reading.Reading) {
		r.Account, r.Caller = aws.ToString(out.Account), aws.ToString(out.Arn)
		if a, ok := localaws.ParseARN(r.Caller); ok {
			r.Partition = a.Partition
		}
	})
}

// eventsKept is how long the events of an environment that was terminated can
// be read. One whose creation failed is: what it was is gone, and its events say
// why. [EB: using-features.events]
const eventsKept = 6 * 7 * 24 * time.Hour

// describe finds an environment by name; of several that were terminated, and
// only when there is no other, the latest.
func (x *Reader) describe(ctx context.Context, name string) (*types.EnvironmentDescription, error) {
	q := question{op: "elasticbeanstalk:DescribeEnvironments", kind: reading.AnEnviron, name: name}
	in := &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{name}, IncludeDeleted: aws.Bool(true), IncludedDeletedBackTo: aws.Time(time.Now().Add(-eventsKept))}
	var gone *types.EnvironmentDescription
	for {
		out, err := tried(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeEnvironmentsInput) (*elasticbeanstalk.DescribeEnvironmentsOutput, error) {
			return x.c.Beans.DescribeEnvironments(ctx, in)
		}, in)
		if err != nil {
			return nil, err
		}
		for i := range out.Environments {
			switch e := &out.Environments[i]; {
			case aws.ToString(e.EnvironmentName) != name:
			case e.Status != types.EnvironmentStatusTerminated:
				return e, nil
			case gone == nil || aws.ToTime(gone.DateUpdated).Before(aws.ToTime(e.DateUpdated)):
				gone = e
			}
		}
		if in.NextToken = out.NextToken; in.NextToken != nil {
			continue
		}
		if gone == nil {
			return nil, x.noEnvironment(ctx, name)
		}
		return gone, nil
	}
}

func environment(e *types.EnvironmentDescription) *reading.Environment {
	out := &reading.Environment{
		Name: aws.ToString(e.EnvironmentName), ID: aws.ToString(e.EnvironmentId), Application: aws.ToString(e.ApplicationName),
		VersionLabel: aws.ToString(e.VersionLabel), Platform: aws.ToString(e.SolutionStackName), Status: string(e.Status), Health: string(e.Health),
		HealthStatus: string(e.HealthStatus), Template: aws.ToString(e.TemplateName), Updated: aws.ToTime(e.DateUpdated),
	}
	if out.Platform == "" {
		out.Platform = aws.ToString(e.PlatformArn)
	}
	return out
}

// settings reads the option settings in force, and what the options' defaults
// and the saved configuration are, which tells where each comes from.
func (x *Reader) settings(ctx context.Context, e *reading.Environment, app *string) {
	var defaults, saved map[[2]string]string
	together(
		func() {
			if out := x.settingsOf(ctx, e, &elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: app, EnvironmentName: &e.Name}); out != nil {
				e.Settings = out
			}
		},
		func() { defaults = x.defaults(ctx, e) },
		func() {
			if e.Template == "" {
				return
			}
			saved = map[[2]string]string{}
			for _, s := range x.settingsOf(ctx, e, &elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: app, TemplateName: &e.Template}) {
				saved[[2]string{s.Namespace, s.Name}] = aws.ToString(s.Value)
			}
		},
	)
	for i := range e.Settings {
		s := &e.Settings[i]
		k := [2]string{s.Namespace, s.Name}
		byDefault, hasDefault := defaults[k]
		bySaved, hasSaved := saved[k]
		switch {
		case s.Value == nil:
		case hasSaved && bySaved == *s.Value:
			s.From = "saved configuration " + e.Template
		case hasDefault && byDefault == *s.Value:
			s.From = "default"
		case defaults != nil:
			s.From = "environment"
		}
	}
}

func (x *Reader) settingsOf(ctx context.Context, e *reading.Environment, in *elasticbeanstalk.DescribeConfigurationSettingsInput) (out []reading.Setting) {
	q := question{op: "elasticbeanstalk:DescribeConfigurationSettings", kind: reading.AnEnviron, name: e.Name, link: "name"}
	if in.TemplateName != nil {
		q.none = []string{"InvalidParameterValue"} // it was deleted since
	}
	got, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeConfigurationSettingsInput) (*elasticbeanstalk.DescribeConfigurationSettingsOutput, error) {
		return x.c.Beans.DescribeConfigurationSettings(ctx, in)
	}, in)
	if got == nil || len(got.ConfigurationSettings) == 0 {
		return nil
	}
	for _, s := range got.ConfigurationSettings[0].OptionSettings {
		out = append(out, reading.Setting{Namespace: aws.ToString(s.Namespace), Name: aws.ToString(s.OptionName), Resource: aws.ToString(s.ResourceName), Value: s.Value})
	}
	return out
}

// defaults are the options' default values, nil when they cannot be read.
func (x *Reader) defaults(ctx context.Context, e *reading.Environment) map[[2]string]string {
	q := question{op: "elasticbeanstalk:DescribeConfigurationOptions", kind: reading.AnEnviron, name: e.Name, link: "name"}
	got, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeConfigurationOptionsInput) (*elasticbeanstalk.DescribeConfigurationOptionsOutput, error) {
		return x.c.Beans.DescribeConfigurationOptions(ctx, in)
	}, &elasticbeanstalk.DescribeConfigurationOptionsInput{ApplicationName: &e.Application, EnvironmentName: &e.Name})
	if got == nil {
		return nil
	}
	out := map[[2]string]string{}
	for _, o := range got.Options {
		if o.DefaultValue != nil {
			out[[2]string{aws.ToString(o.Namespace), aws.ToString(o.Name)}] = *o.DefaultValue
		}
	}
	return out
}

func (x *Reader) resources(ctx context.Context, e *reading.Environment) {
	q := question{op: "elasticbeanstalk:DescribeEnvironmentResources", kind: reading.AnEnviron, name: e.Name, link: "network"}
	got, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeEnvironmentResourcesInput) (*elasticbeanstalk.DescribeEnvironmentResourcesOutput, error) {
		return x.c.Beans.DescribeEnvironmentResources(ctx, in)
	}, &elasticbeanstalk.DescribeEnvironmentResourcesInput{EnvironmentId: &e.ID})
	if got == nil || got.EnvironmentResources == nil {
		return
	}
	all := got.EnvironmentResources
	for _, i := range all.Instances {
		e.Instances = append(e.Instances, aws.ToString(i.Id))
	}
	add := func(what string, name *string) { e.Resources = append(e.Resources, what+": "+aws.ToString(name)) }
	for _, r := range all.LoadBalancers {
		add("load balancer", r.Name)
	}
	for _, r := range all.AutoScalingGroups {
		add("Auto Scaling group", r.Name)
	}
	for _, r := range all.LaunchConfigurations {
		add("launch configuration", r.Name)
	}
	for _, r := range all.LaunchTemplates {
		add("launch template", r.Id)
	}
}

// events reads the newest events.
func (x *Reader) events(ctx context.Context, e *reading.Environment) {
	q := question{op: "elasticbeanstalk:DescribeEvents", kind: reading.AnEnviron, name: e.Name, link: "document"}
	in := &elasticbeanstalk.DescribeEventsInput{EnvironmentId: &e.ID, MaxRecords: aws.Int32(maxEvents)}
	for len(e.Events) < maxEvents {
		got, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeEventsInput) (*elasticbeanstalk.DescribeEventsOutput, error) {
			return x.c.Beans.DescribeEvents(ctx, in)
		}, in)
		if got == nil {
			return
		}
		e.Events = append(e.Events, eventsOf(got.Events)...)
		if in.NextToken = got.NextToken; in.NextToken == nil {
			return
		}
	}
}

func eventsOf(all []types.EventDescription) (out []reading.Event) {
	for _, ev := range all {
		out = append(out, reading.Event{EventDate: aws.ToTime(ev.EventDate), Message: aws.ToString(ev.Message), ApplicationName: aws.ToString(ev.ApplicationName),
			EnvironmentName: aws.ToString(ev.EnvironmentName), VersionLabel: aws.ToString(ev.VersionLabel), RequestID: aws.ToString(ev.RequestId), Severity: string(ev.Severity)})
	}
	return out
}

// version reads where the deployed version's source bundle is.
func (x *Reader) version(ctx context.Context, e *reading.Environment) {
	if e.VersionLabel == "" {
		return
	}
	q := question{op: "elasticbeanstalk:DescribeApplicationVersions", kind: reading.AVersion, name: e.VersionLabel, link: "document"}
	in := &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: &e.Application, VersionLabels: []string{e.VersionLabel}}
	for {
		got, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeApplicationVersionsInput) (*elasticbeanstalk.DescribeApplicationVersionsOutput, error) {
			return x.c.Beans.DescribeApplicationVersions(ctx, in)
		}, in)
		if got == nil {
			return
		}
		for _, v := range got.ApplicationVersions {
			if b := v.SourceBundle; b != nil && aws.ToString(b.S3Bucket) != "" {
				e.Source = "s3://" + aws.ToString(b.S3Bucket) + "/" + aws.ToString(b.S3Key)
			}
		}
		if in.NextToken = got.NextToken; in.NextToken == nil {
			return
		}
	}
}

// group is the resource whose metadata the instances read.
const group = "AWSEBAutoScalingGroup"

// ownStack reads the stack that Elastic Beanstalk made for the environment.
func (x *Reader) ownStack(ctx context.Context, name string) {
	s := &reading.Stack{Name: name, Metadata: map[string]json.RawMessage{}}
	together(
		func() { x.stackResources(ctx, s) },
		func() { x.stackEvents(ctx, s) },
		func() { x.metadata(ctx, s, group) },
	)
	x.keep(func(r *reading.Reading) { r.Stack = s })
}

// Deploying tells that the environment changes at the moment.
func Deploying(status string) bool {
	return slices.Contains([]string{"Launching", "Updating", "Terminating", "LinkingFrom", "LinkingTo"}, status) || strings.HasSuffix(status, "ing")
}
