package diagnose

import (
	"regexp"
	"strings"
	"sync"

	"beanpole/internal/finding"
)

// secrets are forms of secrets that stand in logs, beyond those that findings
// hide: values of options and headers, of variables with telling names, tokens
// with a form of their own. They are compiled when they are first used.
var secrets = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?i)(?:--?(?:password|passwd|pass|token|secret|api-?key|auth)[= ]+)(\S+)`),
		regexp.MustCompile(`(?i)\b[\w.-]*(?:password|passwd|pwd|secret|token|api_?key|private_?key|credential)[\w.-]*["']?\s*[=:]\s*["']?([^\s"',;&}]{3,})`),
		regexp.MustCompile(`(?i)\b(?:authorization|x-amz-security-token|x-aws-ec2-metadata-token|cookie|set-cookie):\s*([^\r\n]+)`),
		regexp.MustCompile(`(?i)\bbearer\s+([\w.~+/=-]{8,})`),
		regexp.MustCompile(`\b((?:A3T|AKIA|ASIA|AGPA|AIDA|ANPA|ANVA)[A-Z0-9]{12,})\b`),
		regexp.MustCompile(`\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)`),
		regexp.MustCompile(`\b((?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abps]|sk_live|rk_live|sk)[-_][A-Za-z0-9_-]{10,})\b`),
		regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?:-----END|$)`),
	}
})

// secretKey finds what may have the form of a secret access key.
var secretKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile("(?:^|[\\s\"'=:,`])[A-Za-z0-9+/]{40}(?:$|[\\s\"',`])")
})

// mixed tells random letters and digits from a path or a hash.
func mixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s && strings.ToUpper(s) != s && strings.Count(s, "/") < 5
}

// Hide is a text with stars over what looks like a secret.
func Hide(text string) string {
	for _, re := range secrets() {
		text = re.ReplaceAllStringFunc(text, func(m string) string {
			at := re.FindStringSubmatchIndex(m)
			if len(at) < 4 || at[2] < 0 {
				return m
			}
			return m[:at[2]] + "****" + m[at[3]:]
		})
	}
	text = secretKey().ReplaceAllStringFunc(text, func(m string) string {
		key := strings.Trim(m, "\"'`=: ,")
		if len(key) == 40 && mixed(key) {
			return strings.Replace(m, key, "****", 1)
		}
		return m
	})
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = finding.Mask(l)
	}
	return strings.Join(lines, "\n")
}
