package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// eager closes a request's body the moment that the answer begins, as the SDK
// does.
type eager struct{ next http.RoundTripper }

func (t eager) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	r.Body.Close()
	return answer, err
}

func TestLongAnswersSurviveABodyClosedEarly(t *testing.T) {
	long := strings.Repeat("event", 1<<16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, long)
	}))
	defer server.Close()
	client := &http.Client{Transport: eager{ownBody{http.DefaultTransport}}}
	for range 100 {
		// A body of a type that the transport cannot copy by itself.
		r, err := http.NewRequest("POST", server.URL, io.NopCloser(strings.NewReader("Action=DescribeEvents")))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 21
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || string(text) != long {
			t.Fatalf("read %d of %d bytes: %v", len(text), len(long), err)
		}
	}
}
