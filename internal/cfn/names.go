package cfn

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// kind says what Ref gives for a type of resource, and of what length a name
// may be that CloudFormation makes up. [CFN:aws-properties-name and each
// type's page, section Return values]
type kind struct {
	property string // that sets the name; "" when the user can set none
	limit    int    // longest name; a longer one is shortened, nobody documents how
	lower    bool   // made-up names are lower-case
	form     string // what Ref gives when not the name: a prefix of an ID, or an ARN's or URL's pattern
}

var kinds = map[string]kind{
	"AWS::IAM::Role":                               {property: "RoleName", limit: 64},
	"AWS::IAM::InstanceProfile":                    {property: "InstanceProfileName", limit: 128},
	"AWS::IAM::User":                               {property: "UserName", limit: 64},
	"AWS::IAM::Group":                              {property: "GroupName", limit: 128},
	"AWS::IAM::ManagedPolicy":                      {property: "ManagedPolicyName", limit: 128, form: "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy${Path}${Name}"},
	"AWS::IAM::Policy":                             {limit: 128},
	"AWS::S3::Bucket":                              {property: "BucketName", limit: 63, lower: true},
	"AWS::S3::BucketPolicy":                        {limit: 255},
	"AWS::ElasticBeanstalk::Application":           {property: "ApplicationName", limit: 100},
	"AWS::ElasticBeanstalk::ApplicationVersion":    {limit: 100, lower: true},
	"AWS::ElasticBeanstalk::ConfigurationTemplate": {limit: 100},
	"AWS::ElasticBeanstalk::Environment":           {property: "EnvironmentName", limit: 40},
	"AWS::DynamoDB::Table":                         {property: "TableName", limit: 255},
	"AWS::Lambda::Function":                        {property: "FunctionName", limit: 64},
	"AWS::Logs::LogGroup":                          {property: "LogGroupName", limit: 512},
	"AWS::SSM::Parameter":                          {property: "Name", limit: 255},
	"AWS::SNS::Topic":                              {property: "TopicName", limit: 256, form: "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${Name}"},
	"AWS::SQS::Queue":                              {property: "QueueName", limit: 80, form: "https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/${Name}"},
	"AWS::AutoScaling::AutoScalingGroup":           {property: "AutoScalingGroupName", limit: 255},
	"AWS::AutoScaling::LaunchConfiguration":        {property: "LaunchConfigurationName", limit: 255},
	"AWS::ElasticLoadBalancing::LoadBalancer":      {property: "LoadBalancerName", limit: 32},
	"AWS::CloudWatch::Alarm":                       {property: "AlarmName", limit: 255},
	"AWS::EC2::SecurityGroup":                      {form: "sg-"},
	"AWS::EC2::Instance":                           {form: "i-"},
	"AWS::EC2::VPC":                                {form: "vpc-"},
	"AWS::EC2::Subnet":                             {form: "subnet-"},
	"AWS::EC2::RouteTable":                         {form: "rtb-"},
	"AWS::EC2::InternetGateway":                    {form: "igw-"},
	"AWS::EC2::NatGateway":                         {form: "nat-"},
	"AWS::EC2::VPCEndpoint":                        {form: "vpce-"},
	"AWS::EC2::LaunchTemplate":                     {form: "lt-"},
	"AWS::EC2::NetworkAcl":                         {form: "acl-"},
	"AWS::KMS::Key":                                {form: "-"},
	"AWS::KMS::Alias":                              {property: "AliasName"},
	"AWS::ElasticLoadBalancingV2::LoadBalancer":    {form: "arn:"},
	"AWS::ElasticLoadBalancingV2::TargetGroup":     {form: "arn:"},
	"AWS::ElasticLoadBalancingV2::Listener":        {form: "arn:"},
	"AWS::CloudFormation::Stack":                   {form: "arn:"},
	"AWS::CloudFormation::WaitConditionHandle":     {form: "https://"},
	"AWS::CloudFormation::WaitCondition":           {form: "arn:"},
}

// made-up random parts have up to this many characters, with their hyphen.
const randomPart = 14

// predict is what Ref will give for a resource that nobody has created yet,
// with the place of the property that sets its name, if one does.
func (e *evaluator) predict(d *Declared) (id string, from []source.Origin, problem *source.Problem) {
	k, ok := kinds[d.Type]
	if !ok {
		return fact.Symbol("Ref " + d.LogicalID), nil, nil
	}
	name := e.madeUp(d, k)
	if v := d.Node.At("Properties", k.property); k.property != "" && v != nil {
		r, p := e.value(v)
		if p != nil {
			return "", nil, p
		}
		if r != nil && r.IsScalar() && r.Kind != source.Null {
			name = r.Value()
			from = gather([]source.Origin{{What: k.property, Pos: v.Pos}}, r.From)
		}
	}
	if !strings.Contains(k.form, "${Name}") {
		return name, from, nil
	}
	path, p := e.path(d)
	if p != nil {
		return "", nil, p
	}
	return e.fill(k.form, name, path), from, nil
}

// madeUp is the name or ID that AWS makes up: <stack>-<logical ID>-<random>.
// One that would be too long is shortened in a way that is not documented, so
// nothing of it is known.
func (e *evaluator) madeUp(d *Declared, k kind) string {
	stack := e.pseudo("AWS::StackName")
	random := fact.Generated(fact.Show(stack) + "-" + d.LogicalID)
	if k.limit == 0 {
		return strings.TrimPrefix(k.form, "-") + random
	}
	if fact.Known(stack) && len(stack)+1+len(d.LogicalID)+randomPart > k.limit {
		return random
	}
	name := stack + "-" + d.LogicalID + "-"
	if k.lower && fact.Known(name) {
		name = strings.ToLower(name)
	}
	return name + random
}

// path is the Path of an IAM resource, "/" by default.
func (e *evaluator) path(d *Declared) (string, *source.Problem) {
	v := d.Node.At("Properties", "Path")
	if v == nil {
		return "/", nil
	}
	r, p := e.value(v)
	if p != nil || r == nil {
		return "/", p
	}
	return r.TextOr("/"), nil
}

// fill puts pseudo parameters, name and path into a pattern.
func (e *evaluator) fill(pattern, name, path string) string {
	var b strings.Builder
	for _, p := range subParts(pattern) {
		switch {
		case !p.variable:
			b.WriteString(p.text)
		case p.text == "Name":
			b.WriteString(name)
		case p.text == "Path":
			b.WriteString(path)
		default:
			b.WriteString(e.pseudo(p.text))
		}
	}
	return b.String()
}

// attributes is what GetAtt gives where it follows from the name.
var attributes = map[string]string{
	"AWS::IAM::Role.Arn":                          "arn:${AWS::Partition}:iam::${AWS::AccountId}:role${Path}${Name}",
	"AWS::IAM::InstanceProfile.Arn":               "arn:${AWS::Partition}:iam::${AWS::AccountId}:instance-profile${Path}${Name}",
	"AWS::IAM::User.Arn":                          "arn:${AWS::Partition}:iam::${AWS::AccountId}:user${Path}${Name}",
	"AWS::IAM::Group.Arn":                         "arn:${AWS::Partition}:iam::${AWS::AccountId}:group${Path}${Name}",
	"AWS::S3::Bucket.Arn":                         "arn:${AWS::Partition}:s3:::${Name}",
	"AWS::S3::Bucket.DomainName":                  "${Name}.s3.${AWS::URLSuffix}",
	"AWS::S3::Bucket.RegionalDomainName":          "${Name}.s3.${AWS::Region}.${AWS::URLSuffix}",
	"AWS::S3::Bucket.DualStackDomainName":         "${Name}.s3.dualstack.${AWS::Region}.${AWS::URLSuffix}",
	"AWS::DynamoDB::Table.Arn":                    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Name}",
	"AWS::Lambda::Function.Arn":                   "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Name}",
	"AWS::Logs::LogGroup.Arn":                     "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Name}:*",
	"AWS::KMS::Key.Arn":                           "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/${Name}",
	"AWS::KMS::Key.KeyId":                         "${Name}",
	"AWS::EC2::VPC.VpcId":                         "${Name}",
	"AWS::EC2::Subnet.SubnetId":                   "${Name}",
	"AWS::EC2::SecurityGroup.GroupId":             "${Name}",
	"AWS::EC2::RouteTable.RouteTableId":           "${Name}",
	"AWS::EC2::InternetGateway.InternetGatewayId": "${Name}",
	"AWS::EC2::NatGateway.NatGatewayId":           "${Name}",
	"AWS::EC2::NetworkAcl.Id":                     "${Name}",
	"AWS::EC2::VPCEndpoint.Id":                    "${Name}",
}

// predictAttribute is an attribute of a resource that nobody has created yet.
// What does not follow from the name is unknown, "Logical.Attribute".
func (e *evaluator) predictAttribute(d *Declared, attr string) (string, *source.Problem) {
	pattern := attributes[d.Type+"."+attr]
	if pattern == "" {
		return fact.Symbol(d.LogicalID + "." + attr), nil
	}
	name, _, p := e.physical(d)
	if p != nil {
		return "", p
	}
	path, p := e.path(d)
	if p != nil {
		return "", p
	}
	return e.fill(pattern, name, path), nil
}
