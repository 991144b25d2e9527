package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/cfn"
	"beanpole/internal/cfninit"
	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

const initKey = "AWS::CloudFormation::Init"

// plainHost is a resource of the user's template whose metadata cfn-init reads
// on instances that are not Elastic Beanstalk's.
type plainHost struct {
	resource *cfn.Resource
	// runs is the resource that says how the instances start: the same one, or
	// the launch template or configuration of an Auto Scaling group. Nil: not known.
	runs *cfn.Resource
	plan *cfninit.Plan
	// build is the error with which cfn-init would refuse the metadata.
	build *cfninit.BuildError
}

// followPlain follows the fetches of cfn-init on the template's own instances.
// Every resource that carries AWS::CloudFormation::Init is one.
func (r *run) followPlain() error {
	if r.outer == nil {
		return nil
	}
	for _, res := range r.outer.Resources {
		if res.Metadata.Get(initKey) == nil {
			continue
		}
		h := &plainHost{resource: res, runs: r.startedBy(res)}
		sets, known := h.sets()
		if !known {
			r.notKnown = append(r.notKnown, fmt.Sprintf("%s: which configSets cfn-init runs for %s: the user data takes them from a value", res.Pos, res.LogicalID))
		}
		var err error
		h.plan, err = cfninit.NewPlan(res.Metadata, sets)
		if errors.As(err, &h.build) {
			if h.build.NoInit {
				continue
			}
		} else if err != nil {
			return fmt.Errorf("plan %s: %w", res.LogicalID, err)
		}
		r.plain = append(r.plain, h)
		if h.plan == nil {
			continue
		}
		world := r.plainWorld(h)
		for _, f := range h.plan.Fetches() {
			r.chains = append(r.chains, access.Follow(world, f))
		}
	}
	return nil
}

// startedBy is the resource with the instance profile and user data of the
// instances that read a resource's metadata.
func (r *run) startedBy(res *cfn.Resource) *cfn.Resource {
	var name *source.Node
	switch res.Type {
	case "AWS::EC2::LaunchTemplate", "AWS::AutoScaling::LaunchConfiguration":
		return res
	case "AWS::EC2::Instance":
		if res.Properties.Get("IamInstanceProfile") != nil || res.Properties.Get("LaunchTemplate") == nil {
			return res
		}
		name = launchTemplateOf(res.Properties.Get("LaunchTemplate"))
	case "AWS::AutoScaling::AutoScalingGroup":
		name = res.Properties.Get("LaunchConfigurationName")
		if name == nil {
			lt := res.Properties.Get("LaunchTemplate")
			if mixed := res.Properties.At("MixedInstancesPolicy", "LaunchTemplate", "LaunchTemplateSpecification"); lt == nil {
				lt = mixed
			}
			name = launchTemplateOf(lt)
		}
	}
	id, ok := name.Str()
	if !ok {
		return nil
	}
	for _, other := range r.outer.Resources {
		if other.Type != "AWS::EC2::LaunchTemplate" && other.Type != "AWS::AutoScaling::LaunchConfiguration" {
			continue
		}
		own := other.Properties.Get("LaunchTemplateName").TextOr(other.PhysicalID)
		if fact.Any(fact.Equal(other.PhysicalID, id), fact.Equal(own, id)) == fact.Holds {
			return other
		}
	}
	return nil
}

func launchTemplateOf(n *source.Node) *source.Node {
	if id := n.Get("LaunchTemplateId"); id != nil {
		return id
	}
	return n.Get("LaunchTemplateName")
}

// launch are the properties of the instances that a resource starts.
func launch(res *cfn.Resource) *source.Node {
	if res == nil {
		return nil
	}
	if data := res.Properties.Get("LaunchTemplateData"); data != nil {
		return data
	}
	return res.Properties
}

// plainWorld is what the fetches of a host's instances run into.
func (r *run) plainWorld(h *plainHost) *access.World {
	w := &access.World{Account: r.account, Instance: fact.Symbol("instance ID"), Reachable: r.in.Reachable, Placement: r.plainPlacement(h)}
	profile := launch(h.runs).Get("IamInstanceProfile")
	if profile != nil && profile.Kind == source.Map { // of a launch template
		if arn := profile.Get("Arn"); arn != nil {
			profile = arn
		} else {
			profile = profile.Get("Name")
		}
	}
	switch {
	case h.runs == nil:
		w.ProfileUnknown = "which instance profile the instances of " + h.resource.LogicalID + " get"
	case profile != nil && profile.Kind != source.Null:
		v := *profile
		v.From = append([]source.Origin{{What: "IamInstanceProfile of " + h.runs.LogicalID, Pos: profile.Pos}}, v.From...)
		w.Profile = &v
	}
	return w
}

var (
	initCall    = lazyregexp.New(`cfn-init(?:\.exe)?\b([^\n;|&]*)`)
	initSets    = lazyregexp.New(`\s(?:-c|--configsets)(?:[ =]+|\s+)["']?([A-Za-z0-9_,.-]*)`)
	initsSource = lazyregexp.New(`\s(?:-r|--resource)(?:[ =]+|\s+)["']?([A-Za-z0-9]+)`)
)

// sets are the configSets that the user data has cfn-init run; nil: the set
// "default", as cfn-init does without the option [cb:bin/cfn-init]. known is
// unset when they stand in a value that is not known.
func (h *plainHost) sets() (sets []string, known bool) {
	text := userData(h.runs)
	called := false
	for _, call := range initCall.FindAllStringSubmatch(text, -1) {
		if m := initsSource.FindStringSubmatch(call[1]); m != nil && m[1] != h.resource.LogicalID {
			continue
		}
		called = true
		m := initSets.FindStringSubmatch(call[1])
		switch {
		case m == nil:
			sets = append(sets, "default")
		case m[1] == "":
			return nil, false
		default:
			sets = append(sets, strings.Split(m[1], ",")...)
		}
	}
	if called {
		return slices.Compact(sets), true
	}
	// Something else runs it: every set that is declared may be meant.
	if declared := h.resource.Metadata.At(initKey, "configSets"); declared != nil && declared.Kind == source.Map && declared.Get("default") == nil {
		for _, f := range declared.Entries() {
			sets = append(sets, f.Key.Text)
		}
	}
	return sets, true
}

// userData is the text of the user data as far as it stands in the template:
// what functions put in is left out.
func userData(res *cfn.Resource) string {
	if res == nil || res.Declared == nil {
		return ""
	}
	n := res.Declared.Node.At("Properties", "UserData")
	if n == nil {
		n = res.Declared.Node.At("Properties", "LaunchTemplateData", "UserData")
	}
	var b strings.Builder
	gather(&b, n, "")
	return strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(b.String())
}

func gather(b *strings.Builder, n *source.Node, key string) {
	if n == nil {
		return
	}
	switch {
	case n.Tag == "!Ref" || n.Tag == "!GetAtt" || key == "Ref" || key == "Fn::GetAtt":
		b.WriteString("${}")
	case n.IsScalar():
		b.WriteString(n.Text)
	}
	items := n.Items
	if (n.Tag == "!Join" || key == "Fn::Join" || n.Tag == "!Sub" || key == "Fn::Sub") && len(items) > 1 {
		if n.Tag == "!Join" || key == "Fn::Join" {
			items = items[1:] // the delimiter
		} else {
			items = items[:1] // the variables
		}
	}
	for _, it := range items {
		gather(b, it, "")
	}
	for _, f := range n.Fields {
		gather(b, f.Value, f.Key.Text)
	}
}

// inTemplate is the entry of the user's template whose value stands at a place.
func (r *run) inTemplate(at source.Pos) *source.Field {
	if r.in.Template == nil || at.File != r.in.Template.File {
		return nil
	}
	if key, value := fieldAt(r.in.Template.Root, at); value != nil {
		return &source.Field{Key: key, Value: value}
	}
	return nil
}
