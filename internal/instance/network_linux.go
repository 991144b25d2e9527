package instance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Where an instance finds what AWS gives to every instance. [EC2]
var (
	metadataAddress = netip.MustParseAddr("169.254.169.254")
	dnsAddress      = netip.MustParseAddr("169.254.169.253")
	// awsAddress is ours: on EC2 these are AWS's public addresses.
	awsAddress = netip.MustParseAddr("169.254.169.252")
	services   = netip.MustParsePrefix("169.254.169.248/29")
)

// privateRanges are tried in order: a default VPC's, then others that are rare
// on developers' machines.
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("172.31.0.0/16"),
	netip.MustParsePrefix("10.231.0.0/16"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

const (
	linkPrefix  = "bp"                      // of host-side links
	addressLock = "/run/beanpole-addresses" // one allocation at a time on a machine
)

// network is an instance's network. Two namespaces: the instance's own, and
// one in which our listeners for it wait. They are apart because a server on
// the instance may listen on every address of port 80 or 443, as on EC2.
// Neither has a name, so the kernel removes both when nobody uses them.
type network struct {
	instance, services netns.NsHandle
	link               string // host side
	host, private      netip.Addr
}

// newNetwork makes the namespaces, the links and the addresses. The firewall
// must stand before. The instance's own namespace is the one of its users,
// where it has users of its own.
func newNetwork(token string, u *users) (n *network, err error) {
	n = &network{instance: netns.None(), services: netns.None(), link: linkPrefix + token}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if u != nil {
		n.instance, err = u.handle()
	} else {
		n.instance, err = newNamespace()
	}
	if err != nil {
		return n, err
	}
	if n.services, err = newNamespace(); err != nil {
		return n, err
	}
	if err := n.connectHost(token); err != nil {
		return n, err
	}
	return n, n.connectServices()
}

// close lets go of the namespaces and takes the host's link away.
func (n *network) close() error {
	if n.instance.IsOpen() {
		n.instance.Close()
	}
	if n.services.IsOpen() {
		n.services.Close()
	}
	return removeLink(n.link)
}

// removeLink deletes a host-side link; that it is gone already is fine.
func removeLink(name string) error {
	l, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if err := netlink.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete link %s: %w", name, err)
	}
	return nil
}

// newNamespace makes a network namespace on a thread that ends with it.
func newNamespace() (netns.NsHandle, error) {
	h := netns.None()
	err := onThread(func() (err error) {
		h, err = netns.New()
		return err
	})
	if err != nil {
		return netns.None(), fmt.Errorf("make network namespace: %w", err)
	}
	return h, nil
}

// inNamespace runs f in namespace h.
func inNamespace(h netns.NsHandle, f func() error) error {
	return onThread(func() error {
		if err := netns.Set(h); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// onThread runs f on a thread of its own. The thread is never unlocked, so the
// runtime throws it away, and nothing else runs in f's namespace.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}

// connectHost makes the link over which the host reaches the instance.
func (n *network) connectHost(token string) error {
	lock, err := lockFile(addressLock, true)
	if err != nil {
		return fmt.Errorf("lock addresses: %w", err)
	}
	defer lock.Close()
	if n.host, n.private, err = freeAddresses(token); err != nil {
		return err
	}
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: n.link})
	veth.PeerName, veth.PeerNamespace = "eth0", netlink.NsFd(n.instance)
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("add link %s: %w", n.link, err)
	}
	here, err := netlink.NewHandle()
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer here.Close()
	if err := address(here, n.link, n.host, 30); err != nil {
		return err
	}
	there, err := netlink.NewHandleAt(n.instance)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer there.Close()
	// No default route yet, and none over this link ever: see routeOut.
	return address(there, "eth0", n.private, 30)
}

// connectServices makes the link to the namespace of the listeners. The
// instance sends from its private address, as on EC2.
func (n *network) connectServices() error {
	there, err := netlink.NewHandleAt(n.instance)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer there.Close()
	here, err := netlink.NewHandleAt(n.services)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer here.Close()
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: "aws0"})
	veth.PeerName, veth.PeerNamespace = "instance0", netlink.NsFd(n.services)
	if err := there.LinkAdd(veth); err != nil {
		return fmt.Errorf("add link aws0: %w", err)
	}
	for _, h := range []*netlink.Handle{there, here} {
		if err := up(h, "lo"); err != nil {
			return err
		}
	}
	if err := up(there, "aws0"); err != nil {
		return err
	}
	for _, a := range []netip.Addr{metadataAddress, dnsAddress, awsAddress, onlyHTTPS, onlyHTTP, nowhere} {
		if err := address(here, "instance0", a, 32); err != nil {
			return err
		}
	}
	if err := route(there, "aws0", services, n.private); err != nil {
		return err
	}
	return route(here, "instance0", netip.PrefixFrom(n.private, 32), metadataAddress)
}

// up switches a link on.
func up(h *netlink.Handle, name string) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	if err := h.LinkSetUp(l); err != nil {
		return fmt.Errorf("set link %s up: %w", name, err)
	}
	return nil
}

// address gives a link an address and switches it on.
func address(h *netlink.Handle, name string, a netip.Addr, bits int) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	to := &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(bits, 32)}}
	if err := h.AddrAdd(l, to); err != nil {
		return fmt.Errorf("add address %s to link %s: %w", a, name, err)
	}
	if err := h.LinkSetUp(l); err != nil {
		return fmt.Errorf("set link %s up: %w", name, err)
	}
	return nil
}

// route sends what goes to p over a link, from address src.
func route(h *netlink.Handle, name string, p netip.Prefix, src netip.Addr) error {
	l, err := h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find link %s: %w", name, err)
	}
	r := &netlink.Route{
		LinkIndex: l.Attrs().Index,
		Scope:     netlink.SCOPE_LINK,
		Dst:       &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)},
		Src:       src.AsSlice(),
	}
	if err := h.RouteAdd(r); err != nil {
		return fmt.Errorf("add route to %s over link %s: %w", p, name, err)
	}
	return nil
}

// freeAddresses chooses a /30 that nothing on this machine uses: the host's
// and the instance's address. The caller holds the address lock until both are
// on a link.
func freeAddresses(token string) (host, private netip.Addr, err error) {
	used, err := usedPrefixes()
	if err != nil {
		return host, private, err
	}
	start := uint32(0)
	for _, c := range token { // spread, so that addresses are seldom used again soon
		start = start*31 + uint32(c)
	}
	for _, r := range privateRanges {
		if used.foreign(r) {
			continue
		}
		base := binary.BigEndian.Uint32(r.Addr().AsSlice())
		for i := range uint32(1 << 14) {
			at := base + (start+i)%(1<<14)*4
			if at == base { // a VPC keeps its first addresses for itself
				continue
			}
			p := netip.PrefixFrom(fromUint32(at), 30)
			if !used.any(p) {
				return fromUint32(at + 1), fromUint32(at + 2), nil
			}
		}
	}
	return host, private, errors.New("find a free private address: routes of this machine cover 172.31.0.0/16, 10.231.0.0/16 and 192.168.0.0/16")
}

func fromUint32(v uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// prefixes are the networks that this machine's routing tables know, and
// whether an instance of ours is why.
type prefixes map[netip.Prefix]bool

// any says whether p overlaps with a network in use.
func (u prefixes) any(p netip.Prefix) bool {
	for q := range u {
		if q.Overlaps(p) {
			return true
		}
	}
	return false
}

// foreign says whether p overlaps with a network that is not beanpole's.
func (u prefixes) foreign(p netip.Prefix) bool {
	for q, ours := range u {
		if !ours && q.Overlaps(p) {
			return true
		}
	}
	return false
}

// undisturbed lists something of the kernel's again when it changed meanwhile,
// which it does while other instances start.
func undisturbed[T any](list func() ([]T, error)) (all []T, err error) {
	for range 100 {
		if all, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return all, err
}

// usedPrefixes reads all routing tables, those of VPNs too. Routes of everything or
// of half of everything say nothing about who uses an address.
func usedPrefixes() (prefixes, error) {
	links, err := undisturbed(netlink.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	ours := map[int]bool{}
	for _, l := range links {
		ours[l.Attrs().Index] = strings.HasPrefix(l.Attrs().Name, linkPrefix) && l.Type() == "veth"
	}
	routes, err := undisturbed(func() ([]netlink.Route, error) {
		return netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	used := prefixes{}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		ones, _ := r.Dst.Mask.Size()
		a, ok := netip.AddrFromSlice(r.Dst.IP.To4())
		if !ok || ones <= 1 {
			continue
		}
		p := netip.PrefixFrom(a, ones).Masked()
		if known, seen := used[p]; !seen || known {
			used[p] = ours[r.LinkIndex]
		}
	}
	return used, nil
}

// lockFile opens a file and locks it for this process; wait says whether to
// wait for another one. Closing it, or dying, lets go.
func lockFile(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
