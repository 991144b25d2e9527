package diagnose

// stackCauses are what CloudFormation refuses or cannot make of the
// environment's stack.
var stackCauses = []*Cause{
	{
		Slug: "resource-not-made", Stage: Stack,
		Title: "the configuration refers to ${resource}, which this environment has not",
		Why:   "Elastic Beanstalk's resources depend on the environment's type: AWSEBLoadBalancer* stands for classic load balancers alone, AWSEBV2LoadBalancer* for the newer ones, neither for a single instance. A physical ID (fs-…, sg-…) is no resource either.",
		Fix:   []string{"refer to a resource that the environment's type has; write physical IDs without Ref"},
		Signs: []Sign{
			{Word: "references undefined resource", Pattern: `references undefined resource (?P<resource>[\w-]+)`},
			{Word: "Unresolved resource dependencies", Pattern: `Unresolved resource dependencies \[(?P<resource>[^\]]+)\]`},
			{Word: "Unknown template resource"},
		},
	},
	{
		Slug: "ssl-policy-empty", Stage: Stack,
		Title: "the HTTPS listener has no SSL policy",
		Why:   "SSLPolicy was set to an empty text.",
		Fix:   []string{"leave SSLPolicy out, or name one"},
		Signs: []Sign{{Word: "An SSL policy must be specified for HTTPS listeners"}},
	},
	{
		Slug: "listener-certificate", Stage: Stack,
		Title: "a secure listener has no certificate, or one that does not exist here",
		Why:   "SSLCertificateId or SSLCertificateArns is missing, in the wrong namespace, or of another region.",
		Fix:   []string{"set the certificate's ARN in the listener's own namespace, of the environment's region"},
		Signs: []Sign{
			{Word: "Secure Listeners need to specify a SSLCertificateId"},
			{Word: "CertificateNotFound"},
			{Word: "Certificate ARN", Pattern: `Certificate ARN '(?P<arn>[^']+)' is not valid`},
			{Word: "A certificate must be specified for HTTPS listeners"},
		},
	},
	{
		Slug: "listener-exists", Stage: Stack,
		Title: "a listener or rule on this port exists already",
		Why:   "Elastic Beanstalk makes the listener on port 80 itself; a template adds it once more.",
		Fix:   []string{"set the default listener by options (aws:elbv2:listener:default) instead of adding one"},
		Signs: []Sign{{Word: "DuplicateListener"}, {Word: "A listener already exists on this port"}},
	},
	{
		Slug: "subnets-unfit", Stage: Stack,
		Title: "the load balancer's subnets do not fit: ${what}",
		Why:   "An application load balancer needs two Availability Zones, and one subnet in each.",
		Fix:   []string{"set ELBSubnets in aws:ec2:vpc to one subnet in each of two zones"},
		Signs: []Sign{
			{Word: "Specify the subnets for the VPC", Pattern: `(?P<what>Specify the subnets for the VPC[^\n.]*)`},
			{Word: "At least two subnets in two different Availability Zones", Pattern: `(?P<what>At least two subnets in two different Availability Zones[^\n.]*)`},
			{Word: "multiple subnets in the same A", Pattern: `(?P<what>cannot be attached to multiple subnets in the same A[^\n.]*)`},
		},
	},
	{
		Slug: "capability-missing", Stage: Stack,
		Title: "the stack needs ${capability}, which whoever deploys did not give",
		Why:   "A template that makes IAM resources asks for it; with names of your own for CAPABILITY_NAMED_IAM.",
		Fix:   []string{"deploy with --capabilities CAPABILITY_NAMED_IAM"},
		Signs: []Sign{{Word: "Requires capabilities", Pattern: `Requires capabilities : \[(?P<capability>[\w, ]+)\]`}},
	},
	{
		Slug: "instance-type", Stage: Stack,
		Title: "the instance type is not offered there, or does not fit the image's architecture",
		Why:   "Types differ by region and Availability Zone; arm64 types need arm64 images.",
		Fix:   []string{"set InstanceTypes in aws:ec2:instances to types that the zones have"},
		Signs: []Sign{
			{Word: "requested instance type", Pattern: `(?i)requested instance type[^\n]*not supported`},
			{Word: "instance type '", Pattern: `(?i)instance type '[^\n]{0,60}(?:not supported|not available)`},
			{Word: "xec format error", Pattern: `(?:cannot execute binary file: )?[Ee]xec format error`, Not: []string{".platform/"}},
			{Word: "nsupported instance type"},
			{Word: "InsufficientInstanceCapacity"},
		},
	},
	{
		Slug: "already-exists", Stage: Stack,
		Title: "a resource with that name exists already: ${what}",
		Why:   "A name of your own can be taken once; IAM names count for all regions.",
		Fix:   []string{"leave the name to CloudFormation, or make it depend on stack and region"},
		Signs: []Sign{{Word: "already exists in stack", Pattern: `(?P<what>[\w|:/.-]+ already exists in stack \S+)`}, {Word: "is not available.", Pattern: `(?P<what>DNS name \([^)]+\) is not available)`}, {Word: "already exists.", Pattern: `(?P<what>Environment \S+ already exists)\.`}, {Word: "EntityAlreadyExists"}, {Word: "AlreadyExistsException"}},
	},
	{
		Slug: "quota", Stage: Stack,
		Title: "a quota of the account is used up: ${what}",
		Why:   "AWS makes no more of this resource.",
		Fix:   []string{"delete what is not needed, or ask for a higher quota"},
		Signs: []Sign{
			{Word: "LimitExceeded", Pattern: `(?P<what>\w*LimitExceeded\w*[^\n]{0,100})`},
			{Word: "more vCPU capacity than your current", Pattern: `(?P<what>more vCPU capacity than your current vCPU limit[^\n.]{0,60})`},
			{Word: "exceeded the number of", Pattern: `(?P<what>exceeded the number of [^\n.]{1,80})`},
			{Word: "You have exceeded", Pattern: `(?P<what>You have exceeded [^\n.]{1,80})`},
			{Word: "maximum number of", Pattern: `(?P<what>[^\n.]{0,60}maximum number of [^\n.]{1,80})`, Weak: true},
		},
	},
	{
		Slug: "template-refused", Stage: Stack,
		Title: "CloudFormation refuses the environment's template: ${what}",
		Why:   "Resources of .ebextensions do not fit together with it.",
		Fix:   []string{"beanpole check names the line"},
		Signs: []Sign{
			{Word: "Template format error", Pattern: `(?P<what>Template format error: [^\n]{1,160})`},
			{Word: "Template error", Pattern: `(?P<what>Template error: [^\n]{1,160})`},
			{Word: "Template validation error", Pattern: `(?P<what>Template validation error: [^\n]{1,160})`},
			{Word: "Template does not have", Pattern: `(?P<what>Template does not have [^\n]{1,120})`},
		},
	},
	{
		Slug: "instance-signalled", Stage: Stack, Generic: true,
		Title:  "an instance told CloudFormation that its start failed: ${what}",
		Why:    "A script called cfn-signal with a failure.",
		Settle: "cfn-init.log and cloud-init-output.log of that instance",
		Signs:  []Sign{{Word: "WaitCondition received failed message", Pattern: `WaitCondition received failed message: '(?P<what>[^'\n]{1,120})'`}},
	},
	{
		Slug: "stack-reason-null", Stage: Stack, Generic: true,
		Title:  "CloudFormation gave up the environment's stack, and the event leaves out why",
		Why:    "\"Reason: null\" stands where CloudFormation cancelled resources after one had failed.",
		Settle: "aws cloudformation describe-stack-events --stack-name awseb-e-ID-stack: the first CREATE_FAILED or UPDATE_FAILED that is not \"cancelled\"",
		Signs:  []Sign{{Word: "Reason: null", Pattern: `Stack named '\S+' aborted operation`}},
	},
	{
		Slug: "stack-failed", Stage: Stack, Generic: true,
		Title:  "CloudFormation could not make ${type}: ${what}",
		Why:    "The stack's own events say why; Elastic Beanstalk's leave it out (\"Reason: null\").",
		Settle: "aws cloudformation describe-stack-events --stack-name awseb-e-ID-stack",
		Signs: []Sign{
			{Word: "CREATE_FAILED", Pattern: `CREATE_FAILED (?P<type>(?:AWS|Custom)::\S+) (?P<what>[^\n]{1,160})`, Not: []string{"cancelled", "The following resource(s) failed"}},
			{Word: "UPDATE_FAILED", Pattern: `UPDATE_FAILED (?P<type>(?:AWS|Custom)::\S+) (?P<what>[^\n]{1,160})`, Not: []string{"cancelled", "The following resource(s) failed"}},
			{Word: "Creating ", Pattern: `(?P<what>Creating [^\n]{1,100} failed Reason: [^\n]{1,120})`, Not: []string{"cancelled"}},
			{Word: "Stack named", Pattern: `Stack named '\S+' aborted operation\. Current state: '\w+'\s+Reason: (?P<what>[^\n]{1,160})`, Not: []string{"Reason: null"}},
			{Word: "was not successfully", Pattern: `Embedded stack \S+ was not successfully (?:created|updated): (?P<what>[^\n]{1,160})`},
			{Word: "resource(s) failed to create", Pattern: `The following resource\(s\) failed to create: \[(?P<what>[^\]]+)\]`, Weak: true},
		},
	},
}

// launchCauses are instances that do not start, or never report.
var launchCauses = []*Cause{
	{
		Slug: "instances-silent", Stage: Launch,
		Title:  "the instances never reported: they cannot reach Elastic Beanstalk, or their start died",
		Why:    "An instance must reach CloudFormation, Elastic Beanstalk and S3 from its subnet. A private subnet without NAT or endpoints, no public address, or a broken user data script keep it from that.",
		Fix:    []string{"give the subnet a way out (NAT gateway or endpoints for elasticbeanstalk, cloudformation, s3), or AssociatePublicIpAddress true in a public one"},
		Settle: "aws ec2 get-console-output --instance-id ID; cloud-init-output.log on the instance",
		Of: []Behind{
			{"network-closed", "the instances' subnet has no way to Elastic Beanstalk, CloudFormation or S3", "the subnet's route table: a NAT gateway, endpoints, or an internet gateway and a public address", []string{"network-unreachable"}},
			{"launch-failed", "no instance started, or it stopped again", "the Auto Scaling group's activity history; the stack's events", nil},
			{"user-data-failed", "the instance's own start failed or is too slow", "aws ec2 get-console-output --instance-id ID", nil},
		},
		Signs: []Sign{
			{Word: "failed to communicate with AWS Elastic Beanstalk"},
			{Word: "LaunchWaitCondition failed"},
			{Word: "AWSEBInstanceLaunchWaitCondition", Pattern: `failed to create: \[[^\]]*AWSEBInstanceLaunchWaitCondition`},
			{Word: "but with command timeouts", Pattern: `Create environment operation is complete, but with command timeouts`},
		},
	},
	{
		Slug: "signal-missing", Stage: Launch,
		Title:  "no instance told CloudFormation in time that its start succeeded: ${what}",
		Why:    "The stack waits for cfn-signal. The instance did not start, could not reach CloudFormation, or its user data or cfn-init stopped before.",
		Settle: "cloud-init-output.log and cfn-init.log of the instance (keep it: --disable-rollback), or aws ec2 get-console-output --instance-id ID",
		Of: []Behind{
			{"user-data-failed", "user data or cfn-init stopped before cfn-signal", "cloud-init-output.log and cfn-init.log on the instance", nil},
			{"network-closed", "the subnet has no way to CloudFormation", "the subnet's route table", []string{"network-unreachable"}},
			{"too-slow", "it takes longer than the time limit", "compare with Timeout of the WaitCondition or CreationPolicy", nil},
		},
		Signs: []Sign{
			{Word: "WaitCondition timed out", Pattern: `(?P<what>WaitCondition timed out\. Received \d+ conditions when expecting \d+)`},
			{Word: "resource signal(s)", Pattern: `(?P<what>(?:Failed to receive|Received) \d+ (?:resource|SUCCESS) signal\(s\)[^\n]{0,60})`},
		},
	},
	{
		Slug: "signal-unreadable", Stage: Launch,
		Title: "what was sent to the WaitCondition is not what CloudFormation reads",
		Why:   "It takes one JSON object with Status, Reason, UniqueId and Data, as cfn-signal writes it.",
		Fix:   []string{"use cfn-signal, or send the object with an empty Content-Type"},
		Signs: []Sign{{Word: "Unparsable WaitCondition data"}},
	},
	{
		Slug: "throttled", Stage: Launch,
		Title: "CloudFormation throttled the instances' requests",
		Why:   "Many instances asked for their metadata at once.",
		Fix:   []string{"deploy in smaller batches"},
		Signs: []Sign{{Word: "Throttling: Rate exceeded"}, {Word: "Rate exceeded", Pattern: `Throttling[^\n]{0,80}Rate exceeded`}},
	},
	{
		Slug: "no-init-metadata", Stage: Launch,
		Title: "the resource has no AWS::CloudFormation::Init in its metadata",
		Why:   "cfn-init was pointed at another logical ID, or the key stands under another resource.",
		Fix:   []string{"give cfn-init --resource the logical ID that carries the metadata"},
		Signs: []Sign{{Word: "AWS::CloudFormation::Init", Pattern: `(?:Could not find 'AWS::CloudFormation::Init' key in metadata|Metadata does not contain 'AWS::CloudFormation::Init')`}},
	},
	{
		Slug: "config-set-missing", Stage: Launch,
		Title: "cfn-init stopped at its configSets: ${what}",
		Why:   "A configSet names what is not defined, or itself.",
		Fix:   []string{"correct configSets"},
		Signs: []Sign{
			{Word: "Error: no ConfigSet named", Pattern: `(?P<what>Error: no ConfigSet named [^\n]{1,80} exists)`},
			{Word: "No configuration found with name", Pattern: `(?P<what>No configuration found with name: [^\n]{1,80})`},
			{Word: "At least one circular dependency", Pattern: `(?P<what>At least one circular dependency detected[^\n]{0,120})`},
		},
	},
}
