// Package balancing is what the local AWS shows of Elastic Load Balancing and
// Auto Scaling: the load balancers, target groups and groups of instances that
// stacks have made, with the health that package elb finds. It only describes.
// The SDK's modules of these services are not used; what the calls take and
// answer is written here, in AWS's names, and lists come whole, without pages.
package balancing

import (
	"context"
	"slices"
	"strconv"
	"time"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/cloud/state"
	"beanpole/internal/source"
)

// Stacks knows what stacks have made.
type Stacks interface {
	Records(region string, types ...string) ([]cloudformation.Record, error)
}

// Environments knows which instances belong to a stack.
type Environments interface {
	Members(stackName string) []elasticbeanstalk.Member
}

// Service describes them.
type Service struct {
	state        *state.State
	stacks       Stacks
	environments Environments
}

// New makes the service.
func New(s *state.State, st Stacks, e Environments) *Service { return &Service{s, st, e} }

// Rows are the operations of three APIs; none has a resource
// [service authorization reference: Elastic Load Balancing, Elastic Load
// Balancing V2, Amazon EC2 Auto Scaling].
func (s *Service) Rows() []door.Row {
	return []door.Row{
		row(door.BalancingV2, "DescribeLoadBalancers", s.balancers),
		row(door.BalancingV2, "DescribeTargetGroups", s.targetGroups),
		row(door.BalancingV2, "DescribeTargetHealth", s.targetHealth),
		row(door.BalancingV2, "DescribeListeners", s.listeners),
		row(door.BalancingV2, "DescribeRules", s.rules),
		row(door.BalancingV2, "DescribeTags", s.tags),
		row("elasticloadbalancing", "DescribeLoadBalancers", s.classics),
		row("elasticloadbalancing", "DescribeInstanceHealth", s.instanceHealth),
		row("autoscaling", "DescribeAutoScalingGroups", s.groups),
		row("autoscaling", "DescribeAutoScalingInstances", s.instances),
		row("autoscaling", "DescribeLaunchConfigurations", s.launchConfigurations),
	}
}

func row[I, O any](service, name string, h func(context.Context, *I) (*O, error)) door.Row {
	action := service
	if service == door.BalancingV2 {
		action = "elasticloadbalancing"
	}
	return door.Op(service, name, action+":"+name, nil, h)
}

// region is the one that a request is for.
func (s *Service) region(ctx context.Context) string {
	if c := door.CallerOf(ctx); c.Region != "" {
		return c.Region
	}
	return s.state.Region()
}

func (s *Service) records(ctx context.Context, types ...string) ([]cloudformation.Record, error) {
	return s.stacks.Records(s.region(ctx), types...)
}

// chosen are the records whose name stands in one of the lists; with all lists
// empty all. missing is a name that none has.
func chosen(all []cloudformation.Record, name func(cloudformation.Record) string, names []string) (out []cloudformation.Record, missing string) {
	if len(names) == 0 {
		return all, ""
	}
	for _, n := range names {
		i := slices.IndexFunc(all, func(r cloudformation.Record) bool { return name(r) == n })
		if i < 0 {
			return nil, n
		}
		out = append(out, all[i])
	}
	return out, ""
}

func id(r cloudformation.Record) string { return r.ID }

func attribute(name string) func(cloudformation.Record) string {
	return func(r cloudformation.Record) string { return r.Attributes[name] }
}

// refuse is an error of these services.
func refuse(code, message string) error {
	return &aws.Error{Code: code, Status: 400, Message: message}
}

// text is a property's text, or another when it is not set.
func text(n *source.Node, or string, path ...string) string {
	if v := n.At(path...); v.IsScalar() {
		return v.Value()
	}
	return or
}

func number(n *source.Node, or int, path ...string) int {
	if v, err := strconv.Atoi(text(n, "", path...)); err == nil {
		return v
	}
	return or
}

func items(n *source.Node) []*source.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// texts are the texts of a property that is a list, or one text.
func texts(n *source.Node, name string) []string {
	v := n.Get(name)
	if v.IsScalar() {
		return []string{v.Value()}
	}
	out := []string{}
	for _, it := range items(v) {
		out = append(out, it.Value())
	}
	return out
}

func made(r cloudformation.Record) *time.Time {
	at := r.Made.UTC()
	return &at
}
