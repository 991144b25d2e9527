package cli

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beanpole/internal/account/live"
	"beanpole/internal/account/reading"
	"beanpole/internal/instance"
)

// asking sets the environment for commands that ask a local AWS.
func (w *localAWS) asking(t *testing.T) {
	for _, v := range w.env {
		k, x, _ := strings.Cut(v, "=")
		t.Setenv(k, x)
	}
}

// refusing stands before a local AWS and refuses one operation.
type refusing struct {
	mu     sync.Mutex
	refuse string
	seen   map[string]bool
	hit    bool // something was refused
	next   http.Handler
}

func (x *refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // what is no form has no Action
	op := form.Get("Action")
	if op == "" {
		op = r.Header.Get("X-Amz-Target")
	}
	if op == "" {
		op = r.Method + " " + strings.Trim(r.URL.Path, "/") + " " + strings.SplitN(r.URL.RawQuery, "=", 2)[0]
	}
	x.mu.Lock()
	x.seen[op] = true
	refuse := op == x.refuse
	x.hit = x.hit || refuse
	x.mu.Unlock()
	if !refuse {
		x.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	w.WriteHeader(http.StatusForbidden)
	if form.Get("Action") == "" {
		_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
		return
	}
	_, _ = io.WriteString(w, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>")
}

// before puts a refusing AWS before a local one.
func (w *localAWS) before(t *testing.T) *refusing {
	to, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
	x := &refusing{seen: map[string]bool{}, next: proxy}
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	return x
}

// toldAnyway are calls without which a sound fetch can be told all the same: another
// tells the same, or what they tell bears on nothing here.
var toldAnyway = []string{
	"GetCallerIdentity", "ListStackResources", "DescribeStackEvents", "DescribeEvents", "DescribeApplicationVersions", "DescribeEnvironmentResources",
	"DescribeConfigurationOptions",  // only where settings come from
	"GetPolicy", "GetPolicyVersion", // AWS's own policy is known
	"DescribeVpcAttribute", "DescribeNatGateways", "DescribeSecurityGroups", // the environment's own group lets all out
	"HEAD shop-certificates ", "GET shop-certificates policyStatus", "GET shop-certificates ownershipControls", "GET shop-certificates encryption",
	"GET shop-certificates publicAccessBlock", "GET v20180820/configuration/publicAccessBlock ",
	"AWSOrganizationsV20161128.DescribeOrganization", // a line says that its policies are not foreseen
}

// A refused call never makes a sound environment look broken, nor clean, and
// never changes the cause of a failed one.
func TestEachReadCallMayBeRefused(t *testing.T) {
	for name, world := range map[string]struct {
		result instance.Result
		edit   func(string) string
		sound  bool
	}{"failed": {failedBuild, asIs, false}, "sound": {well, oneName, true}} {
		if world.sound && testing.Short() {
			continue // its instances, which serve nothing, are waited for
		}
		w := deployShop(t, t.TempDir(), world.result, world.edit)
		w.asking(t)
		x := w.before(t)
		dir := t.TempDir()
		for _, arguments := range [][]string{{"check"}, {"diagnose"}} {
			x.refuse = ""
			line := append(arguments, "--environment", "shop-production")
			if status, out, errs := command(t, dir, line...); status == exitUsage || status == exitOurs {
				t.Fatalf("%s: status %d\n%s%s", name, status, out, errs)
			}
			for op := range maps.Clone(x.seen) {
				x.refuse, x.hit = op, false
				status, out, errs := command(t, dir, line...)
				switch {
				case !x.hit || status == exitUntold:
				case status == exitClean && world.sound && arguments[0] == "check" && slices.Contains(toldAnyway, op):
				case status == exitFindings && !world.sound && (strings.Contains(out, "[role-name-is-profile]") || strings.Contains(out, "[role-name-unknown]") || strings.Contains(out, "cause is not known") || strings.Contains(out, "Failed: ")):
				default:
					t.Errorf("%s, %v with %s refused: status %d\n%s%s", name, line, op, status, out, errs)
				}
				if text := out + errs; x.hit && !strings.Contains(text, "AWS refused") && !strings.HasPrefix(op, "HEAD shop-certificates ") && op != "GetCallerIdentity" {
					t.Errorf("%s, %v with %s refused: nothing says so\n%s", name, line, op, text)
				}
			}
		}
	}
}

func TestTheStorysCauseIsNamedOfTheLiveEnvironmentAlone(t *testing.T) {
	w := deployShop(t, t.TempDir(), failedBuild, asIs)
	w.asking(t)
	status, out, _ := command(t, t.TempDir(), "diagnose", "--environment", "shop-production")
	if status != exitFindings {
		t.Errorf("status %d", status)
	}
	expect(t, out, "[role-name-is-profile]")
}

func TestSilenceIsExplainedOnceAndWhileItLasts(t *testing.T) {
	var out bytes.Buffer
	w := &watcher{screen: newScreen(&out), seen: map[string]bool{}, last: time.Now()}
	w.print([]reading.Event{{Message: "Deploying new version to instance(s).", Severity: "INFO"}, {Message: "Deploying new version to instance(s).", Severity: "INFO"}})
	w.explain(time.Now().Add(quietFor / 2))
	if strings.Contains(out.String(), "…") {
		t.Errorf("silence is explained too early:\n%s", out.String())
	}
	w.explain(time.Now().Add(quietFor + time.Second))
	w.explain(time.Now().Add(2 * quietFor))
	if got := out.String(); strings.Count(got, "retried for about 5 minutes") != 1 || strings.Count(got, "Deploying") != 1 {
		t.Errorf("printed:\n%s", got)
	}
}

func TestWatchingEndsWhenItIsInterrupted(t *testing.T) {
	w := deployShop(t, t.TempDir(), failedBuild, asIs)
	w.asking(t)
	c, err := live.Connect(t.Context(), live.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out bytes.Buffer
	x := &watcher{reader: live.New(c), name: "shop-production", screen: newScreen(&out), seen: map[string]bool{}}
	if err := x.run(ctx); err == nil {
		t.Error("it went on")
	}
}
