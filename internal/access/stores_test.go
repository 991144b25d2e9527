package access

import (
	"strings"
	"testing"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

const (
	keyARN   = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	keyRoot  = `{"Version":"2012-10-17","Statement":[{"Sid":"Root","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
	keyRole  = `{"Version":"2012-10-17","Statement":[{"Sid":"Use","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/shop-role"},"Action":"kms:Decrypt","Resource":"*"}]}`
	keyAdmin = `{"Version":"2012-10-17","Statement":[{"Sid":"Admin","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/admin"},"Action":"kms:*","Resource":"*"}]}`
	keyS3    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}}]}`
	decrypt  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`
	noUse    = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`
	s3Alone  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	onlyTeam = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}}]}`
	butRole  = `{"Version":"2012-10-17","Statement":[{"Sid":"But","Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/shop-role"},"Action":"s3:*","Resource":"arn:aws:s3:::certs/*"}]}`
	deadRole = `{"Version":"2012-10-17","Statement":[{"Sid":"Dead","Effect":"Allow","Principal":{"AWS":"AROADEADDEADDEADDEAD1"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"}]}`
	badKMS   = `HTTP Error 400 : <?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>InvalidArgument</Code><Message>Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4."
)

// underKey puts the bucket's objects under a key with a policy.
func (w *world) underKey(policyText string) *account.Key {
	k := &account.Key{ID: keyARN[strings.LastIndexByte(keyARN, '/')+1:], ARN: keyARN, Aliases: []string{"alias/certs"},
		Policy: policy(w.t, "key policy", policyText), Enabled: fact.Holds, GrantsKnown: true, Pos: at(50)}
	w.a.Keys = append(w.a.Keys, k)
	w.bucket.Encryption = &account.Encryption{Algorithm: "aws:kms", Key: keyARN, Pos: at(31)}
	return k
}

// grant is the one way to the key of the bucket's objects.
func (w *world) grant(to string) *account.Grant {
	k := w.underKey(keyAdmin)
	k.Grants = []account.Grant{{Grantee: to}}
	return &k.Grants[0]
}

// bucketKey says whether the object is under an S3 Bucket Key.
func (w *world) bucketKey(v fact.Verdict) {
	e := *w.bucket.Encryption
	e.BucketKey = v
	w.bucket.Objects["client.pem"].Encryption = &e
}

func (w *world) also(text string) {
	w.role.Inline = append(w.role.Inline, policy(w.t, "inline policy more", text))
}

// through sends everything through an endpoint.
func (w *world) through(policyText string) {
	e := w.inVPC()
	if policyText != "" {
		e.Policy = policy(w.t, "endpoint policy", policyText)
	}
}

var stores = []outcome{
	{"SSE-KMS: root delegates, the role may", func(w *world) { w.underKey(keyRoot); w.also(decrypt) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"SSE-KMS: root delegates, the role may not", func(w *world) { w.underKey(keyRoot) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: the key policy names the role", func(w *world) { w.underKey(keyRole) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"SSE-KMS: the key policy lets nobody in", func(w *world) { w.underKey(keyAdmin); w.also(decrypt) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: by way of S3", func(w *world) { w.underKey(keyS3); w.also(decrypt) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"SSE-KMS: denied by identity", func(w *world) { w.underKey(keyRole); w.also(noUse) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: by an alias", func(w *world) { w.underKey(keyRoot); w.bucket.Encryption.Key = "alias/certs" }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a disabled key", func(w *world) { w.underKey(keyRole).Enabled = fact.Broken }, fact.Broken, "400 KMS.DisabledException S3", "HTTP Error 400 : ", "1/1", Object, ""},
	{"SSE-KMS: grants are not known", func(w *world) { w.underKey(keyAdmin).GrantsKnown = false }, fact.Unknown, "0 S3", "", "0/0", "", "object"},
	{"SSE-KMS: a grant to the role", func(w *world) { w.grant("arn:aws:iam::111122223333:role/shop-role") }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"SSE-KMS: a grant, and a Deny", func(w *world) { w.grant("arn:aws:iam::111122223333:role/shop-role"); w.also(noUse) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a grant to another role", func(w *world) { w.grant("arn:aws:iam::111122223333:role/shop-roles") }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a grant to a service", func(w *world) { w.grant("dynamodb.eu-west-1.amazonaws.com") }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a grant to the account", func(w *world) { w.grant("arn:aws:iam::111122223333:root") }, fact.Unknown, "0 S3", "", "0/0", "", "object"},
	{"SSE-KMS: a grant to another account", func(w *world) { w.grant("arn:aws:iam::444455556666:root") }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a grant for the object", func(w *world) {
		w.grant("arn:aws:iam::111122223333:role/shop-role").Context = map[string]string{"aws:s3:arn": "arn:aws:s3:::certs/client.pem"}
		w.bucketKey(fact.Broken)
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"SSE-KMS: a grant for the object, under a bucket key", func(w *world) {
		w.grant("arn:aws:iam::111122223333:role/shop-role").Context = map[string]string{"aws:s3:arn": "arn:aws:s3:::certs/client.pem"}
		w.bucketKey(fact.Holds)
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a grant for the object or the bucket", func(w *world) {
		w.grant("arn:aws:iam::111122223333:role/shop-role").Context = map[string]string{"aws:s3:arn": "arn:aws:s3:::certs/client.pem"}
	}, fact.Unknown, "0 S3", "", "0/0", "", "object"},
	{"SSE-KMS: a grant for another object", func(w *world) {
		w.grant("arn:aws:iam::111122223333:role/shop-role").Context = map[string]string{"aws:s3:arn": "arn:aws:s3:::certs/server.pem"}
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: a grant for a context of one's own", func(w *world) {
		w.grant("arn:aws:iam::111122223333:role/shop-role").Context = map[string]string{"team": "web"}
	}, fact.Unknown, "0 S3", "", "0/0", "", "object"},
	{"SSE-KMS: an SCP leaves KMS out of a grant", func(w *world) {
		w.grant("arn:aws:iam::111122223333:role/shop-role")
		w.a.SCPs = [][]*iam.Policy{{policy(w.t, "SCP", s3Alone)}}
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"SSE-KMS: the key is elsewhere", func(w *world) { w.underKey(keyRole); w.a.Keys = nil }, fact.Unknown, "0 S3", "", "0/0", "", "object"},
	{"SSE-KMS: the object's own encryption counts", func(w *world) {
		w.underKey(keyAdmin)
		w.bucket.Objects["client.pem"].Encryption = &account.Encryption{Algorithm: "AES256"}
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"SSE-KMS: Signature Version 2", func(w *world) {
		w.underKey(keyRole)
		w.fetch("https://certs.s3.amazonaws.com/client.pem")
	}, fact.Broken, "400 InvalidArgument S3", badKMS, "1/1", Object, ""},
	{"SSE-KMS: unsigned", func(w *world) { w.underKey(keyRole); w.policy(forAll); w.unsigned("") }, fact.Broken, "400 InvalidArgument S3", badKMS, "0/1", Object, ""},
	{"AWS's key, same account", func(w *world) { w.bucket.Encryption = &account.Encryption{Algorithm: "aws:kms"} }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"AWS's key, another account", func(w *world) {
		w.bucket.Encryption = &account.Encryption{Algorithm: "aws:kms"}
		w.bucket.Owner = "444455556666"
		w.policy(forRole)
		w.also(decrypt)
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"a template: default key denied", func(w *world) { w.underKey(keyRoot); w.asTemplate() }, fact.Unknown, "0 S3", "", "0/0", "", "object network"},

	{"another account's object", func(w *world) {
		w.bucket.Ownership = account.ObjectWriter
		w.bucket.Objects["client.pem"].Owner, w.bucket.Objects["client.pem"].Shared = "444455556666", fact.Broken
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"another account's object, shared", func(w *world) {
		w.bucket.Ownership = account.ObjectWriter
		w.bucket.Objects["client.pem"].Owner, w.bucket.Objects["client.pem"].Shared = "444455556666", fact.Holds
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"another account's object, owner enforced", func(w *world) { w.bucket.Objects["client.pem"].Owner = "444455556666" }, fact.Holds, "200 S3", "", "1/1", "", ""},

	{"public, but restricted", func(w *world) {
		w.unsigned("")
		w.policy(forAll)
		w.bucket.PublicAccess.Restrict = fact.Holds
	}, fact.Broken, "403 AccessDenied S3", denied403, "0/1", Authentication, ""},
	{"public, but the account restricts", func(w *world) {
		w.unsigned("")
		w.policy(forAll)
		w.a.PublicAccess = &account.PublicAccess{Restrict: fact.Holds}
	}, fact.Broken, "403 AccessDenied S3", denied403, "0/1", Authentication, ""},
	{"restricted, the owner's own role", func(w *world) {
		w.noIdentity()
		w.policy(forAll)
		w.bucket.PublicAccess.Restrict = fact.Holds
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"restricted, another account's bucket", func(w *world) {
		w.policy(forAll)
		w.bucket.Owner, w.bucket.PublicAccess.Restrict = "444455556666", fact.Holds
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	{"not public, restricted, another account's bucket", func(w *world) {
		w.policy(forRole)
		w.bucket.Owner, w.bucket.PublicAccess.Restrict = "444455556666", fact.Holds
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"public, Block Public Access not known", func(w *world) { w.unsigned(""); w.policy(forAll); w.bucket.PublicAccess = nil }, fact.Unknown, "0 S3", "", "0/0", "", "authentication bucket"},

	{"NotPrincipal without the session", func(w *world) { w.policy(butRole) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	{"a dead principal", func(w *world) { w.noIdentity(); w.policy(deadRole) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Identity, ""},
	{"an SCP leaves S3 out", func(w *world) {
		w.a.SCPs = [][]*iam.Policy{{policy(w.t, "SCP", denyNothing)}}
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Identity, ""},

	{"an endpoint", func(w *world) { w.through("") }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"an endpoint's policy leaves the bucket out", func(w *world) { w.through(strings.ReplaceAll(forAll, "certs", "others")) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Network, ""},
	{"an endpoint's policy lets the bucket in", func(w *world) { w.through(forAll) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"only through an endpoint, another one", func(w *world) { w.through(""); w.policy(onlyVPC) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	{"only through an endpoint, this one", func(w *world) {
		w.through("")
		w.policy(strings.ReplaceAll(onlyVPC, "vpce-1", "vpce-s3"))
	}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"an endpoint's policy that is not known", func(w *world) { w.through(""); w.a.Network.Endpoints[0].PolicyUnknown = "endpoint policy" }, fact.Unknown, "0 S3", "", "0/0", "", "network"},
}

func TestFollowThroughWhatKeepsObjects(t *testing.T) { followAll(t, stores) }

func TestDefaultKeyIsADoubtWhileTheObjectIsNotKnown(t *testing.T) {
	w := working(t)
	w.underKey(keyRoot)
	w.asTemplate()
	c := Follow(w.World, w.f)
	if len(c.Doubts) != 1 || c.Doubts[0].Name != Object || !strings.Contains(c.Doubts[0].Says, "kms:Decrypt") {
		t.Errorf("doubts = %+v", c.Doubts)
	}
}

func TestPublic(t *testing.T) {
	statement := func(principal, condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"` + condition + `}]}`
	}
	when := func(operator, key, value string) string {
		return `,"Condition":{"` + operator + `":{"` + key + `":"` + value + `"}}`
	}
	for _, c := range []struct {
		text string
		want fact.Verdict
	}{
		{forAll, fact.Holds},
		{forRole, fact.Broken},
		{denyRole, fact.Broken},
		{statement(`{"AWS":"*"}`, ""), fact.Holds},
		{statement(`{"Service":"cloudfront.amazonaws.com"}`, ""), fact.Broken},
		{statement(`"*"`, when("StringEquals", "aws:SourceVpce", "vpce-1")), fact.Broken},
		{statement(`"*"`, when("StringLike", "aws:SourceVpce", "vpce-*")), fact.Holds},
		{statement(`"*"`, when("StringEqualsIfExists", "aws:SourceVpce", "vpce-1")), fact.Holds},
		{statement(`"*"`, when("StringNotEquals", "aws:SourceVpce", "vpce-1")), fact.Holds},
		{statement(`"*"`, when("IpAddress", "aws:SourceIp", "203.0.113.0/24")), fact.Broken},
		{statement(`"*"`, when("IpAddress", "aws:SourceIp", "0.0.0.0/1")), fact.Holds},
		{statement(`"*"`, when("StringEquals", "aws:PrincipalOrgID", "o-abc")), fact.Broken},
		{statement(`"*"`, when("StringLike", "aws:userid", "AROAEXAMPLE:*")), fact.Holds},
		{statement(`"*"`, when("Bool", "aws:SecureTransport", "true")), fact.Holds},
		{statement(`"*"`, when("StringEquals", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/r")), fact.Unknown},
	} {
		if got := Public(policy(t, "p", c.text)); got != c.want {
			t.Errorf("%s: %v, want %v", c.text, got, c.want)
		}
	}
}
