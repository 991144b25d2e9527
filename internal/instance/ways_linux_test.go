package instance

import (
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestWhatTheVPCLetsGoNowhereGetsNoAnswer(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	makeInternet(t)
	pemCA, config := ca(t)
	open := map[string]bool{"s3.us-east-1.amazonaws.com:443": true, "half.s3.amazonaws.com:80": true, "all.s3.amazonaws.com:80": true, "all.s3.amazonaws.com:443": true}
	var added atomic.Bool
	i := start(t, &Spec{Metadata: say("metadata"), AWS: say("aws"), TLS: config, CA: pemCA, Ways: &Ways{
		Name: func(host string, port uint16) bool {
			return added.Load() && host == "none.s3.amazonaws.com" || open[host+map[uint16]string{80: ":80", 443: ":443"}[port]]
		},
		TCP: []Ports{{From: 8, To: 9}}, UDP: []Ports{{From: 7, To: 7}},
	}})
	for _, c := range []struct{ line, want string }{
		{"curl -sS http://169.254.169.254/x | cut -d' ' -f1", "metadata"},
		{"curl -sS https://s3.us-east-1.amazonaws.com/x | cut -d' ' -f1", "aws"},
		{"curl -sS http://half.s3.amazonaws.com/x | cut -d' ' -f1", "aws"},
		{"curl -sS http://all.s3.amazonaws.com/x | cut -d' ' -f1", "aws"},
		{"curl -sS --connect-timeout 2 http://s3.us-east-1.amazonaws.com/x 2>&1 | grep -ciE 'timed out|timeout'", "1"},
		{"curl -sS --connect-timeout 2 https://half.s3.amazonaws.com/x 2>&1 | grep -ciE 'timed out|timeout'", "1"},
		{"curl -sS --connect-timeout 2 http://none.s3.amazonaws.com/x 2>&1 | grep -ciE 'timed out|timeout'", "1"},
	} {
		if got, _ := sh(t, i, c.line); got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
	if out, ok := bash(t, i, tcpLine); ok || strings.Contains(out, "refused") {
		t.Errorf("TCP port 7 is closed: %q", out)
	}
	if out, _ := bash(t, i, udpLine); out != "got hello1got hello2" {
		t.Errorf("UDP port 7 is open: %q", out)
	}
	// Port 8 is let through, and nobody listens there.
	if out, ok := bash(t, i, "exec 3<>/dev/tcp/"+internet+"/8"); ok || !strings.Contains(out, "refused") {
		t.Errorf("TCP port 8 is open: %q", out)
	}
	// The kernel gives up by itself, with the error that AWS's agent reports.
	began := time.Now()
	if out, ok := sh(t, i, "bash -c 'exec 3<>/dev/tcp/none.s3.amazonaws.com/443' 2>&1"); ok || !strings.Contains(out, "timed out") {
		t.Errorf("after %s: %q", time.Since(began), out)
	}
	added.Store(true) // a route was added
	time.Sleep(1100 * time.Millisecond)
	if out, ok := sh(t, i, "bash -c 'exec 3<>/dev/tcp/none.s3.amazonaws.com/443' 2>&1"); !ok {
		t.Errorf("with a route: %q", out)
	}
}

func TestAVPCWithoutDNSAnswersNoNames(t *testing.T) {
	i := start(t, &Spec{Metadata: say("metadata"), AWS: say("aws"), Ways: &Ways{NoNames: true}})
	if out, ok := sh(t, i, "timeout 3 getent hosts s3.amazonaws.com"); ok {
		t.Errorf("it has addresses: %q", out)
	}
	if out, ok := sh(t, i, "curl -sS http://169.254.169.254/x"); !ok {
		t.Errorf("instance metadata needs no names: %q", out)
	}
}
