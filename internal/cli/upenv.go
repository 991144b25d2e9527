package cli

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/ebext"
)

// defaultPlatform is what an environment runs on when nothing says otherwise.
const defaultPlatform = "64bit Amazon Linux 2023 v4.6.0 running Go 1"

// upEnvironment creates application, version and environment through the API,
// as `eb create` does; an environment that runs is updated instead.
func (d *deployment) upEnvironment(ctx context.Context) error {
	if d.app == "" {
		d.app = d.stack
	}
	if d.env = d.flags.environment; d.env == "" {
		d.env = d.app + "-env"
	}
	if err := d.version(ctx); err != nil {
		return err
	}
	given, err := d.flags.given()
	if err == nil {
		given, err = d.withProfile(ctx, given)
	}
	if err != nil {
		return err
	}
	running, err := d.running(ctx, d.env)
	if err != nil {
		return err
	}
	d.began = d.began || running == nil
	f := d.follow()
	if running != nil {
		d.screen.line("environment %s runs already: it gets the new version", d.env)
		_, err = d.clients.beans.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{
			EnvironmentName: &d.env, VersionLabel: &d.label, OptionSettings: optionSettings(given),
		})
	} else {
		platform := d.flags.platform
		if platform == "" {
			platform = defaultPlatform
		}
		_, err = d.clients.beans.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{
			ApplicationName: &d.app, EnvironmentName: &d.env, VersionLabel: &d.label,
			SolutionStackName: &platform, OptionSettings: optionSettings(given),
		})
	}
	if err != nil {
		return awsError("create the environment", err)
	}
	return d.followEnvironment(ctx, f)
}

// version uploads the bundle and makes it known as an application version.
func (d *deployment) version(ctx context.Context) error {
	if _, err := d.clients.beans.CreateStorageLocation(ctx, &elasticbeanstalk.CreateStorageLocationInput{}); err != nil {
		return awsError("make Elastic Beanstalk's bucket", err)
	}
	bucket, key := d.storage(), d.app+"/"+d.label+".zip"
	if err := d.put(ctx, bucket, key); err != nil {
		return err
	}
	_, err := d.clients.beans.CreateApplicationVersion(ctx, &elasticbeanstalk.CreateApplicationVersionInput{
		ApplicationName: &d.app, VersionLabel: &d.label, AutoCreateApplication: aws.Bool(true),
		SourceBundle: &ebtypes.S3Location{S3Bucket: &bucket, S3Key: &key},
	})
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		return awsError("create the application version", err)
	}
	return nil
}

// running is the environment of this name if it lives, nil otherwise.
func (d *deployment) running(ctx context.Context, name string) (*ebtypes.EnvironmentDescription, error) {
	out, err := d.clients.beans.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{
		EnvironmentNames: []string{name}, IncludeDeleted: aws.Bool(false),
	})
	if err != nil {
		return nil, awsError("look for the environment", err)
	}
	for _, e := range out.Environments {
		if e.Status != ebtypes.EnvironmentStatusTerminated {
			return &e, nil
		}
	}
	return nil, nil
}

// followEnvironment prints events until the environment is Ready again.
func (d *deployment) followEnvironment(ctx context.Context, f *follower) error {
	d.screen.now("waiting for environment " + d.env)
	defer d.screen.now("")
	for {
		e, err := d.running(ctx, d.env)
		if err != nil {
			return err
		}
		done := e == nil || e.Status == ebtypes.EnvironmentStatusReady
		if err := f.news(ctx, "", done); err != nil {
			return err
		}
		if done {
			break
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
	if f.failed {
		return d.failed(ctx, f)
	}
	return d.succeeded(ctx, f)
}

// terminate ends the environment of this deployment.
func (d *deployment) terminate(ctx context.Context) error {
	if _, err := d.clients.beans.TerminateEnvironment(ctx, &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentName: &d.env}); err != nil {
		return awsError("terminate the environment", err)
	}
	for {
		e, err := d.running(ctx, d.env)
		if err != nil || e == nil {
			return err
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func optionSettings(given ebext.Settings) []ebtypes.ConfigurationOptionSetting {
	var out []ebtypes.ConfigurationOptionSetting
	for _, s := range given {
		out = append(out, ebtypes.ConfigurationOptionSetting{
			Namespace: aws.String(s.Namespace), OptionName: aws.String(s.Option), Value: aws.String(s.Value.TextOr("")),
		})
	}
	return out
}
