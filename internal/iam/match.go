package iam

import (
	"strings"
	"unicode/utf8"

	"beanpole/internal/aws"
	"beanpole/internal/fact"
)

// Stand-ins for a literal * and ? in a pattern in which policy variables have
// been put in: values of variables hold no wildcards, and ${*} is a plain *.
const (
	literalStar = '\uE0B2'
	literalMark = '\uE0B3'
)

var literalText = strings.NewReplacer("*", string(literalStar), "?", string(literalMark))

// privateByte begins every rune of ours and of package fact in UTF-8.
const privateByte = 0xEE

// longestText bounds the work on hostile input: no ARN, name or header that
// AWS takes is longer, and of a longer one it is not known what it matches.
const longestText = 1 << 13

// matchText is fact.Match that needs no memory when both texts are known.
func matchText(pattern, text string, fold bool) fact.Verdict {
	if len(text) > longestText && strings.ContainsAny(pattern, "*?") {
		if pattern == "*" {
			return fact.Holds
		}
		return fact.Unknown
	}
	if strings.IndexByte(pattern, privateByte) < 0 && strings.IndexByte(text, privateByte) < 0 {
		return fact.Of(wildcard(pattern, text, fold))
	}
	if strings.ContainsRune(pattern, literalStar) || strings.ContainsRune(pattern, literalMark) {
		text = literalText.Replace(text)
	}
	if !fact.Known(pattern) || !fact.Known(text) {
		if len(pattern) > longestText || len(text) > longestText {
			return fact.Unknown
		}
		if fold {
			pattern, text = fact.Lower(pattern), fact.Lower(text)
		}
		return fact.Match(pattern, text)
	}
	return fact.Of(wildcard(pattern, text, fold))
}

// wildcard walks both texts with one point of return, the last *.
func wildcard(p, t string, fold bool) bool {
	i, j, star, mark := 0, 0, -1, 0
	for j < len(t) {
		if i < len(p) {
			if p[i] == '*' {
				star, mark = i, j
				i++
				continue
			}
			if p[i] == '?' {
				_, n := utf8.DecodeRuneInString(t[j:])
				i, j = i+1, j+n
				continue
			}
			if p[i] == t[j] || fold && lower(p[i]) == lower(t[j]) {
				i, j = i+1, j+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(t[mark:])
		mark += n
		i, j = star+1, mark
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// arnParts is the number of parts of an ARN, of which the last may hold colons.
const arnParts = 6

// matchARN is what ARN operators do: each of the six parts is compared with
// its own, so that no wildcard before the last one reaches over a colon, and
// what is no ARN matches nothing. What AWS does with a pattern of fewer parts
// than six is not documented.
// [IAM:reference_policies_elements_condition_operators, "ARN"]
func matchARN(pattern, text string) fact.Verdict {
	if fact.Known(text) && (!strings.HasPrefix(text, "arn:") || strings.Count(text, ":") < arnParts-1) {
		return fact.Broken
	}
	v := matchParts(pattern, text)
	if v == fact.Holds && pattern != "*" && strings.Count(pattern, ":") < arnParts-1 {
		return fact.Unknown
	}
	return v
}

// matchResource is what the Resource element does: as matchParts, but a * at
// the end of a part may reach over the colons that follow.
// [IAM:reference_policies_elements_resource, "Using wildcards"]
func matchResource(pattern, text string) fact.Verdict {
	v := matchParts(pattern, text)
	if v != fact.Broken || !reachesOver(pattern) || !strings.HasPrefix(text, "arn:") {
		return v
	}
	if !fact.Known(pattern) || !fact.Known(text) || strings.Count(text, ":") > 64 {
		return and(matchText(pattern, text, false), fact.Unknown)
	}
	return fact.Of(matchReaching(pattern, text))
}

// matchParts matches part by part; parts that are missing at the end of the
// pattern count as "*". [IAM:reference-arns, "incomplete ARN"]
func matchParts(pattern, text string) fact.Verdict {
	if pattern == "*" {
		return fact.Holds
	}
	if !fact.Known(pattern) || !fact.Known(text) {
		return matchUnknownARN(pattern, text)
	}
	if !strings.HasPrefix(text, "arn:") {
		return matchText(pattern, text, false)
	}
	for range arnParts - 1 {
		p, morePattern, ok := strings.Cut(pattern, ":")
		t, moreText, _ := strings.Cut(text, ":")
		if matchText(p, t, false) != fact.Holds {
			return fact.Broken
		}
		if !ok {
			return fact.Holds
		}
		pattern, text = morePattern, moreText
	}
	return matchText(pattern, text, false)
}

// reachesOver reports whether one of the pattern's first parts ends in *.
func reachesOver(pattern string) bool {
	for range arnParts - 1 {
		p, rest, ok := strings.Cut(pattern, ":")
		if strings.HasSuffix(p, "*") {
			return true
		}
		if !ok {
			return false
		}
		pattern = rest
	}
	return false
}

// matchReaching matches part by part; behind a part that ends in *, any number
// of the text's parts may be left out. Only the last such place needs to be
// gone back to, as for the * of any pattern.
func matchReaching(pattern, text string) bool {
	at, rest := 0, ""       // behind the last part that ended in *: where the pattern is,
	after, had := "", false // and the text
	for i := 0; ; {
		p, morePattern, more := strings.Cut(pattern, ":")
		if i == arnParts-1 {
			p, more = pattern, false
		}
		t, moreText, some := strings.Cut(text, ":")
		switch {
		case !more && i == arnParts-1 && matchText(p, text, false) == fact.Holds,
			!more && i < arnParts-1 && matchText(p, t, false) == fact.Holds:
			return true
		case more && some && matchText(p, t, false) == fact.Holds:
			pattern, text = morePattern, moreText
			i++
			if strings.HasSuffix(p, "*") {
				at, rest, after, had = i, pattern, text, true
			}
		case !had:
			return false
		default:
			if _, after, had = strings.Cut(after, ":"); !had {
				return false
			}
			i, pattern, text = at, rest, after
		}
	}
}

func matchUnknownARN(pattern, text string) fact.Verdict {
	p, ok1 := aws.ParseARN(pattern)
	t, ok2 := aws.ParseARN(text)
	if !ok1 || !ok2 {
		return matchText(pattern, text, false)
	}
	return fact.All(matchText(p.Partition, t.Partition, false), matchText(p.Service, t.Service, false), matchText(p.Region, t.Region, false),
		matchText(p.Account, t.Account, false), matchText(p.Resource, t.Resource, false))
}
