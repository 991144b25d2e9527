package iam

import "strings"

// kind is what an operator compares.
type kind uint8

const (
	unread kind = iota // the zero value: the operator was not taken apart
	equals
	equalsFold
	like
	numeric
	date
	boolean
	binary
	address
	arn
	null
)

// order is how numbers and dates are compared.
type order uint8

const (
	same order = iota
	less
	lessOrSame
	greater
	greaterOrSame
)

// quantifier is ForAllValues or ForAnyValue.
type quantifier uint8

const (
	plain quantifier = iota
	forAll
	forAny
)

// operator is a condition operator, taken apart.
type operator struct {
	kind     kind
	order    order
	negated  bool
	ifExists bool
	quantity quantifier
}

// The operators. [IAM:reference_policies_elements_condition_operators]
var operators = map[string]operator{
	"StringEquals":              {kind: equals},
	"StringNotEquals":           {kind: equals, negated: true},
	"StringEqualsIgnoreCase":    {kind: equalsFold},
	"StringNotEqualsIgnoreCase": {kind: equalsFold, negated: true},
	"StringLike":                {kind: like},
	"StringNotLike":             {kind: like, negated: true},
	"NumericEquals":             {kind: numeric},
	"NumericNotEquals":          {kind: numeric, negated: true},
	"NumericLessThan":           {kind: numeric, order: less},
	"NumericLessThanEquals":     {kind: numeric, order: lessOrSame},
	"NumericGreaterThan":        {kind: numeric, order: greater},
	"NumericGreaterThanEquals":  {kind: numeric, order: greaterOrSame},
	"DateEquals":                {kind: date},
	"DateNotEquals":             {kind: date, negated: true},
	"DateLessThan":              {kind: date, order: less},
	"DateLessThanEquals":        {kind: date, order: lessOrSame},
	"DateGreaterThan":           {kind: date, order: greater},
	"DateGreaterThanEquals":     {kind: date, order: greaterOrSame},
	"Bool":                      {kind: boolean},
	"BinaryEquals":              {kind: binary},
	"IpAddress":                 {kind: address},
	"NotIpAddress":              {kind: address, negated: true},
	"ArnEquals":                 {kind: arn},
	"ArnLike":                   {kind: arn},
	"ArnNotEquals":              {kind: arn, negated: true},
	"ArnNotLike":                {kind: arn, negated: true},
	"Null":                      {kind: null},
}

// readOperator takes "ForAnyValue:StringLikeIfExists" apart.
func readOperator(s string) (operator, bool) {
	quantity := plain
	if prefix, rest, ok := strings.Cut(s, ":"); ok {
		switch {
		case strings.EqualFold(prefix, "ForAllValues"):
			quantity = forAll
		case strings.EqualFold(prefix, "ForAnyValue"):
			quantity = forAny
		default:
			return operator{}, false
		}
		s = rest
	}
	const suffix = "IfExists"
	exists := len(s) > len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
	if exists {
		s = s[:len(s)-len(suffix)]
	}
	o, ok := operators[s]
	if !ok {
		for name, x := range operators {
			if strings.EqualFold(name, s) {
				o, ok = x, true
			}
		}
	}
	o.quantity, o.ifExists = quantity, exists
	return o, ok && !(o.kind == null && (exists || quantity != plain))
}

// fits tells whether a comparison's result (-1, 0, 1) is the one wanted.
func (o order) fits(c int) bool {
	switch o {
	case less:
		return c < 0
	case lessOrSame:
		return c <= 0
	case greater:
		return c > 0
	case greaterOrSame:
		return c >= 0
	}
	return c == 0
}

// variables reports whether the operator's values may hold policy variables.
// [IAM:reference_policies_elements_condition_operators, the lines "Policy
// variables"; of Bool, …_variables says the opposite]
func (o operator) variables() bool {
	switch o.kind {
	case equals, equalsFold, like, arn, boolean:
		return true
	}
	return false
}
