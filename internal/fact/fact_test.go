package fact

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestVerdictsCombineAsThreeValuedLogic(t *testing.T) {
	all := []Verdict{Unknown, Holds, Broken}
	rank := map[Verdict]int{Broken: 0, Unknown: 1, Holds: 2} // and is the minimum, or the maximum
	for _, a := range all {
		for _, b := range all {
			and, or := a, a
			if rank[b] < rank[and] {
				and = b
			}
			if rank[b] > rank[or] {
				or = b
			}
			if got := All(a, b); got != and {
				t.Errorf("All(%v, %v) = %v, want %v", a, b, got, and)
			}
			if got := Any(a, b); got != or {
				t.Errorf("Any(%v, %v) = %v, want %v", a, b, got, or)
			}
			if got, want := Not(All(a, b)), Any(Not(a), Not(b)); got != want {
				t.Errorf("Not(All(%v, %v)) = %v, want %v", a, b, got, want)
			}
		}
	}
	if All() != Holds || Any() != Broken {
		t.Errorf("All() = %v, Any() = %v", All(), Any())
	}
	if Of(true) != Holds || Of(false) != Broken {
		t.Error("Of does not keep the truth value")
	}
}

var (
	x, y   = Symbol("x"), Symbol("y")
	g1, g2 = Generated("one"), Generated("two")
)

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want Verdict
	}{
		{"", "", Holds},
		{"shop", "shop", Holds},
		{"shop", "Shop", Broken},
		{x, x, Holds},
		{x, y, Unknown},
		{x, "", Unknown},
		{"shop-" + x, "shop-role", Unknown},
		{"shop-" + x, "team-role", Broken},
		{"shop-" + x + "-a", "shop-b-b", Broken},
		{g1, g1, Holds},
		{g1, g2, Broken},
		{g1, "", Broken},
		{g1, x, Unknown},
		{"shop-InstanceRole-" + g1, "shop-InstanceProfile-" + g2, Broken},
		{"shop-InstanceRole-" + g1, "shop-InstanceRole-X1", Broken},
		{"shop-InstanceRole-" + g1, "shop-InstanceRole-" + g1, Holds},
		{"shop-InstanceRole-" + g1, x + "-" + g1, Unknown},
		{x + g1, "a" + g2, Broken},
		{"é" + x, "é", Unknown},
		{"\xff" + x, "\xfe", Broken},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%q, %q) = %v, want %v", Show(c.a), Show(c.b), got, c.want)
		}
		if got := Equal(c.b, c.a); got != c.want {
			t.Errorf("Equal(%q, %q) = %v, want %v", Show(c.b), Show(c.a), got, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          Verdict
	}{
		{"*", "", Holds},
		{"", "", Holds},
		{"?", "", Broken},
		{"s3:Get*", "s3:GetObject", Holds},
		{"s3:Get*", "s3:PutObject", Broken},
		{"a*b*c", "aXbYbZc", Holds},
		{"a*b*c", "aXbYbZ", Broken},
		{"a?c", "aéc", Holds},
		{"a??c", "aéc", Broken},
		{"*??", "世", Broken},
		{"\xff", "\xfe", Broken},
		{"a\\*", "a*", Broken}, // IAM has no escape
		{"*", x, Holds},
		{"a*", "a" + x, Holds},
		{"a*", x, Unknown},
		{"a*", "b" + x, Broken},
		{"?", x, Unknown},
		{x, "anything", Unknown},
		{x, x, Holds},
		{"arn:aws:s3:::" + x + "/*", "arn:aws:s3:::" + x + "/k", Holds},
		{"arn:aws:s3:::" + x + "/*", "arn:aws:s3:::" + y + "/k", Unknown},
		{"arn:aws:s3:::" + g1 + "/*", "arn:aws:s3:::" + g1 + "/k", Holds},
		{"arn:aws:s3:::" + g1 + "/*", "arn:aws:s3:::" + g2 + "/k", Broken},
		{"arn:aws:s3:::" + g1 + "/*", "arn:aws:s3:::certs/k", Broken},
		{"arn:aws:s3:::certs/*", "arn:aws:s3:::" + g1 + "/k", Broken},
		{"arn:aws:s3:::elasticbeanstalk-*", "arn:aws:s3:::shop-certs-" + g1, Broken},
		{"shop-*", "shop-" + g1, Holds},
		{"shop-*-" + g1, "shop-role-" + g1, Holds},
		{"shop-???", "shop-" + g1, Unknown}, // its length is not known
		{"shop-*Z", "shop-" + g1, Unknown},  // it may end in Z
		{"shop-A*", "shop-" + g1, Unknown},
		{"shop-*-Z", "shop-" + g1, Broken}, // but holds no hyphen
		{"shop-AZ", "shop-" + g1, Broken},
		{"shop-A" + x, "shop-" + g1, Broken},
	} {
		if got := Match(c.pattern, c.text); got != c.want {
			t.Errorf("Match(%q, %q) = %v, want %v", Show(c.pattern), Show(c.text), got, c.want)
		}
	}
}

func TestTextsShowAndListWhatIsMissing(t *testing.T) {
	s := "a-" + x + "-" + g1 + "-" + x + y
	if got, want := Show(s), "a-${x}-…-${x}${y}"; got != want {
		t.Errorf("Show = %q, want %q", got, want)
	}
	if got, want := Missing(s), []string{"x", "y"}; !slices.Equal(got, want) {
		t.Errorf("Missing = %q, want %q", got, want)
	}
	if Known(s) || Known(g1) || !Known("a") {
		t.Error("Known is wrong")
	}
	if got := Lower("ABC" + Symbol("Key") + Generated("Role")); got != "abc"+Symbol("Key")+Generated("Role") {
		t.Errorf("Lower = %q", got)
	}
}

func TestUserTextCannotMakeASymbol(t *testing.T) {
	if got := Clean(x + "!" + g1); got != "x!one" {
		t.Errorf("Clean = %q", got)
	}
	if Equal(Symbol("!one"), "a") != Unknown {
		t.Error("a symbol whose name begins with ! became a generated part")
	}
	if got, want := Show(Symbol("of "+x)), "${of x}"; got != want {
		t.Errorf("Show of a nested symbol = %q, want %q", got, want)
	}
	if got := Known(string(open) + "never shut"); got {
		t.Error("a symbol without an end counts as known")
	}
}

// The model: symbols are given every value of a small world, and the texts are
// then compared as plain texts. A generated part is a letter of its own, which
// only unknown parts can hold as well.
func TestVerdictsAgreeWithAModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	values := words("abGH", 2)
	for range 6000 {
		a, b := randomText(rnd, "ab", 4), randomText(rnd, "ab", 4)
		pattern := randomText(rnd, "ab*?", 4)
		var eq, match tally
		for _, vx := range values {
			put := strings.NewReplacer(x, vx, g1, "G", g2, "H").Replace
			eq.add(put(a) == put(b))
			// ? takes one character, a generated part has an unknown number
			if !strings.Contains(pattern, "?") {
				match.add(slowMatch(put(pattern), put(b)))
			}
		}
		eq.check(t, fmt.Sprintf("Equal(%q, %q)", Show(a), Show(b)), Equal(a, b))
		match.check(t, fmt.Sprintf("Match(%q, %q)", Show(pattern), Show(b)), Match(pattern, b))
		if once(a+b) && Equal(a, b) == Unknown && eq.yes == 0 && max(len(tokens(a)), len(tokens(b))) <= 2 {
			t.Errorf("Equal(%q, %q) = unknown, but it is never true", Show(a), Show(b))
		}
	}
}

// Against a known pattern a generated part is a word of five letters, which is
// longer than all literals of the pattern together.
func TestPatternsMayHitGeneratedPartsByChance(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	generated := words("ab", 5)
	generated = generated[len(generated)-32:]
	for range 6000 {
		pattern, text := randomWord(rnd, "ab*?-", 5), randomWord(rnd, "ab-", 2)+g1+randomWord(rnd, "ab-", 2)
		if strings.Count(pattern, "a")+strings.Count(pattern, "b") > 4 {
			continue
		}
		var c tally
		for _, v := range generated {
			c.add(slowMatch(pattern, strings.ReplaceAll(text, g1, v)))
		}
		c.check(t, fmt.Sprintf("Match(%q, %q)", pattern, Show(text)), Match(pattern, text))
	}
}

// once reports whether the unknown symbol stands at most once in s.
func once(s string) bool { return strings.Count(s, x) <= 1 }

func TestKnownTextsMatchAsTheModelSays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		p, s := randomWord(rnd, "ab*?é", 7), randomWord(rnd, "abé", 9)
		if got, want := Match(p, s), Of(slowMatch(p, s)); got != want {
			t.Fatalf("Match(%q, %q) = %v, want %v", p, s, got, want)
		}
	}
}

func TestManySymbolsStayFast(t *testing.T) {
	p := strings.Repeat("a"+x+"*", 60) + "b"
	s := strings.Repeat("a"+y, 60) + "c"
	if got := Match(p, s); got != Broken {
		t.Errorf("Match = %v", got)
	}
}

func FuzzMatchNeverContradictsEqual(f *testing.F) {
	f.Add("a", x+"b")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsAny(a, "*?") {
			return
		}
		if m, e := Match(a, b), Equal(a, b); m != e && m != Unknown && e != Unknown {
			t.Errorf("Match(%q, %q) = %v, Equal = %v", a, b, m, e)
		}
	})
}

func BenchmarkMatchOfKnownTexts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Match("arn:aws:s3:::shop-certificates/*", "arn:aws:s3:::shop-certificates/tls/server.key")
	}
}

// tally counts how often a statement was true.
type tally struct{ yes, no int }

func (c *tally) add(ok bool) {
	if ok {
		c.yes++
	} else {
		c.no++
	}
}

func (c *tally) check(t *testing.T, what string, got Verdict) {
	t.Helper()
	if got == Holds && c.no > 0 || got == Broken && c.yes > 0 {
		t.Errorf("%s = %v, but it is true in %d worlds and false in %d", what, got, c.yes, c.no)
	}
}

// slowMatch is wildcard matching straight from its definition.
func slowMatch(p, s string) bool {
	pr, sr := []rune(p), []rune(s)
	if len(pr) == 0 {
		return len(sr) == 0
	}
	rest := string(pr[1:])
	switch {
	case pr[0] == '*':
		for i := range len(sr) + 1 {
			if slowMatch(rest, string(sr[i:])) {
				return true
			}
		}
		return false
	case len(sr) == 0:
		return false
	}
	return (pr[0] == '?' || pr[0] == sr[0]) && slowMatch(rest, string(sr[1:]))
}

func words(letters string, longest int) []string {
	out, last := []string{""}, []string{""}
	for range longest {
		var next []string
		for _, w := range last {
			for _, l := range letters {
				next = append(next, w+string(l))
			}
		}
		out, last = append(out, next...), next
	}
	return out
}

func randomText(rnd *rand.Rand, letters string, longest int) string {
	var b strings.Builder
	for range rnd.IntN(longest + 1) {
		switch rnd.IntN(6) {
		case 0:
			b.WriteString(x)
		case 1:
			b.WriteString(g1)
		case 2:
			b.WriteString(g2)
		default:
			b.WriteString(randomWord(rnd, letters, 1))
		}
	}
	return b.String()
}

func randomWord(rnd *rand.Rand, letters string, longest int) string {
	rs := []rune(letters)
	var b strings.Builder
	for range rnd.IntN(longest + 1) {
		b.WriteRune(rs[rnd.IntN(len(rs))])
	}
	return b.String()
}
