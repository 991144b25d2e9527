package iam

import "testing"

func TestAWSManagedPoliciesGrantWhatAWSSays(t *testing.T) {
	web := callers["web"]
	for _, c := range []struct {
		policy, action, resource string
		context                  map[string][]string
		want                     Reason
	}{
		{"AWSElasticBeanstalkWebTier", "s3:GetObject", "arn:aws:s3:::elasticbeanstalk-eu-west-1-111111111111/x", nil, Allowed},
		{"AWSElasticBeanstalkWebTier", "s3:GetObject", "arn:aws:s3:::my-certs/x", nil, ImplicitDeny},
		{"AWSElasticBeanstalkWebTier", "s3:DeleteObject", "arn:aws:s3:::elasticbeanstalk-eu-west-1-111111111111/x", nil, ImplicitDeny},
		{"AWSElasticBeanstalkWebTier", "elasticbeanstalk:PutInstanceStatistics", "arn:aws:elasticbeanstalk:eu-west-1:111111111111:environment/a/e", nil, Allowed},
		{"AWSElasticBeanstalkWorkerTier", "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q", nil, Allowed},
		{"AWSElasticBeanstalkMulticontainerDocker", "ecs:SubmitTaskStateChange", "*", nil, Allowed},
		{"AWSElasticBeanstalkMulticontainerDocker", "ecs:TagResource", "*", nil, ImplicitDeny},
		{"AWSElasticBeanstalkMulticontainerDocker", "ecs:TagResource", "*", map[string][]string{"ecs:CreateAction": {"StartTask"}}, Allowed},
		{"AmazonS3ReadOnlyAccess", "s3:GetObject", "arn:aws:s3:::my-certs/x", nil, Allowed},
		{"AmazonS3ReadOnlyAccess", "s3:PutObject", "arn:aws:s3:::my-certs/x", nil, ImplicitDeny},
		{"AmazonS3FullAccess", "s3:PutObject", "arn:aws:s3:::my-certs/x", nil, Allowed},
		{"AmazonSSMManagedInstanceCore", "s3:GetObject", "arn:aws:s3:::x/y", nil, ImplicitDeny},
		{"CloudWatchAgentServerPolicy", "logs:PutLogEvents", "*", nil, Allowed},
		{"AmazonEC2ContainerRegistryReadOnly", "ecr:BatchGetImage", "arn:aws:ecr:eu-west-1:1:repository/x", nil, Allowed},
		{"AmazonEC2ContainerRegistryReadOnly", "ecr:PutImage", "arn:aws:ecr:eu-west-1:1:repository/x", nil, ImplicitDeny},
		{"AWSXRayDaemonWriteAccess", "xray:PutTraceSegments", "*", nil, Allowed},
		{"AmazonSQSFullAccess", "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:q", nil, Allowed},
		{"AmazonSSMReadOnlyAccess", "ssm:GetParameter", "arn:aws:ssm:eu-west-1:111111111111:parameter/x", nil, Allowed},
		{"service-role/AmazonEC2RoleforSSM", "s3:GetObject", "arn:aws:s3:::my-certs/x", nil, Allowed},
		{"service-role/AmazonEC2RoleforSSM", "s3:DeleteObject", "arn:aws:s3:::my-certs/x", nil, ImplicitDeny},
		{"service-role/AmazonEC2RoleforAWSCodeDeploy", "s3:GetObject", "arn:aws:s3:::my-certs/x", nil, Allowed},
		{"service-role/AWSElasticBeanstalkRoleWorkerTier", "sqs:CreateQueue", "arn:aws:sqs:eu-west-1:111111111111:awseb-e-x", nil, Allowed},
		{"AdministratorAccess", "iam:CreateRole", "arn:aws:iam::111111111111:role/x", nil, Allowed},
		{"service-role/AWSElasticBeanstalkEnhancedHealth", "ec2:DescribeInstances", "*", nil, Allowed},
		{"service-role/AWSElasticBeanstalkService", "cloudformation:CreateStack", "arn:aws:cloudformation:eu-west-1:1:stack/awseb-e-x/1", nil, Allowed},
		{"AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy", "ec2:CreateTags", "*", map[string][]string{"ec2:CreateAction": {"RunInstances"}}, Allowed},
		{"AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy", "s3:GetObject", "arn:aws:s3:::my-certs/x", nil, ImplicitDeny},
	} {
		p, ok := AWSManaged("arn:aws:iam::aws:policy/" + c.policy)
		if !ok {
			t.Errorf("no policy %s", c.policy)
			continue
		}
		d := Evaluate(&Request{Principal: web, Action: c.action, Resource: c.resource, Context: c.context}, &Policies{Identity: []*Policy{p}})
		if d.Reason != c.want {
			t.Errorf("%s: %s %s: %s", c.policy, c.action, c.resource, outcomeText(d))
		}
		if err := p.Check(ForIdentity); err != nil {
			t.Error(err)
		}
	}
	for _, arn := range []string{"arn:aws:iam::aws:policy/Unheard", "arn:aws-cn:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111111111111:policy/AdministratorAccess", "AdministratorAccess", ""} {
		if _, ok := AWSManaged(arn); ok {
			t.Errorf("%q found", arn)
		}
	}
}
