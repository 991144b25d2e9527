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

// matchText is fact.Match that needs no memory when both texts are known.
func matchText(pattern, text string, fold bool) fact.Verdict {
	if strings.ContainsRune(pattern, literalStar) || strings.ContainsRune(pattern, literalMark) {
		text = literalText.Replace(text)
	}
	if !fact.Known(pattern) || !fact.Known(text) {
		if fold {
			pattern, text = strings.ToLower(pattern), strings.ToLower(text)
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
			_, n := utf8.DecodeRuneInString(t[j:])
			if p[i] == '?' {
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

// matchARN matches segment by segment: a wildcard does not reach over a colon
// before the resource part, and missing segments count as "*".
// [IAM:reference_policies_elements_resource, "incomplete ARN"]
func matchARN(pattern, text string) fact.Verdict {
	if pattern == "*" {
		return fact.Holds
	}
	if !fact.Known(pattern) || !fact.Known(text) {
		return matchUnknownARN(pattern, text)
	}
	if !strings.HasPrefix(text, "arn:") {
		return matchText(pattern, text, false)
	}
	for range 5 {
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

func matchUnknownARN(pattern, text string) fact.Verdict {
	p, ok1 := aws.ParseARN(pattern)
	t, ok2 := aws.ParseARN(text)
	if !ok1 || !ok2 {
		return matchText(pattern, text, false)
	}
	return fact.All(matchText(p.Partition, t.Partition, false), matchText(p.Service, t.Service, false), matchText(p.Region, t.Region, false),
		matchText(p.Account, t.Account, false), matchText(p.Resource, t.Resource, false))
}
