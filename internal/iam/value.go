package iam

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/fact"
)

// number is a decimal number of any length, as its digits: a float would take
// long account numbers or byte counts for equal.
type number struct {
	negative    bool
	whole, part string // without leading and trailing zeros
}

// readNumber reads an integer or decimal number: a sign, digits, a point and
// digits. [IAM:reference_policies_elements_condition_operators, "Numeric"]
func readNumber(s string) (number, bool) {
	var n number
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		n.negative, s = true, rest
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	n.whole, n.part, _ = strings.Cut(s, ".")
	if n.whole == "" && n.part == "" || !digits(n.whole) || !digits(n.part) {
		return n, false
	}
	n.whole, n.part = strings.TrimLeft(n.whole, "0"), strings.TrimRight(n.part, "0")
	if n.whole == "" && n.part == "" {
		n.negative = false
	}
	return n, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// compare gives -1, 0 or 1.
func (n number) compare(m number) int {
	if n.negative != m.negative {
		if n.negative {
			return -1
		}
		return 1
	}
	c := cmp.Or(cmp.Compare(len(n.whole), len(m.whole)), cmp.Compare(n.whole, m.whole), cmp.Compare(n.part, m.part))
	if n.negative {
		return -c
	}
	return c
}

// The forms of W3C's note on date and time, and the same without a zone.
var dateLayouts = [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "2006-01"}

// readDate reads the forms of ISO 8601 that IAM takes, and seconds since 1970.
// Four digits are both a year and seconds; then year is the other reading.
// [IAM:reference_policies_elements_condition_operators, "Date"]
func readDate(s string) (at, year time.Time, ok bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		at = time.Unix(n, 0)
		if year, err = time.Parse("2006", s); err != nil {
			year = at
		}
		return at, year, true
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, t, true
		}
	}
	return time.Time{}, time.Time{}, false
}

// compareDates is compare for dates. Where AWS does not say which of two
// readings it takes and they differ, it is not known.
func (o operator) compareDates(p, v string) fact.Verdict {
	a, yearA, ok1 := readDate(v)
	b, yearB, ok2 := readDate(p)
	if !ok1 || !ok2 {
		return fact.Broken
	}
	r := o.order.fits(a.Compare(b))
	if o.order.fits(yearA.Compare(yearB)) != r {
		return fact.Unknown
	}
	return fact.Of(r)
}
