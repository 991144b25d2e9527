package live

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"
)

// fakeAWS answers in the shapes of AWS's own services, at the transport of the
// clients: what is counted and refused here is what really goes out.
type fakeAWS struct {
	roles   int // how many more roles and buckets the account has
	delay   time.Duration
	refuse  string // operation that is refused
	scp     string // one more service control policy of the account's unit
	rcp     string // one more resource control policy of the root
	alone   bool   // the account is in no organisation
	pages   bool   // the first page of each list is empty, as AWS's may be
	mu      sync.Mutex
	calls   []string // in order, "iam:GetRole"
	methods []string
}

const (
	testAccount = "111122223333"
	roleARN     = "arn:aws:iam::111122223333:role/shop-role"
	keyARN      = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// operationOf names what a request asks for.
func operationOf(r *http.Request, body string) (service, name string, form url.Values) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		service = "kms"
		if strings.HasPrefix(target, "AWSOrganizations") {
			service = "organizations"
		}
		return service, target[strings.IndexByte(target, '.')+1:], nil
	}
	form, _ = url.ParseQuery(body)
	host := strings.Split(r.URL.Host, ".")
	if form.Get("Action") != "" {
		return map[string]string{"sts": "sts", "iam": "iam", "ec2": "ec2", "elasticbeanstalk": "elasticbeanstalk", "cloudformation": "cloudformation"}[host[0]], form.Get("Action"), form
	}
	if strings.Contains(r.URL.Host, "s3-control") {
		return "s3control", "GetPublicAccessBlock", nil
	}
	q := r.URL.Query()
	_, isPolicy := q["policy"]
	_, isStatus := q["policyStatus"]
	_, isBlock := q["publicAccessBlock"]
	_, isOwner := q["ownershipControls"]
	_, isCrypt := q["encryption"]
	bucket, object := !strings.HasPrefix(r.URL.Host, "s3."), r.URL.Path != "/"
	switch {
	case !bucket:
		return "s3", "ListBuckets", q
	case isPolicy:
		return "s3", "GetBucketPolicy", q
	case isStatus:
		return "s3", "GetBucketPolicyStatus", q
	case isBlock:
		return "s3", "GetPublicAccessBlock", q
	case isOwner:
		return "s3", "GetBucketOwnershipControls", q
	case isCrypt:
		return "s3", "GetBucketEncryption", q
	case q.Get("list-type") == "2":
		return "s3", "ListObjectsV2", q
	case r.Method == "HEAD" && object:
		return "s3", "HeadObject", q
	case r.Method == "HEAD":
		return "s3", "HeadBucket", q
	}
	return "s3", "GetObject", q
}

func (f *fakeAWS) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	if r.URL.Host == "logs.example" {
		return answer(200, nil, "2026/11/26 [ERROR] tail of the log\n"), nil
	}
	service, name, form := operationOf(r, body)
	op := service + ":" + name
	f.mu.Lock()
	f.calls = append(f.calls, op)
	f.methods = append(f.methods, r.Method)
	f.mu.Unlock()
	time.Sleep(f.delay)
	if op == f.refuse {
		return refusedAs(service, r.Method), nil
	}
	if f.pages {
		if first := f.firstPage(op, form, body); first != nil {
			return first, nil
		}
	}
	return f.told(op, form, body), nil
}

func answer(status int, header map[string]string, body string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	return r
}

// refusedAs is a refusal in each service's own form.
func refusedAs(service, method string) *http.Response {
	switch {
	case method == "HEAD":
		return answer(403, map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}, "")
	case service == "kms", service == "organizations":
		return answer(400, map[string]string{"Content-Type": "application/x-amz-json-1.1"}, `{"__type":"AccessDeniedException","Message":"User is not authorized"}`)
	case service == "ec2":
		return answer(403, nil, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>`)
	case strings.HasPrefix(service, "s3"):
		return answer(403, nil, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
	}
	return answer(403, nil, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>`)
}

// told is the answer to an operation.
func (f *fakeAWS) told(op string, form url.Values, body string) *http.Response {
	switch op {
	case "organizations:DescribeOrganization", "organizations:ListParents", "organizations:ListPoliciesForTarget", "organizations:DescribePolicy":
		return f.organization(op, body)
	case "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants":
		return answer(200, map[string]string{"Content-Type": "application/x-amz-json-1.1"}, kmsAnswers[op])
	case "s3:HeadBucket":
		return answer(200, map[string]string{"X-Amz-Bucket-Region": "eu-west-1"}, "")
	case "s3:HeadObject":
		return answer(200, map[string]string{"Content-Length": "0", "ETag": `"e"`, "X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": keyARN}, "")
	case "s3:GetBucketPolicyStatus":
		return answer(200, nil, `<PolicyStatus><IsPublic>false</IsPublic></PolicyStatus>`)
	case "ec2:DescribeVpcAttribute":
		return answer(200, nil, `<R><`+form.Get("Attribute")+`><value>true</value></`+form.Get("Attribute")+`></R>`)
	case "s3:ListBuckets":
		var all strings.Builder
		if strings.HasPrefix("certs", form.Get("prefix")) {
			all.WriteString("<Bucket><Name>certs</Name></Bucket>")
		}
		for i := range f.roles {
			if name := fmt.Sprintf("certs-%d", i); strings.HasPrefix(name, form.Get("prefix")) && form.Get("max-buckets") != "1" {
				all.WriteString("<Bucket><Name>" + name + "</Name></Bucket>")
			}
		}
		return answer(200, nil, "<ListAllMyBucketsResult><Buckets>"+all.String()+"</Buckets></ListAllMyBucketsResult>")
	case "iam:GetRole":
		if form.Get("RoleName") != "shop-role" {
			return answer(404, nil, `<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>none</Message></Error></ErrorResponse>`)
		}
	}
	text, ok := answers[op]
	if !ok {
		return answer(400, nil, `<ErrorResponse><Error><Code>InvalidAction</Code><Message>`+op+`</Message></Error></ErrorResponse>`)
	}
	if name := op[strings.IndexByte(op, ':')+1:]; !strings.HasPrefix(op, "s3") && !strings.HasPrefix(op, "ec2") {
		text = "<" + name + "Response><" + name + "Result>" + text + "</" + name + "Result></" + name + "Response>"
	}
	return answer(200, nil, text)
}

var kmsAnswers = map[string]string{
	"kms:DescribeKey":  `{"KeyMetadata":{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","Arn":"` + keyARN + `","AWSAccountId":"111122223333","KeyState":"Enabled"}}`,
	"kms:GetKeyPolicy": `{"Policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/shop-role\"},\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}]}"}`,
	"kms:ListGrants": `{"Grants":[{"KeyId":"` + keyARN + `","GrantId":"g-1","GranteePrincipal":"` + roleARN + `","Operations":["Decrypt","DescribeKey"],
		"Constraints":{"EncryptionContextSubset":{"aws:s3:arn":"arn:aws:s3:::certs/tls/server.key"}}}],"Truncated":false}`,
}

// answers are the answers that do not depend on what is asked.
var answers = map[string]string{
	"sts:GetCallerIdentity": `<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/reader</Arn><UserId>AIDAEXAMPLE</UserId>`,
	"elasticbeanstalk:DescribeEnvironments": `<Environments><member><EnvironmentName>shop</EnvironmentName><EnvironmentId>e-abcdefghij</EnvironmentId><ApplicationName>shop</ApplicationName>
		<VersionLabel>v1</VersionLabel><TemplateName>production</TemplateName><SolutionStackName>64bit Amazon Linux 2023 v4.6.0 running Go 1</SolutionStackName><Status>Ready</Status><Health>Green</Health></member></Environments>`,
	"elasticbeanstalk:DescribeConfigurationSettings": `<ConfigurationSettings><member><OptionSettings>
		<member><Namespace>aws:autoscaling:launchconfiguration</Namespace><OptionName>IamInstanceProfile</OptionName><Value>shop-profile</Value></member>
		<member><Namespace>aws:ec2:vpc</Namespace><OptionName>VPCId</OptionName><Value>vpc-1</Value></member>
		<member><Namespace>aws:ec2:vpc</Namespace><OptionName>Subnets</OptionName><Value>subnet-1</Value></member>
		<member><Namespace>aws:rds:dbinstance</Namespace><OptionName>DBPassword</OptionName><Value>correct-horse</Value></member>
		<member><Namespace>aws:elasticbeanstalk:application:environment</Namespace><OptionName>STRIPE</OptionName><Value>battery-staple</Value></member>
		<member><Namespace>aws:elasticbeanstalk:command</Namespace><OptionName>Timeout</OptionName><Value>600</Value></member></OptionSettings></member></ConfigurationSettings>`,
	"elasticbeanstalk:DescribeConfigurationOptions": `<Options><member><Namespace>aws:elasticbeanstalk:command</Namespace><Name>Timeout</Name><DefaultValue>600</DefaultValue></member></Options>`,
	"elasticbeanstalk:DescribeEnvironmentResources": `<EnvironmentResources><Instances><member><Id>i-0123456789abcdef0</Id></member></Instances></EnvironmentResources>`,
	"elasticbeanstalk:DescribeEvents":               `<Events><member><EventDate>2026-11-26T10:00:00Z</EventDate><Message>Environment update completed successfully.</Message><Severity>INFO</Severity></member></Events>`,
	"elasticbeanstalk:DescribeApplicationVersions":  `<ApplicationVersions><member><VersionLabel>v1</VersionLabel><SourceBundle><S3Bucket>bundles</S3Bucket><S3Key>shop.zip</S3Key></SourceBundle></member></ApplicationVersions>`,
	"elasticbeanstalk:RequestEnvironmentInfo":       ``,
	"elasticbeanstalk:RetrieveEnvironmentInfo":      `<EnvironmentInfo><member><Ec2InstanceId>i-0123456789abcdef0</Ec2InstanceId><SampleTimestamp>2126-11-26T10:00:00Z</SampleTimestamp><Message>https://logs.example/tail?secret</Message></member></EnvironmentInfo>`,
	"cloudformation:DescribeStacks": `<Stacks><member><StackName>plain</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
		<Parameters><member><ParameterKey>DbPassword</ParameterKey><ParameterValue>open-sesame</ParameterValue></member></Parameters></member></Stacks>`,
	"cloudformation:ListStackResources":    `<StackResourceSummaries><member><LogicalResourceId>AWSEBAutoScalingGroup</LogicalResourceId><PhysicalResourceId>asg-1</PhysicalResourceId></member></StackResourceSummaries>`,
	"cloudformation:DescribeStackResource": `<StackResourceDetail><Metadata>{"AWS::CloudFormation::Init":{},"AWS::CloudFormation::Authentication":{"x":{"type":"S3","secretKey":"hunter2hunter2"}}}</Metadata></StackResourceDetail>`,
	"cloudformation:DescribeStackEvents":   `<StackEvents><member><LogicalResourceId>Group</LogicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus><Timestamp>2026-11-26T10:00:00Z</Timestamp></member></StackEvents>`,
	"cloudformation:GetTemplate":           `<TemplateBody>Resources: {}</TemplateBody>`,
	"iam:GetInstanceProfile": `<InstanceProfile><InstanceProfileName>shop-profile</InstanceProfileName><InstanceProfileId>AIPAEXAMPLE</InstanceProfileId><Path>/</Path>
		<Arn>arn:aws:iam::111122223333:instance-profile/shop-profile</Arn><Roles><member><RoleName>shop-role</RoleName></member></Roles></InstanceProfile>`,
	"iam:GetRole": `<Role><RoleName>shop-role</RoleName><RoleId>AROAEXAMPLE</RoleId><Path>/</Path><Arn>` + roleARN + `</Arn>
		<PermissionsBoundary><PermissionsBoundaryArn>arn:aws:iam::111122223333:policy/boundary</PermissionsBoundaryArn></PermissionsBoundary>
		<AssumeRolePolicyDocument>` + url.QueryEscape(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`) + `</AssumeRolePolicyDocument></Role>`,
	"iam:ListRolePolicies":           `<PolicyNames><member>read</member></PolicyNames><IsTruncated>false</IsTruncated>`,
	"iam:GetRolePolicy":              `<RoleName>shop-role</RoleName><PolicyName>read</PolicyName><PolicyDocument>` + url.QueryEscape(allow("s3:ListBucket", "*")) + `</PolicyDocument>`,
	"iam:ListAttachedRolePolicies":   `<AttachedPolicies><member><PolicyArn>arn:aws:iam::111122223333:policy/attached</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>`,
	"iam:GetPolicy":                  `<Policy><DefaultVersionId>v3</DefaultVersionId></Policy>`,
	"iam:GetPolicyVersion":           `<PolicyVersion><VersionId>v3</VersionId><Document>` + url.QueryEscape(allow(`s3:GetObject","kms:Decrypt`, "*")) + `</Document></PolicyVersion>`,
	"s3:GetBucketPolicy":             secureOnly,
	"s3:GetPublicAccessBlock":        `<PublicAccessBlockConfiguration><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
	"s3:GetBucketOwnershipControls":  `<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`,
	"s3:GetBucketEncryption":         `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>` + keyARN + `</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`,
	"s3:ListObjectsV2":               `<ListBucketResult><Contents><Key>tls/server.key</Key></Contents></ListBucketResult>`,
	"s3:GetObject":                   `a zip`,
	"s3control:GetPublicAccessBlock": `<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>`,
	"ec2:DescribeInstances": `<R><reservationSet><item><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><instanceState><name>running</name></instanceState>
		<vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId><ipAddress>203.0.113.9</ipAddress><groupSet><item><groupId>sg-1</groupId></item></groupSet>
		<tagSet><item><key>Name</key><value>worker</value></item><item><key>aws:cloudformation:logical-id</key><value>Workers</value></item></tagSet></item>
		<item><instanceId>i-0dead</instanceId><instanceState><name>terminated</name></instanceState></item></instancesSet></item></reservationSet></R>`,
	"ec2:DescribeVpcs":    `<R><vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item></vpcSet></R>`,
	"ec2:DescribeSubnets": `<R><subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item></subnetSet></R>`,
	"ec2:DescribeRouteTables": `<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><associationSet><item><main>true</main></item></associationSet><routeSet>
		<item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item>
		<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item></routeSet></item>
		<item><routeTableId>rtb-2</routeTableId><associationSet><item><subnetId>subnet-2</subnetId></item></associationSet><routeSet>
		<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><gatewayId>igw-1</gatewayId><state>active</state></item></routeSet></item></routeTableSet></R>`,
	"ec2:DescribeInternetGateways": `<R><internetGatewaySet><item><internetGatewayId>igw-1</internetGatewayId></item></internetGatewaySet></R>`,
	"ec2:DescribeNatGateways":      `<R><natGatewaySet><item><natGatewayId>nat-1</natGatewayId><subnetId>subnet-1</subnetId><state>available</state></item></natGatewaySet></R>`,
	"ec2:DescribeVpcEndpoints": `<R><vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><serviceName>com.amazonaws.eu-west-1.s3</serviceName><vpcEndpointType>Gateway</vpcEndpointType><state>available</state>
		<routeTableIdSet><item>rtb-1</item></routeTableIdSet><policyDocument>{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}</policyDocument></item></vpcEndpointSet></R>`,
	"ec2:DescribeSecurityGroups": `<R><securityGroupInfo><item><groupId>sg-1</groupId><groupName>web</groupName><ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress></item></securityGroupInfo></R>`,
	"ec2:DescribeNetworkAcls": `<R><networkAclSet><item><networkAclId>acl-1</networkAclId><default>true</default><entrySet>
		<item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction><egress>true</egress><cidrBlock>0.0.0.0/0</cidrBlock></item>
		<item><ruleNumber>100</ruleNumber><protocol>-1</protocol><ruleAction>allow</ruleAction><egress>false</egress><cidrBlock>0.0.0.0/0</cidrBlock></item></entrySet></item></networkAclSet></R>`,
}

func allow(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` + action + `"],"Resource":"` + resource + `"}]}`
}

// secureOnly is a bucket policy that lets nobody in, and keeps no agent out.
const secureOnly = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::certs/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`

// asks are clients of the fake AWS.
func (f *fakeAWS) asks(flags ...string) *Clients {
	o := Options{Flags: flags}
	c := fromConfig(aws.Config{Region: "eu-west-1", HTTPClient: &http.Client{Transport: f}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""), APIOptions: []func(*middleware.Stack) error{Guard(flags, nil)}}, o)
	c.Get = (&http.Client{Transport: f}).Do
	return c
}

var theFetch = &Needs{Objects: []Object{{"certs", "tls/server.key"}}, Roles: []string{"shop-role"}}

// readAll reads what a fetch of an environment depends on.
func readAll(t *testing.T, f *fakeAWS) *Reader {
	t.Helper()
	x := New(f.asks())
	if err := x.Environment(context.Background(), "shop"); err != nil {
		t.Fatal(err)
	}
	x.Needed(context.Background(), theFetch)
	return x
}

var readsOnly = regexp.MustCompile(`:(Get|List|Describe|Head)`)

func (f *fakeAWS) made() []string {
	out := slices.Clone(f.calls)
	slices.Sort(out)
	return slices.Compact(out)
}
