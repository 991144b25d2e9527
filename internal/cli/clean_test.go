package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"beanpole/internal/source"
)

// A repository from elsewhere must not steer the terminal of whoever looks at it.
const steering = "\x1b]0;owned\x07\x1b[2J\u009b2J\u202e\r\xff"

func TestNoTextOfOthersSteersTheTerminal(t *testing.T) {
	for _, err := range []error{errors.New("a" + steering), usageError("a%s", steering), &source.Problem{What: "a" + steering, Remedy: steering}} {
		var w bytes.Buffer
		reportError(&w, err)
		unsteered(t, err.Error(), w.String())
	}
	if got := clean("größe\t→ 漢\n"); got != "größe\t→ 漢\n" {
		t.Errorf("clean text became %q", got)
	}
}

func TestCheckOfAHostileRepositorySteersNoTerminal(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "app", ".ebextensions"), 0o700); err != nil {
		t.Fatal(err)
	}
	const e = `\e]0;owned\a\u009b2J\u202e`
	for name, text := range map[string]string{
		"app/.ebextensions/a.config": "files:\n  \"/x" + e + "\":\n    source: \"https://b.s3.amazonaws.com/k" + e + "\"\n    authentication: \"A" + e + "\"\n",
		"infra.yaml":                 "Resources:\n  Bad:\n    Type: \"AWS::X" + e + "\"\n    Properties: {A: {\"Fn::GetAtt\": [\"No" + e + "\", \"x\"]}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"check", "app"}, {"check", "app", "--template", "infra.yaml"}, {"fix", "app", "--template", "infra.yaml"},
		{"check", "app", "--template", "no" + steering}, {"no" + steering}, {"check", "--no" + steering}} {
		_, out, errs := command(t, dir, args...)
		unsteered(t, strings.Join(args, " "), out+errs)
	}
}

func unsteered(t *testing.T, what, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\x1b\x07\u009b\u202e\r") || text == "" {
		t.Errorf("%q: the output steers the terminal: %q", what, text)
	}
}
