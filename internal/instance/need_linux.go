package instance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Missing says what this machine lacks to run instances, and what to do about
// it. What it tries out it takes away again.
func Missing() []Need {
	var needs []Need
	if os.Geteuid() != 0 {
		needs = append(needs, Need{"root", "run it with sudo: namespaces, mounts and links need root"})
	}
	if _, err := exec.LookPath("runc"); err != nil {
		needs = append(needs, Need{"runc", "apt install runc (Fedora, Amazon Linux: dnf install runc)"})
	}
	if _, err := exec.LookPath("nginx"); err != nil {
		if _, err := os.Stat("/usr/sbin/nginx"); err != nil {
			needs = append(needs, Need{"nginx", "apt install nginx-light (Fedora, Amazon Linux: dnf install nginx); the instance runs this machine's own"})
		}
	}
	if os.Geteuid() != 0 {
		return needs // the kernel would refuse everything below
	}
	return append(needs, tryAll([]trial{
		{"overlay", "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS; in a container, start it privileged", tryOverlay},
		{"network namespaces", "a kernel with CONFIG_NET_NS; in a container, start it privileged", func() error { return tryInNamespace(func() error { return nil }) }},
		{"veth", "modprobe veth, or a kernel with CONFIG_VETH", func() error { return tryInNamespace(tryVeth) }},
		{"nftables", "modprobe nf_tables nft_ct, or a kernel with CONFIG_NF_TABLES_INET and CONFIG_NFT_CT", func() error { return tryInNamespace(tryFirewall) }},
	})...)
}

// trial tries out something that the kernel must be able to do.
type trial struct {
	what, remedy string
	try          func() error
}

// tryAll tries all at the same time: the kernel lets each wait for itself.
func tryAll(trials []trial) []Need {
	errs := make([]error, len(trials))
	var all sync.WaitGroup
	for i, t := range trials {
		all.Go(func() { errs[i] = t.try() })
	}
	all.Wait()
	var needs []Need
	for i, t := range trials {
		if errs[i] != nil {
			needs = append(needs, Need{t.what, fmt.Sprintf("%s (%v)", t.remedy, errs[i])})
		}
	}
	return needs
}

func tryOverlay() error {
	dir, err := os.MkdirTemp("", "beanpole-overlay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var paths []string
	for _, name := range []string{"a", "b", "merged"} {
		p := filepath.Join(dir, name)
		if err := os.Mkdir(p, 0o700); err != nil {
			return err
		}
		paths = append(paths, p)
	}
	failed := make(chan error, 1)
	go func() {
		// The thread is never unlocked: it ends here, and the mount with it,
		// even when the whole program is ended in between.
		runtime.LockOSThread()
		failed <- mountApart(paths[2], "lowerdir="+strings.Join(paths[:2], ":"))
	}()
	return <-failed
}

// mountApart mounts an overlay in a mount namespace of this thread's own.
func mountApart(at, layers string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	return unix.Mount("overlay", at, "overlay", unix.MS_RDONLY, layers)
}

func tryInNamespace(f func() error) error {
	h, err := newNamespace()
	if err != nil {
		return err
	}
	defer h.Close()
	return inNamespace(h, f)
}

func tryVeth() error {
	v := netlink.NewVeth(netlink.LinkAttrs{Name: "bptry0"})
	v.PeerName = "bptry1"
	return netlink.LinkAdd(v)
}

func tryFirewall() error {
	if err := addFirewall("try"); err != nil {
		return err
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	_, err = c.ListTables()
	return err
}
