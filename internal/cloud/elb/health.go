package elb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"beanpole/internal/source"
)

// HealthCheck says when an instance is in service. Zero values become Elastic
// Beanstalk's defaults [EB:command-options-general, aws:elb:healthcheck].
type HealthCheck struct {
	// Target is "TCP:80", "SSL:443", "HTTP:80/path" or "HTTPS:443/path".
	Target string
	// Interval is the time between two checks, Timeout that of one.
	Interval, Timeout time.Duration
	// Healthy and Unhealthy are how many results in a row change the state. A
	// new target of a target group is healthy after the first good one (ELB:
	// "Health checks for your target groups").
	Healthy, Unhealthy int
	// Matcher is which statuses are healthy: "200", "200,302", "200-399".
	Matcher string
}

func (h HealthCheck) withDefaults() HealthCheck {
	if h.Target == "" {
		h.Target = "TCP:80"
	}
	if h.Interval <= 0 {
		h.Interval = 10 * time.Second
	}
	if h.Timeout <= 0 {
		h.Timeout = 5 * time.Second
	}
	if h.Healthy <= 0 {
		h.Healthy = 3
	}
	if h.Unhealthy <= 0 {
		h.Unhealthy = 5
	}
	if h.Matcher == "" {
		h.Matcher = "200"
	}
	return h
}

// matches reports whether a status is among those that are healthy.
func (h HealthCheck) matches(status int) bool {
	for _, part := range strings.Split(h.Matcher, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		from, err := strconv.Atoi(low)
		to := from
		if ranged {
			var bad error
			to, bad = strconv.Atoi(high)
			err = errors.Join(err, bad)
		}
		if err == nil && from <= status && status <= to {
			return true
		}
	}
	return false
}

// ping is a health check's target taken apart.
type ping struct {
	protocol string
	port     int
	path     string // of HTTP and HTTPS
}

func parseTarget(s string) (ping, error) {
	bad := &source.Problem{
		What:   fmt.Sprintf("health check target %q cannot be read", s),
		Remedy: `write it like "TCP:80", "HTTP:80/health" or "HTTPS:443/"`,
	}
	protocol, rest, ok := strings.Cut(s, ":")
	protocol = strings.ToUpper(protocol)
	port, path, hasPath := strings.Cut(rest, "/")
	n, err := strconv.Atoi(port)
	if !ok || err != nil || n < 1 || n > 65535 {
		return ping{}, bad
	}
	switch protocol {
	case "HTTP", "HTTPS":
		if !hasPath {
			return ping{}, bad
		}
	case "TCP", "SSL":
		if hasPath {
			return ping{}, bad
		}
	default:
		return ping{}, bad
	}
	return ping{protocol: protocol, port: n, path: "/" + path}, nil
}

// ping is the group's health check taken apart.
func (p *pool) ping() (ping, error) { return parseTarget(p.Check.Target) }

// watch checks a target until it is deregistered.
func (b *Balancer) watch(p *pool, t *target) {
	how, err := p.ping()
	if err != nil {
		b.mu.Lock()
		t.detail = err.Error()
		b.mu.Unlock()
		return
	}
	good, bad := 0, 0
	for {
		ctx, cancel := context.WithTimeout(t.ctx, p.Check.Timeout)
		err := how.check(ctx, p, t)
		cancel()
		if t.ctx.Err() != nil {
			return
		}
		if err == nil {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
		}
		b.note(p, t, err, good, bad)
		next := time.NewTimer(b.pause(p, t))
		select {
		case <-next.C:
		case <-t.hurry:
		case <-t.ctx.Done():
		}
		next.Stop()
		if t.ctx.Err() != nil {
			return
		}
	}
}

// awaitedInterval is the time between two checks of an instance that somebody
// waits for: what was just deployed is mostly well, and says so at once.
const awaitedInterval = 20 * time.Millisecond

// pause is the time until a target's next check.
func (b *Balancer) pause(p *pool, t *target) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.waiters > 0 && t.state != Healthy {
		return min(awaitedInterval, p.Check.Interval)
	}
	return p.Check.Interval
}

// note keeps a check's result.
func (b *Balancer) note(p *pool, t *target, err error, good, bad int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.state == Draining {
		return
	}
	was, enough := t.state, p.Check.Healthy
	if p.kind != Classic && t.state == Initial {
		enough = 1
	}
	if err != nil {
		t.detail = err.Error()
	}
	switch {
	case good >= enough:
		t.state, t.reason, t.detail = Healthy, "", ""
	case bad >= p.Check.Unhealthy:
		t.state, t.reason = Unhealthy, reasonOf(err)
	}
	if was != t.state {
		t.since = time.Now()
		b.tell()
	}
}

// wrongStatus is an answer with a status that is not healthy.
type wrongStatus struct {
	status  int
	matcher string
}

func (w wrongStatus) Error() string {
	return fmt.Sprintf("answered %d, not %s", w.status, w.matcher)
}

func reasonOf(err error) Reason {
	var status wrongStatus
	switch {
	case errors.As(err, &status):
		return ResponseCodeMismatch
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return FailedHealthChecks
}

// check does one health check; nil means healthy.
func (p ping) check(ctx context.Context, of *pool, t *target) error {
	switch p.protocol {
	case "TCP", "SSL":
		var d interface {
			DialContext(context.Context, string, string) (net.Conn, error)
		} = &net.Dialer{}
		if p.protocol == "SSL" {
			d = &tls.Dialer{Config: anyCertificate()}
		}
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(t.addr.String(), strconv.Itoa(p.port)))
		if err == nil {
			c.Close()
		}
		return err
	}
	return p.get(ctx, of, t)
}

// checkers are the user agents of health checks, by kind of load balancer.
var checkers = map[Kind]string{Classic: "ELB-HealthChecker/1.0", Application: "ELB-HealthChecker/2.0", Network: "ELB-HealthChecker/2.0"}

// get wants a healthy status: a redirect is not, where 200 is wanted
// [EB:configuring-https-httpredirect].
func (p ping) get(ctx context.Context, of *pool, t *target) error {
	url := strings.ToLower(p.protocol) + "://" + net.JoinHostPort(t.addr.String(), strconv.Itoa(p.port)) + p.path
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make health check request: %w", err)
	}
	r.Header.Set("User-Agent", checkers[of.kind])
	tr := &http.Transport{TLSClientConfig: anyCertificate(), DisableKeepAlives: true}
	res, err := tr.RoundTrip(r)
	if err != nil {
		return err
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // the answer counts, not its body
	res.Body.Close()
	if !of.Check.matches(res.StatusCode) {
		return wrongStatus{res.StatusCode, of.Check.Matcher}
	}
	return nil
}
