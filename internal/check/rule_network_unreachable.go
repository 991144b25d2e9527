package check

import (
	"beanpole/internal/access"
	"beanpole/internal/finding"
)

var networkUnreachable = &Rule{
	Slug:  "network-unreachable",
	Title: "the instances reach no S3",
	Why: `An instance gets to S3 by an internet gateway and a public address of its own, by a
NAT gateway in a subnet that leads to one, or by a VPC endpoint for S3 that its
subnet's route table leads to. What no route, security group or network ACL lets
pass is dropped without a word: connecting ends with "[Errno 110] Connection timed
out" after two minutes, and the agent tries five times. A network ACL remembers no
connection: answers need an inbound entry for the ports 32768 to 60999.`,
	Before: `PrivateRoutes:
  Type: AWS::EC2::RouteTable   # no AWS::EC2::Route, no endpoint`,
	After: `S3Endpoint:
  Type: AWS::EC2::VPCEndpoint
  Properties:
    VpcId: !Ref Vpc
    ServiceName: !Sub com.amazonaws.${AWS::Region}.s3
    RouteTableIds: [!Ref PrivateRoutes]`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		return r.doubts(access.Network, "network-unreachable", "the fetch may fail: from some of the environment's subnets no way leads to S3")
	},
	claims: func(c *access.Chain) bool {
		return c.Cause().Name == access.Network && c.Answer.From == access.FromNetwork
	},
	group: func(c *access.Chain) string { return c.Cause().Says },
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the instances do not reach S3"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "add a gateway endpoint for S3 (AWS::EC2::VPCEndpoint) to the route tables of the instances' subnets, or a route to a NAT gateway"})
	},
}

// doubts are warnings of fetches that a link breaks if something is so.
func (r *run) doubts(link access.LinkName, slug, message string) []*finding.Finding {
	var out []*finding.Finding
	said := map[string]bool{}
	for _, c := range r.chains {
		for _, d := range c.Doubts {
			if d.Name != link || c.Cause() != nil || said[d.Says] {
				continue
			}
			said[d.Says] = true
			f := &finding.Finding{Rule: slug, Severity: finding.Warning, Pos: c.Fetch.URLAt, Message: message}
			n := finding.Note{Label: "cause", Text: d.Says + ", if " + d.If}
			for _, at := range d.At {
				n.At = appendPlace(n.At, at)
			}
			f.Notes = append(f.Notes, n)
			r.pointAt(f)
			out = append(out, f)
		}
	}
	return out
}
