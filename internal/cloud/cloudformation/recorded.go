package cloudformation

import (
	"fmt"
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/cloud/state"
	"beanpole/internal/source"
)

// isRecord reports whether resources of a type are records: names and
// attributes in AWS's form with nothing behind them here.
func isRecord(typ string) bool {
	_, served := services[typ]
	_, known := cfn.KindOf(typ)
	return known && !served && !unmade[typ]
}

// unmade are types whose names are known but of which a record would pretend:
// IAM must know users and groups that policies name; the others' own services
// would have to act.
var unmade = map[string]bool{
	"AWS::IAM::User": true, "AWS::IAM::Group": true, "AWS::ElasticBeanstalk::ConfigurationTemplate": true, "AWS::CloudFormation::Stack": true,
}

// carriedOut are records of which beanpole does what they do on AWS: package
// elasticbeanstalk with its launcher and package elb, and for what a network
// lets through the readers of Network.
var carriedOut = map[string]bool{
	"AWS::AutoScaling::AutoScalingGroup": true, "AWS::AutoScaling::LaunchConfiguration": true, "AWS::CDK::Metadata": true,
	"AWS::EC2::EIP": true, "AWS::EC2::EgressOnlyInternetGateway": true, "AWS::EC2::InternetGateway": true, "AWS::EC2::LaunchTemplate": true,
	"AWS::EC2::NatGateway": true, "AWS::EC2::NetworkAcl": true, "AWS::EC2::NetworkAclEntry": true, "AWS::EC2::Route": true,
	"AWS::EC2::RouteTable": true, "AWS::EC2::SecurityGroup": true, "AWS::EC2::SecurityGroupEgress": true, "AWS::EC2::SecurityGroupIngress": true,
	"AWS::EC2::Subnet": true, "AWS::EC2::SubnetNetworkAclAssociation": true, "AWS::EC2::SubnetRouteTableAssociation": true, "AWS::EC2::VPC": true,
	"AWS::EC2::VPCEndpoint": true, "AWS::EC2::VPCGatewayAttachment": true,
	"AWS::ElasticLoadBalancing::LoadBalancer": true, "AWS::ElasticLoadBalancingV2::LoadBalancer": true, "AWS::ElasticLoadBalancingV2::Listener": true,
	"AWS::ElasticLoadBalancingV2::ListenerRule": true, "AWS::ElasticLoadBalancingV2::TargetGroup": true,
}

// noteOn is what the status reason of a new record says, "" for nothing.
func noteOn(r *resource) string {
	if !isRecord(r.Type) || carriedOut[r.Type] {
		return r.unknown
	}
	return strings.TrimSuffix(NoteOnRecord+"; "+r.unknown, "; ")
}

// NoteOnRecord is the status reason of a resource that is a name only;
// what is not known of it may follow.
const NoteOnRecord = "beanpole: a record with names in AWS's form; nothing stands behind it here"

// named says which part of a record's name is not known, "" for none.
func (k kind) named(props *source.Node) string {
	for _, name := range k.replace {
		if missing := unresolved(props.Get(name)); missing != "" {
			return missing
		}
	}
	return ""
}

// recordedKind is how to handle a type of which resources are records.
func recordedKind(typ string) (k kind, ok bool) {
	if !isRecord(typ) {
		return k, false
	}
	known, _ := cfn.KindOf(typ)
	switch k = record(known); typ {
	case "AWS::EC2::SecurityGroup":
		k = securityGroup
	case "AWS::AutoScaling::LaunchConfiguration": // cannot be changed
		k.update = nil
	}
	return k, true
}

// record is how to handle a type of which the table of names says all.
func record(k *cfn.Kind) kind {
	out := kind{
		create: func(q *request) (made, error) { return newRecord(q, k).make() },
		update: func(q *request) (made, error) { return newRecord(q, k).again(), nil },
	}
	if k.Property != "" {
		out.replace = []string{k.Property}
	}
	for _, p := range strings.Split(k.Ref+k.MadeUp, "${.")[1:] { // a name made of properties
		name, _, _ := strings.Cut(p, "}")
		out.replace = append(out.replace, name)
	}
	return out
}

// recording is one record on its way.
type recording struct {
	q      *request
	k      *cfn.Kind
	name   string
	ref    string
	random map[string]string // by token
	kept   bool              // an update: what was random stays
	needs  string            // property that a pattern asks for and that is not set
}

func newRecord(q *request, k *cfn.Kind) *recording {
	return &recording{q: q, k: k, random: map[string]string{}}
}

// make makes name, Ref and attributes up.
func (r *recording) make() (made, error) {
	ok := true
	switch given := r.property(r.k.Property); {
	case given != "":
		r.name = given
	case r.k.MadeUp != "":
		r.name, ok = cfn.Fill(r.k.MadeUp, r.value)
	default:
		if r.name = physicalName(r.q.stack.Name, r.q.logical, r.k.Limit); r.k.Lower {
			r.name = strings.ToLower(r.name)
		}
	}
	r.ref = r.name
	if ok && r.k.Ref != "" {
		r.ref, ok = cfn.Fill(r.k.Ref, r.value)
	}
	if !ok {
		return made{}, because("Property %s cannot be empty.", r.needs)
	}
	m := made{physical: r.ref, attributes: map[string]string{nameAttribute: r.name}}
	r.fill(m.attributes)
	return m, nil
}

// again is the record after an update: what follows from properties changes.
func (r *recording) again() made {
	m := made{physical: r.q.physical, attributes: map[string]string{}}
	for name, v := range r.q.r.Attributes {
		m.attributes[name] = v
	}
	r.kept, r.name, r.ref = true, m.attributes[nameAttribute], m.physical
	if v, ok := m.attributes["LatestVersionNumber"]; ok {
		m.attributes["LatestVersionNumber"] = nextVersion(v)
	}
	r.fill(m.attributes)
	return m
}

// nameAttribute keeps the name of a record whose physical ID is another.
const nameAttribute = " name"

func nextVersion(v string) string {
	n := 0
	_, _ = fmt.Sscan(v, &n) // it is ours
	return fmt.Sprint(n + 1)
}

func (r *recording) fill(attributes map[string]string) {
	for _, a := range r.k.Attributes {
		condition, absent := strings.CutPrefix(a.If, "!")
		if condition != "" && (r.q.props.Get(condition) == nil) != absent {
			delete(attributes, a.Name)
			continue
		}
		if v, ok := cfn.Fill(a.Pattern, r.value); ok {
			attributes[a.Name] = v
		}
	}
}

// property is a property's text, "" when it is not set or no text.
func (r *recording) property(name string) string {
	n := r.q.props.Get(name)
	if name == "" || !n.IsScalar() {
		return ""
	}
	return n.Value()
}

// value gives a pattern its parts.
func (r *recording) value(token string, random bool) (string, bool) {
	if random {
		return r.made(token)
	}
	if name, ok := strings.CutPrefix(token, "."); ok {
		name, def, optional := strings.Cut(name, ":")
		v := r.property(name)
		if v == "" {
			v, r.needs = def, name
		}
		return v, v != "" || optional
	}
	q := r.q
	switch token {
	case "Name":
		return r.name, true
	case "name":
		return strings.ToLower(r.name), true
	case "Ref":
		return r.ref, true
	case "LogicalId":
		return q.logical, true
	case "AWS::Region":
		return q.stack.Region, true
	case "AWS::AccountId":
		return q.s.state.AccountID(), true
	case "AWS::Partition":
		return "aws", true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	}
	return r.special(token)
}

// special are variables that stand for more than a property.
func (r *recording) special(token string) (string, bool) {
	switch token {
	case "Zone": // of a subnet
		if v := r.property("AvailabilityZone"); v != "" {
			return v, true
		}
		return r.q.stack.Region + "a", true
	case "Letter": // of a load balancer's type in its ARN
		switch r.property("Type") {
		case "network":
			return "net", true
		case "gateway":
			return "gwy", true
		}
		return "app", true
	case "Listener": // a listener's ARN goes on from its load balancer's, a rule's from its listener's
		if v := r.property("ListenerArn"); v != "" {
			return strings.Replace(v, ":listener/", ":listener-rule/", 1), true
		}
		r.needs = "LoadBalancerArn"
		v := r.property(r.needs)
		return strings.Replace(v, ":loadbalancer/", ":listener/", 1), v != ""
	case "EnginePort":
		return enginePort(r.property("Port"), r.property("Engine")), true
	case "RegionCode": // us-east-1 is use1 in ElastiCache's names
		parts := strings.Split(r.q.stack.Region, "-")
		code := parts[0]
		for _, p := range parts[1:] {
			for _, d := range []string{"north", "south", "east", "west", "central"} {
				if rest, ok := strings.CutPrefix(p, d); ok {
					code, p = code+d[:1], rest
				}
			}
			code += p[:min(1, len(p))]
		}
		return code, true
	case "Version": // of a launch template
		return "1", !r.kept
	}
	return "", false
}

// enginePort is the port that a database listens on unless Port says another
// [RDS API: CreateDBInstance, Port].
func enginePort(given, engine string) string {
	switch {
	case given != "":
		return given
	case strings.Contains(engine, "postgres"):
		return "5432"
	case strings.HasPrefix(engine, "oracle"):
		return "1521"
	case strings.HasPrefix(engine, "sqlserver"):
		return "1433"
	case strings.HasPrefix(engine, "db2"):
		return "50000"
	}
	return "3306"
}

// made is a random part: a letter for its alphabet and its length.
func (r *recording) made(token string) (string, bool) {
	if v, ok := r.random[token]; ok || r.kept {
		return v, ok
	}
	v := ""
	switch shape, _, _ := strings.Cut(token, "."); shape {
	case "uuid":
		v = aws.NewRequestID()
	case "time":
		v = r.q.s.now().UTC().Format("2006-01-02T15:04:05.000")
	default:
		n := 0
		_, _ = fmt.Sscan(shape[1:], &n) // the table is ours
		v = state.Random(alphabets[shape[0]], n)
	}
	r.random[token] = v
	return v, true
}

// alphabets of random parts. An address ends in two digits that are not 0, so
// that it is one of the documentation's range (RFC 5737) and leads nowhere.
var alphabets = map[byte]string{
	'x': "0123456789abcdef", 'n': "0123456789", 'd': "123456789", 'A': upperAlphanumerics, 'a': lowerAlphanumerics,
	'm': upperAlphanumerics + "abcdefghijklmnopqrstuvwxyz",
}

// securityGroup is known by its ID in a VPC and by its name outside
// [CFN:aws-properties-ec2-security-group].
var securityGroup = kind{
	create: func(q *request) (made, error) {
		id := "sg-" + randomHex(17)
		m := made{physical: id, attributes: map[string]string{"GroupId": id, "VpcId": q.text("VpcId")}}
		if q.text("VpcId") == "" {
			if m.physical = q.text("GroupName"); m.physical == "" {
				m.physical = physicalName(q.stack.Name, q.logical, 255)
			}
		}
		return m, nil
	},
	update: func(q *request) (made, error) { return made{q.physical, q.r.Attributes}, nil },
}
