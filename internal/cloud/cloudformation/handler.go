package cloudformation

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/source"
)

// kind is how to handle one type of resource.
type kind struct {
	create func(*request) (made, error)
	// update changes the resource in place. Nil: every change replaces it.
	update func(*request) (made, error)
	// replace are the properties whose change replaces the resource.
	replace []string
	delete  func(*request) error
}

// made is a resource that exists.
type made struct {
	physical   string
	attributes map[string]string // for Fn::GetAtt
}

// services are the types that a service of the local AWS, or CloudFormation
// itself, stands behind.
var services = map[string]kind{
	"AWS::CloudFormation::WaitCondition":        waitCondition,
	"AWS::CloudFormation::WaitConditionHandle":  waitHandle,
	"AWS::IAM::Role":                            role,
	"AWS::IAM::InstanceProfile":                 instanceProfile,
	"AWS::IAM::Policy":                          inlinePolicy,
	"AWS::IAM::ManagedPolicy":                   managedPolicy,
	"AWS::KMS::Key":                             kmsKey,
	"AWS::KMS::Alias":                           kmsAlias,
	"AWS::S3::Bucket":                           bucket,
	"AWS::S3::BucketPolicy":                     bucketPolicy,
	"AWS::ElasticBeanstalk::Application":        application,
	"AWS::ElasticBeanstalk::ApplicationVersion": applicationVersion,
	"AWS::ElasticBeanstalk::Environment":        environment,
}

// kindOf is how to handle a type; ok is false for one that beanpole can't make.
func kindOf(typ string) (k kind, ok bool) {
	if k, ok = services[typ]; !ok {
		k, ok = recordedKind(typ)
	}
	return k, ok
}

// request is what a handler gets.
type request struct {
	ctx      context.Context
	s        *Service
	stack    *stack
	r        *resource
	logical  string
	physical string // of the resource that exists, on update and delete
	props    *source.Node
	old      *source.Node // properties before an update
}

func (s *Service) request(ctx context.Context, st *stack, r *resource, props *source.Node) *request {
	return &request{ctx: ctx, s: s, stack: st, r: r, logical: r.LogicalID, physical: r.PhysicalID, props: props}
}

// text is a property's text, "" when it is not set.
func (q *request) text(path ...string) string { return q.props.At(path...).TextOr("") }

// optional is a property's text for an SDK's struct, nil when it is not set.
func (q *request) optional(path ...string) *string {
	if s, ok := q.props.At(path...).Str(); ok {
		return &s
	}
	return nil
}

// required is a property that AWS refuses to do without.
func (q *request) required(name string) (string, error) {
	if s, ok := q.props.Get(name).Str(); ok {
		return s, nil
	}
	return "", because("Property %s cannot be empty.", name)
}

// because is an error whose text is a status reason in AWS's words.
func because(format string, args ...any) error { return reason(fmt.Sprintf(format, args...)) }

type reason string

func (r reason) Error() string { return string(r) }

// texts is a property that is a list of texts, or one text.
func (q *request) texts(name string) []string { return listOf(q.props.Get(name)) }

func listOf(n *source.Node) []string {
	if s, ok := n.Str(); ok {
		return []string{s}
	}
	var out []string
	if n != nil {
		for _, it := range n.Items {
			if s, ok := it.Str(); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// document is a policy document as JSON, whether it was given as an object or
// as a text.
func document(n *source.Node) *string {
	if n == nil {
		return nil
	}
	text, ok := n.Str()
	if !ok {
		text = string(n.JSON())
	}
	return &text
}

// initiated notes the physical ID as soon as it is known, so that a failure
// later on still finds what to delete.
func (q *request) initiated(physical string) error {
	if q.r.PhysicalID == physical {
		return nil
	}
	q.s.mu.Lock()
	q.r.PhysicalID = physical
	q.physical = physical
	q.s.mu.Unlock()
	return q.s.mark(q.stack, q.r, types.ResourceStatusCreateInProgress, "Resource creation Initiated")
}

// call has another service do something in the name of the stack's caller.
func call[I, O any](q *request, service, operation string, in *I) (*O, error) {
	return door.Invoke[I, O](q.ctx, q.s.door, service, operation, in)
}
