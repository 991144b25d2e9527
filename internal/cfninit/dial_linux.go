package cfninit

import (
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// Dialing connects as d does, to the addresses that /etc/hosts has now. Go's
// resolver looks at the file every five seconds only, and a command of the
// same build may just have changed it.
func Dialing(d net.Dialer) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || net.ParseIP(host) != nil {
			return d.DialContext(ctx, network, addr)
		}
		hosts, err := os.ReadFile("/etc/hosts")
		if err != nil {
			return d.DialContext(ctx, network, addr)
		}
		for _, at := range hostAddresses(string(hosts), host) {
			var c net.Conn
			if c, err = d.DialContext(ctx, network, net.JoinHostPort(at, port)); err == nil {
				return c, nil
			}
		}
		if err != nil {
			return nil, err
		}
		return d.DialContext(ctx, network, addr)
	}
}

// hostAddresses are the addresses of a name in a hosts file, in order. [man hosts(5)]
func hostAddresses(hosts, name string) (out []string) {
	name = strings.TrimSuffix(name, ".")
	for line := range strings.Lines(hosts) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) > 1 && net.ParseIP(f[0]) != nil &&
			slices.ContainsFunc(f[1:], func(alias string) bool { return strings.EqualFold(alias, name) }) {
			out = append(out, f[0])
		}
	}
	return out
}

// patientDialer is that of http.DefaultTransport.
var patientDialer = net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
