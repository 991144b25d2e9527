package iam

import (
	"net/netip"
	"strconv"
	"strings"

	"beanpole/internal/fact"
)

// condition tells whether one operator with one key holds. Values of a list
// are alternatives; of a negated operator none may match.
// [IAM:reference_policies_elements_condition_operators, …_multi-value-conditions]
func (c *requestContext) condition(k *Condition, version string) fact.Verdict {
	op, ok := readOperator(k.Operator)
	if !ok {
		return fact.Unknown // no parsed policy has one
	}
	e := c.find(k.Key)
	if op.kind == null {
		return nullCondition(k, e)
	}
	switch {
	case e == nil:
		return op.whenAbsent()
	case e.unsure:
		return fact.Unknown
	}
	// Without a quantifier a key has one value; were there more, each of a
	// negated operator's would have to differ.
	all := op.quantity == forAll || op.quantity == plain && op.negated
	r := fact.Of(all)
	for _, v := range e.list() {
		one := c.oneValue(op, k, v, version)
		if all {
			r = and(r, one)
		} else {
			r = or(r, one)
		}
	}
	return r
}

// whenAbsent is the answer when the request does not have the key.
func (o operator) whenAbsent() fact.Verdict {
	switch {
	case o.ifExists, o.quantity == forAll:
		return fact.Holds
	case o.quantity == forAny:
		return fact.Broken
	}
	return fact.Of(o.negated)
}

func nullCondition(k *Condition, e *entry) fact.Verdict {
	r := fact.Broken
	for i := range k.Values {
		v := k.Values[i].Text
		switch {
		case !fact.Known(v) || e != nil && e.unsure:
			r = or(r, fact.Unknown)
		default:
			r = or(r, fact.Of(strings.EqualFold(v, "true") == (e == nil)))
		}
	}
	return r
}

// oneValue holds one value of the request against all of the policy's.
func (c *requestContext) oneValue(op operator, k *Condition, v, version string) fact.Verdict {
	r := fact.Broken
	for i := range k.Values {
		text, ok := c.expand(k.Values[i].Text, version, op.kind == like || op.kind == arn)
		if !ok {
			// A variable without a value equals nothing. Whether a negated
			// operator then holds is not documented.
			if op.negated {
				r = or(r, fact.Unknown)
			}
			continue
		}
		r = or(r, op.compare(text, v))
	}
	if op.negated {
		return fact.Not(r)
	}
	return r
}

// compare holds the request's value v against the policy's value p.
func (o operator) compare(p, v string) fact.Verdict {
	switch o.kind {
	case equals, binary:
		return fact.Equal(p, v)
	case equalsFold, boolean:
		if fact.Known(p) && fact.Known(v) {
			return fact.Of(strings.EqualFold(p, v))
		}
		return fact.Equal(strings.ToLower(p), strings.ToLower(v))
	case like:
		return matchText(p, v, false)
	case arn:
		return matchARN(p, v)
	}
	if !fact.Known(p) || !fact.Known(v) {
		return fact.Unknown
	}
	switch o.kind {
	case numeric:
		a, err1 := strconv.ParseFloat(v, 64)
		b, err2 := strconv.ParseFloat(p, 64)
		return fact.Of(err1 == nil && err2 == nil && o.order.fits(compareFloat(a, b)))
	case date:
		a, ok1 := readDate(v)
		b, ok2 := readDate(p)
		return fact.Of(ok1 && ok2 && o.order.fits(a.Compare(b)))
	case address:
		a, err := netip.ParseAddr(v)
		b, ok := readPrefix(p)
		return fact.Of(err == nil && ok && b.Contains(a.Unmap()))
	}
	return fact.Unknown
}

func compareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// and is fact.All of two, without a list.
func and(a, b fact.Verdict) fact.Verdict {
	switch {
	case a == fact.Broken || b == fact.Broken:
		return fact.Broken
	case a == fact.Unknown || b == fact.Unknown:
		return fact.Unknown
	}
	return fact.Holds
}

// or is fact.Any of two, without a list.
func or(a, b fact.Verdict) fact.Verdict {
	switch {
	case a == fact.Holds || b == fact.Holds:
		return fact.Holds
	case a == fact.Unknown || b == fact.Unknown:
		return fact.Unknown
	}
	return fact.Broken
}
