package finding

import (
	"math/rand"
	"strings"
	"testing"
)

// TestQuickLookMissesNoSecret: a line that the quick look lets pass holds
// nothing that secrets would find.
func TestQuickLookMissesNoSecret(t *testing.T) {
	parts := []string{"secret", "Secret_Access_Key", "PASSWORD", "\u017fecret", "\u212aey", "key", ":", "=", "\"", " ", "?", "&", "token", "sig", "x", "abcDEF0123",
		"aaaaaaaaaaaaaaaaaaaa", "+/", "==", "-----BEGIN RSA PRIVATE KEY-----", "://", "user:pw@", "a@b", ",", "}"}
	random := rand.New(rand.NewSource(1))
	passed := 0
	for range 200_000 {
		var b strings.Builder
		for range random.Intn(8) {
			b.WriteString(parts[random.Intn(len(parts))])
		}
		line := b.String()
		if maySecret(line) {
			continue
		}
		passed++
		for _, secret := range secrets {
			if secret.MatchString(line) {
				t.Fatalf("%q matches %v", line, secret)
			}
		}
	}
	if passed < 1000 {
		t.Errorf("only %d lines pass: the test shows little", passed)
	}
}
