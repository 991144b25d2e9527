package instance

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// flow is who on the instance talks to whom.
type flow struct{ from, to netip.AddrPort }

const (
	flowIdle        = 60 * time.Second // until a flow without datagrams ends
	longestDatagram = 64 << 10         // bytes
)

// acceptUDP begins a flow with each datagram that belongs to none. The kernel
// gives those that follow to the flow's own socket.
func (x *nat) acceptUDP() {
	data, about := make([]byte, longestDatagram), make([]byte, 256)
	for {
		n, oob, _, from, err := x.udp.ReadMsgUDPAddrPort(data, about)
		if err != nil {
			if x.ctx.Err() != nil {
				return
			}
			continue
		}
		to, ok := originalDestination(about[:oob])
		f := flow{netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), to}
		if ok && x.outside.has(to.Addr()) && x.begin(f) {
			first := append([]byte(nil), data[:n]...)
			go x.carryUDP(f, first)
		}
	}
}

// begin takes a place for a flow; false when it has one, or there is none.
func (x *nat) begin(f flow) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.flows[f] || len(x.flows) >= mostConnections {
		return false
	}
	x.flows[f] = true
	return true
}

// originalDestination is where a datagram was going, from its control message.
func originalDestination(oob []byte) (netip.AddrPort, bool) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for _, m := range messages {
		// A sockaddr_in: family, port and address.
		if m.Header.Level == unix.SOL_IP && m.Header.Type == unix.IP_ORIGDSTADDR && len(m.Data) >= 8 {
			a, _ := netip.AddrFromSlice(m.Data[4:8])
			return netip.AddrPortFrom(a, binary.BigEndian.Uint16(m.Data[2:4])), true
		}
	}
	return netip.AddrPort{}, false
}

// carryUDP sends a flow's datagrams on, and the answers back, which come from
// the address that was asked.
func (x *nat) carryUDP(f flow, first []byte) {
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.flows, f)
	}()
	inside, err := x.answering(f)
	if err != nil || !x.keep(inside) {
		return
	}
	defer x.drop(inside)
	out, err := (&net.Dialer{}).DialContext(x.ctx, "udp4", f.to.String())
	if err != nil || !x.keep(out) {
		return
	}
	defer x.drop(out)
	if _, err := out.Write(first); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		datagrams(out, inside)
		out.Close()
	}()
	datagrams(inside, out)
	inside.Close()
	<-done
}

// answering is a socket that has the address of where f goes, and is connected
// to the instance.
func (x *nat) answering(f flow) (c net.Conn, err error) {
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(f.to), Control: func(_, _ string, raw syscall.RawConn) error {
		return sockopts(raw, unix.IP_TRANSPARENT)
	}}
	err = inNamespace(netns.NsHandle(x.services.Fd()), func() (err error) {
		c, err = d.DialContext(context.Background(), "udp4", f.from.String())
		return err
	})
	return c, err
}

// datagrams copies until one side has been silent for flowIdle.
func datagrams(to, from net.Conn) {
	data := make([]byte, longestDatagram)
	for {
		from.SetReadDeadline(time.Now().Add(flowIdle))
		n, err := from.Read(data)
		if err != nil {
			return
		}
		to.Write(data[:n])
	}
}
