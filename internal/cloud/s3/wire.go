package s3

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// xmlns is S3's namespace; its error answers have none.
const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"

// maxXML bounds the XML bodies that S3 reads: 1000 keys to delete, or 10,000
// parts to put together, fit.
const maxXML = 4 << 20

// subresources are the query names that make a request another operation. A
// request with one that has no row is refused, never taken for a plain one.
var subresources = []string{"accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "list-type", "location", "logging", "metadataConfiguration", "metadataTable", "metrics", "notification",
	"object-lock", "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock", "renameObject", "replication",
	"requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
	"versions", "website"}

// matches makes a Match: the method, what is in the path, and exactly the
// named sub-resources.
func matches(method string, wantBucket, wantKey bool, subs ...string) func(*door.Request) bool {
	return func(x *door.Request) bool {
		if x.Method != method || (x.Bucket != "") != wantBucket || (x.Key != "") != wantKey {
			return false
		}
		q := x.URL.Query()
		found := 0
		for _, name := range subresources {
			if q.Has(name) {
				found++
			}
		}
		for _, name := range subs {
			if !q.Has(name) {
				return false
			}
		}
		return found == len(subs)
	}
}

// header is a header's text, nil when it is absent.
func header(x *door.Request, name string) *string {
	if v := x.Header.Get(name); v != "" {
		return &v
	}
	return nil
}

// query is a query parameter's text, nil when it is absent.
func query(q url.Values, name string) *string {
	if !q.Has(name) {
		return nil
	}
	return door.Pointer(q.Get(name))
}

// queryInt is a whole number in the query, nil when it is absent.
func queryInt(q url.Values, name string) (*int32, error) {
	if q.Get(name) == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(q.Get(name), 10, 32)
	if err != nil {
		return nil, aws.NewError("InvalidArgument", "Provided "+name+" not an integer or within integer range").With("ArgumentName", name).With("ArgumentValue", q.Get(name))
	}
	return door.Pointer(int32(n)), nil
}

// headerTime is a date in a header; one that can't be read is ignored, as
// HTTP says.
func headerTime(x *door.Request, name string) *time.Time {
	t, err := http.ParseTime(x.Header.Get(name))
	if err != nil {
		return nil
	}
	return &t
}

// metaOf are a request's x-amz-meta-… headers.
func metaOf(x *door.Request) map[string]string {
	m := map[string]string{}
	for name, v := range x.Header {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			m[rest] = strings.Join(v, ",")
		}
	}
	return m
}

// checksumAlgorithm is the checksum that an upload announces.
func checksumAlgorithm(x *door.Request) types.ChecksumAlgorithm {
	if t, ok := strings.CutPrefix(strings.ToLower(x.Header.Get("X-Amz-Trailer")), "x-amz-checksum-"); ok {
		return types.ChecksumAlgorithm(strings.ToUpper(t))
	}
	return ""
}

// readXML reads a request's XML body.
func (s *Service) readXML(x *door.Request, v any) error {
	body, err := s.body(x)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(body, maxXML+1))
	if err != nil {
		return readFailure(err)
	}
	if len(data) > maxXML || xml.Unmarshal(data, v) != nil {
		return aws.NewError("MalformedXML")
	}
	return nil
}

// writeXML answers with an XML document.
func writeXML(x *door.Request, v any) error {
	data, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	x.WriteText(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + string(data))
	return nil
}

// empty answers without a body.
func empty[O any](status int) func(*door.Request, *O) error {
	return func(x *door.Request, _ *O) error {
		x.Begin()
		x.W.WriteHeader(status)
		return nil
	}
}

// stampTime is a time as S3's XML has it.
func stampTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// urlEncoded is a text as listings with encoding-type=url have it.
func urlEncoded(s string, encoding types.EncodingType) string {
	if encoding != types.EncodingTypeUrl {
		return s
	}
	return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
}
