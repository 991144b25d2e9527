package door

import (
	"context"

	"beanpole/internal/account"
	"beanpole/internal/iam"
)

// Caller is who sent a request, and how.
type Caller struct {
	Principal iam.Principal
	// KeyID is the access key that signed, "" for none.
	KeyID string
	// Context are the request's global condition keys.
	Context map[string][]string
	// Region is the region that the request is for.
	Region string
	// Instance is the ID of the instance that signed with its identity
	// document (CFN_V1), "" for everybody else.
	Instance string
	// RequestID is the request's, as the answer gives it; "" for a service's
	// own calls.
	RequestID string
	// Endpoint is where the request was sent, "http://127.0.0.1:4566".
	Endpoint string

	origin *origin // how S3 was addressed; nil for a service's own calls
}

// Direct reports whether the caller's own request reached S3, and not the call
// of a service in the caller's name.
func (c *Caller) Direct() bool { return c.origin != nil }

// origin is how a request reached S3.
type origin struct {
	endpointRegion string
	global         bool
	pathStyle      bool
	signature      string // "", "v2", "v4"
	signedRegion   string
	secure         bool
	endpoint       *account.Endpoint // of a VPC, that the request came through
}

type wayKey struct{}

// Through says of a request's context by which VPC endpoint the sender's
// requests to a host name of S3 come, nil for none. Only the listener that
// accepted can know.
func Through(ctx context.Context, way func(host string) *account.Endpoint) context.Context {
	return context.WithValue(ctx, wayKey{}, way)
}

// endpointTo is the VPC endpoint by which a request for a host name came.
func endpointTo(ctx context.Context, host string) *account.Endpoint {
	if way, ok := ctx.Value(wayKey{}).(func(string) *account.Endpoint); ok {
		return way(host)
	}
	return nil
}

type callerKey struct{}

// WithCaller puts the caller into a context. A service that goes on working
// after it has answered uses it to keep asking in the caller's name.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is the context's caller; without one it is the anonymous caller.
func CallerOf(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok {
		return c
	}
	return &Caller{Principal: iam.Principal{Anonymous: true}}
}
