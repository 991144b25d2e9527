package instance

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A connection is first made to where it was going, and then let in, so that
// what is refused there is refused on the instance, and what does not answer
// does not answer: the first packet of each connection is dropped by the
// kernel and read here, and sent again, from an address that the kernel lets
// through, when the other side has answered.

// letIn is the link-level address that marks such a packet. Who has no
// CAP_NET_RAW cannot send from it.
var letIn = net.HardwareAddr{0x02, 'b', 'e', 'a', 'n', 0x01}

// holdLimit is how long a connection that was let in may take to arrive.
const holdLimit = 10 * time.Second

// first is the first packet of a connection: an Ethernet frame.
type first []byte

const etherLen = 14 // bytes

func (p first) ip() []byte  { return p[etherLen:] }
func (p first) tcp() []byte { return p[etherLen+int(p[etherLen]&0xf)*4:] }

// flow is whose connection it is; false for what is no whole packet.
func (p first) flow() (f flow, ok bool) {
	if len(p) < etherLen+40 || p[etherLen]>>4 != 4 || len(p.tcp()) < 20 {
		return f, false
	}
	from, _ := netip.AddrFromSlice(p.ip()[12:16])
	to, _ := netip.AddrFromSlice(p.ip()[16:20])
	f.from = netip.AddrPortFrom(from, binary.BigEndian.Uint16(p.tcp()))
	f.to = netip.AddrPortFrom(to, binary.BigEndian.Uint16(p.tcp()[2:]))
	return f, true
}

// refusal is the packet that answers p as a port at which nobody listens.
func (p first) refusal() []byte {
	out := make([]byte, etherLen+40)
	copy(out, p[6:12])
	copy(out[6:], p[:6])
	out[12], out[13] = 0x08, 0x00
	ip, tcp := out[etherLen:], out[etherLen+20:]
	ip[0], ip[3], ip[8], ip[9] = 0x45, 40, 64, unix.IPPROTO_TCP
	copy(ip[12:16], p.ip()[16:20])
	copy(ip[16:20], p.ip()[12:16])
	binary.BigEndian.PutUint16(ip[10:], ^sum16(ip[:20], 0))
	copy(tcp, p.tcp()[2:4])
	copy(tcp[2:], p.tcp()[:2])
	binary.BigEndian.PutUint32(tcp[8:], binary.BigEndian.Uint32(p.tcp()[4:])+1)
	tcp[12], tcp[13] = 5<<4, 0x14 // RST, ACK
	first(out).sumTCP()
	return out
}

// sumTCP puts the checksum in. The kernel leaves it out between two ends of a
// link on one machine.
func (p first) sumTCP() {
	size := int(binary.BigEndian.Uint16(p.ip()[2:])) - int(p[etherLen]&0xf)*4
	if tcp := p.tcp(); size >= 20 && size <= len(tcp) {
		tcp[16], tcp[17] = 0, 0
		sum := sum16(p.ip()[12:20], unix.IPPROTO_TCP+uint32(size))
		binary.BigEndian.PutUint16(tcp[16:], ^sum16(tcp[:size], uint32(sum)))
	}
}

// sum16 is the internet checksum's sum. [RFC 1071]
func sum16(b []byte, sum uint32) uint16 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// hold are the two ends of the link between instance and services: beginnings
// are read, and refusals sent, at the services' end; what is let in is sent
// from the instance's.
type hold struct{ services, instance *os.File }

// openHold opens both and adds the rule that drops beginnings.
func openHold(n *network) (h hold, err error) {
	err = inNamespace(n.services, func() (err error) {
		if h.services, err = rawSocket("instance0", true); err != nil {
			return err
		}
		return dropBeginnings()
	})
	if err == nil {
		err = inNamespace(n.instance, func() (err error) {
			h.instance, err = rawSocket("aws0", false)
			return err
		})
	}
	return h, err
}

// rawSocket reads beginnings from a link, or nothing, and sends frames on it.
func rawSocket(link string, reads bool) (*os.File, error) {
	l, err := netlink.LinkByName(link)
	if err != nil {
		return nil, fmt.Errorf("find link %s: %w", link, err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), link)
	at := &unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}
	if reads {
		at.Protocol = binary.NativeEndian.Uint16([]byte{0x08, 0x00}) // IPv4, in network order
		if err = filter(fd); err != nil {
			f.Close()
			return nil, fmt.Errorf("filter packets: %w", err)
		}
	}
	if err := unix.Bind(fd, at); err != nil {
		f.Close()
		return nil, fmt.Errorf("bind packet socket to %s: %w", link, err)
	}
	return f, nil
}

// filter lets the kernel give only beginnings to a packet socket that were not
// let in yet.
func filter(fd int) error {
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 8, Size: 4}, // end of the sender's link-level address
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(letIn[2:]), SkipTrue: 7},
		bpf.LoadAbsolute{Off: etherLen + 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_TCP, SkipTrue: 5},
		bpf.LoadMemShift{Off: etherLen},
		bpf.LoadIndirect{Off: etherLen + 13, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0x12}, // SYN, ACK
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x02, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 16},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	raw := make([]unix.SockFilter, len(program))
	for i, p := range program {
		raw[i] = unix.SockFilter{Code: p.Op, Jt: p.Jt, Jf: p.Jf, K: p.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(raw)), Filter: &raw[0]})
}

// dropBeginnings adds the rule to the services' namespace.
func dropBeginnings() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := c.AddTable(&nftables.Table{Name: "beanpole", Family: nftables.TableFamilyIPv4})
	chain := c.AddChain(&nftables.Chain{Name: "beginnings", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw})
	c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: append(append(onLink(expr.MetaKeyIIFNAME, "instance0"), outOf(services)...),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1, DestRegister: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{0x12}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{0x02}},
		&expr.Payload{Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6, DestRegister: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: letIn},
		drop())})
	return c.Flush()
}

// begins reads beginnings until the socket is closed.
func (x *nat) begins() {
	data := make([]byte, 2048)
	for {
		n, err := x.hold.services.Read(data)
		if err != nil {
			if x.ctx.Err() != nil || errors.Is(err, os.ErrClosed) {
				return
			}
			continue
		}
		p := first(data[:n])
		f, ok := p.flow()
		// The kernel drops what the VPC lets go nowhere; it was seen here before.
		if !ok || services.Contains(f.to.Addr()) || !x.ways.lets(f.to.Port()) || !x.claim(f) {
			continue
		}
		go x.connect(f, append(first(nil), p...))
	}
}

// claim takes a place for a connection that begins; false when it has one
// already (it was sent again), or there is none.
func (x *nat) claim(f flow) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := x.dialled[f]; ok || len(x.dialled) >= mostConnections {
		return false
	}
	x.dialled[f] = nil
	return true
}

// release ends a claim, and gives what was dialled for it.
func (x *nat) release(f flow) net.Conn {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.dialled[f]
	delete(x.dialled, f)
	return c
}

// connect connects to where f goes, then lets its first packet in, or refuses.
func (x *nat) connect(f flow, p first) {
	c, err := x.dial(f.to)
	switch {
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, context.DeadlineExceeded):
		x.release(f) // and no answer, as there is none
		return
	case err != nil:
		x.release(f)
		x.hold.services.Write(p.refusal())
		return
	case !x.keep(c):
		return
	}
	x.mu.Lock()
	x.dialled[f] = c
	x.mu.Unlock()
	copy(p[6:12], letIn)
	p.sumTCP()
	x.hold.instance.Write(p)
	time.AfterFunc(holdLimit, func() {
		if c := x.release(f); c != nil {
			x.drop(c)
		}
	})
}

// dial connects to an address of the internet.
func (x *nat) dial(to netip.AddrPort) (net.Conn, error) {
	if !x.outside.has(to.Addr()) {
		return nil, syscall.EHOSTUNREACH
	}
	ctx, cancel := context.WithTimeout(x.ctx, dialTimeout)
	defer cancel()
	return (&net.Dialer{}).DialContext(ctx, "tcp4", to.String())
}
