//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// bundleMoves is the way of a bundle, by the shortest code for each step of AWS's:
// a zip of the folder's files, not compressed; a PUT over HTTP to a server that
// keeps a file, while the MD5 that is S3's ETag is summed; a GET over HTTPS to a
// file; and the files unpacked from it. Nothing is signed or synced to the disk.
func (s *stage) bundleMoves() (time.Duration, error) {
	dir, err := os.MkdirTemp(s.dir, "moved.")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	plain, secure, done, err := s.storage(filepath.Join(dir, "stored.zip"))
	if err != nil {
		return 0, err
	}
	defer done()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	start := time.Now()
	packed, err := zipped(filepath.Join(s.dir, "app"))
	if err != nil {
		return 0, err
	}
	summed := make(chan [md5.Size]byte, 1)
	go func() { summed <- md5.Sum(packed) }()
	put, err := http.NewRequest(http.MethodPut, plain, bytes.NewReader(packed))
	if err != nil {
		return 0, err
	}
	if err := exchange(client, put, io.Discard); err != nil {
		return 0, err
	}
	<-summed
	get, err := http.NewRequest(http.MethodGet, secure, nil)
	if err != nil {
		return 0, err
	}
	file := filepath.Join(dir, "bundle.zip")
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(exchange(client, get, f), f.Close()); err != nil {
		return 0, err
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	err = os.CopyFS(filepath.Join(dir, "staging"), r)
	return time.Since(start), err
}

// zipped is a zip of a folder's files.
func zipped(folder string) ([]byte, error) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	err := filepath.WalkDir(folder, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		packed.Grow(len(data) + 512) // once a file, and not as it fills
		name, _ := filepath.Rel(folder, p)
		w, err := z.CreateHeader(&zip.FileHeader{Name: name})
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	})
	err = errors.Join(err, z.Close())
	return packed.Bytes(), err
}

// storage is a server that keeps one file: its addresses over HTTP and HTTPS.
func (s *stage) storage(file string) (plain, secure string, done func(), err error) {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			http.ServeFile(w, r, file)
			return
		}
		f, err := os.Create(file)
		if err == nil {
			_, err = io.Copy(f, r.Body)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})}
	var at [2]net.Listener
	for i := range at {
		if at[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			server.Close()
			return "", "", nil, err
		}
	}
	certs := filepath.Join(s.dir, "certs")
	go server.Serve(at[0])
	go server.ServeTLS(at[1], filepath.Join(certs, "server.crt"), filepath.Join(certs, "server.key"))
	return "http://" + at[0].Addr().String() + "/", "https://" + at[1].Addr().String() + "/", func() { server.Close() }, nil
}

// exchange sends a request and copies the answer.
func exchange(client *http.Client, r *http.Request, to io.Writer) error {
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", r.Method, r.URL, answer.Status)
	}
	_, err = io.Copy(to, answer.Body)
	return err
}
