package check

// optionRules are about option settings: their names, values and precedence.
var optionRules = []*Rule{
	unknownOption,
	retiredOption,
	optionValue,
	optionHidden,
	optionFunction,
	propertiesTooLong,
	wsgiPathFile,
	multilineProperty,
	managedActionsHalf,
	triggerThresholds,
}
