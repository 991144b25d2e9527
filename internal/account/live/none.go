package live

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// ErrNone: there is no such environment or stack.
var ErrNone = errors.New("does not exist")

// None is the error of a name that nothing has. It wraps ErrNone.
type None struct {
	Kind, Name, Region string   // "environment", "stack"
	Others             []string // names that are there, as far as one page of a list tells
}

func (e *None) Error() string {
	return fmt.Sprintf("%s %q does not exist in region %s", e.Kind, e.Name, e.Region)
}

func (e *None) Unwrap() error { return ErrNone }

// noEnvironment is the error for an environment that is not there. The names of
// others help to find the right one; without them it stays as it is.
func (x *Reader) noEnvironment(ctx context.Context, name string) error {
	e := &None{Kind: "environment", Name: name, Region: x.c.Region}
	out, err := tried(ctx, x, question{op: "elasticbeanstalk:DescribeEnvironments"}, func(ctx context.Context, in *elasticbeanstalk.DescribeEnvironmentsInput) (*elasticbeanstalk.DescribeEnvironmentsOutput, error) {
		return x.c.Beans.DescribeEnvironments(ctx, in)
	}, &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(false)})
	if err == nil {
		for _, env := range out.Environments {
			if env.Status != types.EnvironmentStatusTerminated {
				e.Others = append(e.Others, aws.ToString(env.EnvironmentName))
			}
		}
	}
	slices.Sort(e.Others)
	return e
}

// noStack is the error for a stack that is not there.
func (x *Reader) noStack(ctx context.Context, name string) error {
	e := &None{Kind: "stack", Name: name, Region: x.c.Region}
	out, err := tried(ctx, x, stackQuestion("DescribeStacks", name, ""), func(ctx context.Context, in *cloudformation.DescribeStacksInput) (*cloudformation.DescribeStacksOutput, error) {
		return x.c.Stacks.DescribeStacks(ctx, in)
	}, &cloudformation.DescribeStacksInput{})
	if err == nil {
		for _, s := range out.Stacks {
			e.Others = append(e.Others, aws.ToString(s.StackName))
		}
	}
	slices.Sort(e.Others)
	return e
}
