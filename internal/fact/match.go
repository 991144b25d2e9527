package fact

// Equal compares two texts of which parts may not be known.
func Equal(a, b string) Verdict {
	if a == b {
		return Holds // also when unknown: the same symbol is the same value
	}
	if Known(a) && Known(b) {
		return Broken
	}
	return unify(pieces(a), pieces(b))
}

// unify tells whether two texts could be the same text.
func unify(a, b []piece) Verdict {
	if couldBeSame(runs(a), runs(b)) {
		return Unknown
	}
	return Broken
}

// token is one rune, or a symbol.
type token struct {
	r      rune
	name   string
	symbol bool
	random bool
}

func runs(ps []piece) []token {
	var out []token
	for _, p := range ps {
		if p.symbol {
			out = append(out, token{name: p.text, symbol: true, random: p.random})
			continue
		}
		for _, r := range p.text {
			out = append(out, token{r: r})
		}
	}
	return out
}

// couldBeSame is a walk over both texts in which an unknown symbol may stand
// for any text and a generated one only for itself.
func couldBeSame(a, b []token) bool {
	seen := map[[2]int]bool{}
	var walk func(i, j int) bool
	walk = func(i, j int) bool {
		if i == len(a) && j == len(b) {
			return true
		}
		k := [2]int{i, j}
		if seen[k] {
			return false
		}
		seen[k] = true
		if i < len(a) && a[i].symbol && !a[i].random {
			// stands for nothing, or takes one more token of b
			if walk(i+1, j) || j < len(b) && walk(i, j+1) {
				return true
			}
		}
		if j < len(b) && b[j].symbol && !b[j].random {
			if walk(i, j+1) || i < len(a) && walk(i+1, j) {
				return true
			}
		}
		return i < len(a) && j < len(b) && a[i] == b[j] && walk(i+1, j+1)
	}
	return walk(0, 0)
}

// Match tells whether text fits an IAM pattern, in which * stands for any run
// of characters and ? for one. With literal unset the wildcards count; a
// policy variable must have been put in before.
func Match(pattern, text string) Verdict {
	if Known(pattern) && Known(text) {
		return Of(matchKnown(pattern, text))
	}
	p, t := runs(pieces(pattern)), runs(pieces(text))
	if matchTokens(p, t, false) {
		return Holds
	}
	if matchTokens(p, t, true) {
		return Unknown
	}
	return Broken
}

// matchKnown is the usual linear wildcard walk with one point of return.
func matchKnown(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// matchTokens matches texts with symbols. With maybe unset a symbol only
// equals itself, or falls under a *: the answer is then certain. With maybe
// set an unknown symbol may be any text. A generated symbol is one run of
// characters that no literal equals.
func matchTokens(p, t []token, maybe bool) bool {
	seen := map[[2]int]bool{}
	var walk func(i, j int) bool
	walk = func(i, j int) bool {
		if i == len(p) && j == len(t) {
			return true
		}
		k := [2]int{i, j}
		if seen[k] {
			return false
		}
		seen[k] = true
		if i < len(p) {
			if p[i].r == '*' || maybe && p[i].symbol && !p[i].random {
				if walk(i+1, j) || j < len(t) && walk(i, j+1) {
					return true
				}
			}
		}
		if maybe && j < len(t) && t[j].symbol && !t[j].random {
			if walk(i, j+1) || i < len(p) && walk(i+1, j) {
				return true
			}
		}
		if i == len(p) || j == len(t) {
			return false
		}
		if p[i] == t[j] || p[i].r == '?' && !t[j].symbol {
			return walk(i+1, j+1)
		}
		return false
	}
	return walk(0, 0)
}
