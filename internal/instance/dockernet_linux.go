package instance

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The bridge of an instance's containers, as Docker makes it. It is in the
// instance's network namespace, so that nothing of it is on this machine.
const bridgeName = "docker0"

var (
	bridgeAddress = netip.MustParseAddr("172.17.0.1")
	bridgeNetwork = netip.MustParsePrefix("172.17.0.0/16")
)

// newNetworkOf makes a network namespace that belongs to the instance's users,
// whose root may mount what shows it: a process joins their namespace and makes
// one, and is ended when this process has a hold of it.
func (u *users) newNetworkOf() (netns.NsHandle, error) {
	if u == nil {
		return newNamespace()
	}
	program, err := exec.LookPath("nsenter")
	if err != nil {
		return netns.None(), errors.New("containers need nsenter (apt install util-linux)")
	}
	c := exec.Command(program, "--user="+ourFile(u.space.Fd()), "unshare", "--net", "cat")
	var errs bytes.Buffer
	c.Stderr = &errs
	hold, err := c.StdinPipe()
	if err != nil {
		return netns.None(), err
	}
	back, err := c.StdoutPipe()
	if err != nil {
		return netns.None(), err
	}
	if err := c.Start(); err != nil {
		return netns.None(), fmt.Errorf("make network namespace: %w", err)
	}
	defer func() {
		hold.Close()
		c.Wait()
	}()
	late := time.AfterFunc(10*time.Second, func() { c.Process.Kill() })
	defer late.Stop()
	hold.Write([]byte{'\n'})
	if _, err := back.Read(make([]byte, 1)); err != nil { // cat is there, in its namespace
		return netns.None(), fmt.Errorf("make network namespace: %w: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	return netns.GetFromPath(fmt.Sprintf("/proc/%d/ns/net", c.Process.Pid))
}

// connect gives a container its own network on the bridge. Whoever is there
// reaches what the instance reaches, by its address.
func (d *dockerd) connect() (h netns.NsHandle, at netip.Addr, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.makeBridge(); err != nil {
		return netns.None(), at, err
	}
	if h, err = d.i.users.newNetworkOf(); err != nil {
		return h, at, err
	}
	if at, err = d.freeAddress(); err == nil {
		err = d.link(h, at)
	}
	if err != nil {
		h.Close()
	}
	return h, at, err
}

// freeAddress is an address of the bridge's network that no container has. mu
// is held.
func (d *dockerd) freeAddress() (netip.Addr, error) {
	taken := map[string]bool{}
	for _, c := range d.running {
		taken[c.about.Address] = true
	}
	first := bridgeNetwork.Addr().As4()
	for i := 2; i < 255; i++ { // the lowest that is free, as Docker's
		a := netip.AddrFrom4([4]byte{first[0], first[1], 0, byte(i)})
		if !taken[a.String()] {
			return a, nil
		}
	}
	return netip.Addr{}, errors.New("no address is free on the bridge")
}

// makeBridge makes it with the first container. mu is held.
func (d *dockerd) makeBridge() error {
	if d.bridge {
		return nil
	}
	there, err := netlink.NewHandleAt(d.i.network)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer there.Close()
	b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}
	if err := there.LinkAdd(b); err != nil {
		return fmt.Errorf("make bridge (modprobe bridge): %w", err)
	}
	if err := address(there, bridgeName, bridgeAddress, bridgeNetwork.Bits()); err != nil {
		return err
	}
	err = inNamespace(d.i.network, func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
			return fmt.Errorf("let the instance forward packets of its containers: %w", err)
		}
		return sourceNAT(d.i.address)
	})
	d.bridge = err == nil
	return err
}

// sourceNAT lets what containers send elsewhere come from the instance.
func sourceNAT(from netip.Addr) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	t := c.AddTable(&nftables.Table{Name: "docker", Family: nftables.TableFamilyIPv4})
	chain := c.AddChain(&nftables.Chain{Name: "postrouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource})
	name := make([]byte, unix.IFNAMSIZ)
	copy(name, bridgeName)
	c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: name},
		&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4, DestRegister: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: net.CIDRMask(bridgeNetwork.Bits(), 32), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: bridgeNetwork.Addr().AsSlice()},
		&expr.Immediate{Register: 1, Data: from.AsSlice()},
		&expr.NAT{Type: expr.NATTypeSourceNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: 1},
	}})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("let containers send from the instance's address: %w", err)
	}
	return nil
}

// link makes the link between a container and the bridge. It goes with the
// container's namespace.
func (d *dockerd) link(h netns.NsHandle, at netip.Addr) error {
	there, err := netlink.NewHandleAt(d.i.network)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer there.Close()
	here, err := netlink.NewHandleAt(h)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer here.Close()
	d.next++
	bridge, err := there.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("find bridge: %w", err)
	}
	veth := netlink.NewVeth(netlink.LinkAttrs{Name: fmt.Sprintf("veth%d", d.next), MasterIndex: bridge.Attrs().Index})
	veth.PeerName, veth.PeerNamespace = "eth0", netlink.NsFd(h)
	if err := there.LinkAdd(veth); err != nil {
		return fmt.Errorf("add link %s: %w", veth.Name, err)
	}
	if err := errors.Join(up(there, veth.Name), up(here, "lo"), address(here, "eth0", at, bridgeNetwork.Bits())); err != nil {
		return err
	}
	if err := here.RouteAdd(&netlink.Route{Gw: bridgeAddress.AsSlice()}); err != nil {
		return fmt.Errorf("add default route: %w", err)
	}
	return nil
}
