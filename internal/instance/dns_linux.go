package instance

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// answerer is the DNS server of one instance. AWS's names lead to the local
// AWS and never leave this machine. Others are asked of this machine's own
// servers; for an instance that is offline they do not exist.
type answerer struct {
	hostname string
	private  netip.Addr
	ways     *Ways
	servers  []string // of this machine, host:port; none for an instance that is offline
}

const (
	dnsTTL     = 60              // seconds, of our own answers; EC2's own names have 60
	dnsTimeout = 2 * time.Second // of one server of this machine
)

// machineServers are the DNS servers that this machine asks.
func machineServers() []string {
	c, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil // names are not resolved here either
	}
	var out []string
	for _, s := range c.Servers {
		out = append(out, net.JoinHostPort(s, c.Port))
	}
	return out
}

// ServeDNS answers one query.
func (a answerer) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	if !a.ways.names() {
		return
	}
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 {
		m.Rcode = dns.RcodeFormatError
		w.WriteMsg(m)
		return
	}
	question := q.Question[0]
	addr, ok := a.lookup(question.Name)
	switch {
	case ok && question.Qtype == dns.TypeA:
		m.Answer = []dns.RR{&dns.A{
			Hdr: dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: a.ttl()},
			A:   net.IP(addr.AsSlice()),
		}}
	case ok:
	case len(a.servers) == 0 || !public(question.Name):
		m.Rcode = dns.RcodeNameError
	case question.Qtype == dns.TypeAAAA: // an instance has IPv4 alone
	default:
		a.ask(m, q)
	}
	if _, tcp := w.RemoteAddr().(*net.TCPAddr); !tcp {
		size := dns.MinMsgSize
		if e := q.IsEdns0(); e != nil {
			size = int(e.UDPSize())
		}
		m.Truncate(size)
	}
	w.WriteMsg(m)
}

// ttl is short where a change of the VPC changes the answer.
func (a answerer) ttl() uint32 {
	if a.ways != nil {
		return 1
	}
	return dnsTTL
}

// public says whether a name may be one of the internet's. What looks like a
// name of this machine or its network stays here.
func public(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	for _, local := range []string{"localhost", "local", "internal", "home.arpa", "lan"} {
		if name == local || strings.HasSuffix(name, "."+local) {
			return false
		}
	}
	return strings.Contains(name, ".")
}

// ask fills m with what the machine's servers say.
func (a answerer) ask(m, q *dns.Msg) {
	m.Rcode = dns.RcodeServerFailure
	forward := new(dns.Msg)
	forward.SetQuestion(q.Question[0].Name, q.Question[0].Qtype)
	forward.SetEdns0(dns.DefaultMsgSize, false)
	for _, server := range a.servers {
		got, _, err := (&dns.Client{Timeout: dnsTimeout}).Exchange(forward, server)
		if err == nil && got.Truncated {
			got, _, err = (&dns.Client{Net: "tcp", Timeout: dnsTimeout}).Exchange(forward, server)
		}
		if err != nil {
			continue
		}
		m.Rcode, m.Answer, m.Ns = got.Rcode, got.Answer, got.Ns
		return
	}
}

// lookup says which address a name has.
func (a answerer) lookup(name string) (netip.Addr, bool) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	switch {
	case strings.HasSuffix(name, ".amazonaws.com"), strings.HasSuffix(name, ".amazonaws.com.cn"):
		return a.ways.address(name), true
	case name == strings.ToLower(a.hostname):
		return a.private, true
	}
	return netip.Addr{}, false
}
