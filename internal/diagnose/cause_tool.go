package diagnose

// toolCauses are what the EB CLI and other tools say before anything is
// deployed, and what AWS answers them. Texts: strings.py of the EB CLI, and
// errors of the API as users posted them.
var toolCauses = []*Cause{
	{
		Slug: "application-missing", Stage: Request,
		Title: "there is no application '${application}' here",
		Why:   "The name differs in its case, or the application is of another region or account.",
		Fix:   []string{"aws elasticbeanstalk describe-applications --region REGION; create the application first"},
		Signs: []Sign{
			{Word: "No Application named", Pattern: `No Application named '(?P<application>[^']*)' found`},
		},
	},
	{
		Slug: "application-without-version", Stage: Request,
		Title: "the application '${application}' has no version that could be deployed",
		Why:   "An environment is made from an application version, and none was made yet.",
		Fix:   []string{"upload the bundle and create an application version first"},
		Signs: []Sign{{Word: "No application version exists to deploy", Pattern: `No application version exists to deploy for Application named (?P<application>[^\s".]+)`}},
	},
	{
		Slug: "environment-missing", Stage: Request,
		Title: "there is no environment '${environment}' here",
		Why:   "The name is misspelt, or the environment was terminated, or is of another region or account.",
		Fix:   []string{"aws elasticbeanstalk describe-environments --region REGION; eb list"},
		Signs: []Sign{
			{Word: "No Environment found for", Pattern: `No Environment found for EnvironmentName = '(?P<environment>[^']*)'`},
			{Word: "NotFoundError - Environment", Pattern: `NotFoundError - Environment "(?P<environment>[^"]*)" not Found`},
		},
	},
	{
		Slug: "eb-not-set-up", Stage: Request,
		Title: "the EB CLI does not know what to deploy: ${what}",
		Why:   ".elasticbeanstalk/config.yml is missing in this folder (a pipeline's fresh clone leaves it out when .gitignore names it), or the branch has no environment.",
		Fix:   []string{"eb init, and eb use NAME; in a pipeline commit config.yml, or name the environment: eb deploy NAME"},
		Signs: []Sign{
			{Word: "has not been set up with the EB CLI", Pattern: `(?P<what>This directory has not been set up with the EB CLI)`},
			{Word: "does not have a default environment", Pattern: `(?P<what>This branch does not have a default environment)`},
			{Word: "No region set. Please run", Pattern: `(?P<what>No region set)`},
		},
	},
	{
		Slug: "bundle-too-large", Stage: Request,
		Title: "the bundle is empty, or larger than Elastic Beanstalk takes (${limit} bytes)",
		Why:   "A bundle may hold 500 MB.",
		Fix:   []string{"leave out what is not needed (.ebignore: node_modules, .git, media), or fetch it on the instance"},
		Signs: []Sign{{Word: "exceeds maximum allowed size", Pattern: `[Ss]ource bundle is empty or exceeds maximum allowed size(?:: (?P<limit>\d+))?`}},
	},
	{
		Slug: "bundle-unreadable", Stage: Request, Rules: []string{"wrong-region"},
		Title: "Elastic Beanstalk cannot read the bundle in S3 (${bucket}): ${what}",
		Why:   "The object does not exist, or whoever deploys may not read it.",
		Fix:   []string{"upload the bundle before the version is made; allow the deployer s3:GetObject on it"},
		Signs: []Sign{{Word: "Unable to download from S3 location", Pattern: `Unable to download from S3 location \(Bucket: (?P<bucket>\S+)\s+Key: [^)]+\)\. Reason: (?P<what>[^\n]{1,80})`}},
	},
	{
		Slug: "account-held", Stage: Stack,
		Title: "AWS holds the account back from this: ${what}",
		Why:   "New accounts are validated first; unpaid or suspicious ones are blocked.",
		Fix:   []string{"wait for the mail that says that validation is done, or open a case with AWS Support"},
		Signs: []Sign{
			{Word: "PendingVerification", Pattern: `(?P<what>PendingVerification[^\n]{0,100})`},
			{Word: "account is currently blocked", Pattern: `(?P<what>account is currently blocked[^\n]{0,60})`},
			{Word: "is being validated", Pattern: `(?P<what>[Yy]our request for accessing resources in this region is being validated)`},
			{Word: "OptInRequired", Pattern: `(?P<what>OptInRequired[^\n]{0,80})`},
			{Word: "This account does not support creating load balancers", Pattern: `(?P<what>This account does not support creating load balancers)`},
			{Word: "Your account isn't authorized to", Pattern: `(?P<what>Your account isn't authorized to [^\n]{1,60})`},
		},
	},
	{
		Slug: "named-missing", Stage: Stack,
		Title: "what an option names does not exist in this region: ${what}",
		Why:   "It was deleted, or is of another region, VPC or account.",
		Fix:   []string{"correct the option: EC2KeyName, ImageId, Subnets, ELBSubnets, VPCId, SharedLoadBalancer"},
		Signs: []Sign{
			{Word: "The key pair '", Pattern: `(?P<what>[Tt]he key pair '[^']*' does not exist)`},
			{Word: "InvalidKeyPair.NotFound", Pattern: `(?P<what>InvalidKeyPair\.NotFound)`},
			{Word: "The subnet ID '", Pattern: `(?P<what>The subnet ID '[^']*' does not exist)`},
			{Word: "InvalidSubnet", Pattern: `(?P<what>InvalidSubnet(?:ID\.NotFound)?[^\n]{0,60})`},
			{Word: "The image id '", Pattern: `(?P<what>The image id '[^']*' does not exist)`},
			{Word: "InvalidAMIID", Pattern: `(?P<what>InvalidAMIID\.\w+[^\n]{0,60})`},
			{Word: "The vpc ID '", Pattern: `(?P<what>The vpc ID '[^']*' does not exist)`},
			{Word: "LoadBalancerNotFound", Pattern: `(?P<what>LoadBalancerNotFound)`},
		},
	},
	{
		Slug: "aws-refused", Stage: Request, Generic: true,
		Title:  "AWS refused a parameter: ${what}",
		Why:    "The value does not fit, or does not fit the others.",
		Settle: "the option, or the tool's own setting, that the message is about",
		Signs: []Sign{
			{Word: "InvalidParameterValue", Pattern: `InvalidParameterValue(?:Exception|Error)?(?: - |: |, Message: |","Message":")(?P<what>[^\n"]{1,160})`},
			{Word: "Error Code: InvalidParameterValue", Pattern: `(?P<what>[^\n()]{10,160}) \(Service: \w+; Status Code: 400; Error Code: InvalidParameterValue`},
			{Word: "InvalidParameterCombination", Pattern: `InvalidParameterCombination(?:Exception|Error)?(?: - |: )(?P<what>[^\n"]{1,160})`},
		},
	},
	{
		Slug: "eb-cli-stopped", Stage: Request, Generic: true,
		Title:  "the EB CLI stopped: ${what}",
		Why:    "It says so itself, before or instead of a deployment.",
		Settle: "the same command with --debug; eb events for what Elastic Beanstalk itself says",
		Signs: []Sign{
			{Word: "Error - ", Pattern: `(?m)^\W*(?:ERROR: )?(?P<what>(?:NotFound|NotSupported|InvalidOptions|InvalidState|NoSourceControl|CommandLine|Connection|Credentials|NoRegion|InvalidSyntax|Attribute|Type|Key|Value|UnicodeDecode|FileNotFound|IO|Permission)Error - [^\n]{1,140})`},
		},
	},
}
