// Package s3 is the local Amazon S3: buckets in regions, bucket policies and
// objects, over S3's REST protocol in path and virtual-hosted style.
//
// Its promise: an object that was acknowledged survives kill -9; its data is
// a file that was synced and renamed before the record that names it was
// committed. Its limits: no versions, ACLs or tags, and nothing is encrypted: the
// key that an object is under only decides who may store and read it. What it does not carry out it refuses
// by name.
//
// The wire and the storage are written here and not taken from a library:
// gofakes3, the candidate, reads a whole object into memory or doesn't sync
// it, loses multipart uploads at a restart, doesn't read the trailers that
// current SDKs send, routes on its own (the front door must know the
// operation before it asks whether the caller may) and has no bucket
// policies and no regions.
package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// Service is S3 over a store and a directory of object data.
type Service struct {
	state *state.State
	dir   string

	mu    sync.Mutex
	seeds map[string]map[string][]byte // bucket, key
}

// New makes the service, with object data below the store's directory, and
// clears away what an interrupted write left there.
func New(s *state.State) (*Service, error) {
	v := &Service{state: s, dir: filepath.Join(s.Dir(), "objects"), seeds: map[string]map[string][]byte{}}
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make %q: %w", v.dir, err)
	}
	return v, v.sweep()
}

// Seed has an object put the moment that its bucket is created; when the
// bucket exists it is put now. A seed that was not used is forgotten when the
// process ends.
func (s *Service) Seed(bucket, key string, data []byte) error {
	exists := false
	s.mu.Lock()
	err := s.state.Read(func(tx *state.Tx) (err error) {
		_, exists, err = tx.Bucket(bucket)
		return err
	})
	if err == nil && !exists {
		if s.seeds[bucket] == nil {
			s.seeds[bucket] = map[string][]byte{}
		}
		s.seeds[bucket][key] = append([]byte(nil), data...)
	}
	s.mu.Unlock()
	if err != nil || !exists {
		return err
	}
	_, err = s.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)})
	return err
}

// stored is data that was written, but that no record names yet.
type stored struct {
	file string // below the directory
	size int64
	md5  []byte
}

// maxObject is the largest object that one PUT may carry: 5 GiB.
const maxObject = 5 << 30

// store writes data to a temporary file, syncs it and gives it its name. Also
// gets everything that is written.
func (s *Service) store(r io.Reader, also io.Writer) (d stored, err error) {
	f, err := os.CreateTemp(s.dir, "writing-*")
	if err != nil {
		return d, fmt.Errorf("store object: %w", err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if r == nil {
		r = bytes.NewReader(nil)
	}
	sum, summed := beside(md5.New())
	d.size, err = io.Copy(io.MultiWriter(f, sum, also), io.LimitReader(r, maxObject+1))
	d.md5 = summed()
	if err != nil {
		return d, readFailure(err)
	}
	if d.size > maxObject {
		return d, aws.NewError("EntityTooLarge")
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return d, fmt.Errorf("store object: %w", err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	d.file = hex.EncodeToString(id)
	if err := os.Rename(f.Name(), s.path(d.file)); err != nil {
		return d, fmt.Errorf("store object: %w", err)
	}
	return d, syncDir(s.dir)
}

// beside sums what is written in a goroutine of its own, while the next part is
// read and stored. sum ends it.
func beside(h hash.Hash) (w io.Writer, sum func() []byte) {
	r, pipe := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(h, r)
	}()
	return pipe, func() []byte {
		pipe.Close()
		<-ended
		return h.Sum(nil)
	}
}

// readFailure is what a body that could not be read ends in.
func readFailure(err error) error {
	var e *aws.Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.NewError("IncompleteBody")
	}
	return fmt.Errorf("store object: %w", err)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync %q: %w", dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %q: %w", dir, err)
	}
	return nil
}

func (s *Service) path(file string) string { return filepath.Join(s.dir, filepath.Base(file)) }

// drop removes data that no record names any more. What can't be removed is
// swept at the next start.
func (s *Service) drop(files ...string) {
	for _, f := range files {
		if f != "" {
			os.Remove(s.path(f))
		}
	}
}

// sweep removes files that no record names.
func (s *Service) sweep() error {
	used := map[string]bool{}
	err := s.state.Read(func(tx *state.Tx) error {
		for _, kind := range []string{"object", partKind} {
			all, err := state.List[struct{ File string }](tx, kind)
			if err != nil {
				return err
			}
			for _, o := range all {
				used[o.File] = true
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sweep objects: %w", err)
	}
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !used[d.Name()] {
			err = os.Remove(path)
		}
		if err != nil {
			return fmt.Errorf("sweep objects: %w", err)
		}
		return nil
	})
}

// bucket finds a bucket that must exist.
func bucket(tx *state.Tx, name *string) (*state.Bucket, error) {
	b, ok, err := tx.Bucket(door.Value(name))
	if err == nil && !ok {
		err = aws.NewError("NoSuchBucket").With("BucketName", door.Value(name))
	}
	return b, err
}

// onBucket is the question about one bucket, onObject that about one object.
func onBucket[I any](action string, of func(*I) *string) func(context.Context, *I) []door.Ask {
	return func(_ context.Context, in *I) []door.Ask {
		return []door.Ask{{Action: action, S3: true, Bucket: door.Value(of(in))}}
	}
}

func onObject[I any](action string, of func(*I) (bucket, key *string)) func(context.Context, *I) []door.Ask {
	return func(_ context.Context, in *I) []door.Ask {
		b, k := of(in)
		return []door.Ask{{Action: action, S3: true, Bucket: door.Value(b), Key: door.Value(k)}}
	}
}

// now is the time in S3's precision: listings show milliseconds, headers
// seconds; records keep whole seconds so that conditional requests agree.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
