package elb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"time"
)

// httpServer passes requests on.
func (b *Balancer) httpServer(l Listener) *http.Server {
	from := "http"
	if l.TLS != nil {
		from = "https"
	}
	quiet := log.New(io.Discard, "", 0)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host // the target's take their place
			forwarded(r, from, l.Port)
			if b.Kind == Application {
				trace(r)
			}
		},
		Transport:     &toTargets{b, l},
		ErrorHandler:  b.failed,
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
			if !b.answer(w, r, &l) {
				proxy.ServeHTTP(w, r)
			}
		}),
		IdleTimeout:       b.IdleTimeout,
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

// trace gives a request the ID that application load balancers give it, unless
// it has one (ELB: "Request tracing for your Application Load Balancer").
func trace(r *httputil.ProxyRequest) {
	const header = "X-Amzn-Trace-Id"
	if r.Out.Header.Get(header) == "" {
		r.Out.Header.Set(header, fmt.Sprintf("Root=1-%08x-%s", time.Now().Unix(), randomHex(12)))
	}
}

var errNoTarget = errors.New("no instance is in service")

// failed answers in the instance's place: 503 without one that is in service,
// 504 when it does not answer in time. One that cannot be reached is 503 with a
// classic load balancer (general), 502 with an application load balancer (ELB:
// "Troubleshoot your Application Load Balancers").
func (b *Balancer) failed(w http.ResponseWriter, _ *http.Request, err error) {
	var timeout net.Error
	var unreachable dialError
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, errNoTarget):
		status = http.StatusServiceUnavailable
	case errors.As(err, &timeout) && timeout.Timeout():
		status = http.StatusGatewayTimeout
	case errors.As(err, &unreachable) && b.Kind == Classic:
		status = http.StatusServiceUnavailable
	}
	if b.Kind == Classic {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(status)
		return
	}
	title := map[int]string{502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}[status]
	w.Header().Set("Server", "awselb/2.0")
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html>\r\n<head><title>%[1]s</title></head>\r\n<body>\r\n<center><h1>%[1]s</h1></center>\r\n</body>\r\n</html>\r\n", title)
}

// toTargets sends each request to the next instance in service.
type toTargets struct {
	b *Balancer
	l Listener
}

func (s *toTargets) RoundTrip(r *http.Request) (*http.Response, error) {
	p := s.b.pool(s.l.actionFor(r).Group)
	sticky := p.Stickiness
	if s.b.Kind == Classic {
		sticky = s.l.Stickiness
	}
	var tried []*target
	last := errNoTarget
	t := s.b.bound(p, sticky, r)
	for {
		if t == nil {
			t = s.b.pick(p, tried)
		}
		if t == nil {
			return nil, last
		}
		res, err := s.send(r, p, t)
		unreachable := dialError{}
		if !errors.As(err, &unreachable) || s.b.Kind == Application {
			if err == nil {
				s.b.bind(p, sticky, t, res)
			}
			return res, err
		}
		tried, last, t = append(tried, t), err, nil
	}
}

// send sends the request to one target; it ends when that is let go of.
func (s *toTargets) send(r *http.Request, p *pool, t *target) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(t.ctx, cancel)
	done := s.b.begin(t)
	end := func() { stop(); cancel(); done() }
	out := r.Clone(ctx)
	inside := s.l.InstanceProtocol
	if s.b.Kind != Classic {
		inside = p.Protocol
	}
	if inside == "HTTPS" {
		out.URL.Scheme = "https"
	}
	out.URL.Host = t.at(s.l.InstancePort)
	if r.Body != nil {
		out.Body = io.NopCloser(r.Body) // a failed connect may not close it: the next try reads it
	}
	res, err := s.b.transport.RoundTrip(out)
	if err != nil {
		end()
		return nil, err
	}
	end = sync.OnceFunc(end)                         // a body may be closed more than once
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
