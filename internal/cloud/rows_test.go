package cloud

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// s3Requests are requests that lead to S3's rows.
var s3Requests = map[string]string{
	"ListBuckets": "GET /", "CreateBucket": "PUT /other", "DeleteBucket": "DELETE /there", "HeadBucket": "HEAD /there",
	"GetBucketLocation": "GET /there?location", "PutBucketPolicy": "PUT /there?policy", "GetBucketPolicy": "GET /there?policy",
	"GetBucketPolicyStatus": "GET /there?policyStatus", "GetBucketOwnershipControls": "GET /there?ownershipControls", "GetBucketEncryption": "GET /there?encryption",
	"PutBucketEncryption": "PUT /there?encryption", "DeleteBucketEncryption": "DELETE /there?encryption",
	"GetAccountPublicAccessBlock": "GET /v20180820/configuration/publicAccessBlock",
	"PutPublicAccessBlock":        "PUT /there?publicAccessBlock", "GetPublicAccessBlock": "GET /there?publicAccessBlock", "DeletePublicAccessBlock": "DELETE /there?publicAccessBlock",
	"PutWaitConditionSignal": "PUT /cloudformation-waitcondition-eu-west-1/k",
	"DeleteBucketPolicy":     "DELETE /there?policy", "ListObjectsV2": "GET /there?list-type=2", "ListObjects": "GET /there",
	"PutObject": "PUT /there/k", "CopyObject": "PUT /there/k", "GetObject": "GET /there/k", "HeadObject": "HEAD /there/k", "DeleteObject": "DELETE /there/k",
	"DeleteObjects": "POST /there?delete", "CreateMultipartUpload": "POST /there/k?uploads", "UploadPart": "PUT /there/k?partNumber=1&uploadId=x",
	"CompleteMultipartUpload": "POST /there/k?uploadId=x", "AbortMultipartUpload": "DELETE /there/k?uploadId=x", "ListParts": "GET /there/k?uploadId=x",
}

var s3Bodies = map[string]string{
	"PutWaitConditionSignal":  `{"Status": "SUCCESS", "UniqueId": "i"}`,
	"PutBucketEncryption":     "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
	"PutPublicAccessBlock":    "<PublicAccessBlockConfiguration/>",
	"DeleteObjects":           "<Delete><Object><Key>k</Key></Object></Delete>",
	"CompleteMultipartUpload": "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
}

// refused is a service's refusal.
type refused struct {
	status int
	text   string
}

// refusals of who signed and may not, and of who did not sign, by service.
var refusals = map[string]map[bool]refused{
	"s3":  {true: {403, "<Code>AccessDenied</Code>"}, false: {403, "<Code>AccessDenied</Code>"}},
	"ec2": {true: {403, "<Code>UnauthorizedOperation</Code>"}, false: {400, "<Code>MissingParameter</Code>"}},
	"kms": jsonRefusals, "organizations": jsonRefusals,
	"iam": queryRefusals, "sts": queryRefusals, "cloudformation": queryRefusals, "elasticbeanstalk": queryRefusals,
	"elasticloadbalancing": queryRefusals, door.BalancingV2: queryRefusals, "autoscaling": queryRefusals,
}

var jsonRefusals = map[bool]refused{true: {400, `"__type":"AccessDeniedException"`}, false: {400, `"__type":"MissingAuthenticationTokenException"`}}

var queryRefusals = map[bool]refused{true: {403, "<Code>AccessDenied</Code>"}, false: {403, "<Code>MissingAuthenticationToken</Code>"}}

// openToAll are the operations that need no permission.
var openToAll = map[string]bool{"sts:GetCallerIdentity": true}

// scope is the service that a request to a row is signed for.
func scope(row door.Row) string {
	if row.Service == door.BalancingV2 {
		return "elasticloadbalancing"
	}
	return row.Service
}

func rowRequest(t *testing.T, w *world, row door.Row) *http.Request {
	t.Helper()
	form := url.Values{"Action": {row.Name}}
	if row.Service == door.BalancingV2 {
		form.Set("Version", "2015-12-01")
	}
	method, path, body := "POST", "/", form.Encode()
	if row.Service == "s3" {
		line, ok := s3Requests[row.Name]
		if !ok {
			t.Fatalf("no request in the test for row s3:%s", row.Name)
		}
		method, path, _ = strings.Cut(line, " ")
		body = s3Bodies[row.Name]
	}
	r, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
	must(t, err)
	if row.Service != "s3" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.Host = scope(row) + ".eu-west-1.amazonaws.com"
	}
	if prefix := map[string]string{"kms": "TrentService", "organizations": "AWSOrganizationsV20161128"}[row.Service]; prefix != "" {
		r.Header.Set("X-Amz-Target", prefix+"."+row.Name)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader("{}")), 2
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("{}")), nil }
	}
	if row.Name == "GetAccountPublicAccessBlock" {
		r.Header.Set("X-Amz-Account-Id", "000000000000")
	}
	if row.Name == "CopyObject" {
		r.Header.Set("X-Amz-Copy-Source", "/there/k")
	}
	return r
}

// adminContext is the context of a call that the admin sent to a service.
func (w *world) adminContext(t *testing.T) context.Context {
	admin, err := w.State().Admin()
	must(t, err)
	p, ok := w.State().Principal(admin.KeyID)
	if !ok {
		t.Fatal("the admin is nobody")
	}
	return door.WithCaller(t.Context(), &door.Caller{Principal: p, KeyID: admin.KeyID, Region: "eu-west-1"})
}

func TestEveryRowRefusesAUserWithoutPoliciesAndNobody(t *testing.T) {
	w := start(t, "eu-west-1")
	nobody, err := w.State().NewUser("nobody")
	must(t, err)
	must(t, w.Seed("there", "k", []byte("data")))
	_, err = door.Invoke[s3.CreateBucketInput, s3.CreateBucketOutput](w.adminContext(t), w.door, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: awssdk.String("there")})
	must(t, err)
	for _, row := range w.door.Rows() {
		for _, signed := range []bool{true, false} {
			r := rowRequest(t, w, row)
			if signed {
				body, _ := r.GetBody()
				data, _ := io.ReadAll(body)
				aws.SignV4(r, aws.PayloadHash(data), nobody, "eu-west-1", scope(row), time.Now())
			}
			res, err := http.DefaultClient.Do(r)
			must(t, err)
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if signed && openToAll[row.Service+":"+row.Name] {
				if res.StatusCode != 200 {
					t.Errorf("%s:%s is for everyone who signs, got %d", row.Service, row.Name, res.StatusCode)
				}
				continue
			}
			// S3's HEAD has no body; its DeleteObjects refuses key by key in a 200.
			want := refusals[row.Service][signed]
			code := strings.Contains(string(text), want.text) || r.Method == "HEAD"
			if res.StatusCode != want.status && row.Name != "DeleteObjects" || !code {
				t.Errorf("%s:%s signed=%v: %d %s", row.Service, row.Name, signed, res.StatusCode, text)
			}
		}
	}
}

func TestInstanceIsLetIntoNoRowThatIsNotAboutItsOwnStack(t *testing.T) {
	w, none := start(t, "eu-west-1"), ""
	m := w.instance(t, &none, false)
	_, doc, _ := m.do("GET", "/latest/dynamic/instance-identity/document")
	_, sig, _ := m.do("GET", "/latest/dynamic/instance-identity/signature")
	for _, row := range w.door.Rows() {
		if row.Service != "cloudformation" {
			continue // a request that is signed in this way is CloudFormation's
		}
		for _, d := range []string{doc, strings.Replace(doc, "i-0", "i-1", 1)} {
			r := rowRequest(t, w, row)
			aws.SignDocument(r, []byte(d), []byte(sig))
			res, err := http.DefaultClient.Do(r)
			must(t, err)
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			want := "<Code>AccessDenied</Code>"
			if d != doc {
				want = "<Code>SignatureDoesNotMatch</Code>"
			}
			if res.StatusCode != 403 || !strings.Contains(string(text), want) {
				t.Errorf("%s: %d %s", row.Name, res.StatusCode, text)
			}
		}
	}
}

func TestBodyThatWasNotSignedIsRefused(t *testing.T) {
	w := start(t, "eu-west-1")
	admin, err := w.State().Admin()
	must(t, err)
	must(t, w.Seed("there", "k", []byte("data")))
	_, err = door.Invoke[s3.CreateBucketInput, s3.CreateBucketOutput](w.adminContext(t), w.door, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: awssdk.String("there")})
	must(t, err)
	for _, tt := range []struct{ service, method, path, signed, sent, want string }{
		{"iam", "POST", "/", "Action=ListRoles", "Action=ListRoles", ""},
		{"iam", "POST", "/", "Action=ListRoles", "Action=GetUser&", "SignatureDoesNotMatch"},
		{"s3", "PUT", "/there/k", "good", "good", ""},
		{"s3", "PUT", "/there/k", "good", "evil", "XAmzContentSHA256Mismatch"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, w.url+tt.path, strings.NewReader(tt.sent))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		aws.SignV4(r, aws.PayloadHash([]byte(tt.signed)), admin, "eu-west-1", tt.service, time.Now())
		res, err := http.DefaultClient.Do(r)
		must(t, err)
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if tt.want == "" && res.StatusCode != 200 || tt.want != "" && !strings.Contains(string(text), "<Code>"+tt.want+"</Code>") {
			t.Errorf("%s %q as %q: %d %s", tt.service, tt.sent, tt.signed, res.StatusCode, text)
		}
	}
	got, err := door.Invoke[s3.GetObjectInput, s3.GetObjectOutput](w.adminContext(t), w.door, "s3", "GetObject", &s3.GetObjectInput{Bucket: awssdk.String("there"), Key: awssdk.String("k")})
	must(t, err)
	defer got.Body.Close()
	if data, _ := io.ReadAll(got.Body); string(data) != "good" {
		t.Errorf("the object holds %q", data)
	}
}
