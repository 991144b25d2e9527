package state

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"beanpole/internal/aws"
	"beanpole/internal/iam"
)

// SessionLifetime is how long the credentials of an instance's role live
// [EC2:iam-roles-for-amazon-ec2]: about six hours.
const SessionLifetime = 6 * time.Hour

// AdminUser is the user that is there from the first start, with
// AdministratorAccess and the key in DIR/credentials.
const AdminUser = "admin"

// session is a role session's credentials.
type session struct {
	ID, Secret, Token string
	Principal         iam.Principal
	Role              string // name
	Expires           time.Time
}

// ensureAdmin makes the admin user at the first start, and its credentials
// file whenever that is missing.
func (s *State) ensureAdmin() error {
	var key AccessKey
	err := s.Update(func(tx *Tx) error {
		ok, err := tx.Get("meta", "admin", &key)
		if ok || err != nil {
			return err
		}
		u := &User{Name: AdminUser, Path: "/", ID: NewID("AIDA"), Created: s.now().UTC(), Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}}
		key = AccessKey{ID: NewID("AKIA"), Secret: newSecret(30), User: AdminUser, Created: s.now().UTC()}
		return errors.Join(tx.PutUser(u), tx.Put("key", key.ID, key), tx.Put("meta", "admin", key))
	})
	if err != nil {
		return fmt.Errorf("make the admin user: %w", err)
	}
	return s.writeCredentials(key)
}

// CredentialsFile is where the admin user's key is, in the form of AWS's
// shared credentials file.
func (s *State) CredentialsFile() string { return filepath.Join(s.dir, "credentials") }

// writeCredentials writes the file unless it holds this key already: one from
// an earlier store is of no use.
func (s *State) writeCredentials(key AccessKey) error {
	path := s.CredentialsFile()
	if old, err := os.ReadFile(path); err == nil && strings.Contains(string(old), key.ID) {
		return nil
	}
	text := fmt.Sprintf("# The admin user of beanpole's local cloud; good for nothing on AWS.\n[default]\naws_access_key_id = %s\naws_secret_access_key = %s\nregion = %s\n", key.ID, key.Secret, s.Region())
	f, err := os.CreateTemp(s.dir, "credentials-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close(), os.Rename(f.Name(), path)); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	return nil
}

// Admin is the admin user's access key, for the command line's own calls.
func (s *State) Admin() (aws.Credentials, error) {
	var key AccessKey
	ok, err := s.Get("meta", "admin", &key)
	if err != nil || !ok {
		return aws.Credentials{}, fmt.Errorf("read the admin user's key: %w", errors.Join(err, os.ErrNotExist))
	}
	return aws.Credentials{KeyID: key.ID, Secret: key.Secret}, nil
}

// NewUser makes a user with an access key and these managed policies.
func (s *State) NewUser(name string, policies ...string) (aws.Credentials, error) {
	key := AccessKey{ID: NewID("AKIA"), Secret: newSecret(30), User: name, Created: s.now().UTC()}
	err := s.Update(func(tx *Tx) error {
		if _, found, err := tx.User(name); found || err != nil {
			return errors.Join(fmt.Errorf("make user %q: it exists", name), err)
		}
		return errors.Join(
			tx.PutUser(&User{Name: name, Path: "/", ID: NewID("AIDA"), Created: s.now().UTC(), Attached: policies}),
			tx.Put("key", key.ID, key))
	})
	return aws.Credentials{KeyID: key.ID, Secret: key.Secret}, err
}

// NewSession issues credentials for a role session; lifetime 0 is
// SessionLifetime. For an instance the session name is its ID.
func (s *State) NewSession(role, sessionName string, lifetime time.Duration) (aws.Credentials, iam.Principal, error) {
	if lifetime == 0 {
		lifetime = SessionLifetime
	}
	now := s.now().UTC().Truncate(time.Second)
	c := session{ID: NewID("ASIA"), Secret: newSecret(30), Token: "IQoJb3JpZ2luX2Vj" + newSecret(240), Role: role, Expires: now.Add(lifetime)}
	err := s.Update(func(tx *Tx) error {
		r, ok, err := tx.Role(role)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("open a session of role %q: %w", role, os.ErrNotExist)
		}
		c.Role = r.Name
		c.Principal = iam.Principal{
			Account: s.AccountID(), ARN: s.RoleARN(r),
			SessionARN: s.ARN("sts", "", "assumed-role/"+r.Name+"/"+sessionName),
			UserID:     r.ID + ":" + sessionName,
		}
		if err := sweepSessions(tx, now); err != nil {
			return err
		}
		return tx.Put("session", c.ID, c)
	})
	return aws.Credentials{KeyID: c.ID, Secret: c.Secret, Token: c.Token, Expires: c.Expires}, c.Principal, err
}

// sweepSessions forgets sessions that have been over for a day, so that the
// store doesn't grow with every rotation. Fresher ones still answer
// ExpiredToken.
func sweepSessions(tx *Tx, now time.Time) error {
	all, err := List[session](tx, "session")
	if err != nil {
		return err
	}
	for _, c := range all {
		if now.Sub(c.Expires) > 24*time.Hour {
			if err := tx.Delete("session", c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Secret finds an access key's secret; it is an aws.KeyLookup.
func (s *State) Secret(keyID string) (secret, token string, expires time.Time, ok bool) {
	if keyID == s.own.ID {
		return s.own.Secret, "", time.Time{}, true
	}
	var k AccessKey
	if found, err := s.Get("key", keyID, &k); found && err == nil {
		return k.Secret, "", time.Time{}, true
	}
	var c session
	if found, err := s.Get("session", keyID, &c); found && err == nil {
		return c.Secret, c.Token, c.Expires, true
	}
	return "", "", time.Time{}, false
}

// OwnKey is the key with which CloudFormation signs the addresses of wait
// conditions' handles, as on AWS it does with one of its own. It lives as long
// as this process.
func (s *State) OwnKey() aws.Credentials {
	return aws.Credentials{KeyID: s.own.ID, Secret: s.own.Secret}
}

// Principal is who a key belongs to. The sessions of a role that was deleted,
// even if it was made again, belong to nobody.
func (s *State) Principal(keyID string) (iam.Principal, bool) {
	var p iam.Principal
	if keyID == s.own.ID {
		return iam.Principal{Account: s.AccountID(), Service: "cloudformation.amazonaws.com"}, true
	}
	err := s.Read(func(tx *Tx) error {
		var k AccessKey
		if ok, err := tx.Get("key", keyID, &k); err != nil {
			return err
		} else if ok {
			u, found, err := tx.User(k.User)
			if err != nil || !found {
				return errors.Join(os.ErrNotExist, err)
			}
			p = iam.Principal{Account: s.AccountID(), ARN: s.UserARN(u), UserID: u.ID}
			return nil
		}
		var c session
		if ok, err := tx.Get("session", keyID, &c); err != nil || !ok {
			return errors.Join(os.ErrNotExist, err)
		}
		r, ok, err := tx.Role(c.Role)
		if err != nil || !ok || len(c.Principal.UserID) < len(r.ID) || c.Principal.UserID[:len(r.ID)] != r.ID {
			return errors.Join(os.ErrNotExist, err)
		}
		p = c.Principal
		return nil
	})
	return p, err == nil
}

// newSecret is n random bytes as base64 text: 30 give the 40 characters of an
// AWS secret access key.
func newSecret(n int) string {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic("unreachable: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(b)
}
