package check

// reviewRules look at what the others found, and come last.
var reviewRules = []*Rule{
	notKnown,
	unusedIgnore,
}
