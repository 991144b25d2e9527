package access

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// encryption is how an object is encrypted: its own way, else the bucket's
// default one.
func encryption(b *account.Bucket, o *account.Object) *account.Encryption {
	if o != nil && o.Encryption != nil {
		return o.Encryption
	}
	return b.Encryption
}

// decrypts is KMS's part in an answer of S3; nil: S3 goes on and serves.
// [S3:UsingKMSEncryption]
func decrypts(a *account.Account, r *S3Request, b *account.Bucket, e *account.Encryption) *Answer {
	switch e.KMS() {
	case fact.Broken:
		return nil
	case fact.Unknown:
		return &Answer{From: FromS3}
	}
	return withKey(a, r, b, e, "kms:Decrypt")
}

// encrypts is KMS's part in storing an object: by the request's own headers,
// else by the bucket's default. [S3:UsingKMSEncryption; S3 API: PutObject]
func encrypts(a *account.Account, r *S3Request, b *account.Bucket) *Answer {
	e := b.Encryption
	if named := r.Context["s3:x-amz-server-side-encryption"]; len(named) > 0 {
		e = &account.Encryption{Algorithm: named[0], BucketKey: fact.Broken}
		if key := r.Context["s3:x-amz-server-side-encryption-aws-kms-key-id"]; len(key) > 0 {
			e.Key = key[0]
		}
	}
	if e.KMS() != fact.Holds {
		return nil // of an unknown one nothing is promised about objects that are stored
	}
	if arn, isARN := aws.ParseARN(e.Key); e.Key != "" && !strings.HasSuffix(e.Key, account.S3Key) && (!isARN || arn.Account == accountID(a)) {
		if _, found := a.Key(e.Key); found == fact.Broken {
			ans := refuse(aws.Errorf("KMS.NotFoundException", "Key '%s' does not exist", e.Key))
			return &ans
		}
	}
	return withKey(a, r, b, e, "kms:GenerateDataKey")
}

// withKey is S3's answer to a request that takes a key; nil: S3 goes on.
func withKey(a *account.Account, r *S3Request, b *account.Bucket, e *account.Encryption, action string) *Answer {
	if refused := forKMS(r); refused != nil {
		return refused
	}
	key, d := uses(a, r, b, e, action)
	if key != nil && d.Verdict() != fact.Unknown && key.Enabled != fact.Holds {
		if key.Enabled == fact.Unknown {
			return &Answer{From: FromS3}
		}
		ans := refuse(aws.Errorf("KMS.DisabledException", "%s is disabled.", key.ARN))
		if key.PendingDeletion {
			ans = refuse(aws.Errorf("KMS.KMSInvalidStateException", "%s is pending deletion.", key.ARN))
		}
		return &ans
	}
	if ans := authorized(d); ans.Verdict != fact.Holds {
		return &ans
	}
	return nil
}

// forKMS is S3's answer to a request that KMS is never asked about: only what
// is signed with Version 4, over TLS, gets at objects under SSE-KMS. The first
// message is the one that anonymous requests get as well. (general)
func forKMS(r *S3Request) *Answer {
	message := ""
	switch {
	case r.Signature != "v4":
		message = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
	case !r.Secure:
		message = "Requests specifying Server Side Encryption with AWS KMS managed keys must be made over a secure connection."
	default:
		return nil
	}
	e := aws.Errorf("InvalidArgument", "%s", message).With("ArgumentName", "Authorization")
	ans := refuse(e)
	return &ans
}

// Decrypts decides whether the caller of a request may use the key of an
// encryption; S3 asks KMS in the caller's name. key is nil for AWS's own key
// and for one that is not known.
func Decrypts(a *account.Account, r *S3Request, b *account.Bucket, e *account.Encryption) (key *account.Key, d iam.Decision) {
	return uses(a, r, b, e, "kms:Decrypt")
}

// uses is Decrypts for another action of KMS.
func uses(a *account.Account, r *S3Request, b *account.Bucket, e *account.Encryption, action string) (key *account.Key, d iam.Decision) {
	owner := b.Owner
	if owner == "" {
		owner = accountID(a)
	}
	p := Policies(a, r.Caller)
	p.ResourceMustAllow = true
	q := &iam.Request{Principal: r.Caller, Action: action, ResourceAccount: owner, Context: map[string][]string{
		"kms:ViaService":    {"s3." + bucketRegion(a, b) + ".amazonaws.com"},
		"kms:CallerAccount": {r.Caller.Account},
	}}
	if c := contextOf(a, r, e); len(c) == 1 {
		q.Context["kms:EncryptionContext:aws:s3:arn"] = c
	} else {
		q.Unsure = append(q.Unsure, "kms:EncryptionContext:aws:s3:arn")
	}
	q.Unsure = append(q.Unsure, "kms:EncryptionContextKeys", "kms:EncryptionAlgorithm", "kms:KeyOrigin", "kms:ResourceAliases", "kms:RequestAlias")
	q.Unsure = append(q.Unsure, r.Unsure...)
	inOrganization(a, q)
	if name := e.Key; name == "" || strings.HasSuffix(name, account.S3Key) {
		q.Resource = "arn:" + partition(a) + ":kms:" + bucketRegion(a, b) + ":" + owner + ":key/" + fact.Symbol("ID of the key aws/s3")
		p.Resource = ownKeyPolicy(owner)
		return nil, iam.Evaluate(q, &p)
	}
	key, found := a.Key(e.Key)
	if key == nil {
		missing := "the policy of KMS key " + fact.Show(e.Key)
		if found == fact.Broken || e.Unknown != "" {
			missing = "KMS key " + fact.Show(e.Key)
		}
		return nil, iam.Decision{Reason: iam.NotKnown, Layer: iam.LayerResource, Missing: []string{missing}}
	}
	q.Resource = key.ARN
	if key.Owner != "" {
		q.ResourceAccount = key.Owner
	} else {
		p.RCPs = a.RCPs
	}
	p.Resource, p.ResourceUnknown = key.Policy, key.PolicyUnknown
	if action != "kms:Decrypt" { // the grants that are read are those to decrypt
		return key, iam.Evaluate(q, &p)
	}
	return key, granted(key, contextOf(a, r, e), q, &p)
}

// ownKeyPolicy is the policy of the key aws/s3, which AWS writes: everybody in
// the account may use it by way of S3, nobody in another one.
// [S3:troubleshoot-403-errors; KMS:key-policy-default]
func ownKeyPolicy(owner string) *iam.Policy {
	p := &iam.Policy{Name: "the policy of AWS's key aws/s3", Version: "2012-10-17"}
	p.Statements = []*iam.Statement{{
		Policy: p, Effect: iam.Allow, Principal: &iam.Principals{Anyone: true},
		Actions: []iam.Term{{Text: "kms:Decrypt"}, {Text: "kms:GenerateDataKey"}}, Resources: []iam.Term{{Text: "*"}},
		Conditions: []iam.Condition{{Operator: "StringEquals", Key: "kms:CallerAccount", Values: []iam.Term{{Text: owner}}}},
	}}
	return p
}

// keyName is a key as people know it.
func keyName(e *account.Encryption) string {
	if e.Key == "" {
		return "AWS's key aws/s3"
	}
	return fmt.Sprintf("KMS key %s", quoted(e.Key))
}
