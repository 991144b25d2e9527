package cli

import (
	"context"
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"beanpole/internal/cloud"
)

// ownPrefix is where beanpole's own requests go, which are not AWS's: what a
// colleague would do by hand, and the end. They need the project's token.
const ownPrefix = "/_beanpole/"

// maxSeed is the largest object that --object takes.
const maxSeed = 64 << 20

type ownDoor struct {
	token    string
	next     http.Handler
	cloud    *cloud.Cloud
	launcher *launcher
	stop     context.CancelFunc
}

func (d *ownDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, own := strings.CutPrefix(r.URL.Path, ownPrefix)
	if fromPage(r) {
		http.Error(w, "not for web pages", http.StatusForbidden)
		return
	}
	if !own {
		d.next.ServeHTTP(w, r)
		return
	}
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(given), []byte(d.token)) != 1 {
		http.Error(w, "not for you", http.StatusForbidden)
		return
	}
	verb, rest, _ := strings.Cut(path, "/")
	switch r.Method + " " + verb {
	case "GET health":
	case "PUT objects":
		d.seed(w, r, rest)
	case "GET files":
		d.file(w, rest)
	case "POST stop":
		d.stop()
	default:
		http.NotFound(w, r)
	}
}

// fromPage tells requests that a web page in the user's browser sent: across
// sites, or under a name of its own that it let point here (DNS rebinding).
// Who signs, in whatever form, knows a secret that no page knows, and may.
func fromPage(r *http.Request) bool {
	q := r.URL.Query()
	v2 := q.Get("AWSAccessKeyId") != "" && q.Get("Signature") != "" && q.Get("Expires") != ""
	if r.Header.Get("Authorization") != "" || q.Get("X-Amz-Signature") != "" || v2 {
		return false // what does not hold is refused behind this door
	}
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" || r.Header.Get("Origin") != "" || !localName(r.Host)
}

// localName says whether a Host header is an address or name of this machine,
// or one of AWS's that a client was told to look for here.
func localName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback()
	}
	for _, name := range []string{"localhost", "localhost.localstack.cloud", "amazonaws.com", "amazonaws.com.cn"} {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

// seed keeps an object until its bucket is created, and puts it there at once.
func (d *ownDoor) seed(w http.ResponseWriter, r *http.Request, rest string) {
	bucket, key, _ := strings.Cut(rest, "/")
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSeed))
	if err == nil {
		err = d.cloud.Seed(bucket, key, data)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// file is a file of a running instance: ID/path.
func (d *ownDoor) file(w http.ResponseWriter, rest string) {
	id, path, _ := strings.Cut(rest, "/")
	data, err := d.launcher.readFile(id, "/"+path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Write(data)
}
