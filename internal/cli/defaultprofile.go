package cli

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"beanpole/internal/ebext"
	"beanpole/internal/source"
)

// What `eb create` uses, and makes where it is missing: a role and an instance
// profile of one name, and the policies of its three tiers.
// [cli:ebcli/operations/commonops.py, cli:ebcli/resources/statics.py]
const (
	profileNamespace = "aws:autoscaling:launchconfiguration"
	profileOption    = "IamInstanceProfile"
	defaultProfile   = "aws-elasticbeanstalk-ec2-role"
	defaultTrust     = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
)

var defaultPolicies = []string{
	"arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier",
	"arn:aws:iam::aws:policy/AWSElasticBeanstalkWorkerTier",
	"arn:aws:iam::aws:policy/AWSElasticBeanstalkMulticontainerDocker",
}

// withProfile sees to it that an environment made without a template has an
// instance profile, as the EB CLI does.
func (d *deployment) withProfile(ctx context.Context, given ebext.Settings) (ebext.Settings, error) {
	if _, ok := given.Get(profileNamespace, profileOption); ok {
		return given, nil
	}
	c := d.clients.identity
	name, trust := aws.String(defaultProfile), aws.String(defaultTrust)
	_, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: trust})
	made := err == nil
	for _, policy := range defaultPolicies {
		if err == nil {
			_, err = c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(policy)})
		}
	}
	if err == nil {
		_, err = c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name})
	}
	if err == nil {
		_, err = c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name})
	}
	var api smithy.APIError
	if err != nil && !(errors.As(err, &api) && api.ErrorCode() == "EntityAlreadyExists") {
		return nil, awsError("create the default instance profile", err)
	}
	if made {
		d.screen.line("created role and instance profile %s, as the EB CLI does", defaultProfile)
	}
	at := source.Pos{File: "beanpole's default"}
	return append(given, ebext.Setting{
		Namespace: profileNamespace, Option: profileOption, Level: ebext.Recommended,
		Value: source.NewString(defaultProfile, at), Pos: at,
	}), nil
}
