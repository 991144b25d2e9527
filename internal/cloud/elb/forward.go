package elb

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
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
	var tried []*target
	for {
		t := b.pick(tried)
		if t == nil {
			return
		}
		server, err := dial(t.ctx, "tcp", t.at(l.InstancePort))
		if err != nil {
			tried = append(tried, t)
			continue
		}
		defer server.Close()
		stop := context.AfterFunc(t.ctx, func() {
			client.Close()
			server.Close()
		})
		defer stop()
		if l.InstanceProtocol == "SSL" {
			server = tls.Client(server, anyCertificate())
		}
		both(client, server)
		return
	}
}

// both copies both ways until both ends are done. The end of one direction is
// passed on as such: the other one goes on.
func both(a, b net.Conn) {
	idle := time.Now().Add(IdleTimeout)
	a.SetDeadline(idle)
	b.SetDeadline(idle)
	var wg sync.WaitGroup
	wg.Go(func() { oneWay(a, b) })
	wg.Go(func() { oneWay(b, a) })
	wg.Wait()
}

func oneWay(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			idle := time.Now().Add(IdleTimeout)
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

// httpServer passes requests on.
func (b *Balancer) httpServer(l Listener) *http.Server {
	scheme, from := "http", "http"
	if l.InstanceProtocol == "HTTPS" {
		scheme = "https"
	}
	if l.TLS != nil {
		from = "https"
	}
	quiet := log.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = scheme
			r.Out.URL.Host = r.In.Host // the target's takes its place
			forwarded(r, from, l.Port)
		},
		Transport:     &toTargets{b, l.InstancePort},
		ErrorHandler:  failed,
		ErrorLog:      quiet,
		FlushInterval: -1,
	}
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			done, ok := b.run()
			if !ok {
				return
			}
			defer done()
			proxy.ServeHTTP(w, r)
		}),
		IdleTimeout:       IdleTimeout,
		ReadHeaderTimeout: IdleTimeout,
		ErrorLog:          quiet,
	}
}

// forwarded adds the headers that the service adds: the client's address
// behind those that it sent itself, the protocol, and the port of the listener
// (general).
func forwarded(r *httputil.ProxyRequest, protocol string, port int) {
	const host = "X-Forwarded-Host" // not one of them: the client's own stays
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
	r.Out.Header.Del(host)
	if vs := r.In.Header[host]; vs != nil {
		r.Out.Header[host] = vs
	}
	r.Out.Header.Set("X-Forwarded-Proto", protocol)
	r.Out.Header.Set("X-Forwarded-Port", strconv.Itoa(port))
}

var errNoTarget = errors.New("no instance is in service")

// failed answers in the instance's place: 503 without one that can be reached,
// 504 when it does not answer in time (general).
func failed(w http.ResponseWriter, _ *http.Request, err error) {
	var timeout net.Error
	var unreachable dialError
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, errNoTarget), errors.As(err, &unreachable):
		status = http.StatusServiceUnavailable
	case errors.As(err, &timeout) && timeout.Timeout():
		status = http.StatusGatewayTimeout
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// toTargets sends each request to the next instance in service.
type toTargets struct {
	b    *Balancer
	port int
}

func (s *toTargets) RoundTrip(r *http.Request) (*http.Response, error) {
	var tried []*target
	last := errNoTarget
	for {
		t := s.b.pick(tried)
		if t == nil {
			return nil, last
		}
		res, err := s.send(r, t)
		if unreachable := (dialError{}); !errors.As(err, &unreachable) {
			return res, err
		}
		tried, last = append(tried, t), err
	}
}

// send sends the request to one target; it ends when that is deregistered.
func (s *toTargets) send(r *http.Request, t *target) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(t.ctx, cancel)
	end := func() { stop(); cancel() }
	out := r.Clone(ctx)
	out.URL.Host = t.at(s.port)
	if r.Body != nil {
		out.Body = io.NopCloser(r.Body) // a failed connect may not close it: the next try reads it
	}
	res, err := s.b.transport.RoundTrip(out)
	if err != nil {
		end()
		return nil, err
	}
	if rw, ok := res.Body.(io.ReadWriteCloser); ok { // a switched protocol
		res.Body = switched{rw, end}
	} else {
		res.Body = body{res.Body, end}
	}
	return res, nil
}

// body ends its request's context when it is closed.
type body struct {
	io.ReadCloser
	end func()
}

func (b body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// switched is the body of an answer that switched protocols.
type switched struct {
	io.ReadWriteCloser
	end func()
}

func (b switched) Close() error {
	defer b.end()
	return b.ReadWriteCloser.Close()
}
