package instance

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// listeners are the servers that answer one instance. They accept inside that
// instance's services namespace and nowhere else: who asks is known by which
// listener accepted.
type listeners struct {
	http []*http.Server
	dns  []*dns.Server
	nat  *nat // nil: offline
}

// listen opens every listener and starts to answer.
func listen(n *network, s *Spec, hostname string) (l *listeners, err error) {
	l = &listeners{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	names := answerer{hostname: hostname, private: n.private, ways: s.Ways}
	if err = s.Ways.enforce(n, s.Patient); err != nil {
		return l, err
	}
	if !s.Offline {
		names.servers = machineServers()
		if l.nat, err = startNAT(n, s.Ways); err != nil {
			return l, err
		}
	}
	err = inNamespace(n.services, func() error {
		if err := l.serveDNS(names); err != nil {
			return err
		}
		if s.Metadata != nil {
			if err := l.serveHTTP(metadataAddress, 80, s.Metadata, nil, s.Log); err != nil {
				return err
			}
		}
		if s.AWS == nil {
			return nil
		}
		for _, a := range []netip.Addr{awsAddress, onlyHTTPS} {
			if s.TLS == nil {
				break
			}
			c := s.TLS.Clone()
			c.NextProtos = []string{"http/1.1"} // as S3 and the Query services do
			if err := l.serveHTTP(a, 443, s.AWS, c, s.Log); err != nil {
				return err
			}
		}
		for _, a := range []netip.Addr{awsAddress, onlyHTTP} {
			if err := l.serveHTTP(a, 80, s.AWS, nil, s.Log); err != nil {
				return err
			}
		}
		return nil
	})
	return l, err
}

// serveHTTP must be called in the namespace.
func (l *listeners) serveHTTP(a netip.Addr, port uint16, h http.Handler, c *tls.Config, w io.Writer) error {
	at := netip.AddrPortFrom(a, port)
	in, err := net.Listen("tcp4", at.String())
	if err != nil {
		return fmt.Errorf("listen on %s in the instance's network: %w", at, err)
	}
	if c != nil {
		in = tls.NewListener(in, c)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: log.New(w, "", 0)}
	l.http = append(l.http, srv)
	go srv.Serve(in)
	return nil
}

// serveDNS must be called in the namespace.
func (l *listeners) serveDNS(h dns.Handler) error {
	at := netip.AddrPortFrom(dnsAddress, 53).String()
	udp, err := net.ListenPacket("udp4", at)
	if err != nil {
		return fmt.Errorf("listen on udp %s in the instance's network: %w", at, err)
	}
	tcp, err := net.Listen("tcp4", at)
	if err != nil {
		udp.Close()
		return fmt.Errorf("listen on tcp %s in the instance's network: %w", at, err)
	}
	for _, srv := range []*dns.Server{{PacketConn: udp, Handler: h}, {Listener: tcp, Handler: h}} {
		started := make(chan struct{})
		srv.NotifyStartedFunc = func() { close(started) }
		l.dns = append(l.dns, srv)
		failed := make(chan error, 1)
		go func() { failed <- srv.ActivateAndServe() }()
		select {
		case <-started: // shutting down earlier would be refused
		case err := <-failed:
			return fmt.Errorf("answer DNS in the instance's network: %w", err)
		}
	}
	return nil
}

// close ends all servers and what they are answering.
func (l *listeners) close() {
	if l.nat != nil {
		l.nat.close()
	}
	for _, s := range l.http {
		s.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range l.dns {
		s.ShutdownContext(ctx)
	}
}
