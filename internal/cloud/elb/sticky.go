package elb

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"strings"
	"time"
)

// Stickiness binds a client to the instance that answered it first.
type Stickiness struct {
	Enabled bool
	// Duration of the bond from the last answer on; 0 is as long as the
	// client's session (of a classic load balancer).
	Duration time.Duration
	// BySource binds by the client's address instead of a cookie (of a network
	// load balancer).
	BySource bool
}

// cookies are the names of the load balancers' own cookies (ELB: sticky
// sessions).
var cookies = map[Kind]string{Classic: "AWSELB", Application: "AWSALB"}

// bound is the target that a request's cookie names, if it may still get
// requests; nil otherwise.
func (b *Balancer) bound(p *pool, s Stickiness, r *http.Request) *target {
	if !s.Enabled {
		return nil
	}
	c, err := r.Cookie(cookies[b.Kind])
	if err != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range p.usable() {
		until, ok := p.opened(c.Value, t.id)
		if ok && (s.Duration == 0 || time.Now().Before(until)) {
			return t
		}
	}
	return nil
}

// bind adds the cookie that names a target to its answer.
func (b *Balancer) bind(p *pool, s Stickiness, t *target, res *http.Response) {
	if !s.Enabled {
		return
	}
	until := time.Now().Add(s.Duration)
	c := http.Cookie{Name: cookies[b.Kind], Value: p.sealed(t.id, until), Path: "/"}
	if s.Duration > 0 {
		c.Expires = until.UTC()
	}
	res.Header.Add("Set-Cookie", c.String())
	if b.Kind == Application { // and once more for requests across sites
		c.Name, c.SameSite, c.Secure = "AWSALBCORS", http.SameSiteNoneMode, true
		res.Header.Add("Set-Cookie", c.String())
	}
}

// sealed is a cookie's value: it says nothing to clients, and they cannot make
// one.
func (p *pool) sealed(id string, until time.Time) string {
	at := fmt.Sprintf("%x", until.Unix())
	return at + "." + p.mac(id, at)
}

func (p *pool) opened(value, id string) (until time.Time, ok bool) {
	at, mac, _ := strings.Cut(value, ".")
	var unix int64
	if _, err := fmt.Sscanf(at, "%x", &unix); err != nil {
		return until, false
	}
	return time.Unix(unix, 0), hmac.Equal([]byte(mac), []byte(p.mac(id, at)))
}

func (p *pool) mac(id, at string) string {
	h := hmac.New(sha256.New, p.key[:])
	h.Write([]byte(id + " " + at))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// pickFor is pick for a connection. A group that binds by source gives one
// client's connections to one target.
func (b *Balancer) pickFor(p *pool, tried []*target, from net.Addr) *target {
	if !p.Stickiness.Enabled || !p.Stickiness.BySource || len(tried) > 0 {
		return b.pick(p, tried)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	can := p.usable()
	if len(can) == 0 {
		return nil
	}
	host, _, _ := net.SplitHostPort(from.String())
	h := fnv.New32a()
	h.Write([]byte(host))
	return can[int(h.Sum32()%uint32(len(can)))]
}

func randomHex(bytes int) string {
	data := make([]byte, bytes)
	rand.Read(data) // it does not fail
	return hex.EncodeToString(data)
}
