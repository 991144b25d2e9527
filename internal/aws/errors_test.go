package aws

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestS3BodiesReadAsRecorded(t *testing.T) {
	got := NewError("AccessDenied").S3Body("", "4442587FB7D0A2F9", "host/id=")
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>4442587FB7D0A2F9</RequestId><HostId>host/id=</HostId></Error>`
	if got != want {
		t.Errorf("got %s", got)
	}
	got = NewError("AuthorizationHeaderMalformed", "us-east-1", "eu-west-1").With("Region", "eu-west-1").S3Body("/b/k", "r", "h")
	want = `<Message>The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region><Resource>/b/k</Resource><RequestId>r</RequestId>`
	if !strings.Contains(got, want) {
		t.Errorf("got %s", got)
	}
	got = NewError("PermanentRedirect").With("Bucket", "b").With("Zzz", "z").With("Aaa", "a").With("Endpoint", "b.s3.x").With("<bad>", "x").S3Body("", "r", "h")
	if !strings.Contains(got, "<Endpoint>b.s3.x</Endpoint><Bucket>b</Bucket><Aaa>a</Aaa><Zzz>z</Zzz><RequestId>") {
		t.Errorf("got %s", got)
	}
}

func TestQueryBodiesAreXML(t *testing.T) {
	for _, e := range []*Error{NewError("NoSuchEntity", "The role with name %s cannot be found.", "<&\">"), NewError("InternalError"), NewError("Made.Up", "x")} {
		var v struct {
			Error     struct{ Type, Code, Message string }
			RequestId string
		}
		if err := xml.Unmarshal([]byte(e.QueryBody("https://iam.amazonaws.com/doc/2010-05-08/", "id")), &v); err != nil {
			t.Fatal(err)
		}
		if v.Error.Code != e.Code || v.Error.Message != e.Message || v.RequestId != "id" || (v.Error.Type == "Receiver") != (e.Status >= 500) {
			t.Errorf("%+v from %+v", v, e)
		}
	}
}

func TestMessagesAreFilled(t *testing.T) {
	for _, c := range []struct {
		e      *Error
		status int
		want   string
	}{
		{NewError("NoSuchKey"), 404, "The specified key does not exist."},
		{NewError("NoSuchEntity", "The role with name %s cannot be found.", "x"), 404, "The role with name x cannot be found."},
		{NewError("NoSuchEntity", "100% sure %s"), 404, "100% sure %s"},
		{NewError("ValidationError"), 400, ""},
		{NewError("InvalidAction", "Foo", "2010-05-08"), 400, "Could not find operation Foo for version 2010-05-08"},
		{NewError("Unheard", "why"), 400, "why"},
		{Denied("arn:x", "s3:GetObject", "arn:r", "no identity-based policy allows the s3:GetObject action"), 403,
			"User: arn:x is not authorized to perform: s3:GetObject on resource: arn:r because no identity-based policy allows the s3:GetObject action"},
	} {
		if c.e.Status != c.status || c.e.Message != c.want {
			t.Errorf("%+v, want %d %q", c.e, c.status, c.want)
		}
	}
	for code, row := range errorTable {
		if row.status < 300 || row.status > 599 {
			t.Errorf("%s: status %d", code, row.status)
		}
	}
}

func TestMetadataPageBeginsAsInEvents(t *testing.T) {
	p := MetadataPage(404)
	if !strings.HasPrefix(p, `<?xml version="1.0" encoding="iso-8859-1"?>`+"\n<!DOCTYPE html PUBLIC") || !strings.Contains(p, "<h1>404 - Not Found</h1>") {
		t.Errorf("got %s", p)
	}
	if !strings.HasPrefix(MetadataPage(400), `<?xml version="1.0" encoding="UTF-8"?>`) {
		t.Error("400 declares UTF-8")
	}
}

func TestFreshIDsHaveAWSsForm(t *testing.T) {
	u, s, h := NewRequestID(), NewS3RequestID(), NewHostID()
	if len(u) != 36 || u[14] != '4' || len(s) != 16 || s != strings.ToUpper(s) || len(h) != 76 || u == NewRequestID() {
		t.Error(u, s, h)
	}
}
