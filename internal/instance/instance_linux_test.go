package instance

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets this program be PID 1 of an instance, and the owner of one
// that gets killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "test-pid-1":
			pid1()
			return
		case "test-owner":
			owner(os.Args[2], os.Args[3])
			return
		case "test-container-owner":
			ownContainer(os.Args[2], os.Args[3])
			return
		}
	}
	os.Exit(m.Run())
}

// pid1 answers each command with its name.
func pid1() {
	out := json.NewEncoder(os.Stdout)
	out.Encode(Reply{Ready: true})
	in := json.NewDecoder(os.Stdin)
	for {
		var r Request
		if in.Decode(&r) != nil {
			return
		}
		out.Encode(Reply{Seq: r.Seq, Result: &Result{Status: Success, Message: r.Command.Name, ReturnCode: os.Getpid()}})
	}
}

// owner starts an instance in dir, says so, and waits to be killed.
func owner(dir, id string) {
	i, err := Start(context.Background(), &Spec{ID: id, Dir: dir, Args: []string{"test-pid-1"}})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("started", i.Address())
	time.Sleep(time.Minute)
}

// requireInstances skips where instances cannot run.
func requireInstances(t *testing.T) {
	t.Helper()
	for _, n := range Missing() {
		if n.What != "nginx" {
			t.Skipf("no %s here: %s", n.What, n.Remedy)
		}
	}
}

// ca mints one certificate authority and a server certificate for AWS's names.
func ca(t *testing.T) ([]byte, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		DNSNames: []string{"s3.us-east-1.amazonaws.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}),
		&tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}}}
}

func say(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s %s%s from %s", text, r.Host, r.URL.Path, from)
	})
}

// start makes an instance that the test's end stops.
func start(t *testing.T, s *Spec) *Instance {
	t.Helper()
	requireInstances(t)
	if s.Dir == "" {
		s.Dir = t.TempDir()
	}
	s.ID, s.Args = "i-0123456789abcdef0", []string{"test-pid-1"}
	var log bytes.Buffer
	s.Log = &log
	i, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return i
}

// sh runs a shell line on the instance and returns its output, and whether it
// succeeded.
func sh(t *testing.T, i *Instance, line string) (string, bool) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := i.Exec(ctx, []string{"/bin/sh", "-c", line}, nil, &out, &out)
	return strings.TrimSpace(out.String()), err == nil
}

func TestAnInstanceFindsMetadataNamesAndAWS(t *testing.T) {
	pemCA, config := ca(t)
	i := start(t, &Spec{Metadata: say("metadata"), AWS: say("aws"), TLS: config, CA: pemCA, Offline: true})
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	address := i.Address().String()
	short, _, _ := strings.Cut(i.Hostname(), ".")
	for _, c := range []struct{ line, want string }{
		{"curl -sS http://169.254.169.254/latest/meta-data/", "metadata 169.254.169.254/latest/meta-data/ from " + address},
		{"curl -sS https://s3.us-east-1.amazonaws.com/bucket/key", "aws s3.us-east-1.amazonaws.com/bucket/key from " + address},
		{"curl -sS http://bucket.s3.amazonaws.com/key", "aws bucket.s3.amazonaws.com/key from " + address},
		{"getent hosts " + i.Hostname() + " | cut -d' ' -f1", address},
		{"cat /etc/hostname", i.Hostname()},
		{"cat /proc/sys/kernel/hostname", i.Hostname()},
		{"getent hosts example.com || echo none", "none"},
		{"getent passwd webapp | cut -d: -f6", "/home/webapp"},
		{"tr '\\0' ' ' < /proc/1/cmdline", "/opt/beanpole/beanpole test-pid-1"},
	} {
		if got, _ := sh(t, i, c.line); got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
	if !strings.HasPrefix(i.Hostname(), "ip-") || short == "" {
		t.Errorf("hostname %q", i.Hostname())
	}
}

func TestServersOfTheInstanceMayListenOnEveryAddressOfPort80(t *testing.T) {
	i := start(t, &Spec{Metadata: say("metadata"), AWS: say("aws")})
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("no nginx on this machine")
	}
	conf := `user nginx; events {} http { server { listen 80; return 200 "from the instance"; } }`
	out, ok := sh(t, i, "printf '%s' '"+conf+"' > /etc/nginx/nginx.conf && nginx >/dev/null 2>&1")
	if !ok {
		t.Fatal(out)
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get("http://" + i.Address().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "from the instance" {
		t.Errorf("got %q", body)
	}
}

// TestStartIsFast guards the habit of a second; the aim on an idle machine is
// 150 ms.
func TestStartIsFast(t *testing.T) {
	requireInstances(t)
	best := time.Hour
	for range 3 {
		began := time.Now()
		i, err := Start(t.Context(), &Spec{ID: "i-0fast", Dir: t.TempDir(), Args: []string{"test-pid-1"}})
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
		if err := i.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("PID 1 was ready after %s", best)
	if best > time.Second {
		t.Errorf("PID 1 was ready after %s", best)
	}
}

func TestPID1AnswersCommands(t *testing.T) {
	i := start(t, &Spec{})
	for _, name := range []string{"app-deploy", "restart-app-server"} {
		r, err := i.Do(t.Context(), &Command{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if r.Message != name || r.ReturnCode != 1 {
			t.Errorf("got message %q from process %d", r.Message, r.ReturnCode)
		}
	}
	if err := i.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Do(t.Context(), &Command{Name: "app-deploy"}); err == nil {
		t.Error("a stopped instance took a command")
	}
	select {
	case <-i.Done():
	default:
		t.Error("Done is open after Stop")
	}
}

func TestSecretsOfTheMachineAreHidden(t *testing.T) {
	dir, secret := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(secret, "key"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	i := start(t, &Spec{Dir: dir, Hide: []string{secret}})
	for _, line := range []string{
		"ls -A /root", "ls -A /tmp", "ls -A /etc/ssh", "ls -A /etc/ssl/private", "ls -A /mnt", "ls -A /opt | grep -v '^beanpole$'",
		"ls -A " + dir + " 2>/dev/null", "ls -A " + secret + " 2>/dev/null", "cat /etc/shadow | grep -v ':\\*:'",
		"ls -A /home | grep -vx 'webapp\\|ec2-user'", "ls -A /var/backups 2>/dev/null", "find /run /var/run/ -type s",
		"ls -A /var/log | grep -vx nginx",
	} {
		if got, _ := sh(t, i, line); got != "" {
			t.Errorf("%s: shows %q", line, got)
		}
	}
	entries, err := os.ReadDir("/")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := sh(t, i, "ls -A /")
	for _, e := range entries {
		switch e.Name() {
		case "work", "farm", "data", "lost+found", ".dockerenv":
			if strings.Contains("\n"+got+"\n", "\n"+e.Name()+"\n") {
				t.Errorf("/%s shows on the instance", e.Name())
			}
		}
	}
}

func TestNothingOfTheMachineIsWritten(t *testing.T) {
	i := start(t, &Spec{})
	mark := "beanpole-test-" + filepath.Base(t.TempDir())
	sh(t, i, "echo x > /usr/"+mark+"; echo x > /etc/"+mark)
	for _, p := range []string{"/usr/" + mark, "/etc/" + mark} {
		if _, err := os.Stat(p); err == nil {
			t.Errorf("%s exists on the machine", p)
			os.Remove(p)
		}
	}
	for _, line := range []string{"mount -t tmpfs x /mnt", "ip link add type dummy", "echo x >> /opt/beanpole/beanpole", "mknod /tmp/disk b 8 0"} {
		if _, ok := sh(t, i, line); ok {
			t.Errorf("%s: succeeded", line)
		}
	}
	for _, process := range []string{"1", "self"} {
		got, _ := sh(t, i, "grep -E '^(Seccomp|CapEff|CapBnd):' /proc/"+process+"/status | tr -d '\\t' | tr '\\n' ' '")
		if got != "CapEff:00000000800405fb CapBnd:00000000800405fb Seccomp:2" {
			t.Errorf("process %s: %s", process, got)
		}
	}
}

func TestReadFileStaysInsideTheInstance(t *testing.T) {
	i := start(t, &Spec{})
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("of the machine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, ok := sh(t, i, "mkdir /srv/a && echo -n inside > /srv/a/plain && ln -s /srv/a/plain /srv/absolute && ln -s "+outside+
		" /srv/escape && ln -s ../../../../../.."+outside+" /srv/climb && mkfifo /srv/pipe"); !ok {
		t.Fatal(out)
	}
	for _, p := range []string{"/srv/a/plain", "/srv/absolute", "srv/a/plain"} {
		if got, err := i.ReadFile(p); err != nil || string(got) != "inside" {
			t.Errorf("%s: got %q, %v", p, got, err)
		}
	}
	for _, p := range []string{"/srv/escape", "/srv/climb", "/srv/pipe", "/srv", "../../.." + outside} {
		if got, err := i.ReadFile(p); err == nil {
			t.Errorf("%s: got %q", p, got)
		}
	}
}

func TestAnInstanceDoesNotReachTheMachine(t *testing.T) {
	i := start(t, &Spec{})
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan struct{}, 8)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- struct{}{}
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	host := i.Address().Prev().String()
	if c, err := net.DialTimeout("tcp4", net.JoinHostPort(host, port), time.Second); err != nil {
		t.Fatalf("the listener does not listen: %v", err)
	} else {
		c.Close()
		<-accepted
	}
	for _, a := range []string{host, "127.0.0.1", "192.0.2.2"} {
		if out, ok := sh(t, i, "timeout 1 bash -c 'exec 3<>/dev/tcp/"+a+"/"+port+"'"); ok {
			t.Errorf("%s: connected: %s", a, out)
		}
	}
	select {
	case <-accepted:
		t.Error("the machine accepted a connection")
	default:
	}
}

func TestTwoInstancesDoNotSeeEachOther(t *testing.T) {
	a := start(t, &Spec{Metadata: say("a")})
	b := start(t, &Spec{Metadata: say("b")})
	if a.Address() == b.Address() {
		t.Fatalf("both have %s", a.Address())
	}
	for name, i := range map[string]*Instance{"a": a, "b": b} {
		if got, _ := sh(t, i, "curl -sS http://169.254.169.254/"); !strings.HasPrefix(got, name+" ") {
			t.Errorf("%s: metadata of %q", name, got)
		}
	}
	if out, ok := sh(t, a, "timeout 1 bash -c 'exec 3<>/dev/tcp/"+b.Address().String()+"/80'"); ok {
		t.Errorf("a reached b: %s", out)
	}
}
