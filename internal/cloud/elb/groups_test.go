package elb

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// handled answers requests at a machine's address.
func handled(t *testing.T, l net.Listener, h http.HandlerFunc) {
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
}

func group(name string, port int) Group {
	return Group{Name: name, Port: port, Protocol: "HTTP", Check: fast(fmt.Sprintf("HTTP:%d/", port))}
}

func application(t *testing.T, c Config) *Balancer {
	t.Helper()
	c.Name, c.Kind = "awseb-test", Application
	for i := range c.Listeners {
		c.Listeners[i].Bind = "127.0.0.1:0"
		if c.Listeners[i].Protocol == "" {
			c.Listeners[i].Protocol = "HTTP"
		}
	}
	b := New(c)
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestRulesAreTriedInOrderAndTheRestGoesToTheDefault(t *testing.T) {
	onePort, one := listen(t, 1)
	otherPort, other := listen(t, 1)
	web(t, one[0], "default").Start()
	web(t, other[0], "api").Start()
	b := application(t, Config{
		Groups: []Group{group("default", onePort), group("api", otherPort)},
		Listeners: []Listener{{Port: 80, Default: Action{Group: "default"}, Rules: []Rule{
			{Paths: []string{"/old/*"}, Action: Action{Redirect: &Redirect{Protocol: "#{protocol}", Host: "#{host}", Port: "#{port}", Path: "/new/#{path}", Query: "#{query}", Status: 301}}},
			{Paths: []string{"/teapot"}, Action: Action{Fixed: &FixedResponse{Status: 418, ContentType: "text/plain", Body: "short and stout"}}},
			{Hosts: []string{"api.*"}, Action: Action{Group: "api"}},
			{Hosts: []string{"shop.example"}, Paths: []string{"/v?/*"}, Action: Action{Group: "api"}},
		}}},
	})
	b.Register("i-1", address(one[0]))
	inService(t, b, "i-1")
	for _, c := range []struct{ host, path, want string }{
		{"shop.example", "/", "200 default"}, {"API.example", "/", "200 api"}, {"shop.example", "/v1/x", "200 api"},
		{"shop.example", "/V1/x", "200 default"}, {"other.example", "/v1/x", "200 default"}, {"shop.example", "/teapot", "418 short and stout"},
		{"shop.example", "/old/x?a=b", "301 http://shop.example:" + portOf(b.Addr(80)) + "/new/old/x?a=b"},
	} {
		r, _ := http.NewRequest("GET", "http://"+b.Addr(80)+c.path, nil)
		r.Host = c.host
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if got := fmt.Sprintf("%d %s%s", res.StatusCode, text, res.Header.Get("Location")); got != c.want {
			t.Errorf("%s%s: %s, not %s", c.host, c.path, got, c.want)
		}
	}
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func TestACookieBindsAClientToItsMachineUntilThatIsOut(t *testing.T) {
	port, ms := listen(t, 2)
	var sick atomic.Bool
	for i, l := range ms {
		handled(t, l, func(w http.ResponseWriter, r *http.Request) {
			if i == 0 && sick.Load() {
				w.WriteHeader(500)
			}
			fmt.Fprint(w, i)
		})
	}
	g := group("default", port)
	g.Stickiness = Stickiness{Enabled: true, Duration: time.Hour}
	b := application(t, Config{Groups: []Group{g}, Listeners: []Listener{{Port: 80, Default: Action{Group: "default"}}}})
	b.Register("i-1", address(ms[0]))
	b.Register("i-2", address(ms[1]))
	inService(t, b, "i-1", "i-2")
	jar, _ := cookiejar.New(nil)
	client := &http.Client{Jar: jar}
	ask := func() string {
		_, text, err := get(client, "http://"+b.Addr(80)+"/", "")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for ask() != "0" { // whose turn it is first does not matter
		jar, _ = cookiejar.New(nil)
		client.Jar = jar
	}
	for range 6 {
		if got := ask(); got != "0" {
			t.Fatalf("a bound client came to machine %s", got)
		}
	}
	sick.Store(true)
	for end := time.Now().Add(10 * time.Second); b.InService("i-1"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the sick machine is still in service")
		}
	}
	if h := b.Health("i-1"); h[0].Reason != ResponseCodeMismatch {
		t.Errorf("its health is %+v", h)
	}
	if got := ask(); got != "1" {
		t.Errorf("a client whose machine is out came to %s", got)
	}
	r, _ := http.NewRequest("GET", "http://"+b.Addr(80)+"/", nil)
	r.AddCookie(&http.Cookie{Name: "AWSALB", Value: "ffffffff.forged"})
	if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != 200 {
		t.Errorf("a forged cookie: %v, %v", res, err)
	}
}

func TestADrainedMachineEndsWhatItBeganAndGetsNothingNew(t *testing.T) {
	port, ms := listen(t, 1)
	release, began := make(chan struct{}), make(chan struct{})
	handled(t, ms[0], func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(began)
			<-release
		}
		fmt.Fprint(w, "done")
	})
	g := group("default", port)
	g.Draining = time.Minute
	b := application(t, Config{Groups: []Group{g}, Listeners: []Listener{{Port: 80, Default: Action{Group: "default"}}}})
	b.Register("i-1", address(ms[0]))
	inService(t, b, "i-1")
	type answer struct {
		text string
		err  error
	}
	slow := make(chan answer, 1)
	go func() {
		_, text, err := get(&http.Client{Transport: &http.Transport{}}, "http://"+b.Addr(80)+"/slow", "")
		slow <- answer{text, err}
	}()
	<-began
	drained := make(chan error, 1)
	go func() { drained <- b.Drain(t.Context(), "i-1") }()
	for len(b.Health("i-1")) == 0 || b.Health("i-1")[0].State != Draining {
		time.Sleep(time.Millisecond)
	}
	if status, _, _ := get(http.DefaultClient, "http://"+b.Addr(80)+"/", ""); status != 503 {
		t.Errorf("a new request got %d", status)
	}
	select {
	case <-drained:
		t.Error("it was let go of with a request under way")
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if a := <-slow; a.err != nil || a.text != "done" {
		t.Errorf("the request under way: %+v", a)
	}
	if err := <-drained; err != nil || b.Health("i-1") != nil {
		t.Errorf("after it: %v, %v", err, b.Health("i-1"))
	}
	// With nothing under way it does not take its time.
	b.Register("i-1", address(ms[0]))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Drain(ctx, "i-1"); err != nil {
		t.Error(err)
	}
}

func TestSplitGivesItsPartOfRequestsToTheNewMachines(t *testing.T) {
	port, ms := listen(t, 3)
	for i, l := range ms {
		handled(t, l, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) })
	}
	b := application(t, Config{Groups: []Group{group("default", port)}, Listeners: []Listener{{Port: 80, Default: Action{Group: "default"}}}})
	for i, l := range ms {
		b.Register(fmt.Sprint("i-", i), address(l))
	}
	inService(t, b, "i-0", "i-1", "i-2")
	b.Split([]string{"i-2"}, 20)
	count := map[string]int{}
	for range 100 {
		_, text, err := get(http.DefaultClient, "http://"+b.Addr(80)+"/", "")
		if err != nil {
			t.Fatal(err)
		}
		count[text]++
	}
	if count["2"] != 20 || count["0"] != 40 || count["1"] != 40 {
		t.Errorf("of 100 requests the machines got %v", count)
	}
	b.Split(nil, 0)
	clear(count)
	for range 30 {
		_, text, _ := get(http.DefaultClient, "http://"+b.Addr(80)+"/", "")
		count[text]++
	}
	if count["2"] != 10 {
		t.Errorf("after the split the machines got %v", count)
	}
}

func TestAGroupWhoseMachinesAllFailIsUsedAllTheSame(t *testing.T) {
	port, ms := listen(t, 1)
	handled(t, ms[0], func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) })
	b := application(t, Config{Groups: []Group{group("default", port)}, Listeners: []Listener{{Port: 80, Default: Action{Group: "default"}}}})
	if status, text, _ := get(http.DefaultClient, "http://"+b.Addr(80)+"/", ""); status != 503 || !strings.Contains(text, "503 Service Temporarily Unavailable") {
		t.Errorf("without machines: %d %s", status, text)
	}
	b.Register("i-1", address(ms[0]))
	for end := time.Now().Add(10 * time.Second); len(b.Health("i-1")) == 0 || b.Health("i-1")[0].State != Unhealthy; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("its health is %+v", b.Health("i-1"))
		}
	}
	if status, _, _ := get(http.DefaultClient, "http://"+b.Addr(80)+"/", ""); status != 418 {
		t.Errorf("with a failing machine: %d", status)
	}
}

func TestMatchersAndPatterns(t *testing.T) {
	for _, c := range []struct {
		matcher string
		status  int
		want    bool
	}{{"200", 200, true}, {"200", 301, false}, {"200,302", 302, true}, {"200-399", 301, true}, {"200-399", 400, false}, {"x", 200, false}, {"200-", 200, false}} {
		if got := (HealthCheck{Matcher: c.matcher}).matches(c.status); got != c.want {
			t.Errorf("%s and %d: %v", c.matcher, c.status, got)
		}
	}
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{{"/a/*", "/a/b/c", true}, {"/a/*", "/a", false}, {"*.x", "a.b.x", true}, {"?", "", false}, {"*a*b*c", strings.Repeat("a", 1000), false}, {"", "", true}} {
		if got := matches(c.pattern, c.text); got != c.want {
			t.Errorf("%q and %q: %v", c.pattern, c.text, got)
		}
	}
}

func TestANetworkBalancerKeepsAClientAtOneMachine(t *testing.T) {
	port, ms := listen(t, 2)
	for i, l := range ms {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				fmt.Fprint(c, i)
				c.Close()
			}
		}()
	}
	g := Group{Name: "default", Port: port, Protocol: "TCP", Check: fast(fmt.Sprintf("TCP:%d", port)), Stickiness: Stickiness{Enabled: true, BySource: true}}
	b := New(Config{Kind: Network, Groups: []Group{g}, Listeners: []Listener{{Port: 80, Protocol: "TCP", Bind: "127.0.0.1:0", Default: Action{Group: "default"}}}})
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	b.Register("i-1", address(ms[0]))
	b.Register("i-2", address(ms[1]))
	inService(t, b, "i-1", "i-2")
	seen := map[string]bool{}
	for range 6 {
		c, err := net.Dial("tcp", b.Addr(80))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(c)
		seen[string(text)] = true
		c.Close()
	}
	if len(seen) != 1 {
		t.Errorf("one client came to machines %v", seen)
	}
}

func TestAProcessThatIsNotThereIsRefused(t *testing.T) {
	b := New(Config{Name: "x", Kind: Application, Listeners: []Listener{{Port: 80, Protocol: "HTTP", Bind: "127.0.0.1:0", Default: Action{Group: "admin"}}}})
	defer b.Close()
	if err := b.Start(); err == nil || !strings.Contains(err.Error(), `there is no process "admin"`) {
		t.Errorf("error is %v", err)
	}
}
