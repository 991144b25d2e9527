package door

import (
	"context"
	"encoding/json"
	"encoding/xml"

	"beanpole/internal/aws"
)

// Wire is how an operation stands on the wire that is not of the Query
// protocol: one of S3's REST protocol or of EC2.
type Wire[I, O any] struct {
	// Match tells the operation's requests; the first row that matches is it.
	// Nil: they name it, as the parameter Action.
	Match func(*Request) bool
	// Decode makes the input; a body may be left to be read by the handler.
	Decode func(*Request) (*I, error)
	// Encode writes the answer.
	Encode func(*Request, *O) error
}

// wire is a Wire without its types.
type wire struct {
	match  func(*Request) bool
	decode func(*Request) (any, error)
	encode func(*Request, any) error
}

// RestOp makes a row with a wire of its own. Asks says what the caller must be
// allowed; most operations ask about one bucket or object.
func RestOp[I, O any](service, name, action string, w Wire[I, O], asks func(context.Context, *I) []Ask, h func(context.Context, *I) (*O, error)) Row {
	r := newRow(service, name, action, asks, h)
	r.wire = &wire{
		match: w.Match,
		decode: func(x *Request) (any, error) {
			in, err := w.Decode(x)
			if err != nil {
				return nil, err
			}
			return in, nil
		},
		encode: func(x *Request, out any) error { return w.Encode(x, out.(*O)) },
	}
	return r
}

// RestPerItem makes a row of an operation on many items of which each is
// allowed or refused by itself: the handler gets, in the order of the
// questions, the refusals, nil for what is allowed. It acts on no other.
func RestPerItem[I, O any](service, name, action string, w Wire[I, O], asks func(*I) []Ask, h func(context.Context, *I, []*aws.Error) (*O, error)) Row {
	r := RestOp(service, name, action, w, func(_ context.Context, in *I) []Ask { return asks(in) },
		func(ctx context.Context, in *I) (*O, error) { return h(ctx, in, refusalsOf(ctx)) })
	r.perItem = true
	return r
}

type refusalsKey struct{}

// refusalsOf are the refusals that allowEach found.
func refusalsOf(ctx context.Context) []*aws.Error {
	r, _ := ctx.Value(refusalsKey{}).([]*aws.Error)
	return r
}

// message is the <Message> of an error body.
func message(body string) string {
	var e struct{ Message string }
	if xml.Unmarshal([]byte(body), &e) != nil {
		return ""
	}
	return e.Message
}

// instanceOf is the instance ID in a verified identity document.
func instanceOf(document []byte) string {
	var d struct {
		InstanceID string `json:"instanceId"`
	}
	if json.Unmarshal(document, &d) != nil {
		return ""
	}
	return d.InstanceID
}
