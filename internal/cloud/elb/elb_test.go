package elb

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"beanpole/internal/source"
)

// fast is a health check for tests.
func fast(target string) HealthCheck {
	return HealthCheck{Target: target, Interval: 20 * time.Millisecond, Timeout: time.Second, Healthy: 2, Unhealthy: 2}
}

// listen opens the same port on each of the first n loopback addresses: every
// one is a machine of its own.
func listen(t *testing.T, n int) (port int, machines []net.Listener) {
	t.Helper()
	for range 20 {
		machines = nil
		first, err := net.Listen("tcp", "127.0.0.11:0")
		if err != nil {
			t.Skipf("needs several loopback addresses: %v", err)
		}
		machines = append(machines, first)
		port = first.Addr().(*net.TCPAddr).Port
		for i := 1; i < n; i++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.%d:%d", 11+i, port))
			if err != nil {
				break
			}
			machines = append(machines, l)
		}
		if len(machines) == n {
			for _, l := range machines {
				t.Cleanup(func() { l.Close() })
			}
			return port, machines
		}
		for _, l := range machines {
			l.Close()
		}
	}
	t.Fatal("no common free port")
	return 0, nil
}

func address(l net.Listener) netip.Addr {
	return netip.MustParseAddrPort(l.Addr().String()).Addr()
}

// web answers every request with its name.
func web(t *testing.T, l net.Listener, name string) *httptest.Server {
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/headers":
			for _, k := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Host"} {
				fmt.Fprintf(w, "%s=%s\n", k, strings.Join(r.Header[k], "|"))
			}
			fmt.Fprintf(w, "Host=%s\n", r.Host)
		case "/moved":
			http.Redirect(w, r, "/", http.StatusMovedPermanently)
		default:
			fmt.Fprintf(w, "%s%s", name, b)
		}
	})}}
	t.Cleanup(s.Close)
	return s
}

// classic is a classic load balancer, which has one group.
func classic(name string, ls []Listener, hc HealthCheck) *Balancer {
	return New(Config{Name: name, Listeners: ls, Groups: []Group{{Check: hc}}})
}

func start(t *testing.T, hc HealthCheck, ls ...Listener) *Balancer {
	t.Helper()
	for i := range ls {
		if ls[i].Bind == "" {
			ls[i].Bind = "127.0.0.1:0"
		}
	}
	b := classic("awseb-test", ls, hc)
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func inService(t *testing.T, b *Balancer, ids ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, id := range ids {
		if err := b.Wait(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
}

func outOfService(t *testing.T, b *Balancer, id string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); b.InService(id); {
		if time.Now().After(end) {
			t.Fatalf("%s is still in service", id)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func get(c *http.Client, url string, body string) (int, string, error) {
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

func TestRequestsTakeTurnsAndAvoidAMachineThatIsOut(t *testing.T) {
	port, ms := listen(t, 2)
	web(t, ms[0], "one").Start()
	two := web(t, ms[1], "two")
	two.Start()
	b := start(t, fast(fmt.Sprintf("HTTP:%d/health", port)), Listener{Port: 80, Protocol: "HTTP", InstanceProtocol: "HTTP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	b.Register("i-2", address(ms[1]))
	inService(t, b, "i-1", "i-2")

	url := "http://" + b.Addr(80) + "/"
	seen := map[string]int{}
	for range 20 {
		status, text, err := get(http.DefaultClient, url, "!")
		if err != nil || status != 200 {
			t.Fatalf("%d %q %v", status, text, err)
		}
		seen[text]++
	}
	if seen["one!"] != 10 || seen["two!"] != 10 {
		t.Errorf("not in turns: %v", seen)
	}

	two.Close()
	outOfService(t, b, "i-2")
	for range 20 {
		if status, text, err := get(http.DefaultClient, url, ""); err != nil || status != 200 || text != "one" {
			t.Fatalf("after i-2 was out: %d %q %v", status, text, err)
		}
	}
}

func TestAFailedConnectTriesAnotherMachineWithTheSameBody(t *testing.T) {
	port, ms := listen(t, 2)
	web(t, ms[0], "one").Start()
	web(t, ms[1], "two").Start()
	hc := fast(fmt.Sprintf("TCP:%d", port))
	hc.Unhealthy = 1000 // never noticed
	b := start(t, hc, Listener{Port: 80, Protocol: "HTTP", InstanceProtocol: "HTTP", InstancePort: port},
		Listener{Port: 81, Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	b.Register("i-2", address(ms[1]))
	inService(t, b, "i-1", "i-2")
	ms[1].Close()
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range 10 {
		for _, p := range []int{80, 81} {
			if status, text, err := get(fresh, "http://"+b.Addr(p)+"/", "body"); err != nil || status != 200 || text != "onebody" {
				t.Fatalf("request %d on port %d: %d %q %v", i, p, status, text, err)
			}
		}
	}
}

func TestForwardedHeadersAreAWSs(t *testing.T) {
	port, ms := listen(t, 1)
	web(t, ms[0], "one").Start()
	b := start(t, fast(fmt.Sprintf("TCP:%d", port)), Listener{Port: 80, Protocol: "HTTP", InstanceProtocol: "HTTP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	inService(t, b, "i-1")
	r, _ := http.NewRequest("GET", "http://"+b.Addr(80)+"/headers", nil)
	r.Host = "shop.example.com"
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	r.Header.Set("X-Forwarded-Proto", "forged")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, _ := io.ReadAll(res.Body)
	want := "X-Forwarded-For=203.0.113.7, 127.0.0.1\nX-Forwarded-Proto=http\nX-Forwarded-Port=80\nX-Forwarded-Host=\nHost=shop.example.com\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestBytesPassUntouchedAndAHalfClosedConnectionGoesOn(t *testing.T) {
	port, ms := listen(t, 1)
	go func() {
		for {
			c, err := ms[0].Accept()
			if err != nil {
				return
			}
			go func() {
				all, _ := io.ReadAll(c) // until the client's half is closed
				fmt.Fprintf(c, "got %d", len(all))
				c.Close()
			}()
		}
	}()
	b := start(t, fast(fmt.Sprintf("TCP:%d", port)), Listener{Port: 443, Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	inService(t, b, "i-1")
	c, err := net.Dial("tcp", b.Addr(443))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		io.WriteString(c, strings.Repeat("x", 1<<20))
		c.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(c); string(got) != "got 1048576" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTLSPassesThroughAndTheHealthCheckVerifiesNoCertificate(t *testing.T) {
	port, ms := listen(t, 1)
	web(t, ms[0], "secret").StartTLS()
	b := start(t, fast(fmt.Sprintf("HTTPS:%d/", port)),
		Listener{Port: 443, Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: port},
		Listener{Port: 80, Protocol: "HTTP", InstanceProtocol: "HTTPS", InstancePort: port},
		Listener{Port: 81, Protocol: "TCP", InstanceProtocol: "SSL", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	inService(t, b, "i-1")
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	for _, url := range []string{"https://" + b.Addr(443), "http://" + b.Addr(80), "http://" + b.Addr(81)} {
		if status, text, err := get(c, url, ""); err != nil || status != 200 || text != "secret" {
			t.Errorf("%s: %d %q %v", url, status, text, err)
		}
	}
}

func TestOnly200IsHealthy(t *testing.T) {
	port, ms := listen(t, 1)
	web(t, ms[0], "one").Start()
	b := start(t, fast(fmt.Sprintf("HTTP:%d/moved", port)), Listener{Port: 80, Protocol: "HTTP", InstanceProtocol: "HTTP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := b.Wait(ctx, "i-1")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "answered 301, not 200") {
		t.Errorf("Wait = %v", err)
	}
	if b.InService("i-1") {
		t.Error("it is in service")
	}
	if status, _, err := get(http.DefaultClient, "http://"+b.Addr(80), ""); status != 503 {
		t.Errorf("without an instance in service: %d %v", status, err)
	}
}

func TestAMachineComesBack(t *testing.T) {
	var sick atomic.Bool
	port, ms := listen(t, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sick.Load() {
			w.WriteHeader(500)
		}
	})}
	go s.Serve(ms[0])
	t.Cleanup(func() { s.Close() })
	b := start(t, fast(fmt.Sprintf("HTTP:%d/", port)))
	b.Register("i-1", address(ms[0]))
	for range 3 {
		sick.Store(false)
		inService(t, b, "i-1")
		sick.Store(true)
		outOfService(t, b, "i-1")
	}
	b.Deregister("i-1")
	if got := b.Health("i-1"); got != nil {
		t.Errorf("its health is %v", got)
	}
	if err := b.Wait(t.Context(), "i-1"); err == nil {
		t.Error("Wait for a deregistered instance does not fail")
	}
}

func TestDeregisterEndsConnections(t *testing.T) {
	port, ms := listen(t, 1)
	go func() {
		for {
			c, err := ms[0].Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(c, "hello")
		}
	}()
	b := start(t, fast(fmt.Sprintf("TCP:%d", port)), Listener{Port: 22, Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	inService(t, b, "i-1")
	c, err := net.Dial("tcp", b.Addr(22))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); line != "hello\n" {
		t.Fatalf("%q %v", line, err)
	}
	b.Deregister("i-1")
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	var timeout net.Error
	if _, err := r.ReadByte(); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection goes on: %v", err)
	}
}

func TestAPortInUseIsTheUsersToFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	b := classic("awseb-test", []Listener{
		{Port: 80, Bind: "127.0.0.1:0", Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: 80},
		{Port: 443, Bind: l.Addr().String(), Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: 443},
	}, HealthCheck{})
	defer b.Close()
	err = b.Start()
	var p *source.Problem
	if !errors.As(err, &p) {
		t.Fatalf("Start = %v, not a problem", err)
	}
	if !strings.Contains(p.What, fmt.Sprintf("port %d on 127.0.0.1 is in use", port)) || p.Remedy == "" {
		t.Errorf("problem = %q, remedy %q", p.What, p.Remedy)
	}
	if a := b.Addr(80); a != "" {
		t.Errorf("the other listener stays open on %s", a)
	}
}

func TestListenersThatAWSRefuses(t *testing.T) {
	for _, c := range []struct {
		l    Listener
		want string
	}{
		{Listener{Protocol: "TCP", InstanceProtocol: "HTTP", InstancePort: 80}, "protocol TCP does not go with instance protocol HTTP"},
		{Listener{Protocol: "QUIC", InstanceProtocol: "TCP", InstancePort: 80}, `protocol "QUIC"`},
		{Listener{Protocol: "HTTPS", InstanceProtocol: "HTTP", InstancePort: 80}, "needs a certificate"},
		{Listener{Protocol: "TCP", InstanceProtocol: "TCP"}, "instance port 0"},
		{Listener{Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: 80, Bind: "0.0.0.0:0"}, "not a loopback address"},
	} {
		if c.l.Bind == "" {
			c.l.Bind = "127.0.0.1:0"
		}
		b := classic("x", []Listener{c.l}, HealthCheck{})
		if err := b.Start(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.l, err, c.want)
		}
		b.Close()
	}
	for _, target := range []string{"TCP", "TCP:0", "TCP:80/x", "HTTP:80", "FTP:21", "HTTP:x/", "/health"} {
		b := classic("x", nil, HealthCheck{Target: target})
		var p *source.Problem
		if err := b.Start(); !errors.As(err, &p) {
			t.Errorf("health check %q: %v", target, err)
		}
		b.Close()
	}
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	port, ms := listen(t, 2)
	one, two := web(t, ms[0], "one"), web(t, ms[1], "two")
	one.Start()
	two.Start()
	before := runtime.NumGoroutine()
	b := start(t, fast(fmt.Sprintf("HTTP:%d/", port)), Listener{Port: 80, Protocol: "HTTP", InstanceProtocol: "HTTP", InstancePort: port},
		Listener{Port: 443, Protocol: "TCP", InstanceProtocol: "TCP", InstancePort: port})
	b.Register("i-1", address(ms[0]))
	b.Register("i-2", address(ms[1]))
	inService(t, b, "i-1", "i-2")
	c := &http.Client{Transport: &http.Transport{}}
	for range 4 {
		get(c, "http://"+b.Addr(80), "")
	}
	open, err := net.Dial("tcp", b.Addr(443)) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	time.Sleep(50 * time.Millisecond)
	b.Close()
	b.Close() // twice does no harm
	c.CloseIdleConnections()
	one.CloseClientConnections()
	two.CloseClientConnections()
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
	if _, err := net.Dial("tcp", open.RemoteAddr().String()); err == nil {
		t.Error("the port is still open")
	}
}
