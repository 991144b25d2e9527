package access

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// S3Request is one request to S3 whose signature was found good.
type S3Request struct {
	Caller iam.Principal
	Action string // "s3:GetObject"
	Bucket string // "" when it is not about one
	Key    string // decoded; "" when it is not about an object
	// EndpointRegion is that of the endpoint that was asked. Global is set for
	// s3.amazonaws.com; PathStyle when the bucket stood in the path: a global
	// name with the bucket in front leads to the bucket's own region.
	EndpointRegion    string
	Global, PathStyle bool
	Signature         string // "", "v2" or "v4"
	SignedRegion      string // of a v4 signature
	Secure            bool   // over TLS
	Head              bool   // no data is asked for
	// Endpoint is the VPC endpoint that the request went through, nil for none:
	// its policy must let the request through too.
	Endpoint *account.Endpoint
	// Context are further condition keys (aws:SourceIp, s3:prefix, …); Unsure
	// names keys that the request may have.
	Context map[string][]string
	Unsure  []string
}

// S3 is what S3 answers. Holds means: the request is let through (and, of
// s3:GetObject, the object exists). The order is S3's: bucket, region,
// signature version, authorisation, object, its owner, its key in KMS.
func S3(a *account.Account, r *S3Request) Answer {
	if r.Bucket == "" || r.Action == "s3:CreateBucket" {
		return authorized(decide(a, r, nil))
	}
	b, found := a.Bucket(r.Bucket)
	if refused := locate(a, b, found, r); refused != nil {
		return *refused
	}
	if ans := authorized(decide(a, r, b)); ans.Verdict != fact.Holds {
		if ans.Verdict == fact.Unknown && r.Action == "s3:GetObject" && r.Key != "" && hasObject(b, r.Key) == fact.Broken {
			// Denied, or let in to what is not there: who may not list is told the same.
			if gone := missingObject(a, r, b); gone.Verdict == fact.Broken && gone.Code == "AccessDenied" {
				return gone
			}
		}
		return ans
	}
	if r.Action == "s3:PutObject" && r.Key != "" {
		if refused := encrypts(a, r, b); refused != nil {
			return *refused
		}
	}
	if r.Action != "s3:GetObject" || r.Key == "" {
		return served()
	}
	switch hasObject(b, r.Key) {
	case fact.Holds:
		return handOut(a, r, b, b.Objects[r.Key])
	case fact.Unknown:
		return Answer{From: FromS3}
	}
	return missingObject(a, r, b)
}

// handOut is the answer about an object that exists, to a caller whom the
// policies let in.
func handOut(a *account.Account, r *S3Request, b *account.Bucket, o *account.Object) Answer {
	switch ownObject(a, r, b, o) {
	case fact.Broken:
		return refuse(aws.NewError("AccessDenied"))
	case fact.Unknown:
		return Answer{From: FromS3}
	}
	if r.Head { // nothing is decrypted
		return served()
	}
	if refused := decrypts(a, r, b, encryption(b, o)); refused != nil {
		return *refused
	}
	return served()
}

// ownObject tells whether the bucket's policy and its owner's policies reach
// an object: not one that another account wrote, unless the bucket's owner owns
// every object, or the object's ACL lets the owner in.
// [S3:about-object-ownership, S3:troubleshoot-403-errors]
func ownObject(a *account.Account, r *S3Request, b *account.Bucket, o *account.Object) fact.Verdict {
	if o == nil || o.Owner == "" {
		return fact.Holds
	}
	owner := b.Owner
	if owner == "" {
		owner = accountID(a)
	}
	enforced := fact.Unknown
	if b.Ownership != "" {
		enforced = fact.Equal(b.Ownership, account.OwnerEnforced)
	}
	mine := fact.Equal(r.Caller.Account, o.Owner)
	if r.Caller.Anonymous {
		mine = fact.Broken
	}
	shared := fact.All(o.Shared, fact.Equal(r.Caller.Account, owner), fact.Not(fact.Of(r.Caller.Anonymous)))
	return fact.Any(enforced, fact.Equal(o.Owner, owner), mine, shared)
}

func served() Answer {
	return Answer{From: FromS3, Status: 200, Verdict: fact.Holds, ServerCalls: 1}
}

func authorized(d iam.Decision) Answer {
	switch d.Verdict() {
	case fact.Holds:
		return served()
	case fact.Unknown:
		return Answer{From: FromS3}
	}
	// The short message. In the same account S3 has said more since 2024, in
	// words that nobody has recorded for every case (general).
	return refuse(aws.NewError("AccessDenied"))
}

// refuse is an answer that carries an S3 error, with the agent's text for it.
func refuse(e *aws.Error) Answer {
	ans := Answer{From: FromS3, Status: e.Status, Code: e.Code, Verdict: fact.Broken, ServerCalls: 1}
	ans.Body = e.S3Body("", aws.PlaceholderRequestID, aws.PlaceholderHostID)
	switch {
	case e.Status/100 == 3:
		// Without a Location the agent takes it for success: the error page
		// becomes the file, and no error is reported. [cb-run]
		return ans
	case e.Status == 404, e.Status == 408, e.Status >= 500:
		ans.ServerCalls = fetchTries
	}
	ans.Reason = "HTTP Error " + strconv.Itoa(e.Status) + " : " + ans.Body
	return ans
}

// locate finds out whether the bucket can answer at this address; nil: it can.
func locate(a *account.Account, b *account.Bucket, found fact.Verdict, r *S3Request) *Answer {
	switch found {
	case fact.Broken: // whatever the policies say [S3:ErrorBestPractices]
		ans := refuse(aws.NewError("NoSuchBucket").With("BucketName", r.Bucket))
		return &ans
	case fact.Unknown:
		return &Answer{From: FromS3}
	}
	region := bucketRegion(a, b)
	e, v := atAddress(region, r)
	if v == fact.Holds {
		e, v = takesSignature(region, r)
	}
	switch v {
	case fact.Broken:
		ans := refuse(e)
		return &ans
	case fact.Unknown:
		return &Answer{From: FromS3}
	}
	return nil
}

func bucketRegion(a *account.Account, b *account.Bucket) string {
	switch {
	case b.Region != "":
		return b.Region
	case a.Region != "":
		return a.Region
	}
	return fact.Symbol("region of bucket " + b.Name)
}

// atAddress tells whether the endpoint that was asked leads to the bucket.
func atAddress(region string, r *S3Request) (*aws.Error, fact.Verdict) {
	endpoint := r.EndpointRegion
	if r.Global {
		endpoint = "us-east-1"
	}
	same := fact.Equal(endpoint, region)
	if same != fact.Broken {
		return nil, same
	}
	if !r.Global || r.PathStyle {
		return aws.NewError("PermanentRedirect").With("Bucket", r.Bucket).With("Endpoint", r.Bucket+".s3."+region+".amazonaws.com"), fact.Broken
	}
	// names below the global endpoint lead to the bucket's region, if that is
	// old enough [S3:VirtualHosting]
	if !aws.GlobalEndpointRoutes(region) {
		return aws.NewError("IllegalLocationConstraintException", region), fact.Broken
	}
	return nil, fact.Holds
}

// takesSignature tells whether the bucket's region takes this kind of signature.
func takesSignature(region string, r *S3Request) (*aws.Error, fact.Verdict) {
	switch r.Signature {
	case "v2":
		if !fact.Known(region) {
			return nil, fact.Unknown
		}
		if !aws.SigV2Allowed(region) {
			return aws.NewError("InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."), fact.Broken
		}
	case "v4":
		same := fact.Equal(r.SignedRegion, region)
		if same != fact.Broken {
			return nil, same
		}
		return aws.NewError("AuthorizationHeaderMalformed", r.SignedRegion, region).With("Region", region), fact.Broken
	}
	return nil, fact.Holds
}

// decide asks the policies. b is nil for a request that is about no existing
// bucket.
func decide(a *account.Account, r *S3Request, b *account.Bucket) iam.Decision {
	p := policiesOn(a, r, b)
	d := iam.Evaluate(iamRequest(a, r, b), &p)
	d = keptOut(a, r, b, d)
	return throughEndpoint(r, d)
}

// policiesOn are all policies that bear on a request.
func policiesOn(a *account.Account, r *S3Request, b *account.Bucket) iam.Policies {
	p := Policies(a, r.Caller)
	if b != nil {
		p.Resource, p.ResourceUnknown = b.Policy, b.PolicyUnknown
		if b.Owner == "" || b.Owner == a.ID {
			p.RCPs = a.RCPs
		}
	}
	if r.Endpoint != nil {
		p.Endpoint, p.GatewayEndpoint = r.Endpoint.Policy, r.Endpoint.Type == "Gateway"
	}
	return p
}

// keptOut is a decision after Block Public Access: it lets in nobody from
// outside the bucket's account by a public policy.
func keptOut(a *account.Account, r *S3Request, b *account.Bucket, d iam.Decision) iam.Decision {
	if b == nil || d.Verdict() == fact.Broken {
		return d
	}
	owner := b.Owner
	if owner == "" {
		owner = accountID(a)
	}
	outside := fact.Of(r.Caller.Anonymous)
	if !r.Caller.Anonymous {
		outside = fact.Not(fact.Equal(r.Caller.Account, owner))
	}
	switch fact.All(outside, restricted(a, b)) {
	case fact.Broken:
		return d
	case fact.Holds:
		return iam.Decision{Reason: iam.ImplicitDeny, Layer: LayerPublicAccess}
	}
	d.Reason, d.Layer, d.By = iam.NotKnown, LayerPublicAccess, nil
	d.Missing = append(d.Missing, "Block Public Access of bucket "+fact.Show(b.Name))
	return d
}

// LayerPublicAccess is the layer of a decision that Block Public Access made.
const LayerPublicAccess = "Block Public Access"

// throughEndpoint is a decision about a request by way of an endpoint of which
// the policy is not known.
func throughEndpoint(r *S3Request, d iam.Decision) iam.Decision {
	if r.Endpoint == nil || r.Endpoint.PolicyUnknown == "" || d.Verdict() == fact.Broken {
		return d
	}
	d.Reason, d.Layer, d.By = iam.NotKnown, iam.LayerEndpoint, nil
	d.Missing = append(d.Missing, r.Endpoint.PolicyUnknown)
	return d
}

func iamRequest(a *account.Account, r *S3Request, b *account.Bucket) *iam.Request {
	q := &iam.Request{Principal: r.Caller, Action: r.Action, Resource: resourceARN(a, r), ResourceAccount: accountID(a), Unsure: r.Unsure}
	if b != nil && b.Owner != "" {
		q.ResourceAccount = b.Owner
	}
	q.Context = maps.Clone(r.Context)
	if q.Context == nil {
		q.Context = map[string][]string{}
	}
	q.Context["aws:SecureTransport"] = []string{fmt.Sprint(r.Secure)}
	switch r.Signature { // [S3 condition keys, s3:signatureversion]
	case "v2":
		q.Context["s3:signatureversion"] = []string{"AWS"}
	case "v4":
		q.Context["s3:signatureversion"] = []string{"AWS4-HMAC-SHA256"}
	}
	if e := r.Endpoint; e != nil { // [S3:example-bucket-policies-vpc-endpoint]
		q.Context["aws:SourceVpce"], q.Context["aws:SourceVpc"] = []string{e.ID}, []string{e.VPC}
	}
	inOrganization(a, q)
	if _, presigned := q.Context["s3:authType"]; r.Signature != "" && !presigned {
		q.Context["s3:authType"] = []string{"REST-HEADER"}
	}
	return q
}

func resourceARN(a *account.Account, r *S3Request) string {
	if r.Bucket == "" {
		return "*"
	}
	arn := "arn:" + partition(a) + ":s3:::" + r.Bucket
	if r.Key != "" {
		arn += "/" + r.Key
	}
	return arn
}

// hasObject tells whether the bucket holds the object.
func hasObject(b *account.Bucket, key string) fact.Verdict {
	if _, ok := b.Objects[key]; ok {
		return fact.Holds
	}
	if slices.Contains(b.Absent, key) {
		return fact.Broken
	}
	if !b.ObjectsComplete {
		return fact.Unknown
	}
	v := fact.Broken
	if !fact.Known(key) {
		for k := range b.Objects {
			v = fact.Any(v, fact.Equal(k, key))
		}
	}
	return v
}

// missingObject: who may list the bucket learns that the object is not there.
// [S3:troubleshoot-403-errors]
func missingObject(a *account.Account, r *S3Request, b *account.Bucket) Answer {
	list := *r
	list.Action, list.Key = "s3:ListBucket", ""
	if ans := authorized(decide(a, &list, b)); ans.Verdict != fact.Holds {
		return ans
	}
	return refuse(aws.NewError("NoSuchKey").With("Key", r.Key))
}
