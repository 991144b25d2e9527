package door

import (
	"context"
	"fmt"
	"maps"
	"reflect"
)

// Row is one operation of one service: its name, its action, how to tell what
// it is asked on, and its handler. Make rows with Op and RestOp.
type Row struct {
	Service string // as in a signature's scope: "iam", "s3", "cloudformation"
	Name    string // the operation: "CreateRole"
	Action  string // "iam:CreateRole"

	asks      func(ctx context.Context, in any) []Ask
	also      []func(ctx context.Context, in any) []Ask
	call      func(ctx context.Context, in any) (any, error)
	fresh     func() any // a new input
	input     reflect.Type
	wire      *wire // nil: Query protocol
	anySigner bool
	trusted   bool // see Trusted
	perItem   bool // see RestPerItem
	instance  func(ctx context.Context, in any, instanceID string) bool
}

// Ask is one question to package access.
type Ask struct {
	Action   string
	Resource string // ARN, or "*"
	// Context are the operation's own condition keys.
	Context map[string][]string
	// S3 is set when S3 decides; Bucket may be empty (ListBuckets), as may Key.
	S3          bool
	Bucket, Key string
	Head        bool // of an object no data is asked for
}

// Op makes a row of the Query protocol from an operation on aws-sdk-go-v2's
// structs. Resource gives the ARN that the caller must be allowed to act on;
// nil means "*", for actions without resources.
func Op[I, O any](service, name, action string, resource func(context.Context, *I) string, h func(context.Context, *I) (*O, error)) Row {
	return newRow(service, name, action, func(ctx context.Context, in *I) []Ask {
		arn := "*"
		if resource != nil {
			arn = resource(ctx, in)
		}
		return []Ask{{Action: action, Resource: arn}}
	}, h)
}

// newRow is where every row comes from. A row without an action is a mistake
// in the program, not in any input, so it stops the program.
func newRow[I, O any](service, name, action string, asks func(context.Context, *I) []Ask, h func(context.Context, *I) (*O, error)) Row {
	if service == "" || name == "" || action == "" || h == nil {
		panic(fmt.Sprintf("unreachable: row %q of service %q without action or handler", name, service))
	}
	return Row{
		Service: service, Name: name, Action: action,
		asks:  func(ctx context.Context, in any) []Ask { return asks(ctx, in.(*I)) },
		call:  func(ctx context.Context, in any) (any, error) { return answered(h(ctx, in.(*I))) },
		fresh: func() any { return new(I) },
		input: reflect.TypeFor[I](),
	}
}

// answered keeps a nil *O from becoming a non-nil any.
func answered[O any](out *O, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = new(O)
	}
	return out, nil
}

// Also adds further questions that must all be allowed before the handler
// runs, for instance iam:PassRole on the role that a request hands over.
func Also[I any](r Row, asks func(context.Context, *I) []Ask) Row {
	r.also = append(append([]func(context.Context, any) []Ask(nil), r.also...), func(ctx context.Context, in any) []Ask {
		return asks(ctx, in.(*I))
	})
	return r
}

// Keys adds the operation's own condition keys to its questions. Without them
// a policy that denies under a condition would deny nothing.
func Keys[I any](r Row, keys func(context.Context, *I) map[string][]string) Row {
	asks := r.asks
	r.asks = func(ctx context.Context, in any) []Ask {
		more, out := keys(ctx, in.(*I)), asks(ctx, in)
		for i := range out {
			all := map[string][]string{}
			maps.Copy(all, more)
			maps.Copy(all, out[i].Context)
			out[i].Context = all
		}
		return out
	}
	return r
}

// ForAnySigner lets everyone in who signed with a key that exists, whatever
// the policies say. AWS has one such operation here: sts:GetCallerIdentity
// answers even when a policy denies it explicitly.
func (r Row) ForAnySigner() Row {
	r.anySigner = true
	return r
}

// ForInstance lets an instance in that signs with its identity document
// (CFN_V1), when allow says that the request is about what is its own. Such a
// caller is let into no other row.
func ForInstance[I any](r Row, allow func(ctx context.Context, in *I, instanceID string) bool) Row {
	r.instance = func(ctx context.Context, in any, id string) bool { return allow(ctx, in.(*I), id) }
	return r
}

// Invoke has a service call another service's operation in the name of ctx's
// caller, who must be allowed to, as if the call had come in from outside.
// Errors of the called service are *aws.Error.
func Invoke[I, O any](ctx context.Context, d *Door, service, name string, in *I) (*O, error) {
	row := d.query[service+":"+name]
	if row == nil {
		return nil, notImplemented(service, name)
	}
	if row.input != reflect.TypeFor[I]() {
		return nil, fmt.Errorf("invoke %s:%s: input is %s, not %s", service, name, reflect.TypeFor[I](), row.input)
	}
	caller := *CallerOf(ctx)
	caller.origin = nil
	ctx = WithCaller(ctx, &caller)
	ctx, err := d.allow(ctx, row, in)
	if err != nil {
		return nil, asError(err)
	}
	out, err := row.call(ctx, in)
	if err != nil {
		return nil, err
	}
	o, ok := out.(*O)
	if !ok {
		return nil, fmt.Errorf("invoke %s:%s: output is %T", service, name, out)
	}
	return o, nil
}

// May asks access questions in the name of ctx's caller, for a service that
// learns what an operation needs only while it carries it out: a bundle's own
// files may name the instance profile. The error is an *aws.Error.
func (d *Door) May(ctx context.Context, asks ...Ask) error {
	caller := *CallerOf(ctx)
	caller.origin = nil
	for _, a := range asks {
		if err := d.ask(&caller, a, false); err != nil {
			return asError(err)
		}
	}
	return nil
}

// Trusted says that the resource is a role whose trust policy must let the
// caller in as well.
func Trusted(r Row) Row {
	r.trusted = true
	return r
}
