package access

import (
	"fmt"
	"slices"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// The ports from which Linux makes connections: answers come back to them.
// [VPC:vpc-network-acls, ephemeral ports]
const (
	firstEphemeral = 32768
	lastEphemeral  = 60999
)

// numberOf are the protocols' numbers, by which rules may name them. [IANA]
var numberOf = map[string]string{"tcp": "6", "udp": "17"}

// carries tells whether a rule is about a protocol and a port.
func carries(r *account.Traffic, protocol string, port int) fact.Verdict {
	switch {
	case r.Protocol == "-1", r.Protocol == "all":
		return fact.Holds
	case !fact.Known(r.Protocol):
		return fact.Unknown
	case r.Protocol != protocol && r.Protocol != numberOf[protocol]:
		return fact.Broken
	}
	return fact.Of(r.From == -1 || r.From <= port && port <= r.To)
}

// covers tells whether S3's addresses are in the range of a rule. By way of an
// interface endpoint they are the VPC's own.
func (t *trip) covers(r *account.Traffic, w *way) fact.Verdict {
	inside := w.endpoint != nil && w.endpoint.Type == "Interface"
	switch {
	case r.CIDR == "0.0.0.0/0":
		return fact.Holds
	case r.CIDR == "" && r.Peer == "": // an IPv6 range
		return fact.Broken
	case r.CIDR == "", !fact.Known(r.CIDR):
		return fact.Unknown
	case inside && slices.Contains(t.vpc.CIDRs, r.CIDR):
		return fact.Holds
	case !inside && isPrivate(r.CIDR) == fact.Holds:
		return fact.Broken
	}
	return fact.Unknown
}

// groups is what the instances' security groups let out: whatever one of
// their rules allows. They remember connections, so that answers need no rule.
// [VPC:vpc-security-groups]
func (t *trip) groups(w *way) way {
	v := fact.Broken
	var at []source.Pos
	for _, id := range t.p.SecurityGroups {
		g := t.n.SecurityGroup(id)
		if g == nil {
			v = fact.Any(v, fact.Unknown)
			continue
		}
		at = append(at, g.Pos)
		for i := range g.Egress {
			r := &g.Egress[i]
			one := fact.All(carries(r, t.protocol, t.port), t.covers(r, w))
			if r.Unknown != "" {
				one = fact.All(one, fact.Unknown)
			}
			v = fact.Any(v, one)
		}
	}
	switch {
	case len(t.p.SecurityGroups) == 0 || v == fact.Holds: // Elastic Beanstalk's own group lets everything out
		return openWay(at, "")
	case v == fact.Unknown:
		return doubtfulWay(at, "whether the instances' security groups let them out to S3 is not known", "the egress rules of the instances' security groups")
	}
	return blockedWay(at, fmt.Sprintf("the instances' security groups let nothing out to S3 on port %d", t.port))
}

// acl is what the subnet's network ACL lets pass, out and back: it remembers
// nothing, so that answers need an entry of their own. Out of an interface
// endpoint in the same subnet packets would not pass it; that is not looked at.
func (t *trip) acl(s *account.Subnet, w *way) way {
	if s.ACL == "" {
		return openWay(nil, "")
	}
	acl := t.n.ACL(s.ACL)
	if acl == nil {
		return doubtfulWay(nil, "the network ACL "+quoted(s.ACL)+" is not known", "the entries of network ACL "+quoted(s.ACL))
	}
	at := []source.Pos{acl.Pos}
	out := t.passes(acl, w, true, t.port, t.port)
	back := t.passes(acl, w, false, firstEphemeral, lastEphemeral)
	switch {
	case out == fact.Broken:
		return blockedWay(at, fmt.Sprintf("network ACL %s of subnet %s lets nothing out to S3 on port %d", quoted(acl.ID), quoted(s.ID), t.port))
	case back == fact.Broken:
		return blockedWay(at, fmt.Sprintf("network ACL %s of subnet %s lets no answer of S3 in (ports %d-%d)", quoted(acl.ID), quoted(s.ID), firstEphemeral, lastEphemeral))
	case out == fact.Unknown || back == fact.Unknown:
		return doubtfulWay(at, "whether network ACL "+quoted(acl.ID)+" lets requests to S3 and their answers pass is not known", "the entries of network ACL "+quoted(acl.ID))
	}
	return openWay(at, "")
}

// passes asks the entries in order, for every port between two: Unknown also
// when it differs among them.
func (t *trip) passes(acl *account.NetworkACL, w *way, out bool, from, to int) fact.Verdict {
	entries := slices.DeleteFunc(slices.Clone(acl.Entries), func(e account.ACLEntry) bool { return e.Egress != out })
	slices.SortStableFunc(entries, func(a, b account.ACLEntry) int { return a.Number - b.Number })
	ports := []int{from, to}
	for i := range entries { // where the answer may change
		for _, p := range []int{entries[i].From, entries[i].To + 1} {
			if from < p && p <= to {
				ports = append(ports, p)
			}
		}
	}
	first := t.passesOn(entries, w, from)
	for _, port := range ports {
		if t.passesOn(entries, w, port) != first {
			return fact.Unknown
		}
	}
	return first
}

func (t *trip) passesOn(entries []account.ACLEntry, w *way, port int) fact.Verdict {
	// While an entry only may fit, those behind it may decide.
	allow, deny := false, false
	settled := func() fact.Verdict {
		switch {
		case allow && deny:
			return fact.Unknown
		case allow:
			return fact.Holds
		}
		return fact.Broken
	}
	for i := range entries {
		e := &entries[i]
		fits := fact.All(carries(&e.Traffic, t.protocol, port), t.covers(&e.Traffic, w))
		if e.Unknown != "" {
			fits = fact.All(fits, fact.Unknown)
		}
		if fits == fact.Broken {
			continue
		}
		allow, deny = allow || e.Allow, deny || !e.Allow
		if fits == fact.Holds {
			return settled()
		}
	}
	deny = true // what no entry allows
	return settled()
}
