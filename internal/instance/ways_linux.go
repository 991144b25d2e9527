package instance

import (
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// AWS's names lead to one of four addresses, which say what the ways of the
// instance's VPC let through: the kernel drops the rest, so that a connection
// ends as it does on AWS, without an answer.
var (
	onlyHTTPS = netip.MustParseAddr("169.254.169.251")
	onlyHTTP  = netip.MustParseAddr("169.254.169.250")
	nowhere   = netip.MustParseAddr("169.254.169.249")
)

// synRetries is how often an instance in a VPC sends the beginning of a
// connection again: it gives up after some 7 seconds, where Linux takes about
// two minutes, and AWS's agent would wait as long.
const synRetries = "2"

// address is where a name of AWS leads.
func (w *Ways) address(host string) netip.Addr {
	if w == nil || w.Name == nil {
		return awsAddress
	}
	https, http := w.Name(host, 443), w.Name(host, 80)
	switch {
	case https && http:
		return awsAddress
	case https:
		return onlyHTTPS
	case http:
		return onlyHTTP
	}
	return nowhere
}

// names says whether the VPC's DNS server answers.
func (w *Ways) names() bool { return w == nil || !w.NoNames }

// lets says whether a connection to a port of the internet gets there.
func (w *Ways) lets(port uint16) bool {
	return w == nil || slices.ContainsFunc(w.TCP, func(p Ports) bool { return p.From <= port && port <= p.To })
}

// enforce adds the rules to the services' namespace, through which everything
// passes that leaves the instance for AWS and for the internet.
func (w *Ways) enforce(n *network, patient bool) error {
	if w == nil {
		return nil
	}
	if err := inNamespace(n.services, w.rules); err != nil {
		return fmt.Errorf("add the VPC's rules: %w", err)
	}
	if patient {
		return nil
	}
	return inNamespace(n.instance, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/tcp_syn_retries", []byte(synRetries), 0)
	})
}

// rules must be called in the namespace.
func (w *Ways) rules() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := c.AddTable(&nftables.Table{Name: "beanpole_vpc", Family: nftables.TableFamilyIPv4})
	chain := c.AddChain(&nftables.Chain{Name: "ways", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw})
	add := func(parts ...[]expr.Any) {
		exprs := onLink(expr.MetaKeyIIFNAME, "instance0")
		for _, p := range parts {
			exprs = append(exprs, p...)
		}
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: exprs})
	}
	one := func(a netip.Addr) []expr.Any { return toAddress(netip.PrefixFrom(a, 32), expr.CmpOpEq) }
	dropped := []expr.Any{drop()}
	add(one(nowhere), dropped)
	add(one(onlyHTTPS), portsOf(unix.IPPROTO_TCP, Ports{443, 443}, expr.CmpOpNeq), dropped)
	add(one(onlyHTTP), portsOf(unix.IPPROTO_TCP, Ports{80, 80}, expr.CmpOpNeq), dropped)
	accepted := []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
	add(toAddress(services, expr.CmpOpEq), accepted)
	for _, p := range w.TCP {
		add(portsOf(unix.IPPROTO_TCP, p, expr.CmpOpEq), accepted)
	}
	for _, p := range w.UDP {
		add(portsOf(unix.IPPROTO_UDP, p, expr.CmpOpEq), accepted)
	}
	add(dropped)
	return c.Flush()
}

// portsOf matches packets of a protocol to ports in a range, or outside of it.
func portsOf(protocol byte, p Ports, op expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: 1},
		&expr.Range{Op: op, Register: 1, FromData: binaryutil.BigEndian.PutUint16(p.From), ToData: binaryutil.BigEndian.PutUint16(p.To)},
	}
}
