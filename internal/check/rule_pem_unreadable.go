package check

import (
	"bytes"
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/pemfile"
	"beanpole/internal/source"
)

var pemUnreadable = &Rule{
	Slug:  "pem-unreadable",
	Title: "a certificate or key cannot be read as PEM",
	Why: `OpenSSL, which nginx and Apache use, wants "-----BEGIN …-----" and
"-----END …-----" each on a line of its own, from the first column. YAML joins
the lines of a text behind "content: >" and behind no sign at all, and only
"content: |" keeps them; lines that are indented more deeply than the first one
keep the difference as blanks. nginx then ends with
  nginx: [emerg] cannot load certificate "…": PEM_read_bio_X509_AUX() failed (SSL: … no start line …)
or with "bad end line" where the END line is missing, or is not at the margin.`,
	Before: `/etc/pki/tls/certs/server.crt:
  content: >
    -----BEGIN CERTIFICATE-----
    …`,
	After: `/etc/pki/tls/certs/server.crt:
  content: |
    -----BEGIN CERTIFICATE-----
    …`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		r.eachPEM(func(p *tlsPair, f *tlsFile, isKey bool) {
			pem := f.pem()
			standIn := pem.Flaw == pemfile.NoStartLine && !pem.Folded && !pem.Indented
			if pem.Flaw == "" || p.server == "" && standIn {
				return // no proxy is seen to read it, and it is no PEM at all
			}
			found := unreadablePEM(p, f, isKey)
			found.Fixes = r.keptLines(f.file)
			out = append(out, found)
		})
		return out
	},
}

func unreadablePEM(p *tlsPair, f *tlsFile, isKey bool) *finding.Finding {
	words, severity, certain := p.startFails()
	at, end := f.place()
	out := &finding.Finding{Rule: "pem-unreadable", Severity: severity, Certain: certain, Pos: at, End: end}
	what := "certificate"
	if isKey {
		what = "private key"
	}
	out.Message = fmt.Sprintf("%s: the %s %q cannot be read", words, what, f.path)
	cause, fix := pemCause(f)
	out.Notes = append(out.Notes, finding.Note{Label: "cause", Text: cause, At: f.places(at)})
	if text := unreadableText(p, f, isKey); text != "" {
		out.Notes = append(out.Notes, finding.Note{Label: "on AWS", Text: text})
	}
	out.Notes = append(out.Notes, finding.Note{Label: "fix", Text: fix})
	return out
}

// pemCause says what is wrong with the text, and what to write.
func pemCause(f *tlsFile) (cause, fix string) {
	pem, style := f.pem(), f.file.text.Style
	switch {
	case pem.Empty:
		return "the file is empty", "put the certificate or key into it"
	case pem.Folded && f.file.bundle == "" && style == source.Folded:
		return `"content: >" joins the lines of the text into one, and PEM needs its lines`, `write "content: |"`
	case pem.Folded && f.file.bundle == "" && style != source.Literal:
		return "YAML joins the lines of a text that stands there without a sign, and PEM needs its lines",
			`write "content: |" and the text below it, indented`
	case pem.Folded:
		return "BEGIN stands on one line with more text; it needs a line of its own", "give BEGIN, END and the text between them their own lines"
	case pem.Indented:
		return "blanks stand in front of BEGIN or END: the lines are not all indented alike", "indent all lines of the text alike"
	case pem.Flaw == pemfile.BadEndLine:
		return "BEGIN is not followed by an END that fits: the text is cut off, or copied in part", "put the whole text there, from BEGIN to END"
	case pem.Flaw == pemfile.Unended:
		return "a second BEGIN stands where END should be", "put the whole text there, from BEGIN to END"
	}
	return "there is no line -----BEGIN …----- in it: a file in another format (DER, PKCS #12), or with other content",
		"put it there in PEM format; openssl x509 -inform der, or openssl pkcs12, turns others into it"
}

// keptLines writes "|" for the ">" of a folded text, if what then stands in the
// file can be read as PEM. A file with a private key in it is left to the user:
// the diff of the edit would print lines of the key.
func (r *run) keptLines(p *placed) []finding.Fix {
	n := p.text
	if p.bundle != "" || n.Style != source.Folded {
		return nil
	}
	data, err := r.in.Bundle.Read(n.Pos.File)
	from, to := n.Pos.Offset, n.End.Offset
	if err != nil || from < 0 || from >= to || to > len(data) || data[from] != '>' || bytes.Contains(data, []byte("PRIVATE KEY")) {
		return nil
	}
	header, body, _ := strings.Cut(string(data[from:to]), "\n")
	if strings.ContainsAny(header, "123456789") {
		return nil // the text's own indentation is told there
	}
	body = strings.TrimLeft(body, "\r\n")
	indent := body[:len(body)-len(strings.TrimLeft(body, " "))]
	lines := strings.ReplaceAll("\n"+body, "\n"+indent, "\n")
	if pem := pemfile.Read(lines[1:]); pem.Flaw != "" || pem.Folded || pem.Indented {
		return nil
	}
	return []finding.Fix{{Name: "keep-lines", Title: "keep the lines of the text",
		Edits: []source.Edit{{File: n.Pos.File, Start: from, End: from + 1, New: "|"}}}}
}

// unreadableText is the line of the log [nginx 1.22 with OpenSSL 3.0, run].
func unreadableText(p *tlsPair, f *tlsFile, isKey bool) string {
	if p.server != "nginx" || f.pem().Flaw == pemfile.Unended {
		return ""
	}
	if isKey {
		return fmt.Sprintf(`nginx: [emerg] cannot load certificate key "%s": PEM_read_bio_PrivateKey() failed (SSL: …)`, f.path)
	}
	return fmt.Sprintf(`nginx: [emerg] cannot load certificate "%s": PEM_read_bio_X509_AUX() failed (SSL: … %s …)`, f.path, f.pem().Flaw)
}
