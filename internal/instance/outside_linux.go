package instance

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// notOutside are addresses that are nowhere on the internet: those of private
// networks, of machines themselves and of links, and what is reserved. An
// instance on EC2 does not find a developer's network there, nor may one here.
// [IANA IPv4 Special-Purpose Address Registry]
var notOutside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("224.0.0.0/3"),
}

// outside is the internet, as seen from this machine.
type outside struct {
	// near are this machine's addresses, and the networks that it is in or
	// knows without a gateway, whatever their addresses.
	near []netip.Prefix
}

// newOutside looks at this machine's addresses and routes.
func newOutside() (*outside, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	o := &outside{}
	for _, a := range addresses {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if p, ok := prefix(n); ok {
			o.near = append(o.near, p.Masked(), netip.PrefixFrom(p.Addr(), 32))
		}
	}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	for _, r := range routes {
		if r.Dst == nil || r.Gw != nil || r.Via != nil || len(r.MultiPath) > 0 {
			continue
		}
		if p, ok := prefix(r.Dst); ok && p.Bits() > 1 { // less says nothing about who is near
			o.near = append(o.near, p.Masked())
		}
	}
	return o, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(n.IP.To4())
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a, ones), ok
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}
}

// has says whether an instance may reach a.
func (o *outside) has(a netip.Addr) bool {
	a = a.Unmap()
	if !a.Is4() {
		return false
	}
	for _, list := range [][]netip.Prefix{notOutside, o.near} {
		for _, p := range list {
			if p.Contains(a) {
				return false
			}
		}
	}
	return true
}

// Outside is a dialer that gets to the internet alone, as instances do: a
// bundle may name a registry in this machine's networks.
func Outside() *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		o, err := newOutside()
		if err != nil {
			return err
		}
		if !o.has(at.Addr()) {
			return fmt.Errorf("instances do not reach %s: it is not on the internet", at.Addr())
		}
		return nil
	}}
}
