package instance

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestTheAddressOfAnInstanceThatEndedRefusesUntilItIsStopped(t *testing.T) {
	i := start(t, &Spec{Metadata: say("metadata"), AWS: say("aws")})
	i.control.hangUp()
	select {
	case <-i.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	for range 20 { // as long as the kernel may take to remove a namespace
		c, err := net.DialTimeout("tcp", i.Address().String()+":80", 5*time.Second)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			if c != nil {
				c.Close()
			}
			t.Fatalf("connections to it leave this machine, or hang: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
