package diagnose

import "beanpole/internal/access"

const retrieve = `Failed to retrieve (?P<url>\S+): `

var s3Silent = "S3 itself, its bucket policy and the object: it was never asked"

// fetchCauses are failures of `files` and `sources`. Their texts and what tells
// them apart: aws-cfn-bootstrap 1.4, util.py and file_tool.py. An error of
// instance metadata passes through an IOError and gains "[Errno N]"; one of the
// file's own server does not.
var fetchCauses = []*Cause{
	{
		Slug: "metadata-404", Links: []access.LinkName{access.Name, access.Profile, access.Metadata}, Stage: PreBuild,
		Title: "instance metadata has no credentials under the name in roleName (it answered 404, not S3; fetch of ${url})",
		Why: "The agent asks instance metadata for credentials under the name in roleName. Only the name of the role inside the instances' instance profile has any; " +
			"a profile's name, an ARN or another role gives this page. S3 was never asked, although the line names its address.",
		Fix: []string{
			"let roleName be the name of the role, not of the instance profile: pass it in a custom option, or give both one name",
			"beanpole check with the bundle and its template names the value and both names; beanpole fix mends it",
		},
		Settle:   "aws iam get-instance-profile --instance-profile-name PROFILE --query InstanceProfile.Roles[].RoleName  (that name must stand in roleName)",
		RuledOut: []string{s3Silent, "quotes, the URL's form and the network: the agent took the URL for S3's and chose who signs"},
		Signs: []Sign{
			{Word: "[Errno 404] HTTP Error 404", Pattern: retrieve + `\[Errno 404\] HTTP Error 404`},
			{Word: "iso-8859-1", Pattern: retrieve + `(?:\[Errno \d+\] )?HTTP Error 404 : <\?xml version="1\.0" encoding="iso-8859-1"`},
		},
		Of: []Behind{
			{"role-name-is-profile", "roleName holds the instance profile's name, and the role has another", "compare roleName with the role in the instance profile", []string{"role-name-is-profile", "default-value-wins"}},
			{"role-name-is-arn", "roleName is an ARN or has a path", "look at roleName's value", []string{"role-name-is-arn"}},
			{"service-role-on-instance", "roleName takes the environment's service role", "look at roleName's value", []string{"service-role-on-instance"}},
			{"role-name-unknown", "roleName is misspelt, or names another role", "look at roleName's value", []string{"role-name-unknown"}},
			{"profile-missing", "the instances have no instance profile", "aws ec2 describe-instances --query Reservations[].Instances[].IamInstanceProfile", []string{"profile-missing", "no-instance-profile"}},
			{"profile-without-role", "the instance profile holds no role", "aws iam get-instance-profile", []string{"profile-without-role", "profile-roles"}},
		},
	},
	{
		Slug: "session-tokens-only", Links: []access.LinkName{access.Metadata}, Stage: PreBuild,
		Title:    "instance metadata answered 401: it wants session tokens (IMDSv2), and the agent brought none (fetch of ${url})",
		Why:      "DisableIMDSv1 is on, and the platform's agent is too old to begin a session.",
		Fix:      []string{"update the platform version, or set DisableIMDSv1 to false in aws:autoscaling:launchconfiguration"},
		RuledOut: []string{s3Silent, "roleName: its name was not looked at"},
		Signs:    []Sign{{Word: "[Errno 401] HTTP Error 401", Pattern: retrieve + `\[Errno 401\] HTTP Error 401`}},
	},
	{
		Slug: "metadata-off", Links: []access.LinkName{access.Metadata}, Stage: PreBuild,
		Title:    "instance metadata answered 403: it is switched off for the instance (fetch of ${url})",
		Why:      "The instance's metadata options have HttpEndpoint disabled, or a local proxy answers in its place.",
		Fix:      []string{"enable HttpEndpoint in the launch template's MetadataOptions"},
		RuledOut: []string{s3Silent},
		Signs:    []Sign{{Word: "[Errno 403] HTTP Error 403", Pattern: retrieve + `\[Errno 403\] HTTP Error 403`}},
	},
	{
		Slug: "metadata-failing", Links: []access.LinkName{access.Metadata}, Stage: PreBuild,
		Title:    "instance metadata answered ${status}: it gave no credentials (fetch of ${url})",
		Why:      "Instance metadata itself failed; the agent asks up to 50 times.",
		Fix:      []string{"deploy again; if it stays, replace the instance"},
		RuledOut: []string{s3Silent},
		Signs:    []Sign{{Word: "[Errno 5", Pattern: retrieve + `\[Errno (?P<status>5\d\d)\] HTTP Error 5\d\d`}},
	},
	{
		Slug: "trust-not-ec2", Links: []access.LinkName{access.Trust}, Stage: PreBuild,
		Title:    "instance metadata has no keys to give: EC2 may not assume the instances' role (fetch of ${url})",
		Why:      "Metadata answers 200 with a Code other than Success, so the agent misses AccessKeyId in it. The role's trust policy does not let ec2.amazonaws.com assume it.",
		Fix:      []string{"let the role's AssumeRolePolicyDocument allow sts:AssumeRole to the service ec2.amazonaws.com"},
		Settle:   "aws iam get-role --role-name ROLE --query Role.AssumeRolePolicyDocument",
		RuledOut: []string{s3Silent, "roleName: it is the name of the profile's role, else the answer were 404"},
		Signs: []Sign{
			{Word: "'AccessKeyId'", Pattern: retrieve + `(?:\[Errno None\] )?'AccessKeyId'`},
			{Word: "AssumeRoleUnauthorizedAccess"},
		},
	},
	{
		Slug: "role-name-empty", Links: []access.LinkName{access.Name, access.Metadata}, Stage: PreBuild,
		Title:    "roleName is empty: instance metadata answered with its list of roles instead of credentials (fetch of ${url})",
		Why:      "An empty name asks for the folder; the answer is no JSON.",
		Fix:      []string{"give roleName the role's name"},
		RuledOut: []string{s3Silent},
		Signs: []Sign{
			{Word: "No JSON object could be decoded", Pattern: retrieve + `(?:\[Errno None\] )?No JSON object could be decoded`},
			{Word: "Expecting value: line 1", Pattern: retrieve + `(?:\[Errno None\] )?Expecting value: line 1`},
		},
	},
	{
		Slug: "url-not-s3", Links: []access.LinkName{access.Source}, Stage: PreBuild,
		Title:    "the agent does not take ${url} for an S3 address, so it cannot sign for it",
		Why:      "The file names an authentication, but the URL has a form that cfn-init does not know (dualstack, FIPS, access points, a port, upper case).",
		Fix:      []string{"write https://BUCKET.s3.REGION.amazonaws.com/KEY"},
		RuledOut: []string{s3Silent},
		Signs:    []Sign{{Word: "is_default", Pattern: retrieve + `'NoneType' object has no attribute 'is_default'`}},
	},
	{
		Slug: "address-not-http", Links: []access.LinkName{access.Source}, Stage: PreBuild,
		Title: "${url} is an address that only AWS's own clients understand",
		Why:   "cfn-init fetches by http and https.",
		Fix:   []string{"write https://BUCKET.s3.REGION.amazonaws.com/KEY"},
		Signs: []Sign{
			{Word: "No connection adapters were found for", Pattern: `No connection adapters were found for '?(?P<url>[^\s']+)`},
			{Word: "Failed to retrieve s3://", Pattern: `Failed to retrieve (?P<url>s3://\S+): `},
		},
	},
	{
		Slug: "kms-key-denied", Links: []access.LinkName{access.Object}, Stage: PreBuild,
		Title:  "the role may not decrypt with the KMS key that ${url} is encrypted with",
		Why:    "S3 answers 403 for an object under a customer key unless the role may call kms:Decrypt, by the key's policy or by its own.",
		Fix:    []string{"allow kms:Decrypt on the key to the instances' role, in its policy and in the key's"},
		Signs:  []Sign{{Word: "kms:Decrypt", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*not authorized to perform: kms:Decrypt`}},
		Settle: "aws s3api head-object shows the key",
	},
	{
		Slug: "bucket-missing", Links: []access.LinkName{access.Bucket, access.Object}, Stage: PreBuild,
		Title: "S3 has no such bucket: ${url} (NoSuchBucket)",
		Why:   "The bucket in the URL does not exist.",
		Fix:   []string{"correct the bucket's name; samples carry names that nobody owns"},
		Signs: []Sign{{Word: "NoSuchBucket", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*<Code>NoSuchBucket</Code>`}},
	},
	{
		Slug: "global-endpoint", Links: []access.LinkName{access.Source, access.Bucket, access.Authentication}, Stage: PreBuild,
		Title: "S3 wants Signature Version 4, and the agent signed with version 2: the URL lacks the bucket's region (${url})",
		Why:   "Without a region in the URL cfn-init falls back to Signature Version 2, which regions since 2014 refuse.",
		Fix:   []string{"write https://BUCKET.s3.REGION.amazonaws.com/KEY with the bucket's region"},
		Signs: []Sign{
			{Word: "Please use AWS4-HMAC-SHA256", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*Please use AWS4-HMAC-SHA256`},
		},
	},
	{
		Slug: "kms-key-unusable", Rules: []string{"kms-key-denied"}, Links: []access.LinkName{access.Object}, Stage: PreBuild,
		Title: "the KMS key that ${url} is encrypted with is disabled, or waits to be deleted",
		Why:   "S3 cannot have KMS decrypt the object, whoever asks.",
		Fix:   []string{"enable the key (aws kms enable-key), or cancel its deletion (aws kms cancel-key-deletion) and enable it"},
		Signs: []Sign{{Word: "<Code>KMS.", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*<Code>KMS\.(?:DisabledException|KMSInvalidStateException)`}},
	},
	{
		Slug: "kms-signature-v2", Rules: []string{"kms-key-denied", "global-endpoint"}, Links: []access.LinkName{access.Source, access.Object}, Stage: PreBuild,
		Title: "the object is under a KMS key, and the agent signed with Signature Version 2 (${url})",
		Why:   "S3 gives such objects to Signature Version 4 alone, which the agent uses only when the URL holds the region.",
		Fix:   []string{"write https://BUCKET.s3.REGION.amazonaws.com/KEY with the bucket's region"},
		Signs: []Sign{{Word: "require AWS Signature Version 4", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*require AWS Signature Version 4`}},
	},
	{
		Slug: "wrong-region", Links: []access.LinkName{access.Source, access.Bucket}, Stage: PreBuild,
		Title: "the bucket is in another region than the URL says (${url})",
		Why:   "S3 names the right region in its answer.",
		Fix:   []string{"write the bucket's own region into the URL"},
		Signs: []Sign{
			{Word: "AuthorizationHeaderMalformed", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*AuthorizationHeaderMalformed`},
			{Word: "PermanentRedirect", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*<Code>PermanentRedirect</Code>`},
			{Word: "must be addressed using the specified endpoint"},
			{Word: "Reason: Moved Permanently", Pattern: `Unable to download from S3 location \(Bucket: (?P<bucket>\S+)\s+Key: (?P<url>[^)]+)\)\. Reason: Moved Permanently`},
		},
	},
	{
		Slug: "clock-skewed", Stage: PreBuild,
		Title: "S3 refused the signature's time: the instance's clock is off by more than 15 minutes (${url})",
		Why:   "A signature is valid for 15 minutes around its time.",
		Fix:   []string{"start chronyd on the instance, or replace it"},
		Signs: []Sign{{Word: "RequestTimeTooSkewed", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*RequestTimeTooSkewed`}},
	},
	{
		Slug: "static-keys-refused", Links: []access.LinkName{access.Source, access.Authentication, access.Identity}, Stage: PreBuild,
		Title: "S3 does not know the access key that signed, or its secret is wrong (${url})",
		Why:   "The Authentication block holds static keys that were deleted, or mistyped.",
		Fix:   []string{"use roleName instead of accessKeyId and secretKey"},
		Signs: []Sign{{Word: "<Code>InvalidAccessKeyId", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*<Code>InvalidAccessKeyId`},
			{Word: "<Code>SignatureDoesNotMatch", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*<Code>SignatureDoesNotMatch`}},
	},
	{
		Slug: "object-archived", Links: []access.LinkName{access.Object}, Stage: PreBuild,
		Title: "the object is archived (Glacier) and must be restored before it can be read (${url})",
		Why:   "S3 answers 403 InvalidObjectState.",
		Fix:   []string{"restore the object, and keep it out of the bucket's archive rule"},
		Signs: []Sign{{Word: "InvalidObjectState", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*InvalidObjectState`}},
	},
	{
		Slug: "bucket-with-dots", Links: []access.LinkName{access.Source, access.Network}, Stage: PreBuild,
		Title: "S3's certificate does not cover the host of ${url}: the bucket's name has dots",
		Why:   "The certificate is for one name below s3.REGION.amazonaws.com.",
		Fix:   []string{"use the path form: https://s3.REGION.amazonaws.com/BUCKET/KEY"},
		Signs: []Sign{{Word: "doesn't match", Pattern: retrieve + `.*hostname '?(?P<host>[^\s']+)'? doesn't match`}},
	},
	{
		Slug: "tls-not-trusted", Stage: PreBuild,
		Title: "the certificate of the server of ${url} is not trusted by the instance",
		Why:   "Old platform versions lack newer roots, or a proxy in between shows its own certificate.",
		Fix:   []string{"update the platform version", "trust the proxy's authority in a command before the fetch"},
		Signs: []Sign{{Word: "certificate verify failed", Pattern: retrieve + `.*certificate verify failed`},
			{Word: "certificate has expired", Pattern: `(?i)(?:curl|wget|ssl|git|verify)[^\n]*certificate has expired`}},
	},
	{
		Slug: "checksum-differs", Stage: PreBuild,
		Title: "what came of ${url} is not what S3 announced: the file's MD5 differs from its ETag",
		Why:   "The object changed while it was read, or a proxy changed it.",
		Fix:   []string{"deploy again; look for a proxy between instance and S3"},
		Signs: []Sign{{Word: "Expected digest", Pattern: retrieve + `(?:\[Errno None\] )?Expected digest`}},
	},
	{
		// The agent wraps what goes wrong at the metadata service as a remote
		// error without a number; at the file's own server it does not.
		Slug: "metadata-unreachable", Links: []access.LinkName{access.Metadata}, Stage: PreBuild,
		Title: "instance metadata did not answer the agent (fetch of ${url})",
		Why:   "The agent could not reach http://169.254.169.254, so there was nothing to sign with. Where a line names a file's address, its server was never asked.",
		Fix: []string{
			"let nothing stand between agent and 169.254.169.254: list it in NO_PROXY where HTTP_PROXY is set; look for firewall rules and routes that commands or hooks make",
		},
		Settle:   "on the instance: curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token",
		RuledOut: []string{"bucket policy, object and the way to S3: it was never asked"},
		Signs: []Sign{
			{Word: "[Errno None]", Pattern: retrieve + `\[Errno None\] (?:\('Connection aborted|<urlopen error|HTTPConnectionPool\(host='169\.254|[Tt]imed out)`},
			{Word: "In order to sign requests, 169.254.169.254 must be accessible"},
			{Word: "Exception retrieving InstanceId"},
		},
	},
	{
		Slug: "network-unreachable", Links: []access.LinkName{access.Network}, Stage: PreBuild,
		Title:    "the instance cannot reach the server of ${url}: ${what}",
		Why:      "No answer came: no route from the subnet, no NAT gateway or VPC endpoint, a security group or network ACL in between, or no name resolution.",
		Fix:      []string{"give the subnet a way to S3: a gateway endpoint in its route table, a NAT gateway, or a public address and an internet gateway"},
		Settle:   "beanpole check with the template's network; on the instance: curl -sv https://s3.REGION.amazonaws.com",
		RuledOut: []string{"bucket policy and object: S3 was never reached"},
		Signs: []Sign{
			{Word: "Failed to retrieve", Pattern: retrieve + `.*(?P<what>[Cc]onnection timed out|[Nn]etwork is unreachable|No route to host|Connection refused|ConnectTimeout|timed out|Name or service not known|Temporary failure in name resolution|getaddrinfo failed|nodename nor servname)`},
			{Word: "Failed to connect to s3", Pattern: `(?P<what>Failed to connect to (?P<url>s3\S+) port \d+)`},
		},
	},
	{
		Slug: "file-without-content", Stage: PreBuild,
		Title: "a file has neither content nor source",
		Why:   "cfn-init refuses such an entry of files.",
		Fix:   []string{"give the file content or source"},
		Signs: []Sign{{Word: "File specified without source or content"}},
	},
	{
		Slug: "object-missing", Links: []access.LinkName{access.Object}, Stage: PreBuild,
		Title:    "S3 has no such object: ${url} (NoSuchKey)",
		Why:      "S3 was asked, signed in order, and answered 404.",
		Fix:      []string{"upload the object, or correct the key in the URL"},
		RuledOut: []string{"instance metadata and roleName: S3 was reached with credentials", "policies: the request was allowed"},
		Signs: []Sign{
			{Word: "NoSuchKey", Pattern: `(?s)(?:.*?Failed to retrieve (?P<url>\S+): )?.*<Code>NoSuchKey</Code>`},
			{Word: "HTTP Error 404", Pattern: `(?i)Failed to retrieve (?P<url>https?://\S*s3[.-]\S*): HTTP Error 404 : <\?xml version="1\.0" encoding="UTF-8"`},
		},
	},
	{
		Slug: "fetch-denied", Links: []access.LinkName{access.Authentication, access.Identity, access.Bucket, access.Object}, Stage: PreBuild,
		Title: "S3 refused ${url}: AccessDenied",
		Why:   "S3 was asked and answered 403. Instance metadata and network worked.",
		Fix: []string{
			"allow s3:GetObject on arn:aws:s3:::BUCKET/KEY to the instances' role (AWSElasticBeanstalkWebTier covers buckets elasticbeanstalk-* alone)",
		},
		Settle:   "beanpole check with the bundle and template; or aws s3api get-object as the instances' role, on an instance",
		RuledOut: []string{"instance metadata: it did answer, or was not asked", "the network: S3 answered"},
		Signs: []Sign{
			{Word: "HTTP Error 403", Pattern: `(?s)` + retrieve + `HTTP Error 403 : .*<Code>AccessDenied</Code>`},
			{Word: "HTTP Error 403", Pattern: retrieve + `HTTP Error 403 : <\?xml version="1\.0" encoding="UTF-8"`},
			{Word: "HTTP Error 403", Pattern: retrieve + `HTTP Error 403`},
		},
		Of: []Behind{
			{"fetch-denied", "no policy allows the instances' role s3:GetObject on the object, or one denies it", "aws iam simulate-principal-policy --policy-source-arn ROLE-ARN --action-names s3:GetObject --resource-arns OBJECT-ARN", []string{"fetch-denied", "bucket-without-objects"}},
			{"unsigned-fetch", "nobody signed: the authentication is misspelt, misplaced, or its buckets lack this one", "cfn-init.log: no request to security-credentials before this line", []string{"unsigned-fetch", "authentication-misspelt", "authentication-misplaced", "list-matches-nothing"}},
			{"url-not-s3", "the URL has a form that the agent does not take for S3's, so nobody signed", "beanpole check names the form", []string{"url-not-s3"}},
			{"object-missing", "the object does not exist: without s3:ListBucket S3 says 403 instead of 404", "aws s3api head-object --bucket BUCKET --key KEY", []string{"object-missing"}},
			{"kms-key-denied", "the object is under a KMS key that the role may not use", "aws s3api head-object --bucket BUCKET --key KEY --query SSEKMSKeyId", []string{"kms-key-denied"}},
			{"endpoint-policy", "the VPC endpoint's policy, the bucket's policy or an organisation policy denies it", "aws s3api get-bucket-policy; aws ec2 describe-vpc-endpoints", []string{"endpoint-policy", "dead-principal", "not-principal"}},
		},
	},
	{
		Slug: "s3-bad-request", Links: []access.LinkName{access.Source, access.Bucket, access.Object, access.Authentication}, Stage: PreBuild,
		Title:    "S3 answered 400 to ${url}: it does not take the request as it was signed",
		Why:      "The rest of S3's answer, in cfn-init.log on the instance, has a Code that says which of these it is.",
		Fix:      []string{"write the URL as https://BUCKET.s3.REGION.amazonaws.com/KEY with the bucket's region"},
		Settle:   "cfn-init.log on the instance: the <Code> below this line",
		RuledOut: []string{"the network: S3 answered"},
		Signs:    []Sign{{Word: "HTTP Error 400", Pattern: retrieve + `HTTP Error 400`}},
		Of: []Behind{
			{"global-endpoint", "the URL names no region, so the agent signs with Signature Version 2, which S3 refuses", "does the URL hold the bucket's region?", []string{"global-endpoint"}},
			{"wrong-region", "the URL names another region than the bucket's", "aws s3api get-bucket-location --bucket BUCKET", []string{"wrong-region"}},
			{"kms-key-denied", "the object is under a KMS key, which wants Signature Version 4", "aws s3api head-object --bucket BUCKET --key KEY --query SSEKMSKeyId", []string{"kms-key-denied"}},
			{"presigned-url", "the URL carries a signature of its own", "look for X-Amz-Signature in the URL", []string{"presigned-url", "website-endpoint", "accelerate-endpoint"}},
		},
	},
	{
		Slug: "fetch-fails", Stage: PreBuild, Generic: true,
		Title:  "the agent could not fetch ${url}: ${reason}",
		Why:    "The file's own server gave this answer.",
		Settle: "open the URL as the instance does",
		Signs:  []Sign{{Word: "Failed to retrieve", Pattern: retrieve + `(?P<reason>[^\n]{1,120})`}},
	},
}
