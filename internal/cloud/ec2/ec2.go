// Package ec2 is what the local AWS shows of EC2: the networks that stacks have
// made, and each region's default VPC. It only describes. The SDK's module of
// EC2 is not used, neither here nor by package live, which reads the same
// answers: it would double the program's size; the shapes are written here.
// Left out of the answers are IPv6 and tags.
package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// Networks knows the networks that stacks have made in a region, and what of
// their parts decides nothing (CidrBlock, AvailabilityZone), by ID.
type Networks interface {
	NetworkIn(region string) (*account.Network, map[string]map[string]string, error)
}

// Service is EC2 over the networks.
type Service struct {
	state    *state.State
	networks Networks
}

// New makes the service.
func New(s *state.State, n Networks) *Service { return &Service{s, n} }

// request is a request's parameters.
type request struct{ url.Values }

// list are the values of parameters "NAME.1", "NAME.2", in their order.
func (r request) list(name string) (out []string) {
	for i := 1; ; i++ {
		v, ok := r.Values[name+"."+strconv.Itoa(i)]
		if !ok {
			return out
		}
		out = append(out, v...)
	}
}

// item is one thing that a call describes. Attrs are the values of its filters.
type item struct {
	id    string
	attrs map[string][]string
	shape any
}

// kind is one kind of thing that there is a call to describe.
type kind struct {
	action  string
	set     string // the list's name in the answer
	ids     string // the parameter that names some
	absent  string // the code for one that does not exist
	noun    string // in that error's message
	collect func(*region) []item
}

// kinds are the calls [EC2 API reference].
var kinds = []kind{
	{"DescribeVpcs", "vpcSet", "VpcId", "InvalidVpcID.NotFound", "vpc ID", (*region).vpcs},
	{"DescribeSubnets", "subnetSet", "SubnetId", "InvalidSubnetID.NotFound", "subnet ID", (*region).subnets},
	{"DescribeRouteTables", "routeTableSet", "RouteTableId", "InvalidRouteTableID.NotFound", "routeTable ID", (*region).tables},
	{"DescribeInternetGateways", "internetGatewaySet", "InternetGatewayId", "InvalidInternetGatewayID.NotFound", "internetGateway ID", (*region).gateways},
	{"DescribeNatGateways", "natGatewaySet", "NatGatewayId", "NatGatewayNotFound", "Nat Gateway", (*region).nats},
	{"DescribeVpcEndpoints", "vpcEndpointSet", "VpcEndpointId", "InvalidVpcEndpointId.NotFound", "Vpc Endpoint Id", (*region).endpoints},
	{"DescribeSecurityGroups", "securityGroupInfo", "GroupId", "InvalidGroup.NotFound", "security group", (*region).groups},
	{"DescribeNetworkAcls", "networkAclSet", "NetworkAclId", "InvalidNetworkAclID.NotFound", "networkAcl ID", (*region).acls},
}

// Rows are the operations; none of them has a resource
// [service authorization reference: Amazon EC2].
func (s *Service) Rows() []door.Row {
	rows := []door.Row{row("DescribeVpcAttribute", s.attribute)}
	for _, k := range kinds {
		rows = append(rows, row(k.action, func(ctx context.Context, r *request) (*answer, error) { return s.describe(ctx, &k, r) }))
	}
	return rows
}

func row(name string, h func(context.Context, *request) (*answer, error)) door.Row {
	return door.RestOp("ec2", name, "ec2:"+name, door.Wire[request, answer]{
		Decode: func(x *door.Request) (*request, error) { return &request{x.Form}, nil },
		Encode: func(x *door.Request, out *answer) error {
			out.XMLName, out.NS, out.RequestID = xml.Name{Local: name + "Response"}, "http://ec2.amazonaws.com/doc/2016-11-15/", x.ID
			data, err := xml.Marshal(out)
			if err != nil {
				return err
			}
			x.WriteText(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + string(data))
			return nil
		},
	}, func(context.Context, *request) []door.Ask { return []door.Ask{{Action: "ec2:" + name, Resource: "*"}} }, h)
}

// answer is an answer of EC2: a list, or one value.
type answer struct {
	XMLName   xml.Name
	NS        string `xml:"xmlns,attr"`
	RequestID string `xml:"requestId"`
	Parts     []any
}

// listed is a list in an answer.
type listed struct {
	XMLName xml.Name
	Items   []any `xml:"item"`
}

// describe answers a call of a kind: what the filters and IDs leave.
func (s *Service) describe(ctx context.Context, k *kind, r *request) (*answer, error) {
	filters, err := filtersOf(r)
	if err != nil {
		return nil, err
	}
	at, err := s.region(ctx)
	if err != nil {
		return nil, err
	}
	ids, found := r.list(k.ids), map[string]bool{}
	set := listed{XMLName: xml.Name{Local: k.set}}
	for _, it := range k.collect(at) {
		if len(ids) > 0 && !slices.Contains(ids, it.id) {
			continue
		}
		found[it.id] = true
		pass, err := it.passes(filters)
		if err != nil {
			return nil, err
		}
		if pass {
			set.Items = append(set.Items, it.shape)
		}
	}
	for _, id := range ids {
		if !found[id] {
			return nil, &aws.Error{Code: k.absent, Status: 400, Message: "The " + k.noun + " '" + id + "' does not exist"}
		}
	}
	return &answer{Parts: []any{set}}, nil
}

// attribute answers DescribeVpcAttribute.
func (s *Service) attribute(ctx context.Context, r *request) (*answer, error) {
	at, err := s.region(ctx)
	if err != nil {
		return nil, err
	}
	v := at.net.VPC(r.Get("VpcId"))
	if v == nil {
		return nil, &aws.Error{Code: "InvalidVpcID.NotFound", Status: 400, Message: "The vpc ID '" + r.Get("VpcId") + "' does not exist"}
	}
	value := false
	switch r.Get("Attribute") {
	case "enableDnsSupport":
		value = isOn(v.DNSSupport)
	case "enableDnsHostnames":
		value = isOn(v.DNSNames)
	default:
		return nil, &aws.Error{Code: "InvalidParameterValue", Status: 400, Message: "Value (" + r.Get("Attribute") + ") for parameter attribute is invalid. Unknown vpc attribute."}
	}
	return &answer{Parts: []any{
		textElement{XMLName: xml.Name{Local: "vpcId"}, Text: v.ID},
		valueElement{XMLName: xml.Name{Local: r.Get("Attribute")}, Value: value},
	}}, nil
}

type textElement struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

type valueElement struct {
	XMLName xml.Name
	Value   bool `xml:"value"`
}

// made is an ID that stays the same for what it is made of: of things that AWS
// makes by itself, which no stack keeps.
func made(prefix string, of ...string) string {
	h := sha256.New()
	for _, s := range of {
		h.Write([]byte(s + "\n"))
	}
	return prefix + hex.EncodeToString(h.Sum(nil))[:17]
}
