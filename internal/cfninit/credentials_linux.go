package cfninit

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

const (
	credentialsPath = "/latest/meta-data/iam/security-credentials/"
	profilePath     = "/latest/meta-data/iam/info"
	tokenPath       = "/latest/api/token"
	tokenSeconds    = "21600" // six hours, the longest life of a token [EC2]
)

// credentials asks the metadata service for a role's keys, 10 times at most.
// Nothing is kept: every attempt of a fetch asks anew [cb:util.py].
func (b *build) credentials(ctx context.Context, role string) (signingKeys, *remote) {
	var creds signingKeys
	if b.ResolveRoles {
		role = b.roleIn(ctx, role)
	}
	_, err := b.fromMetadata(ctx, credentialsPath+role, func(body []byte) (fail *failure) {
		creds, fail = readCredentials(body)
		return fail
	})
	return creds, err
}

// roleIn is the role in the instance's own instance profile when name is that
// profile's name or ARN, else name as it is.
func (b *build) roleIn(ctx context.Context, name string) string {
	var info struct{ InstanceProfileArn string }
	body, err := b.fromMetadata(ctx, profilePath, nil)
	if err != nil || json.Unmarshal(body, &info) != nil || info.InstanceProfileArn == "" {
		return name
	}
	profile := info.InstanceProfileArn[strings.LastIndexByte(info.InstanceProfileArn, '/')+1:]
	if name != info.InstanceProfileArn && name != profile {
		return name
	}
	if body, err = b.fromMetadata(ctx, credentialsPath, nil); err != nil {
		return name
	}
	role, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if role == "" || role == name {
		return name
	}
	b.log("WARNING", "beanpole: %s is the instance profile; its role %s signs. AWS's agent would ask for the profile's name and fail", name, role)
	return role
}

// fromMetadata gets a path of the metadata service; accept looks at the body.
func (b *build) fromMetadata(ctx context.Context, path string, accept func([]byte) *failure) ([]byte, *remote) {
	var body []byte
	err := b.retry(ctx, metadataTries, func() *failure {
		url, fail := prepareURL(b.metadata() + path)
		if fail != nil {
			return fail
		}
		req, fail := newRequest(ctx, url)
		if fail != nil {
			return fail
		}
		if token := b.metadataToken(ctx); token != "" {
			req.Header.Set("X-Aws-Ec2-Metadata-Token", token)
		}
		resp, fail := b.follow(ctx, req, url, nil)
		if fail != nil {
			return fail
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusUnauthorized {
			b.token = "" // an expired one is asked for anew next time
		}
		if fail := badAnswer(resp); fail != nil {
			return fail
		}
		body, _ = io.ReadAll(io.LimitReader(decoded(resp), 1<<20))
		if accept == nil {
			return nil
		}
		return accept(body)
	})
	return body, err
}

// metadataToken is a session token (IMDSv2) when the runner wants one and the
// service gives one, else "": then version 1 is tried. These requests are not
// counted in the result.
func (b *build) metadataToken(ctx context.Context) string {
	if !b.TokensFirst || b.token != "" {
		return b.token
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, b.metadata()+tokenPath, nil)
	if err != nil {
		return ""
	}
	req.Header.Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", tokenSeconds)
	resp, err := b.transport().RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
	if err == nil && resp.StatusCode == http.StatusOK {
		b.token = strings.TrimSpace(string(body))
	}
	return b.token
}

// readCredentials reads the service's JSON. Four members are needed, and only
// the form of Expiration is looked at, not whether it is past [cb:util.py].
func readCredentials(body []byte) (signingKeys, *failure) {
	doc, err := source.ParseJSON("the role's credentials", body)
	if err != nil || doc == nil {
		return signingKeys{}, &failure{kind: unexpected, text: "No JSON object could be decoded"}
	}
	switch doc.Kind {
	case source.Map:
	case source.Seq:
		return signingKeys{}, &failure{kind: unexpected, text: "list indices must be integers, not str"}
	case source.String:
		return signingKeys{}, &failure{kind: unexpected, text: "string indices must be integers"}
	default:
		return signingKeys{}, &failure{kind: unexpected, text: "'" + typeName(doc) + "' object has no attribute '__getitem__'"}
	}
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} {
		if !has(doc, name) {
			return signingKeys{}, &failure{kind: unexpected, text: quote(name, false)}
		}
	}
	expires, why := expiration(doc.Get("Expiration"))
	if why != "" {
		return signingKeys{}, &failure{kind: unexpected, text: why}
	}
	var k signingKeys
	k.KeyID, k.idType = key(doc.Get("AccessKeyId"))
	k.Secret, k.secretType = key(doc.Get("SecretAccessKey"))
	k.Token, k.Expires = doc.Get("Token").TextOr(""), expires
	return k, nil
}

// expirationForm is what Python's strptime makes of '%Y-%m-%dT%H:%M:%SZ': a
// leading zero may be missing, and letters count without their case.
var expirationForm = lazyregexp.New(`^(?i)(\d{4})-(1[0-2]|0[1-9]|[1-9])-(3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])T(2[0-3]|[0-1]\d|\d):([0-5]\d|\d):(6[0-1]|[0-5]\d|\d)Z`)

// expiration reads a time; why is the interpreter's error.
func expiration(n *source.Node) (at time.Time, why string) {
	if n == nil || n.Kind != source.String {
		kind := typeName(n)
		if kind == "NoneType" {
			kind = "None"
		}
		return at, "strptime() argument 1 must be string, not " + kind
	}
	m := expirationForm.FindStringSubmatch(n.Text)
	if m == nil {
		return at, "time data " + quote(n.Text, false) + " does not match format '%Y-%m-%dT%H:%M:%SZ'"
	}
	if rest := n.Text[len(m[0]):]; rest != "" {
		return at, "unconverted data remains: " + rest
	}
	var v [6]int
	for i := range v {
		v[i], _ = strconv.Atoi(strings.TrimSpace(m[i+1]))
	}
	at = time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5], 0, time.UTC)
	switch {
	case at.Day() != v[2] && v[5] < 60:
		return at, "day is out of range for month"
	case v[5] > 59:
		return at, "second must be in 0..59"
	}
	return at, ""
}
