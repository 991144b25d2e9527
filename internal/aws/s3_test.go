package aws

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"beanpole/internal/fact"
)

func TestAgentReadsURLsAsItsTableSays(t *testing.T) {
	dflt := func(b, k string) S3Address { return S3Address{Bucket: b, Key: k, Region: "us-east-1", Default: true} }
	pathDflt := func(b, k string) S3Address {
		return S3Address{Bucket: b, Key: k, Region: "us-east-1", Default: true, PathStyle: true}
	}
	virt := func(b, k, r string) S3Address { return S3Address{Bucket: b, Key: k, Region: r} }
	path := func(b, k, r string) S3Address { return S3Address{Bucket: b, Key: k, Region: r, PathStyle: true} }
	no := S3Address{}
	for url, want := range map[string]S3Address{
		"http://b.s3.amazonaws.com/k":                              dflt("b", "k"),
		"https://b.s3.amazonaws.com/d/k":                           dflt("b", "d/k"),
		"http://s3.amazonaws.com/b/k":                              pathDflt("b", "k"),
		"https://s3.amazonaws.com/b/k":                             pathDflt("b", "k"),
		"https://s3.amazonaws.com/b":                               pathDflt("b", ""),
		"https://b.s3.amazonaws.com":                               dflt("b", ""),
		"https://b.s3.us-west-2.amazonaws.com/k":                   virt("b", "k", "us-west-2"),
		"https://b.s3-us-west-2.amazonaws.com/k":                   virt("b", "k", "us-west-2"),
		"https://s3.us-west-2.amazonaws.com/b/k":                   path("b", "k", "us-west-2"),
		"https://s3-us-west-2.amazonaws.com/b/k":                   path("b", "k", "us-west-2"),
		"https://my.dotted.b.s3.eu-west-1.amazonaws.com/k":         virt("my.dotted.b", "k", "eu-west-1"),
		"http://b.s3.us-west-2.amazonaws.com/k":                    no,
		"http://s3-us-west-2.amazonaws.com/b/k":                    no,
		"https://b.s3.dualstack.us-west-2.amazonaws.com/k":         no,
		"https://s3.dualstack.us-west-2.amazonaws.com/b/k":         no,
		"https://ap-1234.s3-accesspoint.us-west-2.amazonaws.com/k": no,
		"https://b.s3-fips.us-west-2.amazonaws.com/k":              no,
		"https://bucket.vpce-1a.s3.us-east-1.vpce.amazonaws.com/k": no,
		"https://d111.cloudfront.net/k":                            no,
		"https://b.s3.amazonaws.com:443/k":                         no,
		"https://b.s3.us-west-2.amazonaws.com:443/d/k":             path("d", "k", "us-west-2"),
		"https://s3.us-west-2.amazonaws.com:443/b/k":               path("b", "k", "us-west-2"),
		"s3://b/k":                                            no,
		"https://B.s3.us-west-2.amazonaws.com/k":              no,
		"https://b_u.s3.us-west-2.amazonaws.com/":             no,
		"https://MyBucket.s3.amazonaws.com/K":                 dflt("mybucket", "K"),
		"HTTPS://MYBUCKET.S3.AMAZONAWS.COM/k":                 dflt("mybucket", "k"),
		"https://b.s3-website-us-east-1.amazonaws.com/k":      virt("b", "k", "website-us-east-1"),
		"https://b.s3-accelerate.amazonaws.com/k":             virt("b", "k", "accelerate"),
		"https://b.s3.cn-north-1.amazonaws.com.cn/d/k":        path("d", "k", "cn-north-1"),
		"https://s3.cn-north-1.amazonaws.com.cn/b/k":          path("b", "k", "cn-north-1"),
		"https://notas3.amazonaws.com/k":                      dflt("nota", "k"),
		"https://b.s3.amazonaws.com.example.net/k":            no,
		"https://b.s3.us-west-2.amazonaws.com.example.net/k":  path("k", "", "us-west-2"),
		"https://b.s3-external-1.amazonaws.com/k":             virt("b", "k", "us-east-1"),
		"https://s3-external-1.amazonaws.com/b/k":             path("b", "k", "us-east-1"),
		"https://s3-external-2.amazonaws.com/b/k":             path("b", "k", "us-east-1"),
		"https://my-s3-logs.s3.us-west-2.amazonaws.com/k":     virt("my-s3-logs", "k", "us-west-2"),
		"https://b.s3.us-west-2.amazonaws.com/k?versionId=1#": virt("b", "k", "us-west-2"),
		"https://b.s3.amazonaws.com/a%20b":                    dflt("b", "a%20b"),
		"https://b-s3-us-west-2.amazonaws.com/k":              virt("b-", "k", "us-west-2"),
		"":                                                    no, "x": no, "https://": no, "://": no,
	} {
		if got := AgentS3(url); got != want {
			t.Errorf("AgentS3(%q) = %+v, want %+v", url, got, want)
		}
	}
}

func TestAgentReadsURLsWithUnknownParts(t *testing.T) {
	b, r := fact.Symbol("parameter Bucket"), fact.Symbol("AWS::Region")
	for url, want := range map[string]S3Address{
		"https://" + b + ".s3.amazonaws.com/k":             {Bucket: b, Key: "k", Region: "us-east-1", Default: true},
		"https://s3-" + r + ".amazonaws.com/" + b + "/k/x": {Bucket: b, Key: "k/x", Region: r, PathStyle: true},
		"https://" + b + ".s3." + r + ".amazonaws.com/k":   {Bucket: b, Key: "k", Region: r},
		"https://a-" + b + ".s3.us-east-1.amazonaws.com/":  {Bucket: "a-" + b, Region: "us-east-1"},
	} {
		if got := AgentS3(url); got != want {
			t.Errorf("AgentS3(%q) = %+v, want %+v", fact.Show(url), got, want)
		}
		if AgentUnsure(url) != nil {
			t.Errorf("AgentUnsure(%q) = %q", fact.Show(url), AgentUnsure(url))
		}
	}
	for url, want := range map[string]string{
		"https://" + b + "/k": "parameter Bucket", b: "parameter Bucket", b + "/k": "parameter Bucket",
		"https://example.com/" + b: "", "https://example.com/k": "", "s3://" + b + "/k": "",
	} {
		if got := strings.Join(AgentUnsure(url), ","); got != want {
			t.Errorf("AgentUnsure(%q) = %q, want %q", fact.Show(url), got, want)
		}
	}
}

// recorded is as much of a recorded run as these tests ask about.
type recorded struct {
	Area     string
	Metadata map[string]json.RawMessage
	Expect   struct {
		Requests []struct {
			Scheme, Host, Path, Query, Signed, Region string
			SignatureValid                            *bool  `json:"signature_valid"`
			HostHeader                                string `json:"host_header"`
		}
	}
}

func recordedRuns(t *testing.T) map[string]*recorded {
	root, err := filepath.Abs("../../../shared")
	if err == nil {
		if _, err = os.Stat(root); err != nil { // a worktree lies one folder deeper
			root = filepath.Join(filepath.Dir(root), "../shared")
		}
	}
	files, _ := filepath.Glob(filepath.Join(root, "cases/cfn-init/cases/*.json"))
	if len(files) == 0 {
		t.Skip("the recorded runs of cfn-init are not beside the repository")
	}
	out := map[string]*recorded{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var c recorded
		if json.Unmarshal(data, &c) == nil && (c.Area == "s3" || c.Area == "auth") {
			out[filepath.Base(f)] = &c
		}
	}
	return out
}

func TestAgentSignsAsRecorded(t *testing.T) {
	seen := 0
	for name, c := range recordedRuns(t) {
		for _, r := range c.Expect.Requests {
			if r.Signed != "v4" && r.Signed != "v2" {
				continue
			}
			seen++
			u := r.Scheme + "://" + r.Host + r.Path
			if r.Query != "" {
				u += "?" + r.Query
			}
			a := AgentS3(u)
			if a.Default != (r.Signed == "v2") || r.Signed == "v4" && a.Region != r.Region {
				t.Errorf("%s: %s: AgentS3 %+v, recorded %s %s", name, u, a, r.Signed, r.Region)
			}
			// other reasons for a wrong signature: a host that is not S3's, a signed Authorization header, a relative redirect
			other := strings.Contains(name, "look-alike") || strings.Contains(name, "basic-and-s3") || strings.Contains(name, "relative")
			if bad := AgentMissigns(u) != ""; r.SignatureValid != nil && bad == *r.SignatureValid && !other {
				t.Errorf("%s: %s: AgentMissigns %q, recorded valid %v", name, u, AgentMissigns(u), *r.SignatureValid)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d signed requests compared", seen)
	}
}

func TestAgentLeavesUnsignedAsRecorded(t *testing.T) {
	for name, c := range recordedRuns(t) {
		if !strings.Contains(name, "auth-url-") || !strings.HasSuffix(name, "-bucket.json") {
			continue
		}
		var auth map[string]struct{ Buckets []string }
		if json.Unmarshal(c.Metadata["AWS::CloudFormation::Authentication"], &auth) != nil || len(auth["S3Auth"].Buckets) == 0 {
			continue
		}
		for _, r := range c.Expect.Requests {
			if strings.HasPrefix(r.Host, "169.254.") {
				continue
			}
			signed := AgentS3(r.Scheme+"://"+r.Host+r.Path).Bucket == auth["S3Auth"].Buckets[0]
			if signed != (r.Signed != "none") {
				t.Errorf("%s: signed %v, recorded %s", name, signed, r.Signed)
			}
		}
	}
}

func TestS3ServesItsHostNames(t *testing.T) {
	for at, want := range map[string]S3Target{
		"b.s3.us-west-2.amazonaws.com/k":             {Bucket: "b", Key: "k", Region: "us-west-2"},
		"b.s3-us-west-2.amazonaws.com/k":             {Bucket: "b", Key: "k", Region: "us-west-2"},
		"s3.us-west-2.amazonaws.com/b/k":             {Bucket: "b", Key: "k", Region: "us-west-2", PathStyle: true},
		"s3-eu-west-1.amazonaws.com/b/d/k":           {Bucket: "b", Key: "d/k", Region: "eu-west-1", PathStyle: true},
		"s3.us-west-2.amazonaws.com/":                {Region: "us-west-2", PathStyle: true},
		"b.s3.amazonaws.com/a%20b%2Fc":               {Bucket: "b", Key: "a b/c", Region: "us-east-1", Global: true},
		"B.S3.AMAZONAWS.COM/K":                       {Bucket: "b", Key: "K", Region: "us-east-1", Global: true},
		"s3.amazonaws.com/b":                         {Bucket: "b", Region: "us-east-1", Global: true, PathStyle: true},
		"s3-external-1.amazonaws.com/b/k":            {Bucket: "b", Key: "k", Region: "us-east-1", PathStyle: true},
		"b.s3.dualstack.eu-north-1.amazonaws.com/k":  {Bucket: "b", Key: "k", Region: "eu-north-1", Dualstack: true},
		"s3.dualstack.eu-north-1.amazonaws.com/b/k":  {Bucket: "b", Key: "k", Region: "eu-north-1", PathStyle: true, Dualstack: true},
		"b.s3-fips.us-west-2.amazonaws.com/k":        {Bucket: "b", Key: "k", Region: "us-west-2"},
		"b.s3.cn-north-1.amazonaws.com.cn/k":         {Bucket: "b", Key: "k", Region: "cn-north-1"},
		"b.s3.us-west-2.amazonaws.com:443/d/k":       {Bucket: "b", Key: "d/k", Region: "us-west-2"},
		"my.s3.logs.s3.us-west-2.amazonaws.com//k":   {Bucket: "my.s3.logs", Key: "/k", Region: "us-west-2"},
		"my-s3-logs.s3.us-west-2.amazonaws.com./k":   {Bucket: "my-s3-logs", Key: "k", Region: "us-west-2"},
		"b.s3.xx-new-9.amazonaws.com/k":              {Bucket: "b", Key: "k", Region: "xx-new-9"},
		"s3.me-central-1.amazonaws.com:8443/b/k%C3/": {Bucket: "b", Key: "k\xc3/", Region: "me-central-1", PathStyle: true},
	} {
		i := strings.IndexByte(at, '/')
		if got, ok := ServedS3(at[:i], at[i:]); !ok || got != want {
			t.Errorf("ServedS3(%q) = %+v, %v; want %+v", at, got, ok, want)
		}
	}
	for _, at := range []string{
		"b.s3-website-us-east-1.amazonaws.com/k", "b.s3-website.eu-west-3.amazonaws.com/k", "b.s3-accelerate.amazonaws.com/k",
		"ap-1.s3-accesspoint.us-west-2.amazonaws.com/k", "bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com/b/k", "notas3.amazonaws.com/k",
		"s3-me-central-1.amazonaws.com/b/k", "b.s3.cn-north-1.amazonaws.com/k", "b.s3.us-west-2.amazonaws.com.cn/k", "s3.evil.com/b/k",
		"b.s3.us-west-2.amazonaws.com.example.net/k", "b.s3.us-west-2.amazonaws.com/%zz", ".s3.amazonaws.com/k", "/", "127.0.0.1:4566/b/k",
		"ec2.us-east-1.amazonaws.com/", "b.s3-fips.eu-west-1.amazonaws.com/k", "s3.amazonaws.com.cn/b/k",
	} {
		i := strings.IndexByte(at, '/')
		if got, ok := ServedS3(at[:i], at[i:]); ok {
			t.Errorf("ServedS3(%q) = %+v, want none", at, got)
		}
	}
}

func TestRegionsByAge(t *testing.T) {
	for _, c := range []struct {
		region         string
		sigV2, routing bool
	}{
		{"us-east-1", true, true}, {"eu-west-1", true, true}, {"eu-central-1", false, true}, {"us-east-2", false, true},
		{"ap-east-1", false, false}, {"me-south-1", false, false}, {"eu-north-1", false, true}, {"nowhere-1", false, false}, {"", false, false},
	} {
		if SigV2Allowed(c.region) != c.sigV2 || GlobalEndpointRoutes(c.region) != c.routing {
			t.Errorf("%s: SigV2 %v, global %v", c.region, SigV2Allowed(c.region), GlobalEndpointRoutes(c.region))
		}
	}
}

func TestARNsComeApart(t *testing.T) {
	acct := fact.Symbol("AWS::AccountId")
	for _, s := range []string{
		"arn:aws:iam::123456789012:role/team/web", "arn:aws:s3:::bucket/key:with:colons", "arn:aws-cn:s3:::b",
		"arn:aws:elasticbeanstalk:us-east-1::platform/Go 1 running on 64bit Amazon Linux/2.7.2", "arn:aws:iam::" + acct + ":role/x",
	} {
		a, ok := ParseARN(s)
		if !ok || a.String() != s {
			t.Errorf("ParseARN(%q) = %+v, %v", s, a, ok)
		}
	}
	if a, _ := ParseARN("arn:aws:iam::" + acct + ":role/x"); a.Account != acct || a.Resource != "role/x" {
		t.Errorf("unknown account: %+v", a)
	}
	for _, s := range []string{"", "arn", "arn:aws:s3", "arn:aws:s3:::", "ARN:aws:s3:::b", "arn::s3:::b", "x:aws:s3:::b"} {
		if a, ok := ParseARN(s); ok {
			t.Errorf("ParseARN(%q) = %+v", s, a)
		}
	}
}
