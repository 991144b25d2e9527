package access

import (
	"strings"
	"testing"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

func TestCredentialsAreHandedOutUnderOneNameOnly(t *testing.T) {
	w := working(t)
	for _, c := range []struct {
		name    string
		profile *account.Profile
		asked   string
		status  int
		verdict fact.Verdict
	}{
		{"its role", w.profile, "shop-role", 200, fact.Holds},
		{"no profile", nil, "shop-role", 404, fact.Broken},
		{"no profile, list", nil, "", 404, fact.Broken},
		{"empty profile", w.a.Profiles[1], "shop-role", 404, fact.Broken},
		{"list", w.profile, "", 200, fact.Broken},
		{"its own name", w.profile, "shop-profile", 404, fact.Broken},
		{"letter case", w.profile, "SHOP-ROLE", 404, fact.Broken},
		{"trailing slash", w.profile, "shop-role/", 404, fact.Broken},
		{"part of it", w.profile, "shop-rol", 404, fact.Broken},
		{"ARN", w.profile, w.role.ARN, 404, fact.Broken},
		{"not known", w.profile, fact.Symbol("x"), 0, fact.Unknown},
		{"a role that was deleted", &account.Profile{Roles: []string{"deleted"}}, "deleted", 404, fact.Broken},
	} {
		ans := Credentials(w.a, c.profile, c.asked)
		if ans.Status != c.status || ans.Verdict != c.verdict || ans.From != FromMetadata {
			t.Errorf("%s: %d %v", c.name, ans.Status, ans.Verdict)
		}
		if c.status == 404 && ans.Body != aws.MetadataPage(404) {
			t.Errorf("%s: body %q", c.name, ans.Body)
		}
	}
	if got := Credentials(w.a, w.profile, "").Body; got != "shop-role" {
		t.Errorf("the list is %q", got)
	}
	w.role.Trust = nil
	if got := Credentials(w.a, w.profile, "shop-role"); got.Verdict != fact.Unknown {
		t.Errorf("without a trust policy: %+v", got)
	}
	w.role.Trust = policy(t, "trust policy", trustEB)
	if got := Credentials(w.a, w.profile, "shop-role"); !strings.Contains(got.Body, `"Code" : "AssumeRoleUnauthorizedAccess"`) {
		t.Errorf("body = %q", got.Body)
	}
}

func TestInstanceRoleKnowsAProfileFromARole(t *testing.T) {
	w := working(t)
	for name, want := range map[string]fact.Verdict{
		"shop-profile": fact.Holds, w.profile.ARN: fact.Holds, "SHOP-PROFILE": fact.Holds,
		"shop-role": fact.Broken, "empty": fact.Broken, "gone": fact.Broken, fact.Symbol("x"): fact.Unknown,
	} {
		r, v := InstanceRole(w.a, name)
		if v != want || (r != nil) != (want == fact.Holds) {
			t.Errorf("InstanceRole(%q) = %v, %v", fact.Show(name), r, v)
		}
	}
	w.a.Complete = false
	if _, v := InstanceRole(w.a, "gone"); v != fact.Unknown {
		t.Errorf("a profile that may exist: %v", v)
	}
}

func TestS3AnswersInItsOrder(t *testing.T) {
	w := working(t)
	session := Session(w.a, w.role, "i-0abc")
	root := iam.Principal{Account: w.a.ID, ARN: "arn:aws:iam::111122223333:root"}
	good := S3Request{Caller: session, Action: "s3:GetObject", Bucket: "certs", Key: "client.pem", EndpointRegion: "eu-west-1", Signature: "v4", SignedRegion: "eu-west-1", Secure: true}
	for _, c := range []struct {
		name   string
		change func(r *S3Request)
		want   string
		body   string
	}{
		{"good", func(r *S3Request) {}, "", ""},
		{"no such bucket", func(r *S3Request) { r.Bucket = "certz"; r.SignedRegion = "x" }, "NoSuchBucket", "<BucketName>certz</BucketName>"},
		{"bucket names have no other case", func(r *S3Request) { r.Bucket = "Certs" }, "NoSuchBucket", ""},
		{"wrong endpoint before wrong scope", func(r *S3Request) { r.EndpointRegion, r.SignedRegion = "us-east-1", "us-east-1" }, "PermanentRedirect", "<Endpoint>certs.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>certs</Bucket>"},
		{"wrong scope", func(r *S3Request) { r.SignedRegion = "us-east-1" }, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"},
		{"global name, scope of us-east-1", func(r *S3Request) { r.Global, r.EndpointRegion, r.SignedRegion = true, "us-east-1", "us-east-1" }, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-west-1'"},
		{"global name, right scope", func(r *S3Request) { r.Global, r.EndpointRegion = true, "us-east-1" }, "", ""},
		{"global path", func(r *S3Request) { r.Global, r.PathStyle, r.EndpointRegion = true, true, "us-east-1" }, "PermanentRedirect", ""},
		{"Version 2 in an old region", func(r *S3Request) { r.Signature = "v2" }, "", ""},
		{"region before policy", func(r *S3Request) { r.EndpointRegion, r.Caller = "us-east-1", iam.Principal{Anonymous: true} }, "PermanentRedirect", ""},
		{"anonymous", func(r *S3Request) { r.Caller, r.Signature = iam.Principal{Anonymous: true}, "" }, "AccessDenied", "<Message>Access Denied</Message>"},
		{"policy before object", func(r *S3Request) { r.Action, r.Key = "s3:PutObject", "nothing" }, "AccessDenied", ""},
		{"no object, may not list", func(r *S3Request) { r.Key = "nothing" }, "AccessDenied", ""},
		{"no object, root", func(r *S3Request) { r.Caller, r.Key = root, "nothing" }, "NoSuchKey", "<Key>nothing</Key>"},
		{"root", func(r *S3Request) { r.Caller = root }, "", ""},
		{"writes need no object", func(r *S3Request) { r.Caller, r.Action, r.Key = root, "s3:PutObject", "new" }, "", ""},
		{"new bucket", func(r *S3Request) { r.Caller, r.Action, r.Bucket, r.Key = root, "s3:CreateBucket", "new", "" }, "", ""},
		{"new bucket, not allowed", func(r *S3Request) { r.Action, r.Bucket, r.Key = "s3:CreateBucket", "new", "" }, "AccessDenied", ""},
		{"all buckets", func(r *S3Request) { r.Caller, r.Action, r.Bucket, r.Key = root, "s3:ListAllMyBuckets", "", "" }, "", ""},
	} {
		r := good
		c.change(&r)
		ans := S3(w.a, &r)
		if ans.Code != c.want || (ans.Verdict == fact.Holds) != (c.want == "") || ans.Verdict == fact.Unknown {
			t.Errorf("%s: %d %s %v, want %q", c.name, ans.Status, ans.Code, ans.Verdict, c.want)
		}
		if !strings.Contains(ans.Body, c.body) {
			t.Errorf("%s: body %s, want %s", c.name, ans.Body, c.body)
		}
	}
	w.bucket.Region = "eu-central-1"
	good.EndpointRegion, good.Signature = "eu-central-1", "v2"
	if ans := S3(w.a, &good); ans.Status != 400 || !strings.Contains(ans.Body, "Please use AWS4-HMAC-SHA256.") {
		t.Errorf("Version 2 in a newer region: %+v", ans)
	}
}

func TestConditionsOfABucketPolicySeeTheRequest(t *testing.T) {
	w := working(t)
	r := S3Request{Caller: Session(w.a, w.role, "i-0abc"), Action: "s3:GetObject", Bucket: "certs", Key: "client.pem", EndpointRegion: "eu-west-1", Signature: "v4", SignedRegion: "eu-west-1", Secure: true}
	deny := func(condition string) {
		w.policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::certs/*","Condition":` + condition + `}]}`)
	}
	for _, c := range []struct {
		condition string
		want      fact.Verdict
	}{
		{`{"Bool":{"aws:SecureTransport":"true"}}`, fact.Broken},
		{`{"Bool":{"aws:SecureTransport":"false"}}`, fact.Holds},
		{`{"StringEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}}`, fact.Broken},
		{`{"StringLike":{"aws:userid":"AROAEXAMPLEEXAMPLE:i-*"}}`, fact.Broken},
		{`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/shop-role"}}`, fact.Broken},
		{`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, fact.Broken},
		{`{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`, fact.Holds},
	} {
		deny(c.condition)
		r.Context = map[string][]string{"aws:SourceIp": {"192.0.2.7"}}
		if ans := S3(w.a, &r); ans.Verdict != c.want {
			t.Errorf("%s: %v, want %v", c.condition, ans.Verdict, c.want)
		}
	}
	r.Context, r.Unsure = nil, []string{"aws:SourceIp"}
	deny(`{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`)
	if ans := S3(w.a, &r); ans.Verdict != fact.Unknown {
		t.Errorf("an address that is not known: %v", ans.Verdict)
	}
}

func TestAuthorizeAsksTheRightPolicies(t *testing.T) {
	w := working(t)
	dev := &account.User{Name: "dev", ARN: "arn:aws:iam::111122223333:user/dev", Inline: []*iam.Policy{
		policy(t, "dev", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GetRole","sts:AssumeRole"],"Resource":"*"}]}`)}}
	w.a.Users = []*account.User{dev}
	user := iam.Principal{Account: w.a.ID, ARN: dev.ARN}
	deleted := iam.Principal{Account: w.a.ID, ARN: "arn:aws:iam::111122223333:user/gone"}
	root := iam.Principal{Account: w.a.ID, ARN: "arn:aws:iam::111122223333:root"}
	for _, c := range []struct {
		who    iam.Principal
		action string
		want   fact.Verdict
	}{
		{user, "iam:GetRole", fact.Holds},
		{user, "iam:DeleteRole", fact.Broken},
		{user, "sts:AssumeRole", fact.Broken}, // the role's trust policy must allow it too
		{iam.Principal{Service: "ec2.amazonaws.com"}, "sts:AssumeRole", fact.Holds},
		{iam.Principal{Anonymous: true}, "iam:GetRole", fact.Broken},
		{deleted, "iam:GetRole", fact.Broken},
		{root, "iam:DeleteRole", fact.Holds},
		{Session(w.a, w.role, "i-1"), "iam:GetRole", fact.Broken},
	} {
		if got := Authorize(w.a, c.who, c.action, w.role.ARN, nil).Verdict(); got != c.want {
			t.Errorf("%s%s %s: %v, want %v", c.who.ARN, c.who.Service, c.action, got, c.want)
		}
	}
	w.a.Complete = false
	if got := Authorize(w.a, deleted, "iam:GetRole", w.role.ARN, nil).Verdict(); got != fact.Unknown {
		t.Errorf("a user that may exist: %v", got)
	}
	w.a.Complete = true
	w.role.Attached = []string{"arn:aws:iam::111122223333:policy/gone"}
	if got := Policies(w.a, Session(w.a, w.role, "i-1")); len(got.IdentityUnknown) != 0 || len(got.Identity) != 1 {
		t.Errorf("a policy that does not exist counts: %+v", got)
	}
}
