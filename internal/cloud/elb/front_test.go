package elb

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// free is an address on which nobody listens now.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestOnePortIsSharedByName(t *testing.T) {
	var f Front
	at := free(t)
	certificate := httptest.NewUnstartedServer(nil)
	certificate.StartTLS()
	defer certificate.Close()
	secure := free(t)
	names := map[string][]string{"one": {"one.localhost"}, "two": {"two.localhost"}}
	for _, name := range []string{"one", "two"} {
		for _, address := range []string{at, secure} {
			ln, err := f.Listen(address, func() []string { return names[name] })
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			if address == secure {
				ln = tls.NewListener(ln, &tls.Config{Certificates: certificate.TLS.Certificates})
			}
			go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				fmt.Fprintf(w, "%s %s", name, body)
			}))
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+portOf(address))
		}}}
	ask := func(scheme, host, address string) string {
		_, text, err := get(client, scheme+"://"+host+":"+portOf(address)+"/", "body")
		if err != nil {
			t.Fatalf("%s %s: %v", scheme, host, err)
		}
		return text
	}
	for _, c := range []struct{ host, want string }{{"one.localhost", "one body"}, {"two.localhost", "two body"}, {"TWO.localhost", "two body"}, {"localhost", "one body"}} {
		if got := ask("http", c.host, at); got != c.want {
			t.Errorf("http, %s: %q", c.host, got)
		}
		if got := ask("https", c.host, secure); got != c.want {
			t.Errorf("https, %s: %q", c.host, got)
		}
	}
	names["one"], names["two"] = names["two"], names["one"]
	if got := ask("http", "two.localhost", at); got != "one body" {
		t.Errorf("after the names were swapped: %q", got)
	}
}

func TestTheLastToLeaveClosesThePort(t *testing.T) {
	var f Front
	at := free(t)
	none := func() []string { return nil }
	one, err := f.Listen(at, none)
	if err != nil {
		t.Fatal(err)
	}
	two, err := f.Listen(at, none)
	if err != nil {
		t.Fatal(err)
	}
	one.Close()
	got := make(chan string, 1)
	go func() {
		c, err := two.Accept()
		if err != nil {
			return
		}
		text, _ := io.ReadAll(c)
		got <- string(text)
	}()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "\x00not a word of HTTP")
	c.Close()
	select {
	case text := <-got:
		if text != "\x00not a word of HTTP" {
			t.Errorf("got %q", text)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing came")
	}
	two.Close()
	if l, err := net.Listen("tcp", at); err != nil {
		t.Errorf("the port is still taken: %v", err)
	} else {
		l.Close()
	}
}

func TestFirstBytesOfStrangersDoNotStop(t *testing.T) {
	for _, text := range []string{"", "\x16", "\x16\x03\x01\xff\xff", "GET", "GET / HTTP/1.1\r\nHost: ", "\x00\x01", "SSH-2.0-x\r\n"} {
		r, w := io.Pipe()
		go func() { io.WriteString(w, text); w.Close() }()
		if got := hostOf(r); got != "" {
			t.Errorf("%q names %q", text, got)
		}
	}
}
