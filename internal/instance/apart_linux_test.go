package instance

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestInstancesReachNeitherEachOtherNorTheHost(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	one := start(t, &Spec{Metadata: say("metadata of one")})
	two, err := Start(t.Context(), &Spec{ID: "i-0two", Dir: t.TempDir(), Args: []string{"test-pid-1"}, Metadata: say("metadata of two")})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Stop(context.Background())
	for i, want := range map[*Instance]string{one: "metadata of one", two: "metadata of two"} {
		if got, _ := sh(t, i, "curl -sS http://169.254.169.254/x"); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "from "+i.Address().String()) {
			t.Errorf("%s gets %q", i.ID(), got)
		}
	}
	open, err := net.Listen("tcp", one.Address().Prev().String()+":0") // on the host's side of the link
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	go http.Serve(open, say("the host"))
	for _, url := range []string{two.Address().String() + ":22", two.Address().Prev().String(), open.Addr().String(), "127.0.0.1:4566", "192.0.2.1"} {
		if out, ok := sh(t, one, "curl -sS --max-time 1 http://"+url+"/"); ok {
			t.Errorf("%s is reached: %s", url, out)
		}
	}
	for _, line := range []string{"mknod /tmp/disk b 8 0", "mount -t tmpfs none /mnt", "unshare --user true", "echo x > /proc/sys/kernel/core_pattern",
		"echo x > /proc/1/exe", "cat /proc/kmsg", "ip link add d type dummy", "ls /proc/keys/x"} {
		if out, ok := sh(t, one, line); ok {
			t.Errorf("root on the instance may %s: %s", line, out)
		}
	}
}
