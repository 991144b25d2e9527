package cfninit

import (
	"fmt"
	"strings"
)

// prepareURL is a URL as the agent's HTTP library sends it: scheme in small
// letters, what must be escaped escaped (requests 2.6) [cb-run].
func prepareURL(raw string) (string, *failure) {
	if strings.Contains(raw, ":") && !strings.HasPrefix(strings.ToLower(raw), "http") {
		return raw, nil
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", &failure{kind: ioFailure, text: fmt.Sprintf("Invalid URL %s: No schema supplied. Perhaps you meant http://%s?", quote(raw, true), raw)}
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if host == "" {
		return "", &failure{kind: ioFailure, text: fmt.Sprintf("Invalid URL %s: No host supplied", quote(raw, true))}
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return strings.ToLower(scheme) + "://" + host + requote(path), nil
}

// requote escapes what a URL may not hold, and unescapes what needs no escape.
func requote(s string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	const safe = unreserved + "!#$%&'()*+,/:;=?@[]"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, ok := unhex(s[i+1 : i+3]); ok && strings.IndexByte(unreserved, c) >= 0 {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		if s[i] < 0x80 && strings.IndexByte(safe, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

func unhex(s string) (byte, bool) {
	var c byte
	_, err := fmt.Sscanf(s, "%02x", &c)
	return c, err == nil && len(s) == 2
}
