package cli

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnEnvironmentWhoseApplicationDoesNotAnswerIsSaid(t *testing.T) {
	for status, want := range map[int]string{200: "", 404: "", 500: "", 301: "", 502: ", but answers 502: ", 504: ", but answers 504: "} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.invalid/")
			w.WriteHeader(status)
		}))
		got := trouble(t.Context(), s.URL)
		s.Close()
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%d: %q", status, got)
		}
	}
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer s.Close()
	if got := trouble(t.Context(), s.URL); got != "" {
		t.Errorf("an application that takes a moment: %q", got)
	}
}

func TestWhetherTLSIsSpokenBehindAPassedPortIsSaid(t *testing.T) {
	with := httptest.NewTLSServer(http.NotFoundHandler())
	defer with.Close()
	without := httptest.NewServer(http.NotFoundHandler())
	defer without.Close()
	for _, c := range []struct {
		s    *httptest.Server
		want string
	}{{with, "TLS ends on the instance"}, {without, "no server on the instance speaks TLS there"}} {
		if got := passed(c.s.Listener.Addr().(*net.TCPAddr).Port); !strings.Contains(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
