package aws

import (
	"net"
	"net/url"
	"strings"
)

// S3Target is what S3 itself reads out of a request's host and path.
type S3Target struct {
	Bucket string // "" for the list of all buckets
	Key    string // percent-decoded
	Region string // of the endpoint, not of the bucket
	// PathStyle is set when the bucket stands in the path.
	PathStyle bool
	// Global is set for s3.amazonaws.com, which leads to any older region.
	Global bool
	// Dualstack is set for the endpoints that also have IPv6 addresses.
	Dualstack bool
}

// ServedS3 reads a request as S3 does: which endpoint, bucket and key. ok is
// false for a host that is no S3 REST endpoint (website, accelerate, access
// point and VPC endpoint names among them) and for a path with a broken
// percent sign. [S3:VirtualHosting, S3:dual-stack-endpoints]
func ServedS3(host, escapedPath string) (t S3Target, ok bool) {
	bucket, endpoint, ok := cutEndpoint(hostName(host))
	if !ok {
		return S3Target{}, false
	}
	if t, ok = readEndpoint(endpoint); !ok {
		return S3Target{}, false
	}
	if bucket == "" {
		t.PathStyle = true
		t.Bucket, t.Key, ok = PathStyleS3(escapedPath)
		return t, ok
	}
	key, err := url.PathUnescape(strings.TrimPrefix(escapedPath, "/"))
	t.Bucket, t.Key = bucket, key
	return t, err == nil
}

// PathStyleS3 reads a path whose first segment is the bucket. ok is false for
// a broken percent sign.
func PathStyleS3(escapedPath string) (bucket, key string, ok bool) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(escapedPath, "/"), "/")
	bucket, err1 := url.PathUnescape(bucket)
	key, err2 := url.PathUnescape(key)
	return bucket, key, err1 == nil && err2 == nil
}

// hostName is a Host header without port and final dot, in lower case.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// cutEndpoint splits "b.s3.R" off the domain and at the last label that
// begins an S3 endpoint: a bucket's name may itself hold ".s3.".
func cutEndpoint(host string) (bucket, endpoint string, ok bool) {
	name, china := strings.CutSuffix(host, ".amazonaws.com.cn")
	if !china {
		if name, ok = strings.CutSuffix(host, ".amazonaws.com"); !ok {
			return "", "", false
		}
	}
	labels := strings.Split(name, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		l := labels[i]
		if l == "s3" || strings.HasPrefix(l, "s3-") {
			bucket, endpoint = strings.Join(labels[:i], "."), strings.Join(labels[i:], ".")
			region := strings.HasPrefix(endpoint[strings.LastIndexAny(endpoint, ".")+1:], "cn-")
			return bucket, endpoint, region == china && (i == 0 || bucket != "")
		}
	}
	return "", "", false
}

// readEndpoint reads "s3", "s3.R", "s3-R", "s3.dualstack.R" and their like.
func readEndpoint(e string) (t S3Target, ok bool) {
	switch e {
	case "s3":
		return S3Target{Region: "us-east-1", Global: true}, true
	case "s3-external-1":
		return S3Target{Region: "us-east-1"}, true
	}
	if r, ok := strings.CutPrefix(e, "s3-"); ok && regions[r].dash {
		return S3Target{Region: r}, true
	}
	first, rest, ok := strings.Cut(e, ".")
	if !ok {
		return S3Target{}, false
	}
	r, dual := strings.CutPrefix(rest, "dualstack.")
	// FIPS endpoints exist in the USA and Canada only. [S3 endpoints and quotas]
	fips := first == "s3-fips" && (strings.HasPrefix(r, "us-") || strings.HasPrefix(r, "ca-"))
	if first != "s3" && !fips || !isRegion(r) {
		return S3Target{}, false
	}
	return S3Target{Region: r, Dualstack: dual}, true
}
