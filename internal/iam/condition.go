package iam

import (
	"net/netip"
	"strings"

	"beanpole/internal/fact"
)

// condition tells whether one operator with one key holds. Values of a list
// are alternatives; of a negated operator none may match.
// [IAM:reference_policies_elements_condition_operators, …_multi-value-conditions]
func (c *requestContext) condition(k *Condition, version string) fact.Verdict {
	op := k.op
	if op.kind == unread {
		var ok bool
		if op, ok = readOperator(k.Operator); !ok {
			return fact.Unknown // no parsed policy has one
		}
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
	case op.quantity == plain:
		// A multivalued key requires ForAllValues or ForAnyValue; without one the
		// condition fails. [IAM:reference_policies_condition-single-vs-multi-valued-context-keys]
		if e.multivalued() {
			return fact.Broken
		}
		return c.oneValue(op, k, e.list()[0], version)
	case op.quantity == forAll:
		r := fact.Holds
		for _, v := range e.list() {
			r = and(r, c.oneValue(op, k, v, version))
		}
		return or(e.empty(), r)
	}
	r := fact.Broken
	for _, v := range e.list() {
		r = or(r, c.oneValue(op, k, v, version))
	}
	return and(fact.Not(e.empty()), r)
}

// empty tells whether the key's values are a "null data set", as AWS calls it:
// none, or nothing but an empty text. ForAllValues then holds and ForAnyValue
// fails, whatever the policy's values. [IAM:reference_policies_elements_condition_operators, ARN operators]
func (e *entry) empty() fact.Verdict {
	r := fact.Holds
	for _, v := range e.list() {
		r = and(r, fact.Equal(v, ""))
	}
	return r
}

// whenAbsent is the answer when the request does not have the key. IfExists
// says of itself that no missing key makes it fail, so it wins over ForAnyValue.
// [IAM:reference_policies_elements_condition_operators, "...IfExists"]
func (o operator) whenAbsent() fact.Verdict {
	switch {
	case o.ifExists, o.quantity == forAll:
		return fact.Holds
	case o.quantity == forAny:
		return fact.Broken
	}
	return fact.Of(o.negated)
}

// nullCondition: "true" asks that the key does not exist, "false" that it
// exists and is not null.
func nullCondition(k *Condition, e *entry) fact.Verdict {
	absent := fact.Holds
	switch {
	case e != nil && e.unsure:
		absent = fact.Unknown
	case e != nil:
		absent = e.empty()
	}
	r := fact.Broken
	for i := range k.Values {
		switch v := k.Values[i].Text; {
		case strings.EqualFold(v, "true"):
			r = or(r, absent)
		case strings.EqualFold(v, "false"):
			r = or(r, fact.Not(absent))
		case !fact.Known(v):
			r = or(r, fact.Unknown)
		}
	}
	return r
}

// oneValue holds one value of the request against all of the policy's. A
// variable without a value is null: it equals nothing, which for a negated
// operator is a match. [IAM:reference_policies_variables, "Policy variables with no value"]
func (c *requestContext) oneValue(op operator, k *Condition, v, version string) fact.Verdict {
	r := fact.Broken
	for i := 0; i < len(k.Values) && r != fact.Holds; i++ {
		text, ok := k.Values[i].Text, true
		if op.variables() {
			text, ok = c.expand(text, version, op.kind == like || op.kind == arn)
		}
		if ok {
			r = or(r, op.compare(text, v))
		}
	}
	if op.negated {
		return fact.Not(r)
	}
	return r
}

// compare holds the request's value v against the policy's value p.
func (o operator) compare(p, v string) fact.Verdict {
	known := fact.Known(p) && fact.Known(v)
	if !known && (len(p) > longestText || len(v) > longestText) {
		return fact.Unknown
	}
	switch o.kind {
	case equals, binary:
		return fact.Equal(p, v)
	case equalsFold:
		if known {
			return fact.Of(strings.EqualFold(p, v))
		}
		return fact.Equal(fact.Lower(p), fact.Lower(v))
	case like:
		return matchText(p, v, false)
	case arn:
		return matchARN(p, v)
	}
	if !known {
		return fact.Unknown
	}
	switch o.kind {
	case boolean:
		return fact.Of(isBool(p) && strings.EqualFold(p, v))
	case numeric:
		a, ok1 := readNumber(v)
		b, ok2 := readNumber(p)
		return fact.Of(ok1 && ok2 && o.order.fits(a.compare(b)))
	case date:
		return o.compareDates(p, v)
	case address:
		a, err := netip.ParseAddr(v)
		b, ok := readPrefix(p)
		return fact.Of(err == nil && ok && b.Contains(a.Unmap()))
	}
	return fact.Unknown
}

func isBool(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") }

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
