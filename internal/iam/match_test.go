package iam

import (
	"math/rand"
	"regexp"
	"strings"
	"testing"

	"beanpole/internal/fact"
)

// The model of a Resource element is a regular expression, written from AWS's
// words: in the first five parts only a * at the end of a part takes colons.
func TestResourcesMatchAsTheModelSays(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	hits := 0
	for range 30000 {
		p, s := "arn:"+randomARN(rnd, "ab*?:::", 12), "arn:"+randomARN(rnd, "ab:::", 8)
		s += strings.Repeat(":", max(0, arnParts-1-strings.Count(s, ":"))) // an ARN has all parts
		want := resourceModel(p).MatchString(s)
		if got := matchResource(p, s); got != fact.Of(want) {
			t.Fatalf("matchResource(%q, %q) = %v, want %v", p, s, got, want)
		}
		if want {
			hits++
		}
	}
	if hits < 1000 {
		t.Errorf("only %d matches", hits)
	}
}

func randomARN(r *rand.Rand, letters string, longest int) string {
	var b strings.Builder
	for range r.Intn(longest + 1) {
		b.WriteByte(letters[r.Intn(len(letters))])
	}
	return b.String()
}

func resourceModel(p string) *regexp.Regexp {
	var b strings.Builder
	colons := 0
	for i := range len(p) {
		last := colons >= arnParts-1
		switch c := p[i]; {
		case c == '*' && (last || i+1 == len(p) || p[i+1] == ':'):
			b.WriteString(`.*`)
		case c == '*':
			b.WriteString(`[^:]*`)
		case c == '?' && last:
			b.WriteString(`.`)
		case c == '?':
			b.WriteString(`[^:]`)
		default:
			if c == ':' {
				colons++
			}
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if colons < arnParts-1 { // what is missing counts as *
		b.WriteString(`(:.*)?`)
	}
	return regexp.MustCompile(`^` + b.String() + `$`)
}

func TestResourceWildcards(t *testing.T) {
	for _, c := range []struct {
		pattern, text  string
		resource, cond fact.Verdict
	}{
		{"*", "arn:aws:s3:::b", fact.Holds, fact.Holds},
		{"arn:aws:s3:::b*", "arn:aws:s3:::bucket/k:1", fact.Holds, fact.Holds},
		{"arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:111111111111:q", fact.Holds, fact.Broken},
		{"arn:aws:sqs:e*1:111111111111:q", "arn:aws:sqs:eu:x1:111111111111:q", fact.Broken, fact.Broken},
		{"arn:aws:s3*", "arn:aws:s3:::b/k", fact.Holds, fact.Unknown},
		{"arn:aws:s3", "arn:aws:s3:::b/k", fact.Holds, fact.Unknown},
		{"arn:aws:s3", "arn:aws:sqs:::b/k", fact.Broken, fact.Broken},
		{"arn:aws:s?:::b", "arn:aws:s3:::b", fact.Holds, fact.Holds},
		{"arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/1///test///object.jpg", fact.Holds, fact.Holds},
		{"arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/test/object.jpg", fact.Broken, fact.Broken},
		{"arn:aws:sqs:*:" + fact.Symbol("q"), "arn:aws:sqs:eu-west-1:111111111111:q", fact.Unknown, fact.Unknown},
		{"arn:aws:sqs:*:r", "arn:aws:sqs:eu-west-1:111111111111:" + fact.Generated("q"), fact.Broken, fact.Broken},
	} {
		if got := matchResource(c.pattern, c.text); got != c.resource {
			t.Errorf("matchResource(%q, %q) = %v, want %v", fact.Show(c.pattern), fact.Show(c.text), got, c.resource)
		}
		if got := matchARN(c.pattern, c.text); got != c.cond {
			t.Errorf("matchARN(%q, %q) = %v, want %v", fact.Show(c.pattern), fact.Show(c.text), got, c.cond)
		}
	}
}
