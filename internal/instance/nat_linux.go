package instance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// nat carries an instance's connections to the internet. It works as the NAT
// of virtual machines on desktops does: the kernel hands what is for elsewhere
// to a listener in the services' namespace, and beanpole itself connects to
// where it was going, as any program of this machine. So the machine forwards
// no packets, its own firewall stays as it is, and nothing is left when
// beanpole is killed.
type nat struct {
	services *os.File // namespace
	outside  *outside
	ways     *Ways
	tcp      net.Listener
	udp      *net.UDPConn
	ctx      context.Context
	end      context.CancelFunc
	places   chan struct{} // one for each connection

	hold hold

	mu      sync.Mutex
	dialled map[flow]net.Conn // connections that begin; nil while they are dialled
	flows   map[flow]bool     // of datagrams
	open    map[io.Closer]bool
}

const (
	natPort  = 1 // of the listener in the services' namespace
	natMark  = 1 // of packets on their way to it
	natTable = 100

	mostConnections = 1024 // of one instance at a time, TCP and UDP each
	dialTimeout     = 2 * time.Minute
)

// gateway is where the instance's default route leads.
var gateway = dnsAddress

// startNAT gives the instance a way out.
func startNAT(n *network, w *Ways) (*nat, error) {
	o, err := newOutside()
	if err != nil {
		return nil, err
	}
	if err := n.routeOut(); err != nil {
		return nil, err
	}
	services, err := unix.FcntlInt(uintptr(n.services), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("keep network namespace: %w", err)
	}
	x := &nat{services: os.NewFile(uintptr(services), "services"), outside: o, ways: w, places: make(chan struct{}, mostConnections), dialled: map[flow]net.Conn{}, flows: map[flow]bool{}, open: map[io.Closer]bool{}}
	x.ctx, x.end = context.WithCancel(context.Background())
	x.keep(x.services)
	err = inNamespace(n.services, x.listen)
	if err == nil {
		x.hold, err = openHold(n)
	}
	for _, f := range []*os.File{x.hold.services, x.hold.instance} {
		if f != nil {
			x.keep(f)
		}
	}
	if err != nil {
		x.close()
		return nil, err
	}
	go x.begins()
	go x.acceptTCP()
	go x.acceptUDP()
	return x, nil
}

// close ends all connections.
func (x *nat) close() {
	x.end()
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.open {
		c.Close()
	}
	x.open = nil
}

// keep remembers what close has to end; false when it has been called.
func (x *nat) keep(c io.Closer) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.open == nil {
		c.Close()
		return false
	}
	x.open[c] = true
	return true
}

// drop closes and forgets.
func (x *nat) drop(c io.Closer) {
	c.Close()
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.open, c)
}

// routeOut makes the default route. What no instance may reach is unreachable
// by a route of its own, so that programs learn so at once.
func (n *network) routeOut() error {
	there, err := netlink.NewHandleAt(n.instance)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer there.Close()
	for _, p := range notOutside {
		r := &netlink.Route{Dst: ipNet(p), Type: unix.RTN_UNREACHABLE}
		if err := there.RouteAdd(r); err != nil {
			return fmt.Errorf("make %s unreachable: %w", p, err)
		}
	}
	l, err := there.LinkByName("aws0")
	if err != nil {
		return fmt.Errorf("find link aws0: %w", err)
	}
	out := &netlink.Route{LinkIndex: l.Attrs().Index, Gw: gateway.AsSlice(), Src: n.private.AsSlice(), Flags: int(netlink.FLAG_ONLINK)}
	if err := there.RouteAdd(out); err != nil {
		return fmt.Errorf("add default route: %w", err)
	}
	here, err := netlink.NewHandleAt(n.services)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer here.Close()
	rule := netlink.NewRule()
	rule.Mark, rule.Table = natMark, natTable
	if err := here.RuleAdd(rule); err != nil {
		return fmt.Errorf("add routing rule: %w", err)
	}
	lo, err := here.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find link lo: %w", err)
	}
	local := &netlink.Route{LinkIndex: lo.Attrs().Index, Table: natTable, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
		Dst: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}}
	if err := here.RouteAdd(local); err != nil {
		return fmt.Errorf("route packets to beanpole: %w", err)
	}
	return nil
}

// listen opens both listeners and lets the kernel hand packets to them. It
// must be called in the services' namespace.
func (x *nat) listen() error {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return sockopts(raw, unix.IP_TRANSPARENT, unix.IP_RECVORIGDSTADDR)
	}}
	at := netip.AddrPortFrom(netip.IPv4Unspecified(), natPort).String()
	var err error
	if x.tcp, err = c.Listen(x.ctx, "tcp4", at); err != nil {
		return fmt.Errorf("listen for connections to the outside: %w", err)
	}
	x.keep(x.tcp)
	p, err := c.ListenPacket(x.ctx, "udp4", at)
	if err != nil {
		return fmt.Errorf("listen for datagrams to the outside: %w", err)
	}
	x.keep(p)
	x.udp = p.(*net.UDPConn)
	if err := handOver(); err != nil {
		return &source.Problem{What: fmt.Sprintf("this kernel gives instances no way to the internet: %v", err),
			Remedy: "modprobe nft_tproxy, or a kernel with CONFIG_NFT_TPROXY; --offline does without"}
	}
	return nil
}

// sockopts switches options of IP on.
func sockopts(raw syscall.RawConn, opts ...int) error {
	var err error
	controlErr := raw.Control(func(fd uintptr) {
		for _, o := range opts {
			err = errors.Join(err, unix.SetsockoptInt(int(fd), unix.SOL_IP, o, 1))
		}
	})
	return errors.Join(controlErr, err)
}

// handOver adds the rules that give to the listeners what is not for our
// services. They go with the namespace.
func handOver() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := c.AddTable(&nftables.Table{Name: "beanpole", Family: nftables.TableFamilyIPv4})
	chain := c.AddChain(&nftables.Chain{Name: "outward", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityMangle})
	mark := []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(natMark)},
		&expr.Meta{Key: expr.MetaKeyMARK, Register: 1, SourceRegister: true},
	}
	for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
		rule := append(onLink(expr.MetaKeyIIFNAME, "instance0"), outOf(services)...)
		rule = append(rule,
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{protocol}},
			&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(natPort)},
			&expr.TProxy{Family: byte(nftables.TableFamilyIPv4), TableFamily: byte(nftables.TableFamilyIPv4), RegPort: 1})
		rule = append(append(rule, mark...), &expr.Verdict{Kind: expr.VerdictAccept})
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: rule})
	}
	return c.Flush()
}

// outOf matches packets to addresses that are not in p.
func outOf(p netip.Prefix) []expr.Any { return toAddress(p, expr.CmpOpNeq) }

// toAddress matches packets by their IPv4 destination.
func toAddress(p netip.Prefix, op expr.CmpOp) []expr.Any {
	return []expr.Any{
		&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4, DestRegister: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: net.CIDRMask(p.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: 1, Data: p.Masked().Addr().AsSlice()},
	}
}

// acceptTCP carries each connection that was let in.
func (x *nat) acceptTCP() {
	for {
		c, err := x.tcp.Accept()
		if err != nil {
			if x.ctx.Err() != nil {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of files, or the like
			continue
		}
		go x.carryTCP(c.(*net.TCPConn))
	}
}

// reset ends a connection at once.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// carryTCP passes on what comes over c and over what was dialled for it.
func (x *nat) carryTCP(c *net.TCPConn) {
	f := flow{c.RemoteAddr().(*net.TCPAddr).AddrPort(), c.LocalAddr().(*net.TCPAddr).AddrPort()}
	out, ok := x.release(f).(*net.TCPConn)
	if !ok {
		reset(c)
		return
	}
	defer x.drop(out)
	select {
	case x.places <- struct{}{}:
		defer func() { <-x.places }()
	default:
		reset(c)
		return
	}
	if !x.keep(c) {
		return
	}
	defer x.drop(c)
	var both sync.WaitGroup
	both.Go(func() { pass(out, c) })
	both.Go(func() { pass(c, out) })
	both.Wait()
}

// pass copies until from ends, and ends to's other half likewise.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		reset(to)
		reset(from)
		return
	}
	to.CloseWrite()
}
