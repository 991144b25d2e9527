package state

import (
	"encoding/json"
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// build makes the account's view from the records.
func (s *State) build(t *Tx) (*account.Account, error) {
	a := &account.Account{ID: s.meta.AccountID, Partition: "aws", Region: s.meta.Region, Complete: true}
	ids := map[string]string{} // ARN of a role or user that exists, and its ID
	for _, f := range []func(*Tx, *account.Account, map[string]string) error{s.viewUsers, s.viewRoles, s.viewProfiles, s.viewPolicies, s.viewKeys, s.viewBuckets} {
		if err := f(t, a, ids); err != nil {
			return nil, fmt.Errorf("read the account: %w", err)
		}
	}
	return a, nil
}

// RoleARN is a role's ARN.
func (s *State) RoleARN(r *Role) string { return s.ARN("iam", "", "role"+r.Path+r.Name) }

// ProfileARN is an instance profile's ARN.
func (s *State) ProfileARN(p *Profile) string {
	return s.ARN("iam", "", "instance-profile"+p.Path+p.Name)
}

// UserARN is a user's ARN.
func (s *State) UserARN(u *User) string { return s.ARN("iam", "", "user"+u.Path+u.Name) }

// PolicyARN is a customer managed policy's ARN.
func (s *State) PolicyARN(p *Policy) string { return s.ARN("iam", "", "policy"+p.Path+p.Name) }

func (s *State) viewUsers(t *Tx, a *account.Account, ids map[string]string) error {
	users, err := List[User](t, "user")
	if err != nil {
		return err
	}
	for _, u := range users {
		inline, err := parseAll(u.Inline)
		if err != nil {
			return err
		}
		arn := s.UserARN(u)
		ids[arn] = u.ID
		a.Users = append(a.Users, &account.User{Name: u.Name, Path: u.Path, ARN: arn, ID: u.ID, Inline: inline, Attached: u.Attached})
	}
	return nil
}

func (s *State) viewRoles(t *Tx, a *account.Account, ids map[string]string) error {
	roles, err := t.Roles()
	if err != nil {
		return err
	}
	for _, r := range roles {
		ids[s.RoleARN(r)] = r.ID
	}
	for _, r := range roles {
		trust, err := parseBound("trust policy of role "+r.Name, r.Trust, ids)
		if err != nil {
			return err
		}
		inline, err := parseAll(r.Inline)
		if err != nil {
			return err
		}
		a.Roles = append(a.Roles, &account.Role{Name: r.Name, Path: r.Path, ARN: s.RoleARN(r), ID: r.ID, Trust: trust,
			Inline: inline, Attached: r.Attached, Boundary: r.Boundary})
	}
	return nil
}

func (s *State) viewProfiles(t *Tx, a *account.Account, _ map[string]string) error {
	profiles, err := t.Profiles()
	for _, p := range profiles {
		a.Profiles = append(a.Profiles, &account.Profile{Name: p.Name, Path: p.Path, ARN: s.ProfileARN(p), ID: p.ID, Roles: p.Roles})
	}
	return err
}

func (s *State) viewPolicies(t *Tx, a *account.Account, _ map[string]string) error {
	policies, err := List[Policy](t, "policy")
	if err != nil {
		return err
	}
	for _, p := range policies {
		arn := s.PolicyARN(p)
		parsed, err := parse(arn, p.Text)
		if err != nil {
			return err
		}
		a.Managed = append(a.Managed, &account.Managed{ARN: arn, Name: p.Name, Policy: parsed})
	}
	return nil
}

func (s *State) viewKeys(t *Tx, a *account.Account, ids map[string]string) error {
	keys, err := t.Keys()
	if err != nil {
		return err
	}
	for _, k := range keys {
		v := &account.Key{ID: k.ID, ARN: k.ARN, Aliases: k.Aliases, Enabled: fact.Of(!k.Disabled && !k.PendingDeletion), PendingDeletion: k.PendingDeletion, GrantsKnown: true}
		if v.Policy, err = parseBound("key policy", k.Policy, ids); err != nil {
			return err
		}
		a.Keys = append(a.Keys, v)
	}
	return nil
}

func (p *PublicAccess) view() *account.PublicAccess {
	if p == nil {
		return account.Open()
	}
	return &account.PublicAccess{BlockPolicy: fact.Of(p.BlockPolicy), Restrict: fact.Of(p.Restrict), BlockACLs: fact.Of(p.BlockACLs), IgnoreACLs: fact.Of(p.IgnoreACLs)}
}

// view leaves a key out that KMS here does not hold: of what nothing is known,
// nobody is refused. `up` says so.
func (e *Encryption) view(a *account.Account) *account.Encryption {
	v := &account.Encryption{Algorithm: e.Algorithm, Key: e.Key, BucketKey: fact.Of(e.BucketKey)}
	if !held(a, v) {
		return nil
	}
	return v
}

// held reports whether KMS here knows an encryption's key.
func held(a *account.Account, e *account.Encryption) bool {
	if e.KMS() != fact.Holds || e.Key == "" || strings.HasSuffix(e.Key, account.S3Key) {
		return true
	}
	_, found := a.Key(e.Key)
	return found == fact.Holds
}

// settle makes an object one of S3's own keys when KMS here does not hold its
// key, for the same reason.
func settle(a *account.Account, o *account.Object) *account.Object {
	if o.Encryption != nil && !held(a, o.Encryption) {
		o.Encryption = &account.Encryption{Algorithm: "AES256"}
	}
	return o
}

func (s *State) viewBuckets(t *Tx, a *account.Account, ids map[string]string) error {
	buckets, err := t.Buckets()
	if err != nil {
		return err
	}
	for _, b := range buckets {
		v := &account.Bucket{Name: b.Name, Region: b.Region, Owner: s.meta.AccountID, Objects: map[string]*account.Object{}, ObjectsComplete: true,
			PublicAccess: b.PublicAccess.view(), Ownership: b.Ownership}
		if v.Ownership == "" {
			v.Ownership = account.OwnerEnforced
		}
		if e := b.Encryption; e != nil {
			v.Encryption = e.view(a)
		}
		if b.Policy != nil {
			if v.Policy, err = parseBound("bucket policy", *b.Policy, ids); err != nil {
				return err
			}
		}
		err := t.EachObject(b.Name, "", "", func(key string, data []byte) error {
			var o Object
			if err := json.Unmarshal(data, &o); err != nil {
				return err
			}
			v.Objects[key] = settle(a, o.view())
			return nil
		})
		if err != nil {
			return err
		}
		a.Buckets = append(a.Buckets, v)
	}
	return nil
}

func parse(name, text string) (*iam.Policy, error) { return iam.ParseJSON(name, "", []byte(text)) }

func parseAll(ds []Document) ([]*iam.Policy, error) {
	var out []*iam.Policy
	for _, d := range ds {
		p, err := parse("inline policy "+d.Name, d.Text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// parseBound parses a policy that names principals. A principal that is gone,
// or was made again since, stands there as the unique ID that it had.
func parseBound(name string, d Document, ids map[string]string) (*iam.Policy, error) {
	p, err := parse(name, d.Text)
	if err != nil {
		return nil, err
	}
	for _, st := range p.Statements {
		for _, ps := range []*iam.Principals{st.Principal, st.NotPrincipal} {
			if ps == nil {
				continue
			}
			for i, term := range ps.AWS {
				if id, ok := d.Bound[term.Text]; ok && ids[term.Text] != id {
					ps.AWS[i].Text = id
				}
			}
		}
	}
	return p, nil
}

// Bind makes a Document of a policy text whose roles and users must exist in
// the account: it notes their IDs. Dead names the first principal of this
// account that does not exist, "" when all do.
func (s *State) Bind(t *Tx, name, text string) (d Document, dead string, err error) {
	p, err := parse(name, text)
	if err != nil {
		return Document{}, "", err
	}
	d = Document{Text: text, Bound: map[string]string{}}
	for _, st := range p.Statements {
		for _, ps := range []*iam.Principals{st.Principal, st.NotPrincipal} {
			if ps == nil {
				continue
			}
			for _, term := range ps.AWS {
				id, ok, err := s.principalID(t, term.Text)
				if err != nil {
					return Document{}, "", err
				}
				if !ok {
					return Document{}, term.Text, nil
				}
				if id != "" {
					d.Bound[term.Text] = id
				}
			}
		}
	}
	return d, "", nil
}

// principalID is the unique ID of a principal of a policy. Accounts, role
// sessions and principals of other accounts have none to note; ok is false
// for what can't exist.
func (s *State) principalID(t *Tx, principal string) (id string, ok bool, err error) {
	if principal == "*" || isAccountID(principal) {
		return "", true, nil
	}
	rest, iamARN := strings.CutPrefix(principal, "arn:aws:iam::")
	if !iamARN {
		return "", strings.HasPrefix(principal, "arn:aws:sts::"), nil
	}
	owner, resource, _ := strings.Cut(rest, ":")
	if owner != s.meta.AccountID || resource == "root" {
		return "", isAccountID(owner) && resource != "", nil
	}
	kind, path, _ := strings.Cut(resource, "/")
	name := path[strings.LastIndex(path, "/")+1:]
	switch kind {
	case "role":
		r, found, err := t.Role(name)
		if err != nil || !found || s.RoleARN(r) != principal {
			return "", false, err
		}
		return r.ID, true, nil
	case "user":
		u, found, err := t.User(name)
		if err != nil || !found || s.UserARN(u) != principal {
			return "", false, err
		}
		return u.ID, true, nil
	}
	return "", false, nil
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// Shown is a policy's text as AWS shows it: a principal that is gone stands
// there as the unique ID that it had.
func (s *State) Shown(t *Tx, d Document) (string, error) {
	text := d.Text
	for arn, id := range d.Bound {
		now, ok, err := s.principalID(t, arn)
		if err != nil {
			return "", err
		}
		if !ok || now != id {
			text = strings.ReplaceAll(text, `"`+arn+`"`, `"`+id+`"`)
		}
	}
	return text, nil
}
