package iam

// permit is one Allow statement of an AWS managed policy.
type permit struct {
	sid string
	do  []string // "service:Action Action …"
	on  []string // nil: "*"
	iff []Condition
}

func when(operator, key string, values ...string) []Condition {
	c := Condition{Operator: operator, Key: key}
	c.op, _ = readOperator(operator)
	for _, v := range values {
		c.Values = append(c.Values, Term{Text: v})
	}
	return []Condition{c}
}

var (
	ebBuckets   = []string{"arn:aws:s3:::elasticbeanstalk-*", "arn:aws:s3:::elasticbeanstalk-*/*"}
	ebStacks    = []string{"arn:aws:cloudformation:*:*:stack/awseb-*", "arn:aws:cloudformation:*:*:stack/eb-*"}
	ebLogs      = []string{"arn:aws:logs:*:*:log-group:/aws/elasticbeanstalk*"}
	xray        = permit{"XRayAccess", []string{"xray:PutTraceSegments PutTelemetryRecords GetSamplingRules GetSamplingTargets GetSamplingStatisticSummaries"}, nil, nil}
	ssmMessages = []string{"ssmmessages:CreateControlChannel CreateDataChannel OpenControlChannel OpenDataChannel"}
	ec2Messages = []string{"ec2messages:AcknowledgeMessage DeleteMessage FailMessage GetEndpoint GetMessages SendReply"}
	ebBucket    = permit{"BucketAccess", []string{"s3:Get* List* PutObject"}, ebBuckets, nil}
	ebHealth    = permit{"ElasticBeanstalkHealthAccess", []string{"elasticbeanstalk:PutInstanceStatistics"},
		[]string{"arn:aws:elasticbeanstalk:*:*:application/*", "arn:aws:elasticbeanstalk:*:*:environment/*"}, nil}
)

// managed are AWS's own policies by the part of the ARN behind "policy/", after
// the AWS Managed Policy Reference Guide (docs.aws.amazon.com,
// aws-managed-policy/latest/reference/NAME.html). Each line states the
// policy's version and that version's date; AWS may have made newer ones.
var managed = map[string][]permit{
	// v7, 2020-09-09
	"AWSElasticBeanstalkWebTier": {ebBucket, xray,
		{"CloudWatchLogsAccess", []string{"logs:PutLogEvents CreateLogStream DescribeLogStreams DescribeLogGroups"}, ebLogs, nil}, ebHealth},
	// v6, 2020-09-09; the guide of 2026 knows a v8 of 2026-04-29
	"AWSElasticBeanstalkWorkerTier": {
		{"MetricsAccess", []string{"cloudwatch:PutMetricData"}, nil, nil}, xray,
		{"QueueAccess", []string{"sqs:ChangeMessageVisibility DeleteMessage ReceiveMessage SendMessage"}, nil, nil}, ebBucket,
		{"DynamoPeriodicTasks", []string{"dynamodb:BatchGetItem BatchWriteItem DeleteItem GetItem PutItem Query Scan UpdateItem"},
			[]string{"arn:aws:dynamodb:*:*:table/*-stack-AWSEBWorkerCronLeaderRegistry*"}, nil},
		{"CloudWatchLogsAccess", []string{"logs:PutLogEvents CreateLogStream"}, ebLogs, nil}, ebHealth},
	// v3, 2023-03-23
	"AWSElasticBeanstalkMulticontainerDocker": {
		{"ECSAccess", []string{"ecs:Poll StartTask StopTask DiscoverPollEndpoint StartTelemetrySession RegisterContainerInstance DeregisterContainerInstance DescribeContainerInstances Submit* DescribeTasks"}, nil, nil},
		{"AllowECSTagResource", []string{"ecs:TagResource"}, nil, when("StringEquals", "ecs:CreateAction", "RegisterContainerInstance", "StartTask")}},
	// v3, 2023-08-10
	"AmazonS3ReadOnlyAccess": {{"", []string{"s3:Get* List* Describe*", "s3-object-lambda:Get* List*"}, nil, nil}},
	// v2, 2021-09-27
	"AmazonS3FullAccess": {{"", []string{"s3:*", "s3-object-lambda:*"}, nil, nil}},
	// v2, 2019-05-23
	"AmazonSSMManagedInstanceCore": {
		{"", []string{"ssm:DescribeAssociation GetDeployablePatchSnapshotForInstance GetDocument DescribeDocument GetManifest GetParameter GetParameters ListAssociations ListInstanceAssociations PutInventory PutComplianceItems PutConfigurePackageResult UpdateAssociationStatus UpdateInstanceAssociationStatus UpdateInstanceInformation"}, nil, nil},
		{"", ssmMessages, nil, nil}, {"", ec2Messages, nil, nil}},
	// v3, 2024-02-06
	"CloudWatchAgentServerPolicy": {
		{"CWACloudWatchServerPermissions", []string{"cloudwatch:PutMetricData", "ec2:DescribeVolumes DescribeTags",
			"logs:PutLogEvents PutRetentionPolicy DescribeLogStreams DescribeLogGroups CreateLogStream CreateLogGroup",
			"xray:PutTraceSegments PutTelemetryRecords GetSamplingRules GetSamplingTargets GetSamplingStatisticSummaries"}, nil, nil},
		{"CWASSMServerPermissions", []string{"ssm:GetParameter"}, []string{"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"}, nil}},
	// v3, 2019-12-10
	"AmazonEC2ContainerRegistryReadOnly": {{"", []string{"ecr:GetAuthorizationToken BatchCheckLayerAvailability GetDownloadUrlForLayer GetRepositoryPolicy DescribeRepositories ListImages DescribeImages BatchGetImage GetLifecyclePolicy GetLifecyclePolicyPreview ListTagsForResource DescribeImageScanFindings"}, nil, nil}},
	// v2, 2024-02-13
	"AWSXRayDaemonWriteAccess": {{"AWSXRayDaemonWriteAccess", xray.do, nil, nil}},
	// v1, 2015-02-06
	"AmazonSQSFullAccess": {{"", []string{"sqs:*"}, nil, nil}},
	// v1, 2015-05-29
	"AmazonSSMReadOnlyAccess": {{"", []string{"ssm:Describe* Get* List*"}, nil, nil}},
	// v8, 2019-01-24 (AWS says that it will be deprecated; it reads every bucket)
	"service-role/AmazonEC2RoleforSSM": {
		{"", []string{"ssm:DescribeAssociation GetDeployablePatchSnapshotForInstance GetDocument DescribeDocument GetManifest GetParameters ListAssociations ListInstanceAssociations PutInventory PutComplianceItems PutConfigurePackageResult UpdateAssociationStatus UpdateInstanceAssociationStatus UpdateInstanceInformation"}, nil, nil},
		{"", ssmMessages, nil, nil}, {"", ec2Messages, nil, nil},
		{"", []string{"cloudwatch:PutMetricData"}, nil, nil}, {"", []string{"ec2:DescribeInstanceStatus"}, nil, nil}, {"", []string{"ds:CreateComputer DescribeDirectories"}, nil, nil},
		{"", []string{"logs:CreateLogGroup CreateLogStream DescribeLogGroups DescribeLogStreams PutLogEvents"}, nil, nil},
		{"", []string{"s3:GetBucketLocation PutObject GetObject GetEncryptionConfiguration AbortMultipartUpload ListMultipartUploadParts ListBucket ListBucketMultipartUploads"}, nil, nil}},
	// v2, 2017-03-20
	"service-role/AmazonEC2RoleforAWSCodeDeploy": {{"", []string{"s3:GetObject GetObjectVersion ListBucket"}, nil, nil}},
	// v1, 2020-06-05
	"service-role/AWSElasticBeanstalkRoleWorkerTier": {
		{"AllowSQS", []string{"sqs:TagQueue DeleteQueue GetQueueAttributes CreateQueue"}, []string{"arn:aws:sqs:*:*:awseb-e-*"}, nil},
		{"AllowDDB", []string{"dynamodb:CreateTable TagResource DescribeTable DeleteTable"}, []string{"arn:aws:dynamodb:*:*:table/awseb-e-*"}, nil}},
	// v1, 2015-02-06
	"AdministratorAccess": {{"", []string{"*"}, nil, nil}},
	// v4, 2018-04-09
	"service-role/AWSElasticBeanstalkEnhancedHealth": {
		{"", []string{"elasticloadbalancing:DescribeInstanceHealth DescribeLoadBalancers DescribeTargetHealth",
			"ec2:DescribeInstances DescribeInstanceStatus GetConsoleOutput AssociateAddress DescribeAddresses DescribeSecurityGroups",
			"sqs:GetQueueAttributes GetQueueUrl",
			"autoscaling:DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeScalingActivities DescribeNotificationConfigurations", "sns:Publish"}, nil, nil},
		{"", []string{"logs:DescribeLogStreams CreateLogStream PutLogEvents"}, []string{"arn:aws:logs:*:*:log-group:/aws/elasticbeanstalk/*:log-stream:*"}, nil}},
	// v17, 2023-05-10 (deprecated by AWS, still attached to old service roles)
	"service-role/AWSElasticBeanstalkService": {
		{"AllowCloudformationOperationsOnElasticBeanstalkStacks", []string{"cloudformation:*"}, ebStacks, nil},
		{"AllowDeleteCloudwatchLogGroups", []string{"logs:DeleteLogGroup"}, ebLogs, nil},
		{"AllowECSTagResource", []string{"ecs:TagResource"}, nil, when("StringEquals", "ecs:CreateAction", "CreateCluster", "RegisterTaskDefinition")},
		{"AllowS3OperationsOnElasticBeanstalkBuckets", []string{"s3:*"}, ebBuckets, nil},
		{"AllowLaunchTemplateRunInstances", []string{"ec2:RunInstances"}, nil, when("ArnLike", "ec2:LaunchTemplate", "arn:aws:ec2:*:*:launch-template/*")},
		{"AllowELBAddTags", []string{"elasticloadbalancing:AddTags"}, nil, when("StringEquals", "elasticloadbalancing:CreateAction", "CreateLoadBalancer")},
		{"AllowOperations", []string{
			"autoscaling:AttachInstances CreateAutoScalingGroup CreateLaunchConfiguration CreateOrUpdateTags DeleteLaunchConfiguration DeleteAutoScalingGroup DeleteScheduledAction DescribeAccountLimits DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeLaunchConfigurations DescribeLoadBalancers DescribeNotificationConfigurations DescribeScalingActivities DescribeScheduledActions DetachInstances DeletePolicy PutScalingPolicy PutScheduledUpdateGroupAction PutNotificationConfiguration ResumeProcesses SetDesiredCapacity SuspendProcesses TerminateInstanceInAutoScalingGroup UpdateAutoScalingGroup",
			"cloudwatch:PutMetricAlarm",
			"ec2:AssociateAddress AllocateAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateLaunchTemplate CreateLaunchTemplateVersion DescribeLaunchTemplates DescribeLaunchTemplateVersions DeleteLaunchTemplate DeleteLaunchTemplateVersions CreateSecurityGroup DeleteSecurityGroup DescribeAccountAttributes DescribeAddresses DescribeImages DescribeInstances DescribeKeyPairs DescribeSecurityGroups DescribeSnapshots DescribeSubnets DescribeVpcs DescribeInstanceAttribute DescribeSpotInstanceRequests DescribeVpcClassicLink DisassociateAddress ReleaseAddress RevokeSecurityGroupEgress RevokeSecurityGroupIngress TerminateInstances",
			"ecs:CreateCluster DeleteCluster DescribeClusters RegisterTaskDefinition",
			"elasticbeanstalk:*",
			"elasticloadbalancing:ApplySecurityGroupsToLoadBalancer ConfigureHealthCheck CreateLoadBalancer DeleteLoadBalancer DeregisterInstancesFromLoadBalancer DescribeInstanceHealth DescribeLoadBalancers DescribeTargetHealth RegisterInstancesWithLoadBalancer DescribeTargetGroups RegisterTargets DeregisterTargets",
			"iam:ListRoles PassRole", "logs:CreateLogGroup PutRetentionPolicy DescribeLogGroups",
			"rds:DescribeDBEngineVersions DescribeDBInstances DescribeOrderableDBInstanceOptions", "s3:GetObject GetObjectAcl ListBucket",
			"sns:CreateTopic GetTopicAttributes ListSubscriptionsByTopic Subscribe SetTopicAttributes", "sqs:GetQueueAttributes GetQueueUrl",
			"codebuild:CreateProject DeleteProject BatchGetBuilds StartBuild"}, nil, nil}},
	// v8, 2026-01-27
	"AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy": {
		{"ElasticBeanstalkPermissions", []string{"elasticbeanstalk:*"}, nil, nil},
		{"AllowPassRoleToElasticBeanstalkAndDownstreamServices", []string{"iam:PassRole"}, []string{"arn:aws:iam::*:role/*"},
			when("StringEquals", "iam:PassedToService", "elasticbeanstalk.amazonaws.com", "ec2.amazonaws.com", "ec2.amazonaws.com.cn", "autoscaling.amazonaws.com",
				"elasticloadbalancing.amazonaws.com", "ecs.amazonaws.com", "cloudformation.amazonaws.com")},
		{"ReadOnlyPermissions", []string{
			"autoscaling:DescribeAccountLimits DescribeAutoScalingGroups DescribeAutoScalingInstances DescribeLaunchConfigurations DescribeLoadBalancers DescribeNotificationConfigurations DescribeScalingActivities DescribeScheduledActions",
			"ec2:DescribeAccountAttributes DescribeAddresses DescribeAvailabilityZones DescribeImages DescribeInstanceAttribute DescribeInstances DescribeKeyPairs DescribeLaunchTemplates DescribeLaunchTemplateVersions DescribeSecurityGroups DescribeSnapshots DescribeSpotInstanceRequests DescribeSubnets DescribeVpcClassicLink DescribeVpcs",
			"elasticloadbalancing:DescribeInstanceHealth DescribeLoadBalancers DescribeTargetGroups DescribeTargetHealth", "logs:DescribeLogGroups",
			"rds:DescribeDBEngineVersions DescribeDBInstances DescribeOrderableDBInstanceOptions", "sns:ListSubscriptionsByTopic"}, nil, nil},
		{"EC2BroadOperationPermissions", []string{"ec2:AllocateAddress AssociateAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateLaunchTemplate CreateLaunchTemplateVersion CreateSecurityGroup DeleteLaunchTemplate DeleteLaunchTemplateVersions DeleteSecurityGroup DisassociateAddress ReleaseAddress RevokeSecurityGroupEgress RevokeSecurityGroupIngress"}, nil, nil},
		{"EC2RunInstancesOperationPermissions", []string{"ec2:RunInstances"}, nil, when("ArnLike", "ec2:LaunchTemplate", "arn:aws:ec2:*:*:launch-template/*")},
		{"EC2TerminateInstancesOperationPermissions", []string{"ec2:TerminateInstances"}, []string{"arn:aws:ec2:*:*:instance/*"},
			when("StringLike", "ec2:ResourceTag/aws:cloudformation:stack-id", "arn:aws:cloudformation:*:*:stack/awseb-e-*", "arn:aws:cloudformation:*:*:stack/eb-*")},
		{"ECSBroadOperationPermissions", []string{"ecs:CreateCluster DescribeClusters RegisterTaskDefinition"}, nil, nil},
		{"ECSDeleteClusterOperationPermissions", []string{"ecs:DeleteCluster"}, []string{"arn:aws:ecs:*:*:cluster/awseb-*"}, nil},
		{"ASGOperationPermissions", []string{"autoscaling:AttachInstances CreateAutoScalingGroup CreateLaunchConfiguration CreateOrUpdateTags DeleteLaunchConfiguration DeleteAutoScalingGroup DeleteScheduledAction DetachInstances DeletePolicy PutScalingPolicy PutScheduledUpdateGroupAction PutNotificationConfiguration ResumeProcesses SetDesiredCapacity SuspendProcesses TerminateInstanceInAutoScalingGroup UpdateAutoScalingGroup"},
			[]string{"arn:aws:autoscaling:*:*:launchConfiguration:*:launchConfigurationName/awseb-e-*", "arn:aws:autoscaling:*:*:launchConfiguration:*:launchConfigurationName/eb-*",
				"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/awseb-e-*", "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/eb-*"}, nil},
		{"CFNOperationPermissions", []string{"cloudformation:*"}, ebStacks, nil},
		{"ELBOperationPermissions", []string{"elasticloadbalancing:AddTags ApplySecurityGroupsToLoadBalancer ConfigureHealthCheck CreateLoadBalancer DeleteLoadBalancer DeregisterInstancesFromLoadBalancer DeregisterTargets RegisterInstancesWithLoadBalancer RegisterTargets"},
			[]string{"arn:aws:elasticloadbalancing:*:*:targetgroup/awseb-*", "arn:aws:elasticloadbalancing:*:*:targetgroup/eb-*", "arn:aws:elasticloadbalancing:*:*:loadbalancer/awseb-*",
				"arn:aws:elasticloadbalancing:*:*:loadbalancer/eb-*", "arn:aws:elasticloadbalancing:*:*:loadbalancer/*/awseb-*/*", "arn:aws:elasticloadbalancing:*:*:loadbalancer/*/eb-*/*"}, nil},
		{"CWLogsOperationPermissions", []string{"logs:CreateLogGroup DeleteLogGroup PutRetentionPolicy"}, []string{"arn:aws:logs:*:*:log-group:/aws/elasticbeanstalk/*"}, nil},
		{"S3ObjectOperationPermissions", []string{"s3:DeleteObject GetObject GetObjectAcl GetObjectVersion GetObjectVersionAcl PutObject PutObjectAcl PutObjectVersionAcl"}, ebBuckets[1:], nil},
		{"S3BucketOperationPermissions", []string{"s3:GetBucketLocation GetBucketPolicy ListBucket PutBucketPolicy"}, ebBuckets[:1], nil},
		{"SNSOperationPermissions", []string{"sns:CreateTopic GetTopicAttributes SetTopicAttributes Subscribe"}, []string{"arn:aws:sns:*:*:ElasticBeanstalkNotifications-*"}, nil},
		{"SQSOperationPermissions", []string{"sqs:GetQueueAttributes GetQueueUrl"}, []string{"arn:aws:sqs:*:*:awseb-e-*", "arn:aws:sqs:*:*:eb-*"}, nil},
		{"CWPutMetricAlarmOperationPermissions", []string{"cloudwatch:PutMetricAlarm"}, []string{"arn:aws:cloudwatch:*:*:alarm:awseb-*", "arn:aws:cloudwatch:*:*:alarm:eb-*"}, nil},
		{"AllowECSTagResource", []string{"ecs:TagResource"}, nil, when("StringEquals", "ecs:CreateAction", "CreateCluster", "RegisterTaskDefinition")},
		{"LaunchTemplateTagPropagationPermissions", []string{"ec2:createTags"}, nil, when("StringEquals", "ec2:CreateAction", "CreateLaunchTemplate", "RunInstances", "AllocateAddress")}},
}
