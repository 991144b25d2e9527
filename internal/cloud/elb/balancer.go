// Package elb is a classic load balancer on loopback: it passes connections or
// HTTP requests on to the registered instances that its health check finds in
// service. It ends TLS only where a listener is given certificates, and it
// verifies no instance's certificate, as AWS's does unless told to
// [EB:configuring-https-endtoend].
package elb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"beanpole/internal/source"
)

const (
	// IdleTimeout ends a connection on which nothing moves
	// [EB:command-options-general, ConnectionSettingIdleTimeout].
	IdleTimeout = 60 * time.Second
	dialTimeout = 5 * time.Second
)

// Listener is one port of the load balancer.
type Listener struct {
	Port int    // as AWS sees it
	Bind string // loopback address and port to listen on, "127.0.0.1:8443"; port 0: any free one
	// Protocol is TCP, SSL, HTTP or HTTPS; InstanceProtocol is of the same
	// layer: TCP or SSL, HTTP or HTTPS.
	Protocol, InstanceProtocol string
	InstancePort               int
	TLS                        *tls.Config // of an SSL or HTTPS listener
}

// Balancer is one load balancer. Its methods may be called concurrently.
type Balancer struct {
	name      string
	listeners []Listener
	check     HealthCheck
	transport *http.Transport

	mu      sync.Mutex
	targets []*target // in the order of registration
	next    int       // where the round robin goes on
	changed chan struct{}
	open    []net.Listener
	servers []*http.Server
	closed  bool
	work    sync.WaitGroup // everything that runs
	ctx     context.Context
	cancel  context.CancelFunc
}

// target is one registered instance. Its context ends when it is deregistered.
type target struct {
	id        string
	addr      netip.Addr
	ctx       context.Context
	cancel    context.CancelFunc
	inService bool
	reason    string        // of the last failed check
	waiters   int           // callers of Wait
	hurry     chan struct{} // somebody has begun to wait
}

// New describes a load balancer; Start opens its ports.
func New(name string, ls []Listener, hc HealthCheck) *Balancer {
	ctx, cancel := context.WithCancel(context.Background())
	return &Balancer{
		name: name, listeners: slices.Clone(ls), check: hc.withDefaults(),
		transport: &http.Transport{
			DialContext:           dial,
			TLSClientConfig:       anyCertificate(),
			ResponseHeaderTimeout: IdleTimeout,
			IdleConnTimeout:       IdleTimeout,
			DisableCompression:    true,
		},
		changed: make(chan struct{}), ctx: ctx, cancel: cancel,
	}
}

// anyCertificate accepts whatever an instance shows, as the service does
// [EB:configuring-https-endtoend].
func anyCertificate() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// Start opens every listener, or none. A listener that cannot be had is a
// *source.Problem.
func (b *Balancer) Start() error {
	for i := range b.listeners {
		if err := b.validate(&b.listeners[i]); err != nil {
			return err
		}
	}
	if _, err := parseTarget(b.check.Target); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.open != nil {
		return fmt.Errorf("start load balancer %q: it was started before", b.name)
	}
	for _, l := range b.listeners {
		ln, err := net.Listen("tcp", l.Bind)
		if err != nil {
			for _, o := range b.open {
				o.Close()
			}
			b.open = nil
			return b.cannotListen(l, err)
		}
		b.open = append(b.open, ln)
	}
	for i, l := range b.listeners {
		ln := b.open[i]
		if l.TLS != nil {
			ln = tls.NewListener(ln, l.TLS)
		}
		b.serve(l, ln)
	}
	return nil
}

// serve runs a listener; b.mu is held.
func (b *Balancer) serve(l Listener, ln net.Listener) {
	if isHTTP(l.Protocol) {
		srv := b.httpServer(l)
		b.servers = append(b.servers, srv)
		b.work.Go(func() { srv.Serve(ln) }) // ends with Close, which is no error
		return
	}
	b.work.Go(func() { b.passConnections(l, ln) })
}

func isHTTP(protocol string) bool { return protocol == "HTTP" || protocol == "HTTPS" }

func (b *Balancer) validate(l *Listener) error {
	what := fmt.Sprintf("load balancer %q, listener %d: ", b.name, l.Port)
	problem := func(remedy, format string, args ...any) error {
		return &source.Problem{What: what + fmt.Sprintf(format, args...), Remedy: remedy}
	}
	for _, p := range []string{l.Protocol, l.InstanceProtocol} {
		if !slices.Contains([]string{"TCP", "SSL", "HTTP", "HTTPS"}, p) {
			return problem("", "protocol %q is none of TCP, SSL, HTTP, HTTPS", p)
		}
	}
	if isHTTP(l.Protocol) != isHTTP(l.InstanceProtocol) {
		return problem("HTTP and HTTPS go together, TCP and SSL go together",
			"protocol %s does not go with instance protocol %s", l.Protocol, l.InstanceProtocol)
	}
	ends := l.Protocol == "SSL" || l.Protocol == "HTTPS"
	if ends && l.TLS == nil {
		return problem("", "protocol %s needs a certificate", l.Protocol)
	}
	if !ends && l.TLS != nil {
		return problem("", "protocol %s takes no certificate", l.Protocol)
	}
	if l.InstancePort < 1 || l.InstancePort > 65535 {
		return problem("", "instance port %d is not between 1 and 65535", l.InstancePort)
	}
	if at, err := netip.ParseAddrPort(l.Bind); err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("listen on %q: not a loopback address with a port", l.Bind)
	}
	return nil
}

func (b *Balancer) cannotListen(l Listener, err error) error {
	what := fmt.Sprintf("load balancer %q, listener %d: ", b.name, l.Port)
	switch at := netip.MustParseAddrPort(l.Bind); {
	case errors.Is(err, syscall.EADDRINUSE):
		return &source.Problem{
			What:   what + fmt.Sprintf("port %d on %s is in use", at.Port(), at.Addr()),
			Remedy: fmt.Sprintf(`stop the program that listens there ("ss -ltnp sport = :%d" names it), or choose another port`, at.Port()),
		}
	case errors.Is(err, syscall.EACCES):
		return &source.Problem{
			What:   what + fmt.Sprintf("port %d on %s is for privileged programs only", at.Port(), at.Addr()),
			Remedy: "choose a port from 1024 on, or run as root",
		}
	}
	return fmt.Errorf("listen on %q: %w", l.Bind, err)
}

// Addr is where the listener of this port (as AWS sees it) listens, "" when
// there is none or the load balancer is not running.
func (b *Balancer) Addr(port int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, l := range b.listeners {
		if l.Port == port && i < len(b.open) {
			return b.open[i].Addr().String()
		}
	}
	return ""
}

// Close ends everything: listeners, connections, health checks. It returns when
// nothing runs any more.
func (b *Balancer) Close() error {
	b.mu.Lock()
	b.closed = true
	open, servers := b.open, b.servers
	b.mu.Unlock()
	b.cancel()
	for _, s := range servers {
		s.Close()
	}
	for _, l := range open {
		l.Close()
	}
	b.work.Wait()
	b.transport.CloseIdleConnections()
	return nil
}

// run counts f as work of the load balancer; ok is false when it is closed.
func (b *Balancer) run() (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false
	}
	b.work.Add(1)
	return b.work.Done, true
}

// dialError is a failure to connect: not a byte was passed, so another target
// may be tried.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, dialError{err}
	}
	return c, nil
}

func (t *target) at(port int) string {
	return net.JoinHostPort(t.addr.String(), strconv.Itoa(port))
}
