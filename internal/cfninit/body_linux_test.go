package cfninit

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fetchInto runs `files` with /data/f from a URL on a root.
func fetchInto(t *testing.T, root, url string, change func(*Runner)) error {
	t.Helper()
	r := &Runner{Root: root, Sleep: func(context.Context, time.Duration) {}}
	if change != nil {
		change(r)
	}
	_, err := r.Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {files: {/data/f: {source: "`+url+`"}}}}`), nil)
	return err
}

// trickle sends a byte every few milliseconds until the client is gone.
func trickle(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		fmt.Fprint(w, "x")
		w.(http.Flusher).Flush()
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAServerThatSendsNextToNothingIsGivenUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(trickle))
	defer server.Close()
	root := t.TempDir()
	must(t, os.MkdirAll(root+"/data", 0o755))
	must(t, os.WriteFile(root+"/data/f", []byte("old"), 0o640))
	start := time.Now()
	err := fetchInto(t, root, server.URL, func(r *Runner) { r.wait = 50 * time.Millisecond })
	if got := errorText(err); got != "Failed to retrieve "+server.URL+": ('Connection broken: the server sends next to nothing',)" {
		t.Errorf("error %q", got)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if got := entries(t, root+"/data"); got != `f "old" 0640` {
		t.Errorf("left behind: %s", got)
	}
}

func TestABodyThatGoesOnIsNotGivenUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 6 {
			w.Write(bytes.Repeat([]byte("x"), leastBytes))
			w.(http.Flusher).Flush()
			time.Sleep(40 * time.Millisecond)
		}
	}))
	defer server.Close()
	root := t.TempDir()
	if err := fetchInto(t, root, server.URL, func(r *Runner) { r.wait = 100 * time.Millisecond }); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(root + "/data/f"); err != nil || st.Size() != 6*leastBytes {
		t.Errorf("%v, %v", st, err)
	}
}

func TestSumsAreMadeBesideTheCopying(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	sum := md5.Sum(data)
	var out bytes.Buffer
	got, err := copyBody(&out, bytes.NewReader(data), true)
	if err != nil || got != hex.EncodeToString(sum[:]) || !bytes.Equal(out.Bytes(), data) {
		t.Errorf("sum %s, %d bytes, %v", got, out.Len(), err)
	}
	if got, err = copyBody(&out, strings.NewReader(""), true); err != nil || got != "d41d8cd98f00b204e9800998ecf8427e" {
		t.Errorf("sum of nothing %s, %v", got, err)
	}
}

// small mounts a disk of a megabyte at a folder of a root.
func small(t *testing.T, at string) {
	t.Helper()
	must(t, os.MkdirAll(at, 0o755))
	if err := unix.Mount("beanpole-test", at, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(at, unix.MNT_DETACH) })
}

func TestAFullDiskBringsTheOldFileBack(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 2<<20))
	}))
	defer server.Close()
	root := t.TempDir()
	small(t, root+"/data")
	must(t, os.WriteFile(root+"/data/f", []byte("old"), 0o640))
	err := fetchInto(t, root, server.URL, nil)
	if got := errorText(err); got != "Failed to retrieve "+server.URL+": [Errno 28] No space left on device" {
		t.Errorf("error %q", got)
	}
	if got := entries(t, root+"/data"); got != `f "old" 0640` {
		t.Errorf("left behind: %s", got)
	}
}

func TestASourceWithoutEndDoesNotFillTheDisk(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for block := make([]byte, 64<<10); r.Context().Err() == nil; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	root := t.TempDir()
	small(t, filepath.Join(root, "tmp"))
	r := &Runner{Root: root, Sleep: func(context.Context, time.Duration) {}}
	_, err := r.Build(context.Background(), parse(t, `AWS::CloudFormation::Init: {config: {sources: {/srv/app: "`+server.URL+`"}}}`), nil)
	if got := errorText(err); got != "Failed to retrieve "+server.URL+": [Errno 28] No space left on device" {
		t.Errorf("error %q", got)
	}
	var st unix.Statfs_t
	must(t, unix.Statfs(root+"/tmp", &st))
	if st.Bfree != st.Blocks {
		t.Errorf("%d of %d blocks are still taken", st.Blocks-st.Bfree, st.Blocks)
	}
}
