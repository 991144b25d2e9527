package diagnose

import (
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
)

// secretName are the parts of names whose values are secrets.
const secretName = `(?:pass(?:word|wd|phrase|code)|passw|pwd|secret|token|signature|credential|(?:api|private|master|access|encryption|signing|app|license|account|storage|shared|auth|client|service|deploy|session|security|webhook|cookie|jwt)[_-]?key)`

// secrets are forms of secrets that stand in logs, beyond those that findings
// hide: values of options and headers, of variables with telling names, tokens
// with a form of their own. The first group that matches is what is hidden.
var secrets = []*lazyregexp.Regexp{
	// options
	lazyregexp.New(`(?i)--?[\w-]*(?:password|passwd|pass|token|secret|api-?key|auth)(?:[= ]+)["']?([^\s"']+)`),
	lazyregexp.New(`\b(?:mysql\w*|mariadb\w*|sshpass|docker login)\b[^\n]*?\s-p\s*(\S+)`),
	lazyregexp.New(`\bredis-cli\b[^\n]*?\s-a\s*(\S+)`),
	lazyregexp.New(`\bhtpasswd\s+-\w*b\w*\s[^\n]*?(\S+)\s*(?:$|[|:;&\n"')])`),
	lazyregexp.New(`\b(?:http-basic|gitlab-token|github-oauth|bitbucket-oauth|bearer)\.\S+\s+([^\n"')]+)`),
	lazyregexp.New(`\bbundle config\s+(?:--\w+\s+|set\s+)*\S+\s+(\S+)`),
	lazyregexp.New(`\baws configure set\s+\S+\s+(\S+)`),
	lazyregexp.New(`\b(?:put-parameter|create-secret|put-secret-value)\b[^\n]*?--(?:value|secret-string)[= ]+(\S+)`),
	lazyregexp.New(`\becho\s+(?:-n\s+)?["']?([^\s"'|]+)["']?\s*\|[^\n]{0,60}(?:--password-stdin|passwd|chpasswd)`),
	lazyregexp.New(`\s(?:-u|--user)[= ]+[^\s:]+:(\S+)`),
	// addresses
	lazyregexp.New(`\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s@/]+)@`),
	lazyregexp.New(`(?i)\b(?:postgres(?:ql)?|mysql2?|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|sqlserver|mssql|smtps?|ftp|sftp|ldaps?)://[^\s/:@]*:([^\s"'<>]+)@`),
	lazyregexp.New(`://([\w-]{16,})@`),
	lazyregexp.New(`\bjdbc:oracle:\w+:[^\s/@]+/([^\s@]+)@`),
	lazyregexp.New(`(?i)[?&;\s"'(](?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|Signature|Key-Pair-Id|AWSAccessKeyId|GoogleAccessId|sig|access_token|SAMLResponse|client_secret)=([^&\s"'<]+)`),
	lazyregexp.New(`hooks\.slack\.com/services/(\S+)`),
	lazyregexp.New(`\bdiscord(?:app)?\.com/api/webhooks/(\S+)`),
	lazyregexp.New(`\bwebhook\.office\.com/(\S+)`),
	lazyregexp.New(`\bbot\d{6,}:([\w-]{20,})`),
	// names and values
	lazyregexp.New(`(?i)[\w.-]*` + secretName + `[\w.-]*\\?["']?\s*(?:=>|[=:])\s*\\?(?:"([^"\n\\]{1,})|'([^'\n\\]{1,}))`),
	lazyregexp.New(`(?i)[\w.-]*` + secretName + `[\w.-]*\\?["']?\s*(?:=>|[=:])\s*\\?["']?([^\s"',;&}\\]{2,})`),
	lazyregexp.New(`(?i)(?:\b|_)(?:db|user|smtp|mail|my|root|admin)?_?pass\\?["']?\s*(?:=>|[=:])\s*\\?(?:"([^"\n\\]+)|'([^'\n\\]+)|([^\s"',;&}\\]{2,}))`),
	lazyregexp.New(`(?i)(?:^|[\s/:"'(])_auth\s*=\s*(\S+)`),
	lazyregexp.New(`\bBUNDLE_\w+__\w+["']?\s*[=:]\s*["']?([^\s"']+)`),
	lazyregexp.New(`(?i)\b(?:proxy-)?(?:authorization|x-amz-security-token|x-aws-ec2-metadata-token|x-api-key|x-auth-token|private-token|cookie|set-cookie)\\?["']?:\s*([^\r\n]+)`),
	lazyregexp.New(`(?i)\bbearer\s+([\w.~+/=-]{8,})`),
	// tokens with a form of their own
	lazyregexp.New(`\b((?:A3T|AKIA|ASIA|AGPA|AIDA|ANPA|ANVA)[A-Z0-9]{12,})\b`),
	lazyregexp.New(`\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)`),
	lazyregexp.New(`\b(AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|key-[0-9A-Za-z]{30,})`),
	lazyregexp.New(`\b((?:ghp|gho|ghs|ghu|ghr|github_pat|glpat|npm|pypi|dckr_pat|hf|shpat|xox[abeprs]|sk_live|sk_test|rk_live|rk_test|whsec|sk)[-_][A-Za-z0-9_-]{10,})\b`),
	lazyregexp.New(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.+?)(?:-----END|$)`),
}

// errorName tells an error's name, which a message follows and no value.
var errorName = lazyregexp.New(`(?:Error|Exception)\s*:\s*$`)

// shown are a sign's groups as they may be shown: a part of a secret cut out of
// what tells it for one would not be known again.
func shown(s *Sign, text string, groups map[string]string) map[string]string {
	hidden := Hide(text)
	if hidden == text {
		return groups
	}
	again := s.match(hidden)
	if name, ok := groups["name"]; ok && again != nil && again["name"] == "" {
		again["name"] = name // of the command around it
	}
	out := make(map[string]string, len(groups))
	for name, value := range groups {
		switch {
		case again != nil:
			out[name] = again[name]
		case strings.Contains(hidden, value):
			out[name] = value
		default:
			out[name] = "****"
		}
	}
	return out
}

// secretKey finds what may be a secret access key (40 characters) or a line of a
// PEM file (60 and more).
var secretKey = lazyregexp.New("(^|[\\s\"'=:,(`])([A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{60,76})(={0,2}(?:$|[\\s\"'),.:;<`\\\\]))")

// mixed tells random letters and digits from a path or a hash.
func mixed(s string) bool {
	return strings.ContainsAny(s, "0123456789") && strings.ToLower(s) != s && strings.ToUpper(s) != s && strings.Count(s, "/") < 5
}

// Hide is a text with stars over what looks like a secret.
func Hide(text string) string {
	for _, re := range secrets {
		text = re.ReplaceAllStringFunc(text, func(m string) string {
			at := re.FindStringSubmatchIndex(m)
			for i := 2; i+1 < len(at); i += 2 { // the group that matched
				if at[i] >= 0 && errorName.MatchString(m[:at[i]]) {
					return m
				}
				if at[i] >= 0 {
					return m[:at[i]] + "****" + m[at[i+1]:]
				}
			}
			return m
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
