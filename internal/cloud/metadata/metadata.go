// Package metadata is the instance metadata service of one instance, versions
// 1 and 2, as it answers on 169.254.169.254.
//
// Its promise: who gets which credentials is decided by package access, the
// same that `check` asks; the profile's name never leads to credentials, only
// its role's. The listener that the handler stands behind says which instance
// asks. Its limits: no user data, no tags, no network interface details, no
// PKCS #7 signature; those are 404 as things that are absent.
package metadata

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/state"
)

// Options say which instance it is.
type Options struct {
	InstanceID, Region, AccountID string
	// PrivateIP is the instance's address; empty: where its requests are from.
	PrivateIP string
	AZ        string // empty: the region's first
	// Profile is the instance profile now: a name or ARN, "" for none.
	Profile func() string
	State   *state.State
	// Document gives the instance identity document and its signature. Nil:
	// the entries are absent.
	Document func() (doc, sig []byte)
	// TokensRequired refuses version 1 (HttpTokens=required).
	TokensRequired bool
	// ImageID and InstanceType describe the instance; empty: AWS-like ones.
	ImageID, InstanceType string
	// Log gets our own failures. Nil: nowhere.
	Log io.Writer
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// The headers of version 2.
const (
	ttlHeader   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	maxTTL      = 21600 // seconds
	maxTokens   = 10000
)

// server is the metadata service of one instance.
type server struct {
	o   Options
	log *log.Logger

	mu     sync.Mutex
	tokens map[[sha256.Size]byte]time.Time // until when a token is good
	issued map[string]issued               // by role ID
}

// Handler is the instance's metadata service.
func Handler(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if o.Profile == nil {
		o.Profile = func() string { return "" }
	}
	o = o.described()
	return &server{o: o, log: log.New(o.Log, "", log.LstdFlags|log.LUTC), tokens: map[[sha256.Size]byte]time.Time{}, issued: map[string]issued{}}
}

// described fills in what the instance is said to be.
func (o Options) described() Options {
	if o.AZ == "" {
		o.AZ = o.Region + "a"
	}
	if o.ImageID == "" {
		o.ImageID = "ami-0b0ea68c435eb488d"
	}
	if o.InstanceType == "" {
		o.InstanceType = "t3.micro"
	}
	return o
}

// ServeHTTP answers one request [EC2:instancedata-data-retrieval].
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "EC2ws")
	if r.Method == http.MethodPut {
		s.token(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.page(w, r, http.StatusMethodNotAllowed)
		return
	}
	if !s.admitted(r) {
		s.page(w, r, http.StatusUnauthorized)
		return
	}
	body, kind, ok, err := s.find(r)
	switch {
	case err != nil:
		s.log.Printf("metadata of %s: %s: %v", s.o.InstanceID, r.URL.Path, err)
		s.page(w, r, http.StatusInternalServerError)
	case !ok:
		s.page(w, r, http.StatusNotFound)
	default:
		send(w, r, http.StatusOK, kind, body)
	}
}

// page is the service's error page.
func (s *server) page(w http.ResponseWriter, r *http.Request, status int) {
	send(w, r, status, "text/html", aws.MetadataPage(status))
}

func send(w http.ResponseWriter, r *http.Request, status int, kind, body string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Connection", "close")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body) // a client that went away is no failure
	}
}

// token gives out a session token. A request that came through a proxy says
// so in X-Forwarded-For and is refused; so are version-specific paths.
func (s *server) token(w http.ResponseWriter, r *http.Request) {
	p := path.Clean(r.URL.Path)
	switch {
	case strings.HasSuffix(p, "/api/token") && p != "/latest/api/token", len(r.Header.Values("X-Forwarded-For")) > 0:
		s.page(w, r, http.StatusForbidden)
		return
	case p != "/latest/api/token":
		w.Header().Set("Allow", "GET, HEAD")
		s.page(w, r, http.StatusMethodNotAllowed)
		return
	}
	ttl, err := strconv.Atoi(r.Header.Get(ttlHeader))
	if err != nil || ttl < 1 || ttl > maxTTL {
		s.page(w, r, http.StatusBadRequest)
		return
	}
	raw := make([]byte, 40)
	rand.Read(raw)
	token := base64.URLEncoding.EncodeToString(raw)
	s.mu.Lock()
	s.sweepTokens()
	s.tokens[sha256.Sum256([]byte(token))] = s.o.Now().Add(time.Duration(ttl) * time.Second)
	s.mu.Unlock()
	w.Header().Set(ttlHeader, strconv.Itoa(ttl))
	send(w, r, http.StatusOK, "text/plain", token)
}

// sweepTokens keeps the table small: first what is over, then, for an
// instance that asks without end, everything.
func (s *server) sweepTokens() {
	if len(s.tokens) < maxTokens {
		return
	}
	now := s.o.Now()
	for t, until := range s.tokens {
		if !now.Before(until) {
			delete(s.tokens, t)
		}
	}
	if len(s.tokens) >= maxTokens {
		clear(s.tokens)
	}
}

// admitted says whether a request's token is good. A wrong token is refused
// even where none is required.
func (s *server) admitted(r *http.Request) bool {
	given := r.Header.Values(tokenHeader)
	if len(given) == 0 {
		return !s.o.TokensRequired
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.tokens[sha256.Sum256([]byte(given[0]))]
	return ok && s.o.Now().Before(until)
}

// find answers a path: an entry's text, or a directory's listing.
func (s *server) find(r *http.Request) (body, kind string, ok bool, err error) {
	version, rest, _ := strings.Cut(strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/"), "/")
	if version == "" {
		return "1.0\n2007-01-19\n2021-07-15\nlatest", "text/plain", true, nil
	}
	if version != "latest" && !isVersion(version) {
		return "", "", false, nil
	}
	entries, err := s.entries(s.address(r))
	if err != nil {
		return "", "", false, err
	}
	e := entries
	if rest != "" {
		e = entries.at(strings.Split(rest, "/"))
	}
	switch {
	case e == nil:
		return "", "", false, nil
	case e.sub != nil:
		return e.listing(), "text/plain", true, nil
	}
	body, err = e.text()
	return body, "text/plain", err == nil, err
}

// address is the instance's: as it was given, else where the request is from.
func (s *server) address(r *http.Request) string {
	if s.o.PrivateIP != "" {
		return s.o.PrivateIP
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

func isVersion(v string) bool {
	_, err := time.Parse("2006-01-02", v)
	return err == nil || v == "1.0"
}

// document is the instance identity document [EC2:instance-identity-documents].
type document struct {
	AccountID    string  `json:"accountId"`
	Architecture string  `json:"architecture"`
	AZ           string  `json:"availabilityZone"`
	Billing      *string `json:"billingProducts"`
	DevpayCodes  *string `json:"devpayProductCodes"`
	Marketplace  *string `json:"marketplaceProductCodes"`
	ImageID      string  `json:"imageId"`
	InstanceID   string  `json:"instanceId"`
	InstanceType string  `json:"instanceType"`
	KernelID     *string `json:"kernelId"`
	PendingTime  string  `json:"pendingTime"`
	PrivateIP    string  `json:"privateIp"`
	RamdiskID    *string `json:"ramdiskId"`
	Region       string  `json:"region"`
	Version      string  `json:"version"`
}

// Document makes the identity document of an instance that was started at a
// time; the authority signs it.
func Document(o Options, started time.Time) ([]byte, error) {
	o = o.described()
	d := document{AccountID: o.AccountID, Architecture: "x86_64", AZ: o.AZ, ImageID: o.ImageID, InstanceID: o.InstanceID, InstanceType: o.InstanceType,
		PendingTime: started.UTC().Format(time.RFC3339), PrivateIP: o.PrivateIP, Region: o.Region, Version: "2017-09-30"}
	out, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the identity document: %w", err)
	}
	return out, nil
}
