// Package pemfile reads certificates and private keys as OpenSSL does for
// nginx and Apache, which is stricter than encoding/pem: a file that one takes
// can be one that the other refuses. It keeps nothing of a key but what tells
// whether a certificate is its own.
package pemfile

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// maxText is the longest text that is read; a chain of certificates has some
// kilobytes.
const maxText = 1 << 20

// Flaw is why OpenSSL refuses the text, in its own words.
type Flaw string

const (
	// NoStartLine: no line is "-----BEGIN …-----" from its first column to its
	// end.
	NoStartLine Flaw = "no start line"
	// BadEndLine: no line that is "-----END …-----" follows, or it names
	// something else.
	BadEndLine Flaw = "bad end line"
	// Unended: the next block begins before this one has ended. What OpenSSL
	// says then depends on what stands between.
	Unended Flaw = "a block has no end"
)

// File is what a text holds.
type File struct {
	// Certificates in their order; one that cannot be read ends the list and
	// sets Doubt.
	Certificates []*x509.Certificate
	// Key is the first private key, nil when there is none or it cannot be
	// read.
	Key *Key
	// Flaw is the first fault of the framing, "" when there is none.
	// NoStartLine: the text holds no block at all.
	Flaw Flaw
	// Indented: a line would be a frame if no blanks stood in front of it.
	// Folded: a frame stands on a line together with more text.
	Indented, Folded bool
	// Empty: there is nothing but blanks.
	Empty bool
	// Doubt: something stands there that is not understood, a stand-in for
	// instance; what else the file holds is not known.
	Doubt bool
}

// Key is a private key without what is private in it.
type Key struct {
	// Encrypted: only who has its pass phrase can read it; Public is nil then.
	Encrypted bool
	Public    crypto.PublicKey // nil: not known
}

// Read reads a text.
func Read(text string) *File {
	f := &File{Empty: strings.TrimSpace(text) == ""}
	if len(text) > maxText {
		f.Doubt = true
		return f
	}
	text = strings.TrimPrefix(text, "\ufeff")
	lines := split(text)
	for i := 0; i < len(lines); {
		kind, ok := frame(lines[i], "BEGIN")
		if !ok {
			f.stray(lines[i])
			i++
			continue
		}
		i = f.block(lines, i, kind)
	}
	if f.Flaw == "" && len(f.Certificates) == 0 && f.Key == nil && !f.Doubt {
		f.Flaw = NoStartLine
	}
	return f
}

// split are the lines without the blanks at their ends, as OpenSSL reads them.
func split(text string) (out []string) {
	for l := range strings.Lines(text) {
		out = append(out, strings.TrimRight(l, " \t\r\n\v\f"))
	}
	return out
}

// frame is what a line "-----BEGIN X-----" begins.
func frame(s, word string) (kind string, ok bool) {
	s, ok = strings.CutPrefix(s, "-----"+word+" ")
	if !ok {
		return "", false
	}
	kind, ok = strings.CutSuffix(s, "-----")
	return kind, ok && !strings.Contains(kind, "-----")
}

// stray looks at a line outside of all blocks, which OpenSSL passes over.
func (f *File) stray(l string) {
	rest := strings.TrimLeft(l, " \t")
	i := strings.Index(rest, "-----BEGIN ")
	if i < 0 {
		return
	}
	if _, whole := frame(rest, "BEGIN"); whole {
		f.Indented = true
	} else {
		f.Folded = true
	}
}

// block reads the block that begins on line i and returns the line behind it.
func (f *File) block(lines []string, i int, kind string) (next int) {
	var body strings.Builder
	encrypted := kind == "ENCRYPTED PRIVATE KEY"
	flaw := BadEndLine
	for i++; i < len(lines); i++ {
		l := lines[i]
		if end, ok := frame(l, "END"); ok && end == kind {
			f.add(kind, body.String(), encrypted)
			return i + 1
		}
		if strings.HasPrefix(l, "-----") {
			if strings.HasPrefix(l, "-----BEGIN ") {
				flaw = Unended
			}
			break
		}
		if rest := strings.TrimLeft(l, " \t"); rest != l && strings.HasPrefix(rest, "-----END ") {
			f.Indented = true
			break
		}
		if strings.Contains(l, ":") {
			encrypted = encrypted || strings.HasPrefix(l, "Proc-Type:") && strings.HasSuffix(l, "ENCRYPTED")
			continue
		}
		if strings.HasPrefix(l, "DEK-Info") {
			continue
		}
		body.WriteString(strings.Trim(l, " \t"))
	}
	if f.Flaw == "" {
		f.Flaw = flaw
	}
	return i
}

// add takes up one whole block.
func (f *File) add(kind, body string, encrypted bool) {
	der, err := base64.StdEncoding.DecodeString(body)
	switch {
	case strings.HasSuffix(kind, "CERTIFICATE"):
		c, parseErr := x509.ParseCertificate(der)
		if err != nil || parseErr != nil {
			f.Doubt = true
			return
		}
		if !f.Doubt {
			f.Certificates = append(f.Certificates, c)
		}
	case strings.HasSuffix(kind, "PRIVATE KEY"):
		if err != nil || len(der) == 0 || der[0] != 0x30 {
			f.Doubt = true // no key at all: somebody's stand-in
			return
		}
		if f.Key == nil {
			f.Key = &Key{Encrypted: encrypted}
			if !encrypted {
				f.Key.Public = public(der)
			}
		}
	default:
		// "EC PARAMETERS", "DH PARAMETERS", a request: passed over
		f.Doubt = f.Doubt || !strings.HasSuffix(kind, "PARAMETERS")
	}
}

// public is the public half of a private key in one of its three encodings.
func public(der []byte) crypto.PublicKey {
	var key any
	var err error
	if key, err = x509.ParsePKCS8PrivateKey(der); err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(der); err != nil {
			if key, err = x509.ParseECPrivateKey(der); err != nil {
				return nil
			}
		}
	}
	if k, ok := key.(crypto.Signer); ok {
		return k.Public()
	}
	return nil
}

// Fits tells whether the key is the certificate's own; known is unset when the
// key's public half is not known.
func (k *Key) Fits(c *x509.Certificate) (fits, known bool) {
	own, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || c.PublicKey == nil {
		return false, false
	}
	return own.Equal(c.PublicKey), true
}
