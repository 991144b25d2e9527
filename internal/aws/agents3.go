package aws

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
)

// The agent's patterns for regional endpoints. They are anchored at the start
// only: whatever follows "amazonaws.com" (".cn", a port, another domain) is
// not looked at. [cb:endpoint_tool.py]
var (
	agentVirtual = lazyregexp.New(`^https://[a-z0-9.-]+[.-]s3([.-][a-z0-9-]+)\.amazonaws\.com.*\n?$`)
	agentPath    = lazyregexp.New(`^https://s3([.-][a-z0-9-]+)\.amazonaws\.com.*\n?$`)
)

// agentFixed are the endpoints that the agent knows by name, tried first and
// with any scheme. Only the global one makes it fall back to Signature
// Version 2. [cb:endpoint_tool.py; cases auth-url-external-1-*]
var agentFixed = []struct {
	host, region string
	global       bool
}{
	{"s3.amazonaws.com", "us-east-1", true},
	{"s3-external-1.amazonaws.com", "us-east-1", false},
	{"s3-external-2.amazonaws.com", "us-east-1", false},
}

// AgentS3 reads a URL as the agent (aws-cfn-bootstrap 1.4) does when it asks
// whether, and for which bucket and region, to sign. Parts of the URL that are
// not known (package fact) are taken to be of the characters that a bucket or
// region has; ask [AgentUnsure] when the result is not [S3Address.Recognised].
// [cb:endpoint_tool.py, cb:auth.py, cb-run]
func AgentS3(rawURL string) S3Address {
	var k symbols
	u := k.hide(rawURL)
	netloc, path := agentSplit(u)
	a, host := agentEndpoint(u, netloc)
	if host == "" {
		return S3Address{}
	}
	bucket := ""
	if lower := strings.ToLower(netloc); strings.HasSuffix(lower, host) {
		bucket = strings.TrimSuffix(lower, host)
	}
	path = strings.TrimPrefix(path, "/")
	if bucket != "" {
		a.Bucket, a.Key = strings.TrimRight(bucket, "."), path
	} else {
		a.PathStyle = true
		a.Bucket, a.Key, _ = strings.Cut(path, "/")
	}
	a.Bucket, a.Key, a.Region = k.show(a.Bucket), k.show(a.Key), k.show(a.Region)
	return a
}

// agentEndpoint finds the endpoint of u; host is "" when there is none.
func agentEndpoint(u, netloc string) (a S3Address, host string) {
	for _, f := range agentFixed {
		if strings.HasSuffix(strings.ToLower(netloc), f.host) {
			return S3Address{Region: f.region, Default: f.global}, f.host
		}
	}
	m := agentVirtual.FindStringSubmatch(u)
	if m == nil {
		m = agentPath.FindStringSubmatch(u)
	}
	if m == nil {
		return S3Address{}, ""
	}
	return S3Address{Region: m[1][1:]}, "s3" + m[1] + ".amazonaws.com"
}

// agentSplit cuts a URL into network location and path, as Python's urlparse.
func agentSplit(u string) (netloc, path string) {
	_, rest, ok := strings.Cut(u, "://")
	if !ok {
		return "", u
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		return rest, ""
	}
	netloc, path = rest[:end], rest[end:]
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return netloc, path
}

// AgentUnsure names the parts of a URL that would have to be known to tell
// whether the agent takes it for S3. It is nil when AgentS3's answer is sure.
func AgentUnsure(rawURL string) []string {
	if AgentS3(rawURL).Recognised() {
		return nil
	}
	var k symbols
	u := k.hide(rawURL)
	scheme, rest, ok := strings.Cut(u, "://")
	head := u // without a scheme in sight the unknown part may hold it
	if ok {
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			rest = rest[:i]
		}
		head = scheme + "://" + rest
		if strings.EqualFold(scheme, "s3") {
			return nil
		}
	}
	return fact.Missing(k.show(head))
}
