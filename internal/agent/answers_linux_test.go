package agent

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"beanpole/internal/cfninit"
)

func TestHelpIsShownBeforeTheRestIsRead(t *testing.T) {
	for _, line := range []string{"cfn-signal -h --nope", "cfn-signal -e 0 --help -e x", "cfn-init -vhx", "cfn-get-metadata --he", "cfn-hup -h -c"} {
		r := call(t, hosts{}, nil, "", line)
		if r.code != 0 || !strings.HasPrefix(r.out, "Usage: ") || r.errors != "" {
			t.Errorf("%s: status %d, %q %q", line, r.code, r.out, r.errors)
		}
	}
}

func TestWhatIsSignaled(t *testing.T) {
	var put string
	network := hosts{metadataHost: instanceOf("p", "r"), "h.example": func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		put = string(body)
	}}
	for line, want := range map[string]string{
		"cfn-signal -e 0 -s false http://h.example/":           `"Status": "FAILURE", "Reason": "Configuration failed."`,
		"cfn-signal -e 0 http://h.example/":                    `"Status": "SUCCESS", "Reason": ""`,
		"cfn-signal -e 0x0 http://h.example/":                  `"Status": "SUCCESS"`,
		"cfn-signal -e -1 -s true http://h.example/":           `"Status": "FAILURE"`,
		"cfn-signal -e 99999999999999999999 http://h.example/": `"Status": "FAILURE"`,
		"cfn-signal -e 1 -r why http://h.example/":             `"Reason": "why"`,
		"cfn-signal -d grün<b> http://h.example/":              `"Data": "gr\u00fcn<b>"`,
		"cfn-signal -i= http://h.example/":                     `"UniqueId": "="`,
		"cfn-signal aHR0cDov-L2guZXhhbXBsZS8=rest":             `"UniqueId": "i-1"`,
	} {
		put = ""
		if r := call(t, network, nil, "", line); r.code != 0 || !strings.Contains(put, want) {
			t.Errorf("%s: status %d, %s, sent %s", line, r.code, r.errors, put)
		}
	}
}

func TestHowOftenCloudFormationIsAsked(t *testing.T) {
	refusal := func(code, kind string) string {
		return `{"Error": {"Code": "` + code + `", "Message": "m", "Type": "` + kind + `"}}`
	}
	for _, c := range []struct {
		status       int
		body         string
		stays, asked int // how often the service refuses; how often it is asked
		errors       string
	}{
		{http.StatusBadRequest, refusal("ValidationError", "Sender"), 99, 1, "ValidationError: m\n"},
		{http.StatusNotFound, refusal("ValidationError", "Sender"), 99, 1, "ValidationError: m\n"},
		{http.StatusBadRequest, refusal("Trouble", "Receiver"), 99, 5, "Trouble: m\n"},
		{http.StatusForbidden, "<html>", 99, 5, "Unknown: <html>\n"},
		{http.StatusForbidden, refusal("InvalidClientTokenId", "Sender"), 12, 13, ""},
		{http.StatusForbidden, refusal("InvalidAccessKeyId", "Sender"), 7, 8, ""},
		{http.StatusBadRequest, refusal("Throttling", "Sender"), 9, 10, ""},
		{http.StatusServiceUnavailable, "", 8, 9, ""},
	} {
		asked := 0
		network := hosts{metadataHost: instanceOf("p", "r"), regionHost: func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked > c.stays {
				io.WriteString(w, "{}")
				return
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		}}
		r := call(t, network, nil, "", "cfn-signal --stack s --resource r --region eu-west-1")
		if asked != c.asked || r.errors != c.errors || (r.code != 0) != (c.errors != "") {
			t.Errorf("%d %s: asked %d times, status %d, %q", c.status, c.body, asked, r.code, r.errors)
		}
	}
}

func TestEmptyMetadataIsNone(t *testing.T) {
	network := hosts{metadataHost: instanceOf("p", "r"), regionHost: stackOf(t, "{}")}
	for _, line := range []string{"cfn-get-metadata", "cfn-init"} {
		r := call(t, network, nil, "", line+" -s s -r r --region eu-west-1")
		if r.code != 1 || r.errors != "Error: r does not specify any metadata\n" {
			t.Errorf("%s: status %d, %q %q", line, r.code, r.out, r.errors)
		}
	}
}

func TestProxiesOfTheOptions(t *testing.T) {
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"} {
		t.Setenv(name, "")
	}
	var through string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through = r.Method + " " + r.URL.String() + " " + r.Header.Get("Proxy-Authorization")
		if r.Method == http.MethodConnect {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer proxy.Close()
	at := strings.TrimPrefix(proxy.URL, "http://")
	for _, c := range []struct {
		line, want string
		code       int
	}{
		{"--http-proxy " + at + " http://h.example/x", "PUT http://h.example/x ", 0},
		{"--http-proxy http://u:p@" + at + " http://h.example/x", "PUT http://h.example/x Basic dTpw", 0},
		{"--https-proxy " + at + " https://h.example/x", "CONNECT //h.example:443 ", 1},
		{"--https-proxy http:// https://h.example/x", "", 1},
	} {
		through = ""
		var out, errs strings.Builder
		call := &Call{Program: "cfn-signal", Args: append([]string{"-i", "me"}, strings.Fields(c.line)...), Out: &out, Errors: &errs,
			Runner: cfninit.Runner{Root: t.TempDir(), Log: io.Discard, Sleep: func(context.Context, time.Duration) {}}}
		if code := Run(t.Context(), call); code != c.code || through != c.want {
			t.Errorf("%s: status %d, through the proxy %q, %s", c.line, code, through, errs.String())
		}
	}
}

func TestMetadataOfVersion1(t *testing.T) {
	var asked []string
	network := hosts{metadataHost: func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+r.Header.Get("X-Aws-Ec2-Metadata-Token"))
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		instanceOf("p", "r")(w, r)
	}}
	c := NewCall("cfn-signal", nil, nil, io.Discard, io.Discard, false)
	c.Runner.HTTP, c.Runner.Sleep = network, func(context.Context, time.Duration) {}
	if id := c.Runner.InstanceID(t.Context()); id != "i-1" || len(asked) != 2 || asked[1] != "GET /latest/meta-data/instance-id" {
		t.Errorf("%q after %q", id, asked)
	}
}

func TestElectLeader(t *testing.T) {
	var query url.Values
	network := hosts{metadataHost: instanceOf("p", "r"), regionHost: func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query()
		if query.Get("StackName") == "gone" {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"Error": {"Code": "ValidationError", "Message": "no stack", "Type": "Sender"}}`)
			return
		}
		io.WriteString(w, `{"ElectCommandLeaderResponse": {"ElectCommandLeaderResult": {"ListenerId": "i-1"}}}`)
	}}
	t.Setenv("STACK_NAME", "s")
	t.Setenv("CMD_NAME", "deploy")
	t.Setenv("INVOCATION_ID", "7")
	t.Setenv("LISTENER_ID", "")
	for _, c := range []struct {
		line, sent, errors string
		code               int
	}{
		{"-l i-1", "", "", 0},
		{"-l i-2", "", "", 5},
		{"-l i-1 --access-key K --secret-key S", "i-1", "", 0},
		{"-l i-1 -s gone", "", "ValidationError: no stack\n", 1},
		{"", "", "Error: You must specify ListenerId\nUsage: ", 1},
		{"-l i-1 -c=", "", "", 0},
		{"-l i-1 --command-name=", "", "Error: You must specify CommandName\nUsage: ", 1},
		{"-x", "", "Usage: cfn-elect-cmd-leader [options]\n\ncfn-elect-cmd-leader: error: no such option: -x\n", 2},
	} {
		query = nil
		r := call(t, network, nil, "", "cfn-elect-cmd-leader --region eu-west-1 "+c.line)
		if r.code != c.code || !strings.HasPrefix(r.errors, c.errors) || c.errors == "" && r.errors != "" || query.Get("ListenerId") != c.sent {
			t.Errorf("%s: status %d, %q, asked %v", c.line, r.code, r.errors, query)
		}
		if c.code == 5 && (query.Get("Action") != "ElectCommandLeader" || query.Get("StackName") != "s" || query.Get("CommandName") != "deploy" || query.Get("InvocationId") != "7") {
			t.Errorf("asked %v", query)
		}
	}
}
