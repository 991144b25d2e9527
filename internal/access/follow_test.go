package access

import (
	"fmt"
	"strings"
	"testing"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

func policy(t *testing.T, name, text string) *iam.Policy {
	t.Helper()
	p, err := iam.ParseJSON(name, name+".json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	trustEC2  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustEB   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"elasticbeanstalk.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	readCerts = `{"Version":"2012-10-17","Statement":[{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"}]}`
	listCerts = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::certs","arn:aws:s3:::certs/*"]}]}`
	forRole   = `{"Version":"2012-10-17","Statement":[{"Sid":"ForRole","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/shop-role"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"}]}`
	forAll    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"}]}`
	onlyTLS   = `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyTLS","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::certs/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	onlyVPC   = `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyVPC","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::certs/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}]}`
	denyRole  = `{"Version":"2012-10-17","Statement":[{"Sid":"NotThem","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::certs/*"}]}`
)

const certURL = "https://certs.s3.eu-west-1.amazonaws.com/client.pem"

// world is a fetch that works, in an account of which everything is known.
type world struct {
	t *testing.T
	*World
	a       *account.Account
	role    *account.Role
	profile *account.Profile
	bucket  *account.Bucket
	f       *Fetch
}

func at(line int) source.Pos { return source.Pos{File: "infra.yaml", Line: line, Col: 3} }

func working(t *testing.T) *world {
	role := &account.Role{
		Name: "shop-role", Path: "/", ARN: "arn:aws:iam::111122223333:role/shop-role", ID: "AROAEXAMPLEEXAMPLE",
		Trust: policy(t, "trust policy", trustEC2), Inline: []*iam.Policy{policy(t, "inline policy certs", readCerts)}, Pos: at(10),
	}
	profile := &account.Profile{Name: "shop-profile", Path: "/", ARN: "arn:aws:iam::111122223333:instance-profile/shop-profile", Roles: []string{"shop-role"}, Pos: at(20)}
	bucket := &account.Bucket{Name: "certs", Region: "eu-west-1", Objects: map[string]*account.Object{"client.pem": {Size: 5}}, ObjectsComplete: true, Pos: at(30),
		PublicAccess: account.Open(), Ownership: account.OwnerEnforced}
	a := &account.Account{
		ID: "111122223333", Partition: "aws", Region: "eu-west-1", Complete: true,
		Roles: []*account.Role{role, {Name: "other-role", ARN: "arn:aws:iam::111122223333:role/other-role", Trust: role.Trust}},
		Profiles: []*account.Profile{profile,
			{Name: "empty", ARN: "arn:aws:iam::111122223333:instance-profile/empty"}},
		Buckets: []*account.Bucket{bucket},
	}
	w := &world{t: t, a: a, role: role, profile: profile, bucket: bucket,
		World: &World{Account: a, Profile: source.NewString("shop-profile", at(40)), Instance: "i-0abc", Reachable: true}}
	w.fetch(certURL)
	w.asks("shop-role")
	return w
}

func (w *world) fetch(u string) {
	s := Signer{}
	if w.f != nil {
		s = w.f.Signer
	}
	w.f = &Fetch{Section: "files", Target: "/etc/pki/client.pem", URL: u, URLAt: source.Pos{File: "https.config", Line: 4, Col: 13}, Address: aws.AgentS3(u), Signer: s}
}

func (w *world) asks(role string) {
	w.f.Signer = Signer{Kind: RoleKeys, Block: "S3Auth", ByName: true, Asked: "S3Auth", Role: source.NewString(role, source.Pos{File: "https.config", Line: 18, Col: 19})}
}

func (w *world) unsigned(asked string) { w.f.Signer = Signer{Asked: asked} }

func (w *world) policy(text string) { w.bucket.Policy = policy(w.t, "bucket policy", text) }

func (w *world) noIdentity() { w.role.Inline = nil }

// asTemplate forgets what a template does not tell.
func (w *world) asTemplate() {
	w.a.Complete, w.Reachable, w.Instance, w.role.ID = false, false, "", ""
	w.bucket.Objects, w.bucket.ObjectsComplete = nil, false
}

type outcome struct {
	name   string
	change func(w *world)
	// verdict and end: "404 instance metadata", "403 AccessDenied S3", …
	verdict fact.Verdict
	end     string
	reason  string // how the reason begins
	calls   string // metadata/server
	cause   LinkName
	unknown string // links that are unknown
}

const (
	page404   = `[Errno 404] HTTP Error 404 : <?xml version="1.0" encoding="iso-8859-1"?>`
	denied403 = `HTTP Error 403 : <?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
	nosuch    = `HTTP Error 404 : <?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>NoSuch"
)

var outcomes = []outcome{
	// the mismatch matrix
	{"it works", func(w *world) {}, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"the profile's name for the role's", func(w *world) { w.asks("shop-profile") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"the profile's ARN", func(w *world) { w.asks(w.profile.ARN) }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"the role's ARN", func(w *world) { w.asks(w.role.ARN) }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"another role", func(w *world) { w.asks("other-role") }, fact.Broken, "404 instance metadata", page404, "50/0", Metadata, ""},
	{"no such role", func(w *world) { w.asks("nobody") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"another letter case", func(w *world) { w.asks("Shop-Role") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"a leading slash", func(w *world) { w.asks("/shop-role") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"an empty role name", func(w *world) { w.asks("") }, fact.Broken, "200 instance metadata", "[Errno None] No JSON object could be decoded", "5/0", Name, ""},
	{"no profile", func(w *world) { w.Profile = nil }, fact.Broken, "404 instance metadata", page404, "50/0", Profile, "trust identity bucket"},
	{"a profile that does not exist", func(w *world) { w.Profile.Text = "gone" }, fact.Broken, "404 instance metadata", page404, "50/0", Profile, "trust identity bucket"},
	{"an empty profile", func(w *world) { w.Profile.Text = "empty" }, fact.Broken, "404 instance metadata", page404, "50/0", Profile, "trust identity bucket"},
	{"a role's ARN for the profile", func(w *world) { w.Profile.Text = w.role.ARN }, fact.Broken, "404 instance metadata", page404, "50/0", Profile, "trust identity bucket"},
	{"the profile by its ARN", func(w *world) { w.Profile.Text = w.profile.ARN }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"same name for both", func(w *world) { w.profile.Name, w.Profile.Text = "shop-role", "shop-role" }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"trust policy of a service role", func(w *world) { w.role.Trust = policy(w.t, "trust policy", trustEB) }, fact.Broken, "200 AssumeRoleUnauthorizedAccess instance metadata", "[Errno None] 'AccessKeyId'", "5/0", Trust, ""},
	{"no s3:GetObject", (*world).noIdentity, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Identity, ""},
	{"bucket policy alone", func(w *world) { w.noIdentity(); w.policy(forRole) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"the story", func(w *world) { w.noIdentity(); w.policy(forRole); w.asks("shop-profile") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, ""},
	{"bucket policy denies", func(w *world) { w.policy(denyRole) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	{"no key, may list", func(w *world) {
		w.fetch(strings.Replace(certURL, "client", "clients", 1))
		w.role.Inline = []*iam.Policy{policy(w.t, "p", listCerts)}
	}, fact.Broken, "404 NoSuchKey S3", nosuch + "Key", "5/5", Object, ""},
	{"no key, may not list", func(w *world) { w.fetch(strings.Replace(certURL, "client", "clients", 1)) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Object, ""},
	{"no bucket", func(w *world) { w.a.Buckets = nil }, fact.Broken, "404 NoSuchBucket S3", nosuch + "Bucket", "5/5", Bucket, ""},
	{"misspelt authentication", func(w *world) { w.unsigned("S3Aut") }, fact.Broken, "403 AccessDenied S3", denied403, "0/1", Authentication, ""},
	{"no authentication, public bucket", func(w *world) { w.unsigned(""); w.policy(forAll) }, fact.Holds, "200 S3", "", "0/1", "", ""},
	// addresses
	{"path style", func(w *world) { w.fetch("https://s3.eu-west-1.amazonaws.com/certs/client.pem") }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"global, old region", func(w *world) { w.fetch("https://certs.s3.amazonaws.com/client.pem") }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"global, without Signature Version 2", func(w *world) {
		w.bucket.Region = "eu-central-1"
		w.fetch("https://certs.s3.amazonaws.com/client.pem")
	}, fact.Broken, "400 InvalidRequest S3", "HTTP Error 400 : ", "1/1", Bucket, ""},
	{"global, new region", func(w *world) {
		w.bucket.Region = "eu-south-1"
		w.fetch("https://certs.s3.amazonaws.com/client.pem")
	}, fact.Broken, "400 IllegalLocationConstraintException S3", "HTTP Error 400 : ", "1/1", Bucket, ""},
	{"global path style", func(w *world) { w.fetch("https://s3.amazonaws.com/certs/client.pem") }, fact.Broken, "301 PermanentRedirect S3", "", "1/1", Bucket, ""},
	{"another region", func(w *world) { w.bucket.Region = "us-east-1" }, fact.Broken, "301 PermanentRedirect S3", "", "1/1", Bucket, ""},
	{"http to a region", func(w *world) { w.fetch(strings.Replace(certURL, "https", "http", 1)) }, fact.Broken, "0 the agent", "'NoneType' object has no attribute 'is_default'", "1/0", Source, ""},
	{"http, and only TLS is allowed", func(w *world) { w.fetch("http://certs.s3.amazonaws.com/client.pem"); w.policy(onlyTLS) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	{"a key that the agent signs wrongly", func(w *world) { w.fetch("https://certs.s3.eu-west-1.amazonaws.com/a/../b") }, fact.Broken, "403 SignatureDoesNotMatch S3", "HTTP Error 403 : ", "1/1", Source, ""},
	{"not S3", func(w *world) { w.fetch("https://example.com/x"); w.unsigned("") }, fact.Unknown, "0 another server", "", "0/0", "", "object"},
	// policies
	{"boundary leaves it out", func(w *world) {
		w.role.Boundary = "arn:aws:iam::111122223333:policy/boundary"
		w.a.Managed = append(w.a.Managed, &account.Managed{ARN: w.role.Boundary, Policy: policy(w.t, "boundary", strings.ReplaceAll(readCerts, "certs", "x"))})
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Identity, ""},
	{"another account's bucket", func(w *world) { w.bucket.Owner = "444455556666" }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	{"another account's bucket lets it in", func(w *world) { w.bucket.Owner = "444455556666"; w.policy(forRole) }, fact.Holds, "200 S3", "", "1/1", "", ""},
	{"the WebTier policy reaches no such bucket", func(w *world) {
		w.noIdentity()
		w.role.Attached = []string{"arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier"}
	}, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Identity, ""},
	{"only through an endpoint, in the local cloud", func(w *world) { w.policy(onlyVPC) }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Bucket, ""},
	// what is not known
	{"a template: works, as far as it tells", (*world).asTemplate, fact.Unknown, "0 S3", "", "0/0", "", "object network"},
	{"a template: the story", func(w *world) { w.asTemplate(); w.noIdentity(); w.policy(forRole); w.asks("shop-profile") }, fact.Broken, "404 instance metadata", page404, "50/0", Name, "object network"},
	{"a template with names that AWS makes up", func(w *world) {
		w.asTemplate()
		w.role.Name, w.role.ARN = "shop-Role-"+fact.Generated("r"), "arn:aws:iam::111122223333:role/shop-Role-"+fact.Generated("r")
		w.profile.Name, w.profile.Roles = "shop-Profile-"+fact.Generated("p"), []string{w.role.Name}
		w.Profile.Text = w.profile.Name
		w.asks(w.profile.Name)
	}, fact.Broken, "404 instance metadata", page404, "50/0", Name, "object network"},
	{"a template of a stack without a name yet", func(w *world) {
		w.asTemplate()
		stack := fact.Symbol("AWS::StackName")
		w.role.Name = stack + "-Role-" + fact.Generated("r")
		w.profile.Name, w.profile.Roles = stack+"-Profile-"+fact.Generated("p"), []string{w.role.Name}
		w.Profile.Text = w.profile.Name
		w.asks(w.profile.Name)
	}, fact.Broken, "404 instance metadata", page404, "50/0", Name, "object network"},
	{"a template: no s3:GetObject", func(w *world) { w.asTemplate(); w.noIdentity() }, fact.Broken, "403 AccessDenied S3", denied403, "1/1", Identity, "object network"},
	{"a template: a policy that could not be read", func(w *world) { w.asTemplate(); w.noIdentity(); w.role.PoliciesUnknown = []string{"inline policy x"} }, fact.Unknown, "0 S3", "", "0/0", "", "identity object network"},
	{"a template: somebody else's managed policy", func(w *world) {
		w.asTemplate()
		w.noIdentity()
		w.role.Attached = []string{"arn:aws:iam::111122223333:policy/shared"}
	}, fact.Unknown, "0 S3", "", "0/0", "", "identity object network"},
	{"a template: only through an endpoint", func(w *world) { w.asTemplate(); w.policy(onlyVPC) }, fact.Unknown, "0 S3", "", "0/0", "", "bucket object network"},
	{"a template: bucket from elsewhere", func(w *world) { w.asTemplate(); w.a.Buckets = nil }, fact.Unknown, "0 S3", "", "0/0", "", "bucket object network"},
	{"a template: the bucket's region is not known", func(w *world) { w.asTemplate(); w.bucket.Region = fact.Symbol("AWS::Region") }, fact.Unknown, "0 S3", "", "0/0", "", "bucket object network"},
	{"a template: bucket by parameter", func(w *world) {
		w.asTemplate()
		w.bucket.Name = fact.Symbol("parameter Bucket")
		w.fetch("https://" + w.bucket.Name + ".s3.eu-west-1.amazonaws.com/client.pem")
		w.role.Inline[0].Statements[0].Resources[0].Text = "arn:aws:s3:::" + w.bucket.Name + "/*"
	}, fact.Unknown, "0 S3", "", "0/0", "", "object network"},
	{"no template: profile and role in one name", func(w *world) {
		w.asTemplate()
		w.a.Profiles, w.a.Roles = nil, nil
		w.asks("shop-profile")
	}, fact.Unknown, "0 instance metadata", "", "0/0", "", "name profile metadata trust identity bucket object network"},
	{"no template: an ARN can't be right", func(w *world) {
		w.asTemplate()
		w.a.Profiles, w.a.Roles = nil, nil
		w.asks("arn:aws:iam::111122223333:role/x")
	}, fact.Unknown, "0 instance metadata", "", "0/0", Name, "profile metadata trust identity bucket object network"},
	{"the option's value is not known", func(w *world) {
		w.asTemplate()
		w.Profile, w.ProfileUnknown = nil, "option IamInstanceProfile (--option)"
	}, fact.Unknown, "0 instance metadata", "", "0/0", "", "profile metadata trust identity bucket object network"},
	{"role name from a parameter", func(w *world) { w.asTemplate(); w.asks(fact.Symbol("parameter RoleName")) }, fact.Unknown, "0 instance metadata", "", "0/0", "", "name metadata object network"},
	{"static keys", func(w *world) {
		w.f.Signer = Signer{Kind: StaticKeys, Block: "Keys", KeyID: "AKIAEXAMPLE", Secret: "s"}
	}, fact.Unknown, "0 S3", "", "0/0", "", "identity bucket"},
	// encryption, ownership, Block Public Access, endpoints: see stores_test.go
	{"a presigned URL", func(w *world) { w.fetch(certURL + "?X-Amz-Signature=00"); w.unsigned("") }, fact.Unknown, "0 S3", "", "0/0", "", "authentication identity bucket object"},
}

func TestFollowPredictsHowTheAgentEnds(t *testing.T) { followAll(t, outcomes) }

func followAll(t *testing.T, all []outcome) {
	t.Helper()
	for _, o := range all {
		t.Run(strings.ReplaceAll(o.name, " ", "_"), func(t *testing.T) {
			w := working(t)
			o.change(w)
			c := Follow(w.World, w.f)
			a := c.Answer
			end := strings.Join(strings.Fields(fmt.Sprint(a.Status, " ", a.Code, " ", a.From)), " ")
			if a.Verdict != o.verdict || end != o.end {
				t.Errorf("answer = %v, %s; want %v, %s", a.Verdict, end, o.verdict, o.end)
			}
			if !strings.HasPrefix(a.Reason, o.reason) || o.reason == "" && a.Reason != "" {
				t.Errorf("reason = %q, want %q", a.Reason, o.reason)
			}
			if calls := fmt.Sprintf("%d/%d", a.MetadataCalls, a.ServerCalls); calls != o.calls {
				t.Errorf("calls = %s, want %s", calls, o.calls)
			}
			var cause LinkName
			if l := c.Cause(); l != nil {
				cause = l.Name
			}
			if cause != o.cause {
				t.Errorf("cause = %q, want %q", cause, o.cause)
			}
			checkLinks(t, c, o.unknown)
			if t.Failed() {
				for _, l := range c.Links {
					t.Logf("%-14s %-8v %s [%s] %v", l.Name, l.Verdict, l.Says, l.Missing, l.At)
				}
			}
		})
	}
}

// checkLinks holds the chain against what every chain promises.
func checkLinks(t *testing.T, c *Chain, unknown string) {
	t.Helper()
	var names []string
	if len(c.Links) != len(Links) {
		t.Fatalf("%d links", len(c.Links))
	}
	for i, l := range c.Links {
		if l.Name != Links[i] {
			t.Errorf("link %d is %s", i, l.Name)
		}
		if l.Says == "" || strings.ContainsAny(l.Says, "\n\uE0B0") || strings.Contains(l.Says, "%!") {
			t.Errorf("%s says %q", l.Name, l.Says)
		}
		if (l.Missing != "") != (l.Verdict == fact.Unknown) {
			t.Errorf("%s is %v, missing %q", l.Name, l.Verdict, l.Missing)
		}
		if l.Verdict == fact.Unknown {
			names = append(names, string(l.Name))
		}
	}
	if got := strings.Join(names, " "); got != unknown {
		t.Errorf("unknown links = %q, want %q", got, unknown)
	}
	if c.Answer.Verdict == fact.Holds && (c.Cause() != nil || len(names) > 0) {
		t.Error("the file arrives over a link that does not hold")
	}
	if c.Answer.Verdict == fact.Broken && c.Cause() == nil {
		t.Error("the file does not arrive and no link is broken")
	}
}
