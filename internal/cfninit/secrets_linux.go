package cfninit

import (
	"strings"

	"beanpole/internal/lazyregexp"
)

const hidden = "***"

// secretParts are the parts of a URL that let others in: a password, and what
// makes a presigned URL valid. AWS's agent prints them; beanpole does not.
var secretParts = lazyregexp.New(`(://[^/?#@\s:]*:)[^/?#@\s]*(@)|([?&](?i:X-Amz-Signature|X-Amz-Security-Token|X-Amz-Credential|Signature)=)[^&#\s]*`)

// hideURL takes the secret parts out of a text with URLs.
func hideURL(s string) string { return secretParts.ReplaceAllString(s, "${1}${3}"+hidden+"${2}") }

// hide takes the keys of this build out of a text: S3 repeats the session
// token when it refuses a signature.
func (b *build) hide(s string) string {
	for _, secret := range b.secrets {
		if len(secret) > 3 {
			s = strings.ReplaceAll(s, secret, hidden)
		}
	}
	return s
}

// shorten keeps the beginning of a text that may be a private key.
func shorten(s string) string {
	const enough = 40
	if len(s) <= enough {
		return s
	}
	return strings.ToValidUTF8(s[:enough], "") + "…"
}
