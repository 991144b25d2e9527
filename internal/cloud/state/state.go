// Package state is the local cloud's durable store, and the account as access
// sees it: roles, instance profiles, users, policies, buckets, objects, access
// keys and role sessions, in one bbolt file.
//
// Its promise: every change is one transaction, so that a process killed at
// any moment leaves no half-made thing. Policies are kept as their original
// text; the account's view is rebuilt from the records. Its limit: one
// process at a time on a directory.
package state

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"beanpole/internal/account"
	"beanpole/internal/source"
)

// What an account is called when nobody says otherwise.
const (
	DefaultAccountID = "000000000000"
	DefaultRegion    = "us-east-1"
)

// lockWait is how long to wait for another process to let the store go.
const lockWait = 500 * time.Millisecond

// State is the open store. It is safe for concurrent use.
type State struct {
	dir string
	db  *bbolt.DB
	now func() time.Time

	mu      sync.RWMutex
	meta    meta
	account *account.Account
	own     AccessKey // see OwnKey

	late late
}

// meta is what the store knows of itself.
type meta struct {
	AccountID string
	Region    string
	Canonical string // S3's canonical user ID, 64 hexadecimal digits
}

// Open opens the store in dir, and makes it with the default account ID and
// region when there is none.
func Open(dir string) (*State, error) { return OpenAs(dir, "", "") }

// OpenAs is Open for an account ID and a region; they count when the store is
// made. An empty one is the default.
func OpenAs(dir, accountID, region string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make %q: %w", dir, err)
	}
	path := filepath.Join(dir, "state.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, &source.Problem{What: fmt.Sprintf("another beanpole is using %s", dir), Remedy: "stop it, or choose another directory"}
	}
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", path, err)
	}
	s := &State{dir: dir, db: db, now: time.Now, own: AccessKey{ID: NewID("AKIA"), Secret: newSecret(30)}}
	if err := s.begin(accountID, region); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

// begin reads the store, and fills it at its first start.
func (s *State) begin(accountID, region string) error {
	err := s.Update(func(tx *Tx) error {
		tx.rebuild = true
		if ok, err := tx.Get("meta", "meta", &s.meta); ok || err != nil {
			return err
		}
		s.meta = meta{AccountID: or(accountID, DefaultAccountID), Region: or(region, DefaultRegion), Canonical: Random("0123456789abcdef", 64)}
		return tx.Put("meta", "meta", s.meta)
	})
	if err != nil {
		return fmt.Errorf("read store: %w", err)
	}
	return s.ensureAdmin()
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Close writes what is left to write and lets the store go.
func (s *State) Close() error {
	s.late.writers.Wait()
	return errors.Join(s.settled(), s.db.Close())
}

// Dir is the store's directory.
func (s *State) Dir() string { return s.dir }

// AccountID is the account's 12 digits.
func (s *State) AccountID() string { return s.meta.AccountID }

// Region is the default region.
func (s *State) Region() string { return s.meta.Region }

// CanonicalID is the account's canonical user ID, which S3 names as owner.
func (s *State) CanonicalID() string { return s.meta.Canonical }

// ARN makes an ARN of this account; IAM's have no region.
func (s *State) ARN(service, region, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + s.meta.AccountID + ":" + resource
}

// View calls f with the account as it is now. F must neither keep nor change
// it, and must not call View or Update.
func (s *State) View(f func(*account.Account)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f(s.account)
}

// Update carries out f in one transaction: all of it or, when f or the disk
// fails, nothing.
func (s *State) Update(f func(*Tx) error) error {
	tx := &Tx{}
	var next *account.Account
	var taken []lateRecord
	// mu is taken inside the transaction and held until the commit is done, so
	// that nobody sees an account that is not on disk, and views change in the
	// order of the commits.
	locked := false
	defer func() {
		if locked {
			s.mu.Unlock()
		}
	}()
	err := s.db.Update(func(b *bbolt.Tx) error {
		tx.tx = b
		var err error
		if taken, err = s.takeLate(tx); err != nil {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		if tx.rebuild {
			if next, err = s.build(tx); err != nil {
				return err
			}
		}
		if tx.rebuild || len(tx.objects) > 0 {
			s.mu.Lock()
			locked = true
		}
		return nil
	})
	s.lateDone(taken, err == nil)
	if err != nil {
		return err
	}
	if next != nil {
		s.account = next
	} else if locked {
		tx.applyObjects(s.account)
	}
	return nil
}

// Read calls f with a transaction that sees one moment and changes nothing. F
// must not call View or Update: a writer may be waiting for this reader. What
// Later was given may not be there yet.
func (s *State) Read(f func(*Tx) error) error {
	return s.db.View(func(b *bbolt.Tx) error { return f(&Tx{tx: b}) })
}

// Put keeps v, as JSON, under kind and key, for a service's own records.
func (s *State) Put(kind, key string, v any) error {
	return s.Update(func(tx *Tx) error { return tx.Put(kind, key, v) })
}

// Get reads what Put kept into v; ok is false when there is nothing.
func (s *State) Get(kind, key string, v any) (ok bool, err error) {
	if err := s.settled(); err != nil {
		return false, err
	}
	err = s.Read(func(tx *Tx) error {
		ok, err = tx.Get(kind, key, v)
		return err
	})
	return ok, err
}

// Delete forgets what Put kept; nothing there is no error.
func (s *State) Delete(kind, key string) error {
	return s.Update(func(tx *Tx) error { return tx.Delete(kind, key) })
}

// Each calls f with every record of a kind in the order of their keys; data
// is JSON and only valid during the call.
func (s *State) Each(kind string, f func(key string, data []byte) error) error {
	if err := s.settled(); err != nil {
		return err
	}
	return s.Read(func(tx *Tx) error { return tx.Each(kind, "", f) })
}

// List reads all records of a kind in the order of their keys.
func List[T any](tx *Tx, kind string) ([]*T, error) {
	var out []*T
	err := tx.Each(kind, "", func(_ string, data []byte) error {
		v := new(T)
		if err := json.Unmarshal(data, v); err != nil {
			return fmt.Errorf("read a %s: %w", kind, err)
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// NewID makes an ID as IAM does: a prefix ("AROA", "AIPA", "AIDA", "ANPA",
// "AKIA", "ASIA") and 17 or, for keys, 16 random characters
// [IAM:reference_identifiers].
func NewID(prefix string) string {
	n := 17
	if prefix == "AKIA" || prefix == "ASIA" {
		n = 16
	}
	return prefix + Random("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", n)
}

// Random is n characters drawn from an alphabet by the system's source
// of randomness, which does not fail.
func Random(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic("unreachable: " + err.Error())
		}
		b.WriteByte(alphabet[i.Int64()])
	}
	return b.String()
}
