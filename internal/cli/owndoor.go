package cli

import (
	"context"
	"crypto/subtle"
	"io"
	"net/http"
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
