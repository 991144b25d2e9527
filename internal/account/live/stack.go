package live

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/account/reading"
)

// maxStackPages is how many pages of a stack's events are read, newest first.
const maxStackPages = 5

// Stack reads a plain stack whose instances run cfn-init: its template,
// parameters, resources and events. The error is ErrNone, or why nothing could
// be read.
func (x *Reader) Stack(ctx context.Context, name string) error {
	s := &reading.Stack{Name: name, Parameters: map[string]string{}, Metadata: map[string]json.RawMessage{}}
	var failed error
	together(
		func() { x.caller(ctx) },
		func() { failed = x.describeStack(ctx, s) },
		func() { x.stackResources(ctx, s) },
		func() { x.stackEvents(ctx, s) },
		func() { x.template(ctx, s) },
	)
	if failed != nil {
		return failed
	}
	x.keep(func(r *reading.Reading) { r.Stack = s })
	together(
		func() { x.organization(ctx) },
		func() { x.launched(ctx, s) },
	)
	x.settled()
	return nil
}

func stackQuestion(op, name, link string) question {
	return question{op: "cloudformation:" + op, kind: reading.AStack, name: name, link: link}
}

func (x *Reader) describeStack(ctx context.Context, s *reading.Stack) error {
	out, err := tried(ctx, x, stackQuestion("DescribeStacks", s.Name, ""), func(ctx context.Context, in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
		return x.c.Stacks.DescribeStacks(ctx, in)
	}, &cloudformation.DescribeStacksInput{StackName: &s.Name})
	switch {
	case err != nil && codeOf(err) == "ValidationError":
		return x.noStack(ctx, s.Name)
	case err != nil:
		return err
	case len(out.Stacks) == 0:
		return x.noStack(ctx, s.Name)
	}
	st := out.Stacks[0]
	s.ID, s.Status = aws.ToString(st.StackId), string(st.StackStatus)
	for _, p := range st.Parameters {
		value := aws.ToString(p.ParameterValue)
		if p.ResolvedValue != nil {
			value = *p.ResolvedValue
		}
		s.Parameters[aws.ToString(p.ParameterKey)] = value
	}
	return nil
}

func (x *Reader) stackResources(ctx context.Context, s *reading.Stack) {
	in := &cloudformation.ListStackResourcesInput{StackName: &s.Name}
	all := map[string]string{}
	for {
		out, _ := ask(ctx, x, stackQuestion("ListStackResources", s.Name, "document"), func(ctx context.Context, in *cloudformation.ListStackResourcesInput) (*cloudformation.ListStackResourcesOutput, error) {
			return x.c.Stacks.ListStackResources(ctx, in)
		}, in)
		if out == nil {
			return
		}
		for _, r := range out.StackResourceSummaries {
			if id := aws.ToString(r.PhysicalResourceId); id != "" {
				all[aws.ToString(r.LogicalResourceId)] = id
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	s.Resources = all
}

func (x *Reader) stackEvents(ctx context.Context, s *reading.Stack) {
	in := &cloudformation.DescribeStackEventsInput{StackName: &s.Name}
	for range maxStackPages {
		out, _ := ask(ctx, x, stackQuestion("DescribeStackEvents", s.Name, "document"), func(ctx context.Context, in *cloudformation.DescribeStackEventsInput) (*cloudformation.DescribeStackEventsOutput, error) {
			return x.c.Stacks.DescribeStackEvents(ctx, in)
		}, in)
		if out == nil {
			return
		}
		for _, e := range out.StackEvents {
			s.Events = append(s.Events, stackEvent(&e))
			if begins(&e) {
				return // what is older belongs to earlier operations
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return
		}
	}
}

func stackEvent(e *types.StackEvent) reading.StackEvent {
	return reading.StackEvent{Timestamp: aws.ToTime(e.Timestamp), LogicalResourceID: aws.ToString(e.LogicalResourceId), ResourceType: aws.ToString(e.ResourceType),
		ResourceStatus: string(e.ResourceStatus), ResourceStatusReason: aws.ToString(e.ResourceStatusReason)}
}

// begins tells the first event of an operation on the stack itself.
func begins(e *types.StackEvent) bool {
	return aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId) &&
		(e.ResourceStatus == types.ResourceStatusCreateInProgress || e.ResourceStatus == types.ResourceStatusUpdateInProgress)
}

// metadata reads what cfn-init reads, without the secrets in it.
func (x *Reader) metadata(ctx context.Context, s *reading.Stack, logicalID string) {
	out, _ := ask(ctx, x, stackQuestion("DescribeStackResource", s.Name, "document"), func(ctx context.Context, in *cloudformation.DescribeStackResourceInput) (*cloudformation.DescribeStackResourceOutput, error) {
		return x.c.Stacks.DescribeStackResource(ctx, in)
	}, &cloudformation.DescribeStackResourceInput{StackName: &s.Name, LogicalResourceId: &logicalID})
	if out == nil || out.StackResourceDetail == nil {
		return
	}
	s.Metadata[logicalID] = json.RawMessage("{}") // none, as far as is known by then
	if text := aws.ToString(out.StackResourceDetail.Metadata); strings.TrimSpace(text) != "" && json.Valid([]byte(text)) {
		s.Metadata[logicalID] = reading.MaskMetadata(json.RawMessage(text), func(s string) string { return s })
	}
}

func (x *Reader) template(ctx context.Context, s *reading.Stack) {
	out, _ := ask(ctx, x, stackQuestion("GetTemplate", s.Name, "document"), func(ctx context.Context, in *cloudformation.GetTemplateInput) (*cloudformation.GetTemplateOutput, error) {
		return x.c.Stacks.GetTemplate(ctx, in)
	}, &cloudformation.GetTemplateInput{StackName: &s.Name, TemplateStage: types.TemplateStageOriginal})
	if out != nil {
		s.Template = aws.ToString(out.TemplateBody)
	}
}
