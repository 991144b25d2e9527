package s3

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// FuzzXMLBodies: no XML body of any operation stops the program; what is
// refused is refused as the client's mistake.
func FuzzXMLBodies(f *testing.F) {
	for _, body := range []string{
		"<Delete><Quiet>true</Quiet><Object><Key>k</Key></Object></Delete>",
		"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>",
		"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
		`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&e;</Key></Object></Delete>`,
	} {
		f.Add(body)
	}
	s := &Service{}
	f.Fuzz(func(t *testing.T, body string) {
		for _, v := range []any{&deleteMany{}, &struct {
			LocationConstraint string
		}{}, &struct {
			Part []struct {
				PartNumber int32
				ETag       string
			}
		}{}} {
			x := &door.Request{Request: httptest.NewRequest(http.MethodPost, "/b", strings.NewReader(body)), Service: "s3"}
			var refused *aws.Error
			if err := s.readXML(x, v); err != nil && !errors.As(err, &refused) {
				t.Errorf("%q: %v", body, err)
			}
		}
	})
}

// FuzzChunks: whatever comes in chunks, no byte more than came is given out.
func FuzzChunks(f *testing.F) {
	f.Add("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", true)
	f.Add("ffffff;chunk-signature=x\r\n", false)
	f.Fuzz(func(t *testing.T, body string, trailing bool) {
		h := http.Header{}
		data, err := io.ReadAll(&chunks{r: bufio.NewReader(strings.NewReader(body)), trailing: trailing, trailer: h})
		if len(data) > len(body) {
			t.Errorf("%d bytes of %d", len(data), len(body))
		}
		var refused *aws.Error
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%q: %v", body, err)
		}
	})
}
