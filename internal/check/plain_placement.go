package check

import (
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// Launched is what was read of a live stack's own instances.
type Launched struct {
	Instances []Launch // that exist
	// DefaultVPC is where instances are whose template names no subnet, with its
	// default subnets; "" when that is not known.
	DefaultVPC string
	Subnets    []string
}

// Launch is an instance that exists.
type Launch struct {
	LogicalID      string // of the instance or its Auto Scaling group
	VPC, Subnet    string
	SecurityGroups []string
	PublicIP       bool
}

// plainPlacement is where the instances are that read a host's metadata; nil
// when nothing tells.
func (r *run) plainPlacement(h *plainHost) *access.Placement {
	if r.in.Reachable {
		return nil // what the local AWS starts
	}
	var out *access.Placement
	var ids []string
	for _, res := range r.outer.Resources {
		if res.Type != "AWS::EC2::Instance" && res.Type != "AWS::AutoScaling::AutoScalingGroup" {
			continue
		}
		if res != h.resource && (h.runs == nil || r.startedBy(res) != h.runs || startsItself(h.resource)) {
			continue
		}
		p := r.placedBy(res)
		if out != nil && (p == nil || !slices.Equal(p.Subnets, out.Subnets) || !slices.Equal(p.SecurityGroups, out.SecurityGroups)) {
			return &access.Placement{Unknown: "which of the resources that start instances is meant: " + strings.Join(append(ids, res.LogicalID), ", "), At: []source.Pos{res.Pos}}
		}
		out, ids = p, append(ids, res.LogicalID)
	}
	if out == nil || out.Unknown != "" {
		if p := r.seen(ids); p != nil {
			return p
		}
	}
	return out
}

// startsItself: the metadata stands with the instances' own resource.
func startsItself(res *cfn.Resource) bool {
	return res.Type == "AWS::EC2::Instance" || res.Type == "AWS::AutoScaling::AutoScalingGroup"
}

// placedBy is where a resource's instances are, by its own properties and those
// of its launch template or configuration: these stand behind an instance's own.
// [CFN: AWS::EC2::Instance, AWS::AutoScaling::AutoScalingGroup]
func (r *run) placedBy(res *cfn.Resource) *access.Placement {
	p := &access.Placement{Auto: true, At: []source.Pos{res.Pos}}
	data := launch(r.startedBy(res))
	card := first(res.Properties.Get("NetworkInterfaces"))
	if card == nil {
		card = first(data.Get("NetworkInterfaces"))
	}
	subnets := res.Properties.Get("SubnetId")
	if res.Type == "AWS::AutoScaling::AutoScalingGroup" {
		subnets = res.Properties.Get("VPCZoneIdentifier")
	}
	if subnets == nil {
		subnets = card.Get("SubnetId")
	}
	if subnets == nil {
		return r.inDefaultSubnets(res)
	}
	if p.Subnets = texts(subnets); len(p.Subnets) == 0 {
		p.Unknown = "in which subnets the instances of " + res.LogicalID + " are"
		return p
	}
	p.At = appendPlace(p.At, subnets.Pos)
	for _, groups := range []*source.Node{card.Get("GroupSet"), card.Get("Groups"), res.Properties.Get("SecurityGroupIds"), res.Properties.Get("SecurityGroups"),
		data.Get("SecurityGroupIds"), data.Get("SecurityGroups")} {
		if groups != nil && p.SecurityGroups == nil {
			p.SecurityGroups = texts(groups)
		}
	}
	public := card.Get("AssociatePublicIpAddress")
	if public == nil {
		public = data.Get("AssociatePublicIpAddress")
	}
	switch strings.ToLower(public.TextOr("")) {
	case "true":
		p.PublicIP = fact.Holds
	case "false":
		p.PublicIP = fact.Broken
	default:
		p.Auto = public == nil
	}
	return r.inVPC(p)
}

// inVPC adds the VPC of the subnets, and the VPC's default security group where
// no other is named and it is known.
func (r *run) inVPC(p *access.Placement) *access.Placement {
	n := &r.account.Network
	for _, id := range p.Subnets {
		if s := n.Subnet(id); s != nil && p.VPC == "" {
			p.VPC = s.VPC
		}
	}
	if p.VPC == "" {
		p.Unknown = "the VPC of subnet " + fact.Show(p.Subnets[0])
	}
	if len(p.SecurityGroups) == 0 {
		for _, g := range n.SecurityGroups {
			if g.Name == "default" && g.VPC == p.VPC {
				p.SecurityGroups = []string{g.ID}
			}
		}
	}
	return p
}

// inDefaultSubnets is for instances whose template names no subnet; nil when
// the default VPC is not known.
func (r *run) inDefaultSubnets(res *cfn.Resource) *access.Placement {
	l := r.in.Launched
	if l == nil || l.DefaultVPC == "" {
		return nil
	}
	return r.inVPC(&access.Placement{VPC: l.DefaultVPC, Subnets: l.Subnets, Auto: true, At: []source.Pos{res.Pos}})
}

// seen is where instances are that exist, of resources whose template does not
// tell; nil when there are none.
func (r *run) seen(ids []string) *access.Placement {
	if r.in.Launched == nil {
		return nil
	}
	var p *access.Placement
	for _, i := range r.in.Launched.Instances {
		if !slices.Contains(ids, i.LogicalID) {
			continue
		}
		if p == nil {
			p = &access.Placement{VPC: i.VPC, SecurityGroups: i.SecurityGroups, PublicIP: fact.Of(i.PublicIP)}
		}
		if p.PublicIP != fact.Of(i.PublicIP) || p.VPC != i.VPC || !slices.Equal(p.SecurityGroups, i.SecurityGroups) {
			p.Unknown = "the instances differ in their networks"
		}
		if !slices.Contains(p.Subnets, i.Subnet) {
			p.Subnets = append(p.Subnets, i.Subnet)
		}
	}
	return p
}

// texts are the values of a list, or of a text with commas, those that are not
// known among them.
func texts(n *source.Node) (out []string) {
	if n == nil {
		return nil
	}
	items := n.Items
	if n.Kind != source.Seq {
		items = []*source.Node{n}
	}
	for _, it := range items {
		s, ok := it.Str()
		if !ok {
			return nil
		}
		for _, one := range strings.Split(s, ",") {
			if one = strings.TrimSpace(one); one != "" {
				out = append(out, one)
			}
		}
	}
	return out
}

func first(n *source.Node) *source.Node {
	if n == nil || len(n.Items) == 0 {
		return nil
	}
	return n.Items[0]
}
