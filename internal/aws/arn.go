package aws

// ARN is an Amazon Resource Name, taken apart. Region and Account are empty
// for the services whose ARNs leave them out.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN takes s apart; ok is false when s is no ARN. The resource part may
// hold colons. Parts that are not known (package fact) stay as they are.
func ParseARN(s string) (a ARN, ok bool) {
	rest := s
	next := func() string {
		i := colon(rest)
		if i < 0 {
			ok = false
			return ""
		}
		part := rest[:i]
		rest = rest[i+1:]
		return part
	}
	ok = true
	scheme := next()
	a.Partition = next()
	a.Service = next()
	a.Region = next()
	a.Account = next()
	a.Resource = rest
	if !ok || scheme != "arn" || a.Partition == "" || a.Service == "" || rest == "" {
		return ARN{}, false
	}
	return a, true
}

// String is the ARN as AWS writes it.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// colon finds the first colon that is not inside a symbol: the name of one may
// hold colons ("AWS::AccountId").
func colon(s string) int {
	inside := false
	for i, r := range s {
		switch {
		case r == symbolOpen:
			inside = true
		case r == symbolShut:
			inside = false
		case r == ':' && !inside:
			return i
		}
	}
	return -1
}
