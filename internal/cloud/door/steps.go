package door

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// verify checks the signature and tells who the caller is. No signature is an
// anonymous caller; credentials are never invented.
func (d *Door) verify(x *Request) error {
	sig, bad := aws.Verify(x.Request, d.options.Accounts.Secret, d.document, d.options.Now())
	if bad != nil {
		return bad
	}
	x.Signature = sig
	// What was signed for one service is no request to another.
	if sig.Service != "" && sig.Service != x.Service {
		return aws.NewError("SignatureDoesNotMatch")
	}
	if err := x.checkPayload(); err != nil {
		return err
	}
	c := &Caller{KeyID: sig.KeyID, Region: d.region(x), RequestID: x.ID, Endpoint: "http://" + x.Host}
	if x.TLS != nil {
		c.Endpoint = "https://" + x.Host
	}
	switch {
	case sig.Version == "":
		c.Principal = iam.Principal{Anonymous: true}
	case sig.Version == "cfn_v1":
		c.Principal = iam.Principal{Anonymous: true} // let in by ForInstance alone
		c.Instance = instanceOf(sig.Document)
	default:
		p, ok := d.options.Accounts.Principal(sig.KeyID)
		if !ok {
			return unknownKey(x.Service)
		}
		c.Principal = p
	}
	c.Context = d.context(x)
	if x.Service == "s3" {
		c.origin = d.originOf(x, c)
	}
	x.caller = c
	x.Request = x.Request.WithContext(WithCaller(x.Context(), c))
	return nil
}

func (d *Door) document(document, signature []byte) bool {
	return d.options.Document != nil && d.options.Document(document, signature)
}

// unknownKey is the answer for a key whose owner is gone.
func unknownKey(service string) error {
	if service == "s3" {
		return aws.NewError("InvalidAccessKeyId")
	}
	return aws.NewError("InvalidClientTokenId")
}

// checkPayload holds the body of a Query request against the hash that was
// signed; only S3 takes a body that was not. S3's bodies are checked while
// they are read.
func (x *Request) checkPayload() error {
	claimed := x.Signature.PayloadHash
	if x.Service == "s3" || x.Signature.Version != "v4" {
		return nil
	}
	if sum := sha256.Sum256(x.body); hex.EncodeToString(sum[:]) != claimed {
		return aws.NewError("SignatureDoesNotMatch")
	}
	return nil
}

// region is the one that a request is for.
func (d *Door) region(x *Request) string {
	if x.Signature.Region != "" {
		return x.Signature.Region
	}
	if r := hostRegion(x.Host); r != "" {
		return r
	}
	return d.options.Region
}

// context are the global condition keys of a request
// [IAM:reference_policies_condition-keys].
func (d *Door) context(x *Request) map[string][]string {
	now := d.options.Now().UTC()
	c := map[string][]string{
		"aws:SecureTransport": {strconv.FormatBool(x.TLS != nil)},
		"aws:CurrentTime":     {now.Format(time.RFC3339)},
		"aws:EpochTime":       {strconv.FormatInt(now.Unix(), 10)},
		"aws:RequestedRegion": {d.region(x)},
	}
	if host, _, err := net.SplitHostPort(x.RemoteAddr); err == nil {
		c["aws:SourceIp"] = []string{host}
	}
	if x.Service == "s3" {
		d.contextS3(x, now, c)
	}
	if r := x.Referer(); r != "" {
		c["aws:Referer"] = []string{r}
	}
	if ua := x.UserAgent(); ua != "" {
		c["aws:UserAgent"] = []string{ua}
	}
	return c
}

// contextS3 adds the keys that say how a request to S3 was signed, and the
// headers that are condition keys [S3:bucket-policy-s3-sigv4-conditions,
// service authorization reference: Amazon S3].
func (d *Door) contextS3(x *Request, now time.Time, c map[string][]string) {
	if version := map[string]string{"v4": "AWS4-HMAC-SHA256", "v2": "AWS"}[x.Signature.Version]; version != "" {
		c["s3:signatureversion"] = []string{version}
		c["s3:authType"] = []string{"REST-HEADER"}
	}
	if x.Signature.Presigned {
		c["s3:authType"] = []string{"REST-QUERY-STRING"}
	}
	if made, err := time.Parse("20060102T150405Z", x.URL.Query().Get("X-Amz-Date")); err == nil && x.Signature.Presigned {
		c["s3:signatureAge"] = []string{strconv.FormatInt(now.Sub(made).Milliseconds(), 10)}
	}
	if x.Signature.PayloadHash != "" {
		c["s3:x-amz-content-sha256"] = []string{x.Signature.PayloadHash}
	}
	for _, name := range []string{"x-amz-acl", "x-amz-copy-source", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp",
		"x-amz-grant-write", "x-amz-grant-write-acp", "x-amz-metadata-directive", "x-amz-server-side-encryption",
		"x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm", "x-amz-storage-class",
		"x-amz-website-redirect-location", "if-match", "if-none-match"} {
		if v := x.Header.Get(name); v != "" {
			c["s3:"+name] = []string{v}
		}
	}
}

// originOf is how a request reached S3. An address that is none of AWS's
// stands for the endpoint of the region that was signed for.
func (d *Door) originOf(x *Request, c *Caller) *origin {
	o := &origin{endpointRegion: x.target.Region, global: x.target.Global, pathStyle: x.target.PathStyle, signature: x.Signature.Version,
		signedRegion: x.Signature.Region, secure: x.TLS != nil}
	if x.local {
		o.secure = true // this machine's own address, which stands for AWS's over TLS
		o.endpointRegion = x.Signature.Region
		if o.endpointRegion == "" {
			o.endpointRegion = d.bucketRegion(x.Bucket)
		}
		if o.endpointRegion == "" {
			o.endpointRegion = c.Region
		}
	}
	host := x.Host
	if x.local {
		host = "s3." + o.endpointRegion + ".amazonaws.com"
	}
	if o.endpoint = endpointTo(x.Context(), host); o.endpoint != nil {
		// [IAM:reference_policies_condition-keys, aws:SourceIp and aws:VpcSourceIp]
		c.Context["aws:VpcSourceIp"] = c.Context["aws:SourceIp"]
		delete(c.Context, "aws:SourceIp")
	}
	return o
}

// bucketRegion is where a bucket is, "" when there is none of that name.
func (d *Door) bucketRegion(bucket string) string {
	region := ""
	d.options.Accounts.View(func(a *account.Account) {
		if b, v := a.Bucket(bucket); v == fact.Holds {
			region = b.Region
		}
	})
	return region
}

// decode makes the operation's input.
func (d *Door) decode(x *Request) error {
	if x.row.wire != nil {
		in, err := x.row.wire.decode(x)
		x.in = in
		return err
	}
	x.in = x.row.fresh()
	if x.json {
		return decodeJSON(x.body, x.in)
	}
	return DecodeQuery(x.Form, x.in)
}

func (d *Door) authorise(x *Request) error {
	ctx, err := d.allow(x.Context(), x.row, x.in)
	x.Request = x.Request.WithContext(ctx)
	return err
}

// allow asks access all of a row's questions. It is the one place where a
// caller is let in. The context that it gives is the handler's.
func (d *Door) allow(ctx context.Context, row *Row, in any) (context.Context, error) {
	c := CallerOf(ctx)
	if c.Instance != "" {
		return ctx, allowInstance(ctx, c, row, in)
	}
	if row.anySigner && !c.Principal.Anonymous {
		return ctx, nil
	}
	asks := row.asks(ctx, in)
	if row.perItem {
		return d.allowEach(ctx, c, asks)
	}
	for _, more := range row.also {
		asks = append(asks, more(ctx, in)...)
	}
	for _, a := range asks {
		if err := d.ask(c, a, row.trusted); err != nil {
			return ctx, err
		}
	}
	if len(asks) == 0 {
		return ctx, fmt.Errorf("authorise %s: the row asks nothing", row.Action)
	}
	return ctx, nil
}

// allowInstance lets an instance that signs with its identity document into
// the rows that are for it.
func allowInstance(ctx context.Context, c *Caller, row *Row, in any) error {
	if row.instance != nil && row.instance(ctx, in, c.Instance) {
		return nil
	}
	return aws.Errorf("AccessDenied", "Instance %s is not authorized to perform: %s on this resource", c.Instance, row.Action)
}

// allowEach asks about each item by itself. What isn't about an item, but
// about the whole request (a missing bucket, the wrong endpoint), refuses all.
func (d *Door) allowEach(ctx context.Context, c *Caller, asks []Ask) (context.Context, error) {
	refused := make([]*aws.Error, len(asks))
	for i, a := range asks {
		err := d.ask(c, a, false)
		if err == nil {
			continue
		}
		var e *aws.Error
		if !errors.As(asError(err), &e) || e.Code != "AccessDenied" {
			return ctx, err
		}
		refused[i] = e
	}
	return context.WithValue(ctx, refusalsKey{}, refused), nil
}

func (d *Door) ask(c *Caller, a Ask, trusted bool) error {
	keys := map[string][]string{}
	for k, v := range c.Context {
		keys[k] = v
	}
	for k, v := range a.Context {
		keys[k] = v
	}
	if a.S3 {
		return d.askS3(c, a, keys)
	}
	var decision iam.Decision
	d.options.Accounts.View(func(acc *account.Account) {
		if trusted {
			decision = d.options.Judge.Assume(acc, c.Principal, a.Resource, keys)
			return
		}
		decision = d.options.Judge.Authorize(acc, c.Principal, a.Action, a.Resource, keys)
	})
	if decision.Verdict() == fact.Holds {
		return nil
	}
	return denied(c, a, decision)
}

// denied is the Query services' refusal [IAM:troubleshoot_access-denied]. They
// have a code of its own for requests without a signature (general).
func denied(c *Caller, a Ask, decision iam.Decision) error {
	if c.Principal.Anonymous && strings.HasPrefix(a.Action, "s3:") {
		return aws.NewError("AccessDenied")
	}
	if c.Principal.Anonymous {
		return aws.NewError("MissingAuthenticationToken")
	}
	who := c.Principal.SessionARN
	if who == "" {
		who = c.Principal.ARN
	}
	resource := a.Resource
	if resource == "*" {
		resource = ""
	}
	return aws.Denied(who, a.Action, resource, because(a.Action, decision))
}

func because(action string, decision iam.Decision) string {
	switch decision.Reason {
	case iam.ExplicitDeny:
		return "of an explicit deny in an " + layerName(decision.Layer)
	case iam.NotKnown:
		return "beanpole does not know " + strings.Join(decision.Missing, ", ")
	}
	switch decision.Layer {
	case "resource", "boundary", "session":
		return "no " + layerName(decision.Layer) + " allows the " + action + " action"
	}
	return "no identity-based policy allows the " + action + " action"
}

func layerName(layer string) string {
	switch layer {
	case "identity", "resource":
		return layer + "-based policy"
	case "boundary":
		return "permissions boundary"
	}
	return layer + " policy"
}

func (d *Door) askS3(c *Caller, a Ask, keys map[string][]string) error {
	o := c.origin
	if o == nil { // a service's own call: right region, V4, over TLS
		region := d.bucketRegion(a.Bucket)
		if region == "" {
			region = c.Region
		}
		o = &origin{endpointRegion: region, signature: "v4", signedRegion: region, secure: true}
	}
	var answer access.Answer
	d.options.Accounts.View(func(acc *account.Account) {
		answer = d.options.Judge.S3(acc, &S3Request{Caller: c.Principal, Action: a.Action, Bucket: a.Bucket, Key: a.Key,
			EndpointRegion: o.endpointRegion, Global: o.global, PathStyle: o.pathStyle, Signature: o.signature, SignedRegion: o.signedRegion, Secure: o.secure, Head: a.Head,
			Endpoint: o.endpoint, Context: keys})
	})
	switch {
	case answer.Verdict == fact.Holds:
		return nil
	case answer.Verdict == fact.Unknown || answer.Status == 0:
		// Not knowing never lets anybody in.
		return aws.Errorf("AccessDenied", "beanpole cannot tell whether %s is allowed: it does not know the text of every policy that bears on it", a.Action)
	}
	return &refusal{answer}
}

// asError makes an *aws.Error of a refusal, for callers inside.
func asError(err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return &aws.Error{Code: r.answer.Code, Status: r.answer.Status, Message: message(r.answer.Body)}
	}
	return err
}

func (d *Door) handle(x *Request) (err error) {
	x.out, err = x.row.call(x.Context(), x.in)
	return err
}

func (d *Door) encode(x *Request) error {
	if x.row.wire != nil {
		return x.row.wire.encode(x, x.out)
	}
	if x.json {
		body, err := encodeJSON(x.out)
		if err != nil {
			return err
		}
		x.WriteText(string(body))
		return nil
	}
	body, err := EncodeQuery(x.Service, x.Operation, x.ID, x.out)
	if err != nil {
		return err
	}
	x.WriteText(string(body))
	return nil
}
