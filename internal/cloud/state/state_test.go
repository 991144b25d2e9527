package state

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

func open(t *testing.T, dir string) *State {
	t.Helper()
	s, err := OpenAs(dir, "123456789012", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestMain(m *testing.M) {
	switch os.Getenv("STATE_TEST_CHILD") {
	case "write":
		write(os.Getenv("STATE_TEST_DIR"))
	case "open":
		_, err := Open(os.Getenv("STATE_TEST_DIR"))
		fmt.Print(err)
	default:
		os.Exit(m.Run())
	}
}

// write makes pairs of a role and an instance profile, each pair in one
// transaction, until it is killed.
func write(dir string) {
	s, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("n%06d", i)
		err := s.Update(func(tx *Tx) error {
			return errors.Join(tx.PutRole(&Role{Name: name, Path: "/", ID: NewID("AROA"), Trust: Document{Text: trust}}),
				tx.PutProfile(&Profile{Name: name, Path: "/", ID: NewID("AIPA"), Roles: []string{name}}))
		})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(name)
	}
}

func TestKilledProcessLeavesNothingHalfMadeAndLosesNothingSaid(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STATE_TEST_CHILD=write", "STATE_TEST_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = lines.Text()
		if said == "n000020" {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	s := open(t, dir)
	s.View(func(a *account.Account) {
		if _, v := a.Role(said); v != fact.Holds {
			t.Errorf("role %s was said to be there", said)
		}
		if len(a.Roles) != len(a.Profiles) || len(a.Roles) < 21 {
			t.Errorf("%d roles and %d profiles", len(a.Roles), len(a.Profiles))
		}
	})
}

func TestSecondProcessOnADirectoryGetsOneClearLine(t *testing.T) {
	s := open(t, t.TempDir())
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STATE_TEST_CHILD=open", "STATE_TEST_DIR="+s.Dir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "another beanpole is using " + s.Dir() + "; stop it, or choose another directory"; string(out) != want {
		t.Errorf("got %q, want %q", out, want)
	}
	var p *source.Problem
	if _, err := Open(s.Dir()); !errors.As(err, &p) {
		t.Errorf("error is a %T: %v", err, err)
	}
}

func TestAdminKeyStaysTheSameAndItsFileIsPrivate(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first, err := s.Admin()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.CredentialsFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("credentials file: %v, %v", info, err)
	}
	text, _ := os.ReadFile(s.CredentialsFile())
	if !strings.Contains(string(text), "[default]\naws_access_key_id = "+first.KeyID+"\n") || len(first.Secret) != 40 {
		t.Error("the credentials file doesn't hold the key in AWS's form")
	}
	s.Close()
	again, err := open(t, dir).Admin()
	if err != nil || again != first {
		t.Errorf("the key changed, error %v", err)
	}
}

func TestFailedUpdateChangesNothing(t *testing.T) {
	s := open(t, t.TempDir())
	err := s.Update(func(tx *Tx) error {
		if err := tx.PutBucket(&Bucket{Name: "b"}); err != nil {
			return err
		}
		return errors.New("no")
	})
	if err == nil || err.Error() != "no" {
		t.Errorf("error %v", err)
	}
	s.View(func(a *account.Account) {
		if len(a.Buckets) != 0 {
			t.Error("the bucket is there")
		}
	})
}

func TestPolicyBindsToTheRoleThatWasAndNotToItsNamesake(t *testing.T) {
	s := open(t, t.TempDir())
	arn := "arn:aws:iam::123456789012:role/reader"
	text := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}`
	put := func(tx *Tx) error {
		return tx.PutRole(&Role{Name: "reader", Path: "/", ID: NewID("AROA"), Trust: Document{Text: trust}})
	}
	var id string
	err := s.Update(func(tx *Tx) error {
		if _, dead, err := s.Bind(tx, "p", text); dead != arn || err != nil {
			t.Errorf("dead principal %q, error %v", dead, err)
		}
		if err := put(tx); err != nil {
			return err
		}
		d, dead, err := s.Bind(tx, "p", text)
		if dead != "" || err != nil {
			t.Errorf("dead principal %q, error %v", dead, err)
		}
		id = d.Bound[arn]
		return tx.PutBucket(&Bucket{Name: "b", Region: "eu-west-1", Policy: &d})
	})
	if err != nil {
		t.Fatal(err)
	}
	principal := func() (text string) {
		s.View(func(a *account.Account) { text = a.Buckets[0].Policy.Statements[0].Principal.AWS[0].Text })
		return text
	}
	if principal() != arn {
		t.Errorf("the living role stands as %q", principal())
	}
	if err := s.Update(put); err != nil {
		t.Fatal(err)
	}
	if principal() != id || !strings.HasPrefix(id, "AROA") {
		t.Errorf("the role made again stands as %q, want %q", principal(), id)
	}
}

func TestSessionsEndWithTheirRole(t *testing.T) {
	s := open(t, t.TempDir())
	role := &Role{Name: "r", Path: "/p/", ID: NewID("AROA"), Trust: Document{Text: trust}}
	if err := s.Update(func(tx *Tx) error { return tx.PutRole(role) }); err != nil {
		t.Fatal(err)
	}
	c, p, err := s.NewSession("r", "i-0abc", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := iam.Principal{Account: "123456789012", ARN: "arn:aws:iam::123456789012:role/p/r", SessionARN: "arn:aws:sts::123456789012:assumed-role/r/i-0abc", UserID: role.ID + ":i-0abc"}
	if p != want {
		t.Errorf("principal %+v", p)
	}
	if left := time.Until(c.Expires); left < SessionLifetime-time.Minute || left > SessionLifetime || !strings.HasPrefix(c.KeyID, "ASIA") {
		t.Errorf("key %s lives %s", c.KeyID, left)
	}
	if got, ok := s.Principal(c.KeyID); !ok || got != want {
		t.Errorf("principal %+v, %v", got, ok)
	}
	role.ID = NewID("AROA")
	if err := s.Update(func(tx *Tx) error { return tx.PutRole(role) }); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Principal(c.KeyID); ok {
		t.Errorf("the session outlived its role: %+v", got)
	}
}

func TestLoadedAccountComesBackTheSame(t *testing.T) {
	s := open(t, t.TempDir())
	policy := func(text string) *iam.Policy {
		p, err := iam.ParseJSON("p", "", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	in := &account.Account{
		Roles:    []*account.Role{{Name: "r", Path: "/", Trust: policy(trust), Inline: []*iam.Policy{policy(`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":["a*","b"]}}}]}`)}}},
		Profiles: []*account.Profile{{Name: "p", Path: "/", Roles: []string{"r"}}},
		Buckets: []*account.Bucket{{Name: "b", Region: "eu-central-1", Objects: map[string]*account.Object{"k": {ETag: "d41d8cd98f00b204e9800998ecf8427e"}},
			Policy: policy(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:role/r"]},"NotAction":"s3:ListBucket","Resource":"arn:aws:s3:::b/*"}}`)}},
	}
	if err := s.Load(in); err != nil {
		t.Fatal(err)
	}
	s.View(func(a *account.Account) {
		r, _ := a.Role("r")
		c := r.Inline[0].Statements[0].Conditions[0]
		if c.Operator != "StringLike" || c.Key != "s3:prefix" || len(c.Values) != 2 {
			t.Errorf("condition %+v", c)
		}
		if r.Trust.Statements[0].Principal.Service[0].Text != "ec2.amazonaws.com" {
			t.Errorf("trust %+v", r.Trust.Statements[0].Principal)
		}
		b, _ := a.Bucket("b")
		st := b.Policy.Statements[0]
		if b.Region != "eu-central-1" || b.Objects["k"] == nil || st.Effect != iam.Deny || st.NotPrincipal.AWS[0].Text != r.ARN || st.NotActions[0].Text != "s3:ListBucket" {
			t.Errorf("bucket %+v %+v", b, st)
		}
	})
}
