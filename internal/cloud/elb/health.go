package elb

import (
	"context"
	"crypto/tls"
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
	// Healthy and Unhealthy are how many results in a row change the state.
	Healthy, Unhealthy int
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
	return h
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

// watch checks a target until it is deregistered.
func (b *Balancer) watch(t *target) {
	p, err := parseTarget(b.check.Target)
	if err != nil {
		b.mu.Lock()
		t.reason = err.Error()
		b.mu.Unlock()
		return
	}
	good, bad := 0, 0
	for {
		ctx, cancel := context.WithTimeout(t.ctx, b.check.Timeout)
		err := p.check(ctx, t)
		cancel()
		if t.ctx.Err() != nil {
			return
		}
		if err == nil {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
		}
		b.note(t, err, good, bad)
		next := time.NewTimer(b.pause(t))
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
const awaitedInterval = 2 * time.Millisecond

// pause is the time until a target's next check.
func (b *Balancer) pause(t *target) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t.waiters > 0 && !t.inService {
		return min(awaitedInterval, b.check.Interval)
	}
	return b.check.Interval
}

// note keeps a check's result.
func (b *Balancer) note(t *target, err error, good, bad int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := t.inService
	if err != nil {
		t.reason = err.Error()
	}
	switch {
	case good >= b.check.Healthy:
		t.inService, t.reason = true, ""
	case bad >= b.check.Unhealthy:
		t.inService = false
	}
	if was != t.inService {
		b.tell()
	}
}

// check does one health check; nil means healthy.
func (p ping) check(ctx context.Context, t *target) error {
	switch p.protocol {
	case "TCP":
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", t.at(p.port))
		if err == nil {
			c.Close()
		}
		return err
	case "SSL":
		d := tls.Dialer{Config: anyCertificate()}
		c, err := d.DialContext(ctx, "tcp", t.at(p.port))
		if err == nil {
			c.Close()
		}
		return err
	}
	return p.get(ctx, t)
}

// get wants 200: a redirect is not healthy [EB:configuring-https-httpredirect].
func (p ping) get(ctx context.Context, t *target) error {
	url := strings.ToLower(p.protocol) + "://" + t.at(p.port) + p.path
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("make health check request: %w", err)
	}
	r.Header.Set("User-Agent", "ELB-HealthChecker/1.0")
	tr := &http.Transport{TLSClientConfig: anyCertificate(), DisableKeepAlives: true}
	res, err := tr.RoundTrip(r)
	if err != nil {
		return err
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // the answer counts, not its body
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d, not 200", res.StatusCode)
	}
	return nil
}
