package elb

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Front lets several load balancers listen on one loopback port: a connection
// goes to the one of whose names the client speaks, by its TLS server name or
// the Host header of its first request. One that names none goes to the load
// balancer that has listened longest. Its zero value is ready.
type Front struct {
	mu    sync.Mutex
	ports map[string]*sharedPort // by address
}

// sharedPort is one real listener.
type sharedPort struct {
	net.Listener
	seats []*seat // with the front's mu held
}

// seat is one load balancer's listener on a shared port.
type seat struct {
	front *Front
	port  *sharedPort
	at    string
	names func() []string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

const (
	longestHead = 64 << 10 // bytes that may be read before it is known who is meant
	headWait    = 5 * time.Second
)

// Listen takes a place on an address. names are asked for at each connection;
// they are hosts without a port, in lower case.
func (f *Front) Listen(address string, names func() []string) (net.Listener, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, port, _ := net.SplitHostPort(address)
	p := f.ports[address]
	if p == nil || port == "0" {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		p = &sharedPort{Listener: ln}
		if f.ports == nil {
			f.ports = map[string]*sharedPort{}
		}
		if port != "0" {
			f.ports[address] = p
		}
		go f.accept(p)
	}
	s := &seat{front: f, port: p, at: address, names: names, conns: make(chan net.Conn), done: make(chan struct{})}
	p.seats = append(p.seats, s)
	return s, nil
}

func (f *Front) accept(p *sharedPort) {
	for {
		c, err := p.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, say: try again
			time.Sleep(100 * time.Millisecond)
			continue
		}
		f.mu.Lock()
		seats := append([]*seat(nil), p.seats...)
		f.mu.Unlock()
		switch len(seats) {
		case 0:
			c.Close()
		case 1:
			seats[0].give(c)
		default:
			go route(c, seats)
		}
	}
}

// route finds out who is meant.
func route(c net.Conn, seats []*seat) {
	c.SetReadDeadline(time.Now().Add(headWait))
	var read bytes.Buffer
	host := hostOf(io.TeeReader(io.LimitReader(c, longestHead), &read))
	c.SetReadDeadline(time.Time{})
	to := seats[0]
	for _, s := range seats {
		for _, n := range s.names() {
			if n == host {
				to = s
			}
		}
	}
	to.give(&resumed{c, io.MultiReader(&read, c)})
}

// hostOf is the name that a client's first bytes speak of, "" when they speak
// neither TLS nor HTTP or name none.
func hostOf(r io.Reader) string {
	in := bufio.NewReader(r)
	first, err := in.Peek(1)
	if err != nil {
		return ""
	}
	if first[0] == 22 { // a TLS handshake
		name := ""
		tls.Server(hearing{in}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			name = h.ServerName
			return nil, io.EOF // that is all there is to know
		}}).Handshake()
		return plainHost(name)
	}
	if first[0] < 'A' || first[0] > 'Z' {
		return ""
	}
	req, err := http.ReadRequest(in)
	if err != nil {
		return ""
	}
	return plainHost(req.Host)
}

func plainHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// hearing is a connection that can only be listened to.
type hearing struct{ io.Reader }

func (hearing) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (hearing) Close() error                     { return nil }
func (hearing) LocalAddr() net.Addr              { return nil }
func (hearing) RemoteAddr() net.Addr             { return nil }
func (hearing) SetDeadline(time.Time) error      { return nil }
func (hearing) SetReadDeadline(time.Time) error  { return nil }
func (hearing) SetWriteDeadline(time.Time) error { return nil }

// resumed is a connection whose first bytes were read before.
type resumed struct {
	net.Conn
	r io.Reader
}

func (c *resumed) Read(p []byte) (int, error) { return c.r.Read(p) }

// CloseWrite ends one direction, as the connection below can.
func (c *resumed) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// give hands a connection over; when nobody takes it any more it ends.
func (s *seat) give(c net.Conn) {
	select {
	case s.conns <- c:
	case <-s.done:
		c.Close()
	}
}

func (s *seat) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// Close gives the place back; the last one closes the port.
func (s *seat) Close() error {
	s.once.Do(func() {
		close(s.done)
		s.front.mu.Lock()
		defer s.front.mu.Unlock()
		p := s.port
		for i, other := range p.seats {
			if other == s {
				p.seats = append(p.seats[:i:i], p.seats[i+1:]...)
				break
			}
		}
		if len(p.seats) == 0 {
			p.Listener.Close()
			if s.front.ports[s.at] == p {
				delete(s.front.ports, s.at)
			}
		}
	})
	return nil
}

func (s *seat) Addr() net.Addr { return s.port.Addr() }
