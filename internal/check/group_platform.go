package check

// platformRules are about what differs between the generations of Amazon Linux.
var platformRules = []*Rule{}
