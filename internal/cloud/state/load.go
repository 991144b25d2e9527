package state

import (
	"fmt"
	"time"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// Load adds what an account holds to the store, for tests that hold
// prediction against the running cloud. Every text must be known. Objects
// have no content; only empty ones can be read.
func (s *State) Load(a *account.Account) error {
	return s.Update(func(tx *Tx) error {
		for _, f := range []func(*Tx, *account.Account) error{s.loadRoles, s.loadUsers, s.loadRest, s.loadKeys, s.loadBuckets} {
			if err := f(tx, a); err != nil {
				return fmt.Errorf("load account: %w", err)
			}
		}
		return nil
	})
}

func (s *State) loadRoles(tx *Tx, a *account.Account) error {
	for _, r := range a.Roles {
		rec := &Role{Name: r.Name, Path: or(r.Path, "/"), ID: or(r.ID, NewID("AROA")), MaxSession: 3600, Created: s.now().UTC(), Attached: r.Attached, Boundary: r.Boundary}
		var err error
		if rec.Inline, err = documents(r.Inline); err != nil {
			return err
		}
		if err := tx.PutRole(rec); err != nil {
			return err
		}
	}
	for _, r := range a.Roles { // trust policies may name roles that come later
		rec, _, err := tx.Role(r.Name)
		if err != nil {
			return err
		}
		if rec.Trust, err = s.bound(tx, r.Trust); err != nil {
			return err
		}
		if err := tx.PutRole(rec); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) loadUsers(tx *Tx, a *account.Account) error {
	for _, u := range a.Users {
		inline, err := documents(u.Inline)
		if err != nil {
			return err
		}
		if err := tx.PutUser(&User{Name: u.Name, Path: or(u.Path, "/"), ID: or(u.ID, NewID("AIDA")), Created: s.now().UTC(), Inline: inline, Attached: u.Attached}); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) loadRest(tx *Tx, a *account.Account) error {
	for _, p := range a.Profiles {
		if err := tx.PutProfile(&Profile{Name: p.Name, Path: or(p.Path, "/"), ID: or(p.ID, NewID("AIPA")), Created: s.now().UTC(), Roles: p.Roles}); err != nil {
			return err
		}
	}
	for _, m := range a.Managed {
		if _, ok := iam.AWSManaged(m.ARN); ok {
			continue
		}
		text, err := m.Policy.Text()
		if err != nil {
			return err
		}
		if err := tx.PutPolicy(&Policy{Name: m.Name, Path: "/", ID: NewID("ANPA"), Created: s.now().UTC(), Text: text}); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) loadKeys(tx *Tx, a *account.Account) error {
	for _, k := range a.Keys {
		d, err := s.bound(tx, k.Policy)
		if err != nil {
			return err
		}
		if err := tx.PutKey(&Key{ID: k.ID, ARN: k.ARN, Aliases: k.Aliases, Disabled: k.Enabled == fact.Broken, Policy: d}); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) loadBuckets(tx *Tx, a *account.Account) error {
	for _, b := range a.Buckets {
		rec := &Bucket{Name: b.Name, Region: or(b.Region, s.Region()), Created: s.now().UTC().Truncate(time.Second)}
		rec.Keep(b)
		if b.Policy != nil {
			d, err := s.bound(tx, b.Policy)
			if err != nil {
				return err
			}
			rec.Policy = &d
		}
		if err := tx.PutBucket(rec); err != nil {
			return err
		}
		for key, o := range b.Objects {
			if err := tx.PutObject(&Object{Bucket: b.Name, Key: key, Size: o.Size, ETag: o.ETag, Type: o.Type, Owner: o.Owner, Modified: s.now().UTC().Truncate(time.Second)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Keep takes over what a bucket says of access to it and of encryption.
func (b *Bucket) Keep(from *account.Bucket) {
	b.Ownership, b.PublicAccess, b.Encryption = from.Ownership, nil, nil
	if p := from.PublicAccess; p != nil {
		b.PublicAccess = &PublicAccess{BlockPolicy: p.BlockPolicy == fact.Holds, Restrict: p.Restrict == fact.Holds,
			BlockACLs: p.BlockACLs == fact.Holds, IgnoreACLs: p.IgnoreACLs == fact.Holds}
	}
	if e := from.Encryption; e.KMS() == fact.Holds {
		b.Encryption = &Encryption{Algorithm: e.Algorithm, Key: e.Key, BucketKey: e.BucketKey == fact.Holds}
	}
}

// bound is a policy with principals as a Document; a dead principal stays as
// it is, unlike in a request, so that worlds with one can be loaded.
func (s *State) bound(tx *Tx, p *iam.Policy) (Document, error) {
	text, err := p.Text()
	if err != nil {
		return Document{}, err
	}
	d, dead, err := s.Bind(tx, "policy", text)
	if dead != "" {
		d = Document{Text: text}
	}
	return d, err
}

func documents(ps []*iam.Policy) ([]Document, error) {
	var out []Document
	for i, p := range ps {
		text, err := p.Text()
		if err != nil {
			return nil, err
		}
		out = append(out, Document{Name: fmt.Sprintf("policy-%d", i), Text: text})
	}
	return out, nil
}
