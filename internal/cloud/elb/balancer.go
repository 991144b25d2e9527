// Package elb is Elastic Load Balancing on loopback: a classic, an application
// or a network load balancer passes connections or HTTP requests on to the
// registered instances that its health checks find in service. It ends TLS only
// where a listener is given certificates, and it verifies no instance's
// certificate, as AWS's does unless told to [EB:configuring-https-endtoend].
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
	"strings"
	"sync"
	"syscall"
	"time"

	"beanpole/internal/source"
)

// Kind is a load balancer's type, in Elastic Beanstalk's words (option
// LoadBalancerType).
type Kind string

const (
	Classic     Kind = "classic"
	Application Kind = "application"
	Network     Kind = "network"
)

const (
	// IdleTimeout ends a connection on which nothing moves, where nothing else
	// is said [EB:command-options-general, ConnectionSettingIdleTimeout; ELB:
	// the idle_timeout attribute of application load balancers].
	IdleTimeout = 60 * time.Second
	dialTimeout = 5 * time.Second
)

// Config describes a load balancer.
type Config struct {
	Name      string
	Kind      Kind // "" is Classic
	Listeners []Listener
	Groups    []Group // a classic load balancer has one, without a name
	// IdleTimeout of connections; 0 is the constant of this name.
	IdleTimeout time.Duration
	// Listen opens a listener's port; nil: a port of its own.
	Listen func(address string) (net.Listener, error)
}

// Listener is one port of the load balancer.
type Listener struct {
	Port int    // as AWS sees it
	Bind string // loopback address and port to listen on, "127.0.0.1:8443"; port 0: any free one
	// Protocol is TCP, SSL (of a network load balancer: TLS), HTTP or HTTPS.
	Protocol string
	// Of a classic load balancer: where instances listen, and a protocol of the
	// same layer.
	InstanceProtocol string
	InstancePort     int
	Stickiness       Stickiness
	// Of the others: what is done with what no rule matches.
	Default Action
	Rules   []Rule      // in the order in which they are tried
	TLS     *tls.Config // of an SSL, TLS or HTTPS listener
}

// Group is a target group: instances, where they listen, and their health.
type Group struct {
	Name     string
	Process  string // Elastic Beanstalk's name for it
	Port     int    // 0 for a classic load balancer, whose listeners say it
	Protocol string // HTTP, HTTPS, TCP, TLS
	Check    HealthCheck
	// Unchecked instances count as healthy from the start: those that are
	// reached without a load balancer.
	Unchecked bool
	// Draining is how long what is under way on a deregistered instance may
	// still take; 0 ends it at once.
	Draining   time.Duration
	Stickiness Stickiness
}

// Balancer is one load balancer. Its methods may be called concurrently.
type Balancer struct {
	Config
	transport *http.Transport

	mu      sync.Mutex
	pools   []*pool
	changed chan struct{}
	open    []net.Listener
	servers []*http.Server
	closed  bool
	work    sync.WaitGroup // everything that runs
	ctx     context.Context
	cancel  context.CancelFunc
}

// New makes a load balancer; Start opens its ports.
func New(c Config) *Balancer {
	ctx, cancel := context.WithCancel(context.Background())
	if c.Kind == "" {
		c.Kind = Classic
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = IdleTimeout
	}
	if c.Listen == nil {
		c.Listen = func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
	}
	c.Listeners = slices.Clone(c.Listeners)
	b := &Balancer{Config: c, changed: make(chan struct{}), ctx: ctx, cancel: cancel, transport: &http.Transport{
		DialContext:           dial,
		TLSClientConfig:       anyCertificate(),
		ResponseHeaderTimeout: c.IdleTimeout,
		IdleConnTimeout:       c.IdleTimeout,
		DisableCompression:    true,
	}}
	for _, g := range c.Groups {
		g.Check = g.Check.withDefaults()
		b.pools = append(b.pools, newPool(c.Kind, g))
	}
	return b
}

// anyCertificate accepts whatever an instance shows, as the service does
// [EB:configuring-https-endtoend].
func anyCertificate() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// Start opens every listener, or none. A listener that cannot be had is a
// *source.Problem.
func (b *Balancer) Start() error {
	for i := range b.Listeners {
		if err := b.validate(&b.Listeners[i]); err != nil {
			return err
		}
	}
	for _, p := range b.pools {
		if _, err := p.ping(); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.open != nil {
		return fmt.Errorf("start load balancer %q: it was started before", b.Name)
	}
	for _, l := range b.Listeners {
		ln, err := b.Listen(l.Bind)
		if err != nil {
			for _, o := range b.open {
				o.Close()
			}
			b.open = nil
			return b.cannotListen(l, err)
		}
		b.open = append(b.open, ln)
	}
	for i, l := range b.Listeners {
		b.serve(l, b.open[i])
	}
	return nil
}

// serve runs a listener; b.mu is held.
func (b *Balancer) serve(l Listener, ln net.Listener) {
	if !isHTTP(l.Protocol) {
		if l.TLS != nil {
			ln = tls.NewListener(ln, l.TLS)
		}
		b.work.Go(func() { b.passConnections(l, ln) })
		return
	}
	srv := b.httpServer(l)
	b.servers = append(b.servers, srv)
	b.work.Go(func() { // each ends with Close, which is no error
		switch {
		case l.TLS == nil:
			srv.Serve(ln)
		case b.Kind == Application: // which speaks HTTP/2 to clients (ELB: application load balancers' listeners)
			srv.TLSConfig = l.TLS.Clone()
			srv.ServeTLS(ln, "", "")
		default:
			srv.Serve(tls.NewListener(ln, l.TLS))
		}
	})
}

func isHTTP(protocol string) bool { return protocol == "HTTP" || protocol == "HTTPS" }

// protocols of listeners that each kind of load balancer has.
var protocols = map[Kind][]string{
	Classic: {"TCP", "SSL", "HTTP", "HTTPS"}, Application: {"HTTP", "HTTPS"}, Network: {"TCP", "TLS"},
}

func (b *Balancer) validate(l *Listener) error {
	what := fmt.Sprintf("load balancer %q, listener %d: ", b.Name, l.Port)
	problem := func(remedy, format string, args ...any) error {
		return &source.Problem{What: what + fmt.Sprintf(format, args...), Remedy: remedy}
	}
	allowed := protocols[b.Kind]
	if !slices.Contains(allowed, l.Protocol) {
		return problem("", "protocol %q is none of %s", l.Protocol, strings.Join(allowed, ", "))
	}
	if ends := l.Protocol != "TCP" && l.Protocol != "HTTP"; ends && l.TLS == nil {
		return problem("", "protocol %s needs a certificate", l.Protocol)
	} else if !ends && l.TLS != nil {
		return problem("", "protocol %s takes no certificate", l.Protocol)
	}
	if at, err := netip.ParseAddrPort(l.Bind); err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("listen on %q: not a loopback address with a port", l.Bind)
	}
	if b.Kind != Classic {
		for _, name := range groupsOf(l) {
			if b.pool(name) == nil {
				return problem("", "there is no process %q", name)
			}
		}
		return nil
	}
	if !slices.Contains(allowed, l.InstanceProtocol) {
		return problem("", "protocol %q is none of %s", l.InstanceProtocol, strings.Join(allowed, ", "))
	}
	if isHTTP(l.Protocol) != isHTTP(l.InstanceProtocol) {
		return problem("HTTP and HTTPS go together, TCP and SSL go together",
			"protocol %s does not go with instance protocol %s", l.Protocol, l.InstanceProtocol)
	}
	if l.InstancePort < 1 || l.InstancePort > 65535 {
		return problem("", "instance port %d is not between 1 and 65535", l.InstancePort)
	}
	return nil
}

func (b *Balancer) cannotListen(l Listener, err error) error {
	what := fmt.Sprintf("load balancer %q, listener %d: ", b.Name, l.Port)
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
	for i, l := range b.Listeners {
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
