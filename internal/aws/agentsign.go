package aws

import (
	"net/url"
	"strings"

	"beanpole/internal/lazyregexp"
)

// agentCanonical is the path and query as the agent puts them into a Version 4
// signature: it undoes the percent-encoding of the whole URL before it takes
// it apart, resolves the path, and encodes again. Leading slashes, "..", an
// encoded "?" or "#", and a first segment that looks like a scheme therefore
// come out other than S3 has them. [cb:auth.py]
func agentCanonical(u *url.URL) (path, query string) {
	p := u.EscapedPath()
	full := unquote(p)
	if u.RawQuery != "" {
		full += "?" + unquote(u.RawQuery)
	}
	full, _, _ = strings.Cut(full, "#")
	p, q, _ := strings.Cut(full, "?")
	return uriEncode(agentJoin(p), true), canonicalQuery(strings.ReplaceAll(q, ";", "&"), "")
}

// pathScheme finds what Python takes for a URL's scheme.
var pathScheme = lazyregexp.New(`^[A-Za-z0-9+.-]+:`)

// agentJoin resolves a path as Python 2's urljoin does against a bare host.
func agentJoin(p string) string {
	p = strings.TrimLeft(p, "/")
	if m := pathScheme.FindString(p); m != "" {
		rest := p[len(m):]
		switch {
		case rest == "":
			return "/"
		case strings.Trim(rest, "0123456789") != "": // else a port, says Python
			return rest
		}
	}
	segs := strings.Split(p, "/")
	if n := len(segs) - 1; segs[n] == "." {
		segs[n] = ""
	}
	kept := segs[:0]
	for _, s := range segs {
		if s != "." {
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(dropParents(kept), "/")
}

// dropParents removes "x/.." pairs, leaving a leading ".." as it is.
func dropParents(segs []string) []string {
	for i := 1; i < len(segs)-1; i++ {
		if segs[i] == ".." && segs[i-1] != "" && segs[i-1] != ".." {
			segs = append(segs[:i-1], segs[i+1:]...)
			i = 0
		}
	}
	if n := len(segs); n >= 2 && segs[n-1] == ".." {
		segs = append(segs[:n-2], "")
	}
	return segs
}

// unquote undoes percent-encoding and leaves broken percent signs alone.
func unquote(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// AgentMissigns tells why S3 refuses the agent's signature of a fetch of
// rawURL with 403 SignatureDoesNotMatch, whatever the keys; "" when it does
// not. [cb:auth.py; cases auth-key-*]
func AgentMissigns(rawURL string) string {
	a := AgentS3(rawURL)
	u, err := url.Parse(rawURL)
	if err != nil || !a.Recognised() {
		return ""
	}
	if a.Default {
		if canonicalResourceQuery(u.RawQuery) != "" {
			return "the agent leaves the query out of a Signature Version 2"
		}
		return ""
	}
	path, query := agentCanonical(u)
	if query != canonicalQuery(u.RawQuery, "") {
		return "the agent decodes the URL before it signs, so that its query changes"
	}
	for _, p := range canonicalPaths("s3", u.EscapedPath()) {
		if p == path {
			return ""
		}
	}
	return "the agent resolves the path before it signs: S3 sees " + quotePath(u.EscapedPath()) + ", the signature says " + quotePath(path)
}

func quotePath(p string) string { return `"` + p + `"` }
