package elasticbeanstalk

import (
	"context"
	"strings"
	"time"

	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cloud/cloudformation"
	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
	"beanpole/internal/source"
)

// pollEvery is how often a stack's status is looked at.
const pollEvery = 10 * time.Millisecond

// cfnCall calls CloudFormation in the caller's name.
func cfnCall[I, O any](o *operation, name string, in *I) (*O, error) {
	return door.Invoke[I, O](cloudformation.WithoutBodyLimit(o.ctx), o.s.Door, "cloudformation", name, in)
}

// template is the environment's template, as text, and its parameters.
func (o *operation) template(x *ebext.Extensions) (*string, []cftypes.Parameter, error) {
	t, err := ebext.Environment(x, levelled(o.e.Given, ebext.Direct), o.e.Application)
	if err != nil {
		return nil, nil, err
	}
	text := string(t.Root.JSON())
	var params []cftypes.Parameter
	for _, p := range t.Parameters {
		if p.Name == ebext.ParameterEnvironmentName {
			params = append(params, cftypes.Parameter{ParameterKey: door.Given(p.Name), ParameterValue: &o.e.Name})
		}
	}
	return &text, params, nil
}

// makeStack makes the environment's stack and tells what it made.
func (o *operation) makeStack(x *ebext.Extensions) bool {
	text, params, err := o.template(x)
	if err != nil {
		o.error("Service:AmazonCloudFormation, Message:%s", reason(err))
		return false
	}
	name := o.e.stackName()
	_, err = cfnCall[cf.CreateStackInput, cf.CreateStackOutput](o, "CreateStack", &cf.CreateStackInput{
		StackName: &name, TemplateBody: text, Parameters: params, OnFailure: cftypes.OnFailureDoNothing,
		Capabilities: []cftypes.Capability{cftypes.CapabilityCapabilityNamedIam}, Tags: o.tags(),
	})
	if err != nil {
		o.error("Service:AmazonCloudFormation, Message:%s", reason(err))
		return false
	}
	if !o.awaitStack(cftypes.StackStatusCreateComplete, o.mayLaunch) {
		return false
	}
	for _, r := range o.told() {
		o.info("Created %s", resourceName(r))
	}
	o.tellRecords()
	o.resolveSettings()
	return true
}

// resolveSettings takes over what CloudFormation made of the settings with
// functions.
func (o *operation) resolveSettings() {
	name, resource := o.e.stackName(), ebext.BeanstalkMetadata
	out, err := cfnCall[cf.DescribeStackResourceInput, cf.DescribeStackResourceOutput](o, "DescribeStackResource", &cf.DescribeStackResourceInput{StackName: &name, LogicalResourceId: &resource})
	if err != nil {
		return // the stack has no such resource: there are no such settings
	}
	metadata, err := source.ParseJSON("", []byte(door.Value(out.StackResourceDetail.Metadata)))
	if err != nil {
		o.warn("beanpole: option settings with functions stay as they are written: %s", reason(err))
		return
	}
	done := ebext.Resolved(metadata)
	o.set(func(e *environment) {
		e.Resolved = nil
		raw := e.settings()
		for _, set := range done {
			if r, ok := raw.Get(set.Namespace, set.Option); ok {
				e.Resolved = append(e.Resolved, resolved{option{set.Namespace, set.Option, set.Value.TextOr("")}, r.Value.TextOr("")})
			}
		}
	})
}

func (o *operation) tags() []cftypes.Tag {
	return []cftypes.Tag{
		{Key: door.Given("elasticbeanstalk:environment-name"), Value: &o.e.Name},
		{Key: door.Given("elasticbeanstalk:environment-id"), Value: &o.e.ID},
		{Key: door.Given("Name"), Value: &o.e.Name},
	}
}

// changeStack brings the stack to what the version and settings now say.
func (o *operation) changeStack(x *ebext.Extensions) bool {
	text, params, err := o.template(x)
	if err == nil {
		name := o.e.stackName()
		_, err = cfnCall[cf.UpdateStackInput, cf.UpdateStackOutput](o, "UpdateStack", &cf.UpdateStackInput{
			StackName: &name, TemplateBody: text, Parameters: params, Capabilities: []cftypes.Capability{cftypes.CapabilityCapabilityNamedIam},
		})
	}
	if err != nil {
		if strings.Contains(reason(err), "No updates are to be performed") {
			o.resolveSettings()
			return true
		}
		o.error("Service:AmazonCloudFormation, Message:%s", reason(err))
		return false
	}
	if !o.awaitStack(cftypes.StackStatusUpdateComplete, nil) {
		return false
	}
	o.tellRecords()
	o.resolveSettings()
	return true
}

// mayLaunch reports whether a stack under creation has its Auto Scaling group
// and waits for signals, which its instances may send: on AWS they start while
// the stack is made.
func (o *operation) mayLaunch() bool {
	if !o.s.Stacks.Waiting(o.e.stackName()) {
		return false
	}
	var waits []string
	group := false
	for _, r := range o.resources() {
		group = group || door.Value(r.LogicalResourceId) == ebext.Group
		if r.ResourceStatus == cftypes.ResourceStatusCreateInProgress {
			waits = append(waits, door.Value(r.LogicalResourceId)+" "+strings.TrimPrefix(door.Value(r.ResourceStatusReason), "beanpole: "))
		}
	}
	if !group {
		return false
	}
	o.info("beanpole: the environment's stack goes on after its signals: %s", strings.Join(waits, "; "))
	o.unfinished = true
	return true
}

// finishStack waits for a stack that was left waiting for signals.
func (o *operation) finishStack() bool {
	return !o.unfinished || o.awaitStack(cftypes.StackStatusCreateComplete, nil)
}

// awaitStack waits for the end of what goes on in the stack, or until enough
// says that it will do. Another end than the wanted one is told.
func (o *operation) awaitStack(wanted cftypes.StackStatus, enough func() bool) bool {
	name := o.e.stackName()
	for {
		out, err := cfnCall[cf.DescribeStacksInput, cf.DescribeStacksOutput](o, "DescribeStacks", &cf.DescribeStacksInput{StackName: &name})
		if o.ended() {
			return false
		}
		if err != nil || len(out.Stacks) == 0 {
			o.error("Service:AmazonCloudFormation, Message:%s", reason(err))
			return false
		}
		st := out.Stacks[0]
		switch {
		case st.StackStatus == wanted:
			return true
		case !strings.HasSuffix(string(st.StackStatus), "_IN_PROGRESS"):
			o.error("Stack named '%s' aborted operation. Current state: '%s'  Reason: %s", name, st.StackStatus, door.Value(st.StackStatusReason))
			o.tellFailures()
			return false
		case enough != nil && enough():
			return true
		}
		if sleep(o.ctx, pollEvery) != nil {
			return false
		}
	}
}

// tellFailures says which resources could not be made.
func (o *operation) tellFailures() {
	for _, r := range o.resources() {
		if strings.HasSuffix(string(r.ResourceStatus), "_FAILED") {
			o.error("Creating %s failed Reason: %s", resourceName(r), door.Value(r.ResourceStatusReason))
		}
	}
}

// tellRecords says which resources that this operation made are names only.
func (o *operation) tellRecords() {
	var names []string
	for _, r := range o.resources() {
		if strings.HasPrefix(door.Value(r.ResourceStatusReason), cloudformation.NoteOnRecord) && !door.Value(r.Timestamp).Before(o.began) {
			names = append(names, door.Value(r.ResourceType)+" "+door.Value(r.LogicalResourceId))
		}
	}
	if len(names) > 0 {
		o.info("beanpole: %s: made as records with names in AWS's form; nothing answers behind them here", strings.Join(names, ", "))
	}
}

// resourceKinds are the words of events for resources.
var resourceKinds = map[string]string{
	"AWS::EC2::SecurityGroup":                   "security group named",
	"AWS::EC2::EIP":                             "EIP",
	"AWS::ElasticLoadBalancing::LoadBalancer":   "load balancer named",
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "load balancer named",
	"AWS::ElasticLoadBalancingV2::TargetGroup":  "target group named",
	"AWS::ElasticLoadBalancingV2::Listener":     "Load Balancer listener named",
	"AWS::AutoScaling::LaunchConfiguration":     "Auto Scaling launch configuration named",
	"AWS::AutoScaling::AutoScalingGroup":        "Auto Scaling group named",
	"AWS::AutoScaling::ScalingPolicy":           "Auto Scaling group policy named",
	"AWS::CloudWatch::Alarm":                    "CloudWatch alarm named",
}

func resourceName(r cftypes.StackResource) string {
	kind, known := resourceKinds[door.Value(r.ResourceType)]
	if !known {
		kind = door.Value(r.ResourceType) + " named"
	}
	name := door.Value(r.PhysicalResourceId)
	if name == "" {
		name = door.Value(r.LogicalResourceId)
	}
	return kind + ": " + name
}

func (o *operation) resources() []cftypes.StackResource {
	name := o.e.stackName()
	out, err := cfnCall[cf.DescribeStackResourcesInput, cf.DescribeStackResourcesOutput](o, "DescribeStackResources", &cf.DescribeStackResourcesInput{StackName: &name})
	if err != nil {
		return nil
	}
	return out.StackResources
}

// toldOrder is the order in which events name what was made (semantics of
// createEnvironment): groups and addresses, balancers, then instances.
var toldOrder = []string{
	"AWS::EC2::SecurityGroup", "AWS::EC2::EIP", "AWS::ElasticLoadBalancing::LoadBalancer", "AWS::ElasticLoadBalancingV2::TargetGroup",
	"AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::AutoScaling::LaunchConfiguration", "AWS::AutoScaling::AutoScalingGroup",
	"AWS::AutoScaling::ScalingPolicy", "AWS::CloudWatch::Alarm", "AWS::ElasticLoadBalancingV2::Listener",
}

// told are the resources of the stack that events name, in their order.
func (o *operation) told() []cftypes.StackResource {
	var out []cftypes.StackResource
	all := o.resources()
	for _, typ := range toldOrder {
		for _, r := range all {
			if door.Value(r.ResourceType) == typ {
				out = append(out, r)
			}
		}
	}
	return out
}

// properties are a stack's resources with their resolved properties, by
// logical ID, from the stack's events.
func (o *operation) properties() map[string]*source.Node {
	out := map[string]*source.Node{}
	name := o.e.stackName()
	in := &cf.DescribeStackEventsInput{StackName: &name}
	for {
		page, err := cfnCall[cf.DescribeStackEventsInput, cf.DescribeStackEventsOutput](o, "DescribeStackEvents", in)
		if err != nil {
			return out
		}
		for _, e := range page.StackEvents { // newest first
			id := door.Value(e.LogicalResourceId)
			if n, err := source.ParseJSON("", []byte(door.Value(e.ResourceProperties))); err == nil && out[id] == nil {
				out[id] = n
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return out
		}
	}
}

// deleteStack deletes the environment's stack and waits.
func (o *operation) deleteStack() { o.deleteStackNamed(o.e.stackName()) }

func (o *operation) deleteStackNamed(name string) {
	if _, err := cfnCall[cf.DeleteStackInput, cf.DeleteStackOutput](o, "DeleteStack", &cf.DeleteStackInput{StackName: &name}); err != nil {
		o.error("Service:AmazonCloudFormation, Message:%s", reason(err))
		return
	}
	for {
		out, err := cfnCall[cf.DescribeStacksInput, cf.DescribeStacksOutput](o, "DescribeStacks", &cf.DescribeStacksInput{StackName: &name})
		if err != nil || len(out.Stacks) == 0 {
			return // it is gone
		}
		if st := out.Stacks[0]; st.StackStatus == cftypes.StackStatusDeleteFailed {
			o.error("Stack named '%s' aborted operation. Current state: '%s'  Reason: %s", name, st.StackStatus, door.Value(st.StackStatusReason))
			return
		}
		if sleep(o.ctx, pollEvery) != nil {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
