package aws

import "strings"

// ARN is an Amazon Resource Name, taken apart. Region and Account are empty
// for the services whose ARNs leave them out.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN takes s apart; ok is false when s is no ARN. The resource part may
// hold colons. Parts that are not known (package fact) stay as they are.
func ParseARN(s string) (a ARN, ok bool) {
	f := splitOutside(s, ':', 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
		return ARN{}, false
	}
	return ARN{f[1], f[2], f[3], f[4], f[5]}, true
}

// String is the ARN as AWS writes it.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// splitOutside cuts s at sep into at most n parts, but never inside a symbol:
// the name of a symbol may hold colons ("AWS::AccountId").
func splitOutside(s string, sep byte, n int) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range s {
		switch {
		case r == symbolOpen:
			depth = 1
		case r == symbolShut:
			depth = 0
		case depth == 0 && r == rune(sep) && len(out) < n-1:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, strings.Clone(s[from:]))
}
