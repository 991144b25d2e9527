package state

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"beanpole/internal/account"
)

// Tx is one transaction. It is only valid inside Update's or Read's function.
type Tx struct {
	tx      *bbolt.Tx
	rebuild bool // the account's view has to be made anew
	objects []objectChange
}

// objectChange is a change to one object. Objects are many and change often,
// so the view takes such changes in one by one.
type objectChange struct {
	bucket, key string
	object      *account.Object // nil: deleted
}

// viewed are the kinds of which the account's view is made.
var viewed = map[string]bool{"meta": true, "role": true, "profile": true, "user": true, "policy": true, "bucket": true, "kms-key": true}

// Put keeps v under kind and key.
func (t *Tx) Put(kind, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s %q: %w", kind, key, err)
	}
	return t.put(kind, key, data)
}

func (t *Tx) put(kind, key string, data []byte) error {
	b, err := t.tx.CreateBucketIfNotExists([]byte(kind))
	if err != nil {
		return fmt.Errorf("write %s %q: %w", kind, key, err)
	}
	if err := b.Put([]byte(key), data); err != nil {
		return fmt.Errorf("write %s %q: %w", kind, key, err)
	}
	t.rebuild = t.rebuild || viewed[kind]
	return nil
}

// Get reads what Put kept into v.
func (t *Tx) Get(kind, key string, v any) (ok bool, err error) {
	b := t.tx.Bucket([]byte(kind))
	if b == nil {
		return false, nil
	}
	data := b.Get([]byte(key))
	if data == nil {
		return false, nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("read %s %q: %w", kind, key, err)
	}
	return true, nil
}

// Delete forgets what Put kept.
func (t *Tx) Delete(kind, key string) error {
	b := t.tx.Bucket([]byte(kind))
	if b == nil {
		return nil
	}
	t.rebuild = t.rebuild || viewed[kind]
	if err := b.Delete([]byte(key)); err != nil {
		return fmt.Errorf("delete %s %q: %w", kind, key, err)
	}
	return nil
}

// Each calls f with the records of a kind whose keys begin with prefix, in
// the order of their keys. F may end the walk with Stop.
func (t *Tx) Each(kind, prefix string, f func(key string, data []byte) error) error {
	return t.EachFrom(kind, prefix, prefix, f)
}

// EachFrom is Each that begins at the first key that is not before from.
func (t *Tx) EachFrom(kind, prefix, from string, f func(key string, data []byte) error) error {
	b := t.tx.Bucket([]byte(kind))
	if b == nil {
		return nil
	}
	c := b.Cursor()
	for k, v := c.Seek([]byte(from)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
		if err := f(string(k), v); err == Stop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// stop is the type of Stop.
type stop struct{}

func (stop) Error() string { return "stop" }

// Stop, returned by Each's function, ends the walk without an error.
var Stop error = stop{}

// applyObjects takes the transaction's object changes into the view.
func (t *Tx) applyObjects(a *account.Account) {
	for _, c := range t.objects {
		for _, b := range a.Buckets {
			if b.Name != c.bucket {
				continue
			}
			if c.object == nil {
				delete(b.Objects, c.key)
			} else {
				b.Objects[c.key] = settle(a, c.object)
			}
		}
	}
}
