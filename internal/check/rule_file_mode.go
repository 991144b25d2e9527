package check

import (
	"fmt"
	"strconv"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var unquotedMode = &Rule{
	Slug:  "unquoted-mode",
	Title: "a file's unquoted mode becomes another number",
	Why: `YAML 1.1 reads a number that begins with 0 as octal: mode: 000644 is the number 420.
cfn-init takes the mode as a text and reads it as octal once more. If the number
reaches it as the text "420", as CloudFormation's metadata carry numbers, the file
gets mode 0420, which is r---w----; of 000755 becomes 493, which is no octal number,
and the deployment ends with "invalid literal for int() with base 8: '493'". If it
reaches it as a number the deployment ends as well, with "int() can't convert
non-string with explicit base". A mode without leading zeros, such as 644, is a
number too, but stays what it looks like.`,
	Before: "mode: 000644",
	After:  `mode: "000644"`,
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			if f := numberMode(e); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

func numberMode(e entry) *finding.Finding {
	m := e.get("mode")
	if m == nil || m.Kind != source.Int && m.Kind != source.Float || m.Value() == m.Text {
		return nil
	}
	number := m.Value()
	f := keyFinding("unquoted-mode", finding.Warning, m)
	bits, err := strconv.ParseUint(number, 8, 32)
	if err != nil {
		f.Severity = finding.Error
		f.Message = fmt.Sprintf("cfn-init will stop at %q, and the deployment with it: YAML reads the mode %s as the number %s, which is not octal", e.name.Text, m.Text, number)
		note(f, "on AWS", fmt.Sprintf("Error occurred during build: invalid literal for int() with base 8: '%s'", number))
	} else {
		f.Certain = false
		f.Message = fmt.Sprintf("%q may get mode %04o (%s), not %s: YAML reads %s as the number %s", e.name.Text, bits&0o7777, permissions(bits), octal(m.Text), m.Text, number)
		note(f, "on AWS", "no message at all; or, if CloudFormation hands the number on as one, Error occurred during build: int() can't convert non-string with explicit base")
	}
	note(f, "fix", fmt.Sprintf(`write   mode: "%s"`, m.Text))
	f.Fixes = []finding.Fix{{Name: "quote", Title: "put the mode in quotes", Edits: []source.Edit{{File: e.file.Name, Start: m.Pos.Offset, End: m.End.Offset, New: `"` + m.Text + `"`}}}}
	return f
}

var modeNotOctal = &Rule{
	Slug:  "mode-not-octal",
	Title: "a file's mode is no octal number",
	Why: `cfn-init reads a mode as an octal number of up to six digits: "000644", "0644" and
"644" are the same, "120777" makes a symbolic link. Anything else, such as "rw-r--r--"
or "u+x" or a digit above 7, ends the deployment.`,
	Before: `mode: "u+x"`,
	After:  `mode: "000755"`,
	Since:  "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			m := e.get("mode")
			if m == nil || computed(m) || m.Kind == source.Null || m.Kind == source.Int && m.Value() != m.Text {
				continue
			}
			if _, ok := modeOf(m); ok {
				continue
			}
			f := keyFinding("mode-not-octal", finding.Error, m)
			f.Message = fmt.Sprintf("cfn-init will stop at %q, and the deployment with it: its mode is no octal number", e.name.Text)
			says := "invalid literal for int() with base 8: '" + m.TextOr("") + "'"
			if !m.IsScalar() {
				says = "int() can't convert non-string with explicit base"
			}
			note(f, "on AWS", "Error occurred during build: "+says)
			note(f, "fix", `write three octal digits for owner, group and others behind three more:   mode: "000644"`)
			out = append(out, f)
		}
		return out
	},
}

// modeOf is a mode as cfn-init reads it: octal digits, with or without 0o
// [cb-run].
func modeOf(n *source.Node) (bits uint64, ok bool) {
	if !n.IsScalar() || n.Kind == source.Null {
		return 0, false
	}
	text := strings.TrimSpace(n.Text)
	if low := strings.ToLower(text); strings.HasPrefix(low, "0o") {
		text = text[2:]
	}
	bits, err := strconv.ParseUint(text, 8, 40)
	return bits, err == nil
}

// octal is a mode as people write it, four digits.
func octal(text string) string {
	v, err := strconv.ParseUint(text, 8, 40)
	if err != nil {
		return text
	}
	return fmt.Sprintf("%04o", v&0o7777)
}

// permissions are the lower nine bits as ls shows them.
func permissions(bits uint64) string {
	out := []byte("rwxrwxrwx")
	for i := range out {
		if bits>>(8-i)&1 == 0 {
			out[i] = '-'
		}
	}
	return string(out)
}
