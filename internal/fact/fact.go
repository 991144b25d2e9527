// Package fact is three-valued logic for texts and statements of which some
// part may not be known: beanpole never guesses, so "not known" is a value.
//
// A text is a plain Go string. A part that is not known stands in it as a
// symbol: a name between two private-use runes. Two kinds exist.
// [Symbol] may turn out to be any text, the empty one included. [Generated] is
// a run of letters and digits that AWS makes up at random (the end of a
// physical name): what it will be is not known, but no other text equals it.
//
// Every answer is sound: Holds and Broken are said only of what is so whatever
// the symbols turn out to be. Where one symbol stands twice in a text, Unknown
// may be said of what a closer look could tell.
package fact

// Verdict is what can be said of a statement. The zero value is Unknown.
type Verdict uint8

const (
	Unknown Verdict = iota // not enough is known to tell
	Holds                  // the statement is true
	Broken                 // the statement is false
)

// String is the word that people read.
func (v Verdict) String() string {
	switch v {
	case Holds:
		return "holds"
	case Broken:
		return "broken"
	}
	return "unknown"
}

// Of turns a plain truth value into a verdict.
func Of(ok bool) Verdict {
	if ok {
		return Holds
	}
	return Broken
}

// Not is three-valued negation.
func Not(v Verdict) Verdict {
	switch v {
	case Holds:
		return Broken
	case Broken:
		return Holds
	}
	return Unknown
}

// All is three-valued "and": Broken wins over Unknown. All() holds.
func All(vs ...Verdict) Verdict {
	r := Holds
	for _, v := range vs {
		if v == Broken {
			return Broken
		}
		if v == Unknown {
			r = Unknown
		}
	}
	return r
}

// Any is three-valued "or": Holds wins over Unknown. Any() is broken.
func Any(vs ...Verdict) Verdict {
	r := Broken
	for _, v := range vs {
		if v == Holds {
			return Holds
		}
		if v == Unknown {
			r = Unknown
		}
	}
	return r
}
