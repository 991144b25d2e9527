package check

import (
	"fmt"
	"path"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

var secretInBundle = &Rule{
	Slug:  "secret-in-bundle",
	Title: "a secret lies in the bundle",
	Why: `The source bundle is kept in S3 for as long as the application version, and what
stands in .ebextensions is also metadata of the environment's CloudFormation stack,
which everybody with cloudformation:DescribeStackResource reads. A private key or an
access key in it is known to all of them, and stays in the repository's history.`,
	Before: `files:
  /etc/pki/server.key:
    content: |
      -----BEGIN RSA PRIVATE KEY-----`,
	After: `files:
  /etc/pki/server.key:
    mode: "000400"
    authentication: S3Auth
    source: https://acme-keys.s3.eu-west-1.amazonaws.com/server.key`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, file := range r.x.Files {
			if file.Root != nil {
				out = append(out, secrets(file.Root, nil)...)
			}
		}
		for _, name := range r.in.Bundle.Names() {
			if keyFile(name) {
				if f := r.secretFile(name); f != nil {
					out = append(out, f)
				}
			}
		}
		return out
	},
}

var (
	privateKey = lazyregexp.New(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+(?:[A-Za-z-]+: .*\s+)*[A-Za-z0-9+/=]{40,}`)
	accessKey  = lazyregexp.New(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)
	secretKey  = lazyregexp.New(`^[A-Za-z0-9+/]{40}$`)
)

// keyFile: the file's name is that of a private key.
func keyFile(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".pem", ".key", ".p8":
	default:
		return strings.HasPrefix(base(name), "id_rsa") || strings.HasPrefix(base(name), "id_ed25519")
	}
	for _, part := range strings.Split(name, "/") {
		switch part { // certificates and keys that packages bring for their tests
		case "vendor", "node_modules", "site-packages", "test", "tests", "testdata", "fixtures", "spec":
			return false
		}
	}
	return true
}

func (r *run) secretFile(name string) *finding.Finding {
	data, err := r.in.Bundle.Read(name)
	if err != nil || len(data) > 64<<10 || !privateKey.Match(data) {
		return nil
	}
	f := fileFinding("secret-in-bundle", finding.Warning, name)
	f.Message = "everybody who reads the source bundle in S3 will have this private key"
	note(f, "fix", "fetch it from S3 with   authentication:   instead, and make a new key: this one is in the history")
	return f
}

// secrets are those in the values of a configuration file. Their text is never
// shown: the finding stands at the key.
func secrets(n, key *source.Node) (out []*finding.Finding) {
	for _, it := range n.Items {
		out = append(out, secrets(it, key)...)
	}
	keys := n.Kind == source.Map && literalKeys(n)
	for _, f := range n.Fields {
		if f.Value != nil && !keys {
			out = append(out, secrets(f.Value, f.Key)...)
		}
	}
	if key == nil {
		return out
	}
	what := ""
	switch {
	case keys:
		what = "the access keys"
	case n.Kind != source.String || n.Tag != "":
	case privateKey.MatchString(n.Text):
		what = "this private key"
	case len(n.Text) == 40 && secretKey.MatchString(n.Text) && strings.Contains(strings.ToLower(key.Text), "secret") && mixed(n.Text):
		what = "this secret key"
	}
	if what == "" {
		return out
	}
	f := keyFinding("secret-in-bundle", finding.Warning, key)
	f.End = source.Pos{}
	f.Message = fmt.Sprintf("everybody who reads the source bundle or the stack's metadata will have %s", what)
	note(f, "fix", map[string]string{
		"this private key": "fetch it from S3 with   authentication:   instead, and make a new key: this one is in the history",
	}[what])
	if f.Notes[0].Text == "" {
		f.Notes[0].Text = "let the instance's role sign (roleName), and deactivate these keys: they are in the history"
	}
	return append(out, f)
}

// literalKeys: a map holds an access key and its secret, as an authentication
// of CloudFormation does; the documentation's own example counts not.
func literalKeys(n *source.Node) bool {
	id, secret := n.Get("accessKeyId").TextOr(""), n.Get("secretKey").TextOr("")
	return accessKey.MatchString(id) && !strings.HasSuffix(id, "EXAMPLE") && secretKey.MatchString(secret)
}

// mixed: the text has capitals, small letters and digits, as random ones have.
func mixed(s string) bool {
	return strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") && strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyz") && strings.ContainsAny(s, "0123456789") && !strings.Contains(s, "EXAMPLE")
}
