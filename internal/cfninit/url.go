package cfninit

import (
	"fmt"
	"strings"

	"golang.org/x/net/idna"
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
	host, fail := authority(host, raw)
	if fail != nil {
		return "", fail
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return strings.ToLower(scheme) + "://" + host + requote(path), nil
}

// authority is what stands between scheme and path: the port as a number, a
// host beyond ASCII in its form for DNS (urllib3 1.10).
func authority(text, raw string) (string, *failure) {
	user, place := "", text
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		user, place = text[:i+1], text[i+1:]
	}
	host, after := "", place
	if strings.HasPrefix(place, "[") {
		if i := strings.IndexByte(place, ']'); i > 0 {
			host, after = place[:i+1], place[i+1:]
		}
	}
	before, port, given := strings.Cut(after, ":")
	if host == "" {
		host = before
	}
	if strings.Trim(port, "0123456789") != "" {
		return "", &failure{kind: ioFailure, text: "Failed to parse: " + after}
	}
	if host == "" {
		return "", &failure{kind: ioFailure, text: fmt.Sprintf("Invalid URL %s: No host supplied", quote(raw, true))}
	}
	labels := strings.Split(host, ".")
	for i, label := range labels {
		ascii, err := dnsLabel(label)
		if err != nil || ascii == "" && (i < len(labels)-1 || i == 0) || len(ascii) > 63 {
			return "", &failure{kind: ioFailure, text: "URL has an invalid label."}
		}
		labels[i] = ascii
	}
	host = strings.Join(labels, ".")
	if port = strings.TrimLeft(port, "0"); given && port != "" {
		host += ":" + port
	}
	return user + host, nil
}

// dnsLabel is a part of a host's name as DNS has it; one of ASCII stays as it is.
func dnsLabel(label string) (string, error) {
	if notASCII(label) == "" {
		return label, nil
	}
	return idna.New(idna.MapForLookup(), idna.Transitional(true)).ToASCII(label)
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
