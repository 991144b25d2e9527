package nginx

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// refused is the first thing that we refuse in a main file, "" for nothing.
func refused(text string) string {
	ds, fault, ok := Parse(text)
	if !ok {
		return ""
	}
	s := NewScope(Main)
	s.Add(nil, ds)
	if len(s.Problems) > 0 {
		return s.Problems[0].Text
	}
	if fault != nil {
		return fault.Text
	}
	return ""
}

// inHTTP and inServer are main files around a piece of text.
func inHTTP(s string) string   { return "events {}\nhttp {\n" + s + "\n}\n" }
func inServer(s string) string { return inHTTP("server {\nlisten 8099;\n" + s + "\n}") }

var texts = []struct{ text, want string }{
	{inServer("location / { return 200; }"), ""},
	{inServer("add_header A \"b;c\" always; if ($http_x = \"y\") { return 301 https://$host${uri}; }"), ""},
	{inServer("location / { proxy_pass http://127.0.0.1:1\n}"), `unexpected "}"`},
	{inServer("gzip on"), `unexpected "}"`},
	{inServer("gzip on;") + "}", `unexpected "}"`},
	{"events {}\nhttp { server { listen 8099;", `unexpected end of file, expecting "}"`},
	{"events {}\nhttp {} gzip", `unexpected end of file, expecting ";" or "}"`},
	{inServer(";"), `unexpected ";"`},
	{inServer(`add_header A "b"c;`), `unexpected "c"`},
	{inServer(`add_header A "b;`), `unexpected end of file, expecting ";" or "}"`},
	{inHTTP("location / {}"), `"location" directive is not allowed here`},
	{"events {}\nserver { listen 8099; }\nhttp {}", `"server" directive is not allowed here`},
	{inServer("log_format x y;"), `"log_format" directive is not allowed here`},
	{inServer("location / { client_header_timeout 1s; }"), `"client_header_timeout" directive is not allowed here`},
	{inServer("location / ;"), `directive "location" has no opening "{"`},
	{inServer("gzip on { }"), `directive "gzip" is not terminated by ";"`},
	{inServer("proxy_set_header Host $host\nproxy_http_version 1.1;"), `invalid number of arguments in "proxy_set_header" directive`},
	{inServer("client_max_body_size 1m; client_max_body_size 2m;"), `"client_max_body_size" directive is duplicate`},
	{inServer("location / {} location / {}"), `duplicate location "/"`},
	{inServer("location = / {} location / {} location ~ / {} location ~ / {}"), ""},
	{inServer("listen 8099;"), "a duplicate listen 0.0.0.0:8099"},
	{inHTTP("upstream a { server 127.0.0.1:1; keepalive 2; } upstream a { server 127.0.0.1:1; }"), `duplicate upstream "a"`},
	{inHTTP("log_format x a; log_format x b;"), `duplicate "log_format" name "x"`},
	{inHTTP("map $http_upgrade $connection_upgrade { default upgrade; '' close; }"), ""},
	{inServer("clent_max_body_size 1m;"), `unknown directive "clent_max_body_size"`},
}

func TestRefused(t *testing.T) {
	for _, c := range texts {
		if got := refused(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// real is the first thing that the machine's nginx refuses.
func real(t *testing.T, text string) string {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx"
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("no nginx on this machine")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(program, "-t", "-c", file, "-p", dir, "-e", "stderr", "-g", "pid "+dir+"/pid;").CombinedOutput()
	if m := emerg.FindStringSubmatch(string(out)); m != nil {
		said, _, _ := strings.Cut(m[1], " in "+file)
		return strings.TrimSuffix(said, ",")
	}
	return ""
}

var emerg = regexp.MustCompile(`\[emerg\] (?:\d+#\d+: )?(.*)`)

// TestAgainstNginx holds the texts above against the real one.
func TestAgainstNginx(t *testing.T) {
	for _, c := range texts {
		if got := real(t, c.text); got != c.want {
			t.Errorf("%q: nginx says %q, we say %q", c.text, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ds, fault, ok := Parse(text)
		if !ok {
			return
		}
		if fault != nil && (fault.Start < 0 || fault.End < fault.Start || fault.End > len(text)) {
			t.Errorf("fault at %d to %d of %d", fault.Start, fault.End, len(text))
		}
		s := NewScope(Main)
		s.Add(nil, ds)
		for _, p := range s.Problems {
			if p.Start < 0 || p.End <= p.Start || p.End > len(text) {
				t.Errorf("%s at %d to %d of %d", p.Text, p.Start, p.End, len(text))
			}
		}
	})
}
