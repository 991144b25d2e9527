package instance

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
	"github.com/vishvananda/netlink"
)

// internet is a network namespace behind a gateway, with one address of the
// kind that no machine has, and servers that tell who asked.
const internet = "198.51.100.7"

// makeInternet connects the namespace to this machine, for this test.
func makeInternet(t *testing.T) {
	t.Helper()
	requireInstances(t)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	there, err := newNamespace()
	check(err)
	t.Cleanup(func() { there.Close() })
	here, err := netlink.NewHandle()
	check(err)
	defer here.Close()
	inside, err := netlink.NewHandleAt(there)
	check(err)
	defer inside.Close()
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: "nattest0"})
	veth.PeerName, veth.PeerNamespace = "nattest1", netlink.NsFd(there)
	check(here.LinkAdd(veth))
	t.Cleanup(func() { removeLink("nattest0") })
	check(address(here, "nattest0", netip.MustParseAddr("203.0.113.1"), 30))
	check(address(inside, "nattest1", netip.MustParseAddr("203.0.113.2"), 30))
	check(up(inside, "lo"))
	check(address(inside, "lo", netip.MustParseAddr(internet), 32))
	check(here.RouteAdd(&netlink.Route{Dst: ipNet(netip.MustParsePrefix(internet + "/32")), Gw: net.ParseIP("203.0.113.2")}))
	check(inNamespace(there, func() error {
		l, err := net.Listen("tcp4", internet+":7")
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go answerTCP(l)
		u, err := net.ListenPacket("udp4", internet+":7")
		if err != nil {
			return err
		}
		t.Cleanup(func() { u.Close() })
		go answerUDP(u)
		return nil
	}))
}

// answerTCP sends back all that comes, in front of it who asked.
func answerTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			fmt.Fprintf(c, "%s: ", host)
			io.Copy(c, c)
		}()
	}
}

func answerUDP(u net.PacketConn) {
	data := make([]byte, 1500)
	for {
		n, from, err := u.ReadFrom(data)
		if err != nil {
			return
		}
		u.WriteTo(append([]byte("got "), data[:n]...), from)
	}
}

// tcp and udp are shell lines that send a word to the internet.
const (
	tcpLine = "exec 3<>/dev/tcp/" + internet + "/7 && echo -n hello >&3 && timeout 2 head -c 18 <&3"
	udpLine = "exec 3<>/dev/udp/" + internet + "/7 && for i in 1 2; do echo -n hello$i >&3; timeout 2 head -c 10 <&3; done"
)

func bash(t *testing.T, i *Instance, line string) (string, bool) {
	t.Helper()
	return sh(t, i, "timeout 5 bash -c '"+line+"' 2>&1")
}

func TestAnInstanceReachesTheInternetThroughNAT(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash on this machine")
	}
	makeInternet(t)
	i := start(t, &Spec{Metadata: say("metadata")})
	if out, _ := bash(t, i, tcpLine); out != "203.0.113.1: hello" {
		t.Errorf("over TCP it gets %q", out)
	}
	if out, _ := bash(t, i, udpLine); out != "got hello1got hello2" {
		t.Errorf("over UDP it gets %q", out)
	}
	if out, ok := bash(t, i, "exec 3<>/dev/tcp/"+internet+"/8 && echo x >&3 && cat <&3"); ok || !strings.Contains(out, "refused") {
		t.Errorf("a port at which nobody listens answers: %q", out)
	}
	// The network that this machine is in is not the internet.
	l, err := net.Listen("tcp4", "203.0.113.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go answerTCP(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if out, _ := bash(t, i, "exec 3<>/dev/tcp/203.0.113.1/"+port+" && echo -n hello >&3 && timeout 2 head -c 18 <&3"); strings.Contains(out, "203.0.113.1:") {
		t.Errorf("an address of this machine answers: %q", out)
	}
}

func TestAnInstanceThatIsOfflineReachesNothing(t *testing.T) {
	makeInternet(t)
	i := start(t, &Spec{Offline: true})
	for _, line := range []string{tcpLine, udpLine} {
		if out, ok := bash(t, i, line); ok || !strings.Contains(out, "unreachable") {
			t.Errorf("%s: %q", line, out)
		}
	}
}

func TestPrivateAddressesAreNotTheInternet(t *testing.T) {
	o := &outside{near: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	for a, want := range map[string]bool{
		"8.8.8.8": true, "198.51.100.7": true, "172.32.0.1": true, "10.0.0.1": false, "172.31.0.9": false, "192.168.1.1": false,
		"127.0.0.1": false, "127.9.9.9": false, "0.0.0.0": false, "169.254.169.254": false, "169.254.0.1": false, "100.64.0.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "192.0.2.9": false, "::1": false, "2001:db8::1": false, "::ffff:127.0.0.1": false,
	} {
		if got := o.has(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: outside is %v", a, got)
		}
	}
	real, err := newOutside()
	if err != nil {
		t.Fatal(err)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
			if own, _ := netip.AddrFromSlice(n.IP.To4()); real.has(own) {
				t.Errorf("%s, an address of this machine, counts as outside", own)
			}
		}
	}
}

// asked is a DNS server that knows every name, and counts.
func asked(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	p, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := &atomic.Int32{}
	s := &dns.Server{PacketConn: p, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		count.Add(1)
		m := new(dns.Msg)
		m.SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + " 30 IN A " + internet)
		m.Answer = []dns.RR{rr}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return p.LocalAddr().String(), count
}

// reply keeps what a handler answers.
type reply struct {
	dns.ResponseWriter
	m *dns.Msg
}

func (r *reply) WriteMsg(m *dns.Msg) error { r.m = m; return nil }
func (r *reply) RemoteAddr() net.Addr      { return &net.UDPAddr{} }

func TestNamesThatAreNotAWSsAreAskedOfTheMachinesServers(t *testing.T) {
	server, count := asked(t)
	online := answerer{hostname: "ip-172-31-0-6.ec2.internal", private: netip.MustParseAddr("172.31.0.6"), servers: []string{server}}
	offline := online
	offline.servers = nil
	for _, c := range []struct {
		a     answerer
		name  string
		qtype uint16
		want  string // address, "none" for an empty answer, else the response code
	}{
		{online, "example.com.", dns.TypeA, internet},
		{online, "example.com.", dns.TypeAAAA, "none"},
		{offline, "example.com.", dns.TypeA, "NXDOMAIN"},
		{online, "S3.amazonaws.com.", dns.TypeA, awsAddress.String()},
		{online, "s3.amazonaws.com.", dns.TypeAAAA, "none"},
		{online, "ip-172-31-0-6.ec2.internal.", dns.TypeA, "172.31.0.6"},
		{online, "ip-172-31-0-9.ec2.internal.", dns.TypeA, "NXDOMAIN"},
		{online, "localhost.", dns.TypeA, "NXDOMAIN"},
		{online, "printer.local.", dns.TypeA, "NXDOMAIN"},
	} {
		q := new(dns.Msg)
		q.SetQuestion(c.name, c.qtype)
		w := &reply{}
		c.a.ServeDNS(w, q)
		got := dns.RcodeToString[w.m.Rcode]
		if w.m.Rcode == dns.RcodeSuccess {
			got = "none"
			if len(w.m.Answer) > 0 {
				got = w.m.Answer[0].(*dns.A).A.String()
			}
		}
		if got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.name, dns.TypeToString[c.qtype], got, c.want)
		}
	}
	if n := count.Load(); n != 1 {
		t.Errorf("the machine's server was asked %d times", n)
	}
}
