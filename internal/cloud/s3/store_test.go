package s3

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

func openStore(t *testing.T, dir string) (*Service, *state.State) {
	t.Helper()
	st, err := state.OpenAs(dir, "123456789012", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	s, err := New(st)
	if err != nil {
		t.Fatal(err)
	}
	return s, st
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "objects", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// failing is a body that breaks off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken off") }

func TestStoreKeepsExactlyTheFilesThatObjectsHave(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s, st := openStore(t, dir)
	put := func(key string, body io.Reader) error {
		_, err := s.PutObject(ctx, &s3.PutObjectInput{Bucket: door.Pointer("bkt"), Key: &key, Body: body})
		return err
	}
	if err := put("k", strings.NewReader("no bucket")); err == nil || len(files(t, dir)) != 0 {
		t.Errorf("put into no bucket: error %v, files %v", err, files(t, dir))
	}
	if err := s.Seed("bkt", "seeded", []byte("seed")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: door.Pointer("bkt")}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(put("k", strings.NewReader("one")), put("k", strings.NewReader("two"))); err != nil {
		t.Fatal(err)
	}
	if err := put("k", failing{}); err == nil {
		t.Error("a body that breaks off is stored")
	}
	if got := files(t, dir); len(got) != 2 { // the seeded one and "two"
		t.Errorf("files %v", got)
	}
	// What a killed process leaves is swept at the next start.
	for _, name := range []string{"writing-123", "0123456789abcdef0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, "objects", name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st.Close()
	s, _ = openStore(t, dir)
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("files after a restart: %v", got)
	}
	out, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: door.Pointer("bkt"), Key: door.Pointer("k")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if data, _ := io.ReadAll(out.Body); string(data) != "two" {
		t.Errorf("after a restart the object holds %q", data)
	}
	if _, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: door.Pointer("bkt"), Key: door.Pointer("k")}); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("files after a deletion: %v", got)
	}
}
