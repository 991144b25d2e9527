package instance

import (
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// answerer is the DNS server of one instance. In this milestone an instance
// has no way to the outside, so it knows AWS's names and its own, and every
// other name does not exist.
type answerer struct {
	hostname string
	private  netip.Addr
}

// dnsTTL is the time to live of answers, in seconds; EC2's own names have 60.
const dnsTTL = 60

// ServeDNS answers one query.
func (a answerer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 {
		m.Rcode = dns.RcodeFormatError
		w.WriteMsg(m)
		return
	}
	addr, ok := a.lookup(q.Question[0].Name)
	switch {
	case !ok:
		m.Rcode = dns.RcodeNameError
	case q.Question[0].Qtype == dns.TypeA:
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: dnsTTL},
			A:   net.IP(addr.AsSlice()),
		}}
	}
	w.WriteMsg(m)
}

// lookup says which address a name has.
func (a answerer) lookup(name string) (netip.Addr, bool) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	switch {
	case strings.HasSuffix(name, ".amazonaws.com"), strings.HasSuffix(name, ".amazonaws.com.cn"):
		return awsAddress, true
	case name == strings.ToLower(a.hostname):
		return a.private, true
	}
	return netip.Addr{}, false
}
