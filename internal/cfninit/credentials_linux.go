package cfninit

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"beanpole/internal/aws"
)

const (
	credentialsPath = "/latest/meta-data/iam/security-credentials/"
	profilePath     = "/latest/meta-data/iam/info"
	tokenPath       = "/latest/api/token"
	tokenSeconds    = "21600" // six hours, the longest life of a token [EC2]
)

// credentials asks the metadata service for a role's keys, 10 times at most.
// Nothing is kept: every attempt of a fetch asks anew [cb:util.py].
func (b *build) credentials(ctx context.Context, role string) (aws.Credentials, *remote) {
	var creds aws.Credentials
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
func readCredentials(body []byte) (aws.Credentials, *failure) {
	var creds aws.Credentials
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		return creds, &failure{kind: unexpected, text: "No JSON object could be decoded"}
	}
	m, ok := doc.(map[string]any)
	if !ok {
		if doc == nil {
			return creds, &failure{kind: unexpected, text: "'NoneType' object has no attribute '__getitem__'"}
		}
		return creds, &failure{kind: unexpected, text: "No JSON object could be decoded"}
	}
	text := map[string]string{}
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "Token", "Expiration"} {
		v, ok := m[name]
		if !ok {
			return creds, &failure{kind: unexpected, text: quote(name, false)}
		}
		text[name], _ = v.(string)
	}
	const form = "2006-01-02T15:04:05Z"
	expires, err := time.Parse(form, text["Expiration"])
	if err != nil || len(text["Expiration"]) != len(form) {
		return creds, &failure{kind: unexpected, text: "time data " + quote(text["Expiration"], false) + " does not match format '%Y-%m-%dT%H:%M:%SZ'"}
	}
	return aws.Credentials{KeyID: text["AccessKeyId"], Secret: text["SecretAccessKey"], Token: text["Token"], Expires: expires}, nil
}
