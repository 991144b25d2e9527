package elb

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// passConnections passes the bytes of every connection on, both ways.
func (b *Balancer) passConnections(l Listener, ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			if b.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			select { // out of file descriptors, say: try again
			case <-time.After(100 * time.Millisecond):
			case <-b.ctx.Done():
			}
			continue
		}
		done, ok := b.run()
		if !ok {
			c.Close()
			return
		}
		go func() {
			defer done()
			defer c.Close()
			b.pass(l, c)
		}()
	}
}

// pass connects a client to an instance. Without one in service the client's
// connection just ends, as it does on AWS (general).
func (b *Balancer) pass(l Listener, client net.Conn) {
	p := b.pool(l.Default.Group)
	inside := l.InstanceProtocol
	if b.Kind != Classic {
		inside = p.Protocol
	}
	var tried []*target
	for {
		t := b.pickFor(p, tried, client.RemoteAddr())
		if t == nil {
			return
		}
		server, err := dial(t.ctx, "tcp", t.at(l.InstancePort))
		if err != nil {
			tried = append(tried, t)
			continue
		}
		defer server.Close()
		defer b.begin(t)()
		stop := context.AfterFunc(t.ctx, func() {
			client.Close()
			server.Close()
		})
		defer stop()
		if inside == "SSL" || inside == "TLS" {
			server = tls.Client(server, anyCertificate())
		}
		both(client, server, b.IdleTimeout)
		return
	}
}

// both copies both ways until both ends are done. The end of one direction is
// passed on as such: the other one goes on.
func both(a, b net.Conn, quiet time.Duration) {
	idle := time.Now().Add(quiet)
	a.SetDeadline(idle)
	b.SetDeadline(idle)
	var wg sync.WaitGroup
	wg.Go(func() { oneWay(a, b, quiet) })
	wg.Go(func() { oneWay(b, a, quiet) })
	wg.Wait()
}

func oneWay(to, from net.Conn, quiet time.Duration) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			idle := time.Now().Add(quiet)
			to.SetDeadline(idle)
			from.SetDeadline(idle)
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			if h, ok := to.(interface{ CloseWrite() error }); ok && h.CloseWrite() == nil {
				return
			}
		}
		to.Close()
		from.Close()
		return
	}
}
