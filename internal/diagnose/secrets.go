package diagnose

import (
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
)

// secrets are forms of secrets that stand in logs, beyond those that findings
// hide: values of options and headers, of variables with telling names, tokens
// with a form of their own.
var secrets = []*lazyregexp.Regexp{
	lazyregexp.New(`(?i)(?:--?(?:password|passwd|pass|token|secret|api-?key|auth)[= ]+)(\S+)`),
	lazyregexp.New(`(?i)[?&](?:X-Amz-(?:Signature|Credential|Security-Token)|Signature|AWSAccessKeyId|sig|access_token)=([^&\s"'<]+)`),
	lazyregexp.New(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s@/]+)@`),
	lazyregexp.New(`\b(?:mysql\w*|docker login)\b[^\n]*?\s-p\s*(\S+)`),
	lazyregexp.New(`\s(?:-u|--user)[= ]+[^\s:]+:(\S+)`),
	lazyregexp.New(`hooks\.slack\.com/services/(\S+)`),
	lazyregexp.New(`\b(AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,})`),
	lazyregexp.New(`(?i)\b[\w.-]*(?:password|passwd|pwd|secret|token|(?:api|private|master|access|encryption|signing|app)_?key|credential)[\w.-]*["']?\s*[=:]\s*["']?([^\s"',;&}]{3,})`),
	lazyregexp.New(`(?i)\b(?:authorization|x-amz-security-token|x-aws-ec2-metadata-token|cookie|set-cookie):\s*([^\r\n]+)`),
	lazyregexp.New(`(?i)\bbearer\s+([\w.~+/=-]{8,})`),
	lazyregexp.New(`\b((?:A3T|AKIA|ASIA|AGPA|AIDA|ANPA|ANVA)[A-Z0-9]{12,})\b`),
	lazyregexp.New(`\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)`),
	lazyregexp.New(`\b((?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abps]|sk_live|rk_live|sk)[-_][A-Za-z0-9_-]{10,})\b`),
	lazyregexp.New(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?:-----END|$)`),
}

// secretKey finds what may be a secret access key (40 characters) or a line of a
// PEM file (60 and more).
var secretKey = lazyregexp.New("(^|[\\s\"'=:,(`])([A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{60,76})(={0,2}(?:$|[\\s\"'),`]))")

// mixed tells random letters and digits from a path or a hash.
func mixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s && strings.ToUpper(s) != s && strings.Count(s, "/") < 5
}

// Hide is a text with stars over what looks like a secret.
func Hide(text string) string {
	for _, re := range secrets {
		text = re.ReplaceAllStringFunc(text, func(m string) string {
			at := re.FindStringSubmatchIndex(m)
			if len(at) < 4 || at[2] < 0 {
				return m
			}
			return m[:at[2]] + "****" + m[at[3]:]
		})
	}
	text = secretKey.ReplaceAllStringFunc(text, func(m string) string {
		if at := secretKey.FindStringSubmatchIndex(m); at != nil && mixed(m[at[4]:at[5]]) {
			return m[:at[4]] + "****" + m[at[5]:]
		}
		return m
	})
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = finding.Mask(l)
	}
	return strings.Join(lines, "\n")
}
