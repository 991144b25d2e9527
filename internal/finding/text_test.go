package finding

import (
	"strings"
	"testing"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

func print(f *Finding, opt TextOptions) string {
	var b strings.Builder
	Text(&b, []*Finding{f}, opt)
	return b.String()
}

func at(file string, line, col int) source.Pos { return source.Pos{File: file, Line: line, Col: col} }

func TestTextShowsConsequenceExcerptAndNotes(t *testing.T) {
	f := &Finding{
		Rule: "role-name-is-profile", Severity: Error, Certain: true,
		Pos: at("a.config", 2, 3), End: at("a.config", 2, 11),
		Message: "instance metadata will answer 404",
		Notes: []Note{
			{Label: "name", Text: `"shop-` + fact.Generated("P") + `"`, At: []source.Pos{at("infra.yaml", 41, 16), at("infra.yaml", 42, 1)}},
			{Label: "on AWS", Text: "five minutes of retries"},
		},
	}
	got := print(f, TextOptions{Read: func(string) []byte { return []byte("x:\r\n  roleName: y\r\n") }})
	want := `a.config:2:3: error: instance metadata will answer 404 [role-name-is-profile]
  |
2 |   roleName: y
  |   ^~~~~~~~
  name:   "shop-…"
          infra.yaml:41:16
          infra.yaml:42:1
  on AWS: five minutes of retries
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTextNeverLetsControlCharactersThrough(t *testing.T) {
	nasty := "a\x1b[2Jb\r\u202ec\u0085\xff\x00"
	f := &Finding{Rule: "r", Severity: Warning, Pos: at("f\x1b", 1, 1), Message: nasty, Notes: []Note{{Label: "cause", Text: nasty}}}
	got := print(f, TextOptions{Read: func(string) []byte { return []byte(nasty) }})
	for _, r := range got {
		if r != '\n' && (r < ' ' || r == 0x7f || r == 0x85 || r == 0x202e || r == '\ufffd') {
			t.Errorf("%q holds %q", got, r)
		}
	}
}

func TestTextHidesSecretsInExcerpts(t *testing.T) {
	for _, line := range []string{
		`S3: {secretKey: verysecret, roleName: x}`,
		`{"secretKey" : "verysecret", "roleName": "x"}`,
		`password: verysecret`,
		`AWS_SECRET_ACCESS_KEY=verysecret`,
		`password: verysecretä`,
		`source: https://b.s3.amazonaws.com/k?X-Amz-Expires=5&X-Amz-Signature=verysecret&x=y`,
		`source: https://user:verysecret@example.com:8443/k`,
	} {
		got := print(&Finding{Rule: "r", Pos: at("f", 1, 1), Message: line, Notes: []Note{{Label: "cause", Text: line}}}, TextOptions{Read: func(string) []byte { return []byte(line) }})
		if strings.Contains(got, "verysecret") {
			t.Errorf("%s: secret printed:\n%s", line, got)
		}
	}
}

func TestUnderlineStandsBelowThePlace(t *testing.T) {
	for _, c := range []struct {
		name, line   string
		col, end     int
		room         int
		shown, under string
	}{
		{"plain", "abc def", 5, 8, 0, "abc def", "    ^~~"},
		{"one column", "abc", 2, 0, 0, "abc", " ^"},
		{"tab", "\tx", 2, 3, 0, "    x", "    ^"},
		{"wide runes", "日本x", 3, 4, 0, "日本x", "    ^"},
		{"umlaut", "äöx", 3, 4, 0, "äöx", "  ^"},
		{"behind the end", "ab", 3, 9, 0, "ab", "  ^"},
		{"cut on both sides", strings.Repeat("a", 50) + "B" + strings.Repeat("c", 50), 51, 52, 20, "…aaaaaaBccccccccccc…", "       ^"},
	} {
		shown, under := newShownLine(c.line).underline(at("f", 1, c.col), at("f", 1, c.end), c.room)
		if shown != c.shown || under != c.under {
			t.Errorf("%s: got %q %q, want %q %q", c.name, shown, under, c.shown, c.under)
		}
	}
}

func TestWrapKeepsToTheWidth(t *testing.T) {
	for _, c := range []struct {
		text          string
		width, indent int
		want          string
	}{
		{"a b c", 0, 0, "a b c"},
		{"one two three four", 9, 2, "one two|  three|  four"},
		{"averylongwordthatdoesnotfit x", 8, 0, "averylongwordthatdoesnotfit|x"},
	} {
		if got := strings.Join(wrap(c.text, c.width, c.indent), "|"); got != c.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
