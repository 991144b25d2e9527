package metadata

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"sort"
	"strings"
	"time"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
)

// entry is one name of the tree: a directory, or a text that is made when it
// is asked for.
type entry struct {
	sub  map[string]*entry
	text func() (string, error)
	// other finds the names of a directory in place of sub, which only lists.
	other func(name string) *entry
}

func dir() *entry { return &entry{sub: map[string]*entry{}} }

func text(s string) *entry { return &entry{text: func() (string, error) { return s, nil }} }

// put adds an entry, and its directories, at a path.
func (e *entry) put(p string, x *entry) {
	name, rest, deeper := strings.Cut(p, "/")
	if !deeper {
		e.sub[name] = x
		return
	}
	if e.sub[name] == nil {
		e.sub[name] = dir()
	}
	e.sub[name].put(rest, x)
}

// at is the entry at a path, nil when there is none.
func (e *entry) at(names []string) *entry {
	for _, n := range names {
		if e == nil || e.sub == nil {
			return nil
		}
		if e.other != nil {
			e = e.other(n)
		} else {
			e = e.sub[n]
		}
	}
	return e
}

// listing is a directory's: one name a line, directories with a slash, no
// line feed behind the last.
func (e *entry) listing() string {
	var names []string
	for n, x := range e.sub {
		if x.sub != nil {
			n += "/"
		}
		names = append(names, n)
	}
	sort.Strings(names)
	return strings.Join(names, "\n")
}

// entries is the whole tree as it is now.
func (s *server) entries(address string) (*entry, error) {
	o := s.o
	root := dir()
	host := "ip-" + strings.ReplaceAll(address, ".", "-") + "." + o.Region + ".compute.internal"
	if o.Region == "us-east-1" {
		host = "ip-" + strings.ReplaceAll(address, ".", "-") + ".ec2.internal"
	}
	for name, v := range map[string]string{
		"ami-id": o.ImageID, "ami-launch-index": "0", "hostname": host, "local-hostname": host, "instance-action": "none",
		"instance-id": o.InstanceID, "instance-life-cycle": "on-demand", "instance-type": o.InstanceType, "local-ipv4": address, "mac": mac(o.InstanceID),
		"placement/availability-zone": o.AZ, "placement/region": o.Region, "services/domain": "amazonaws.com", "services/partition": "aws",
		"reservation-id": "r-" + strings.TrimPrefix(o.InstanceID, "i-"),
	} {
		root.put("meta-data/"+name, text(v))
	}
	if o.Document != nil {
		root.put("dynamic/instance-identity/document", &entry{text: func() (string, error) {
			doc, _ := o.Document()
			return string(doc), nil
		}})
		root.put("dynamic/instance-identity/signature", &entry{text: func() (string, error) {
			_, sig := o.Document()
			return string(sig), nil
		}})
	}
	return root, s.putIAM(root)
}

// mac is a hardware address made of the instance's ID; it begins as EC2's do.
func mac(instance string) string {
	h := fnv.New32a()
	h.Write([]byte(instance))
	n := h.Sum32()
	return fmt.Sprintf("0a:ff:%02x:%02x:%02x:%02x", byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// issued are credentials that were given out, until new ones are due.
type issued struct {
	credentials aws.Credentials
	updated     time.Time
}

// info is iam/info [EC2:instancedata-data-categories]. It names the profile.
type info struct {
	Code        string
	Message     string `json:",omitempty"`
	LastUpdated string
	ProfileARN  string `json:"InstanceProfileArn"`
	ProfileID   string `json:"InstanceProfileId"`
}

// credentials is iam/security-credentials/ROLE.
type credentials struct {
	Code            string
	LastUpdated     string
	Type            string
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      string
}

// putIAM adds the iam directory. Without a profile there is none
// [EC2:iam-roles-for-amazon-ec2].
func (s *server) putIAM(root *entry) error {
	name := s.o.Profile()
	if name == "" || s.o.State == nil {
		return nil
	}
	now := s.o.Now().UTC().Format(time.RFC3339)
	var role *account.Role
	in := info{Code: "Success", LastUpdated: now}
	s.o.State.View(func(a *account.Account) {
		p, v := a.Profile(name)
		if v != fact.Holds {
			in.Code, in.ProfileARN = "InstanceProfileNotFound", name
			return
		}
		in.ProfileARN, in.ProfileID = p.ARN, p.ID
		if role, v = access.InstanceRole(a, name); v != fact.Holds {
			role = nil
			in.Message = "Instance Profile does not contain a role. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/RolesTroubleshooting.html."
		}
	})
	body, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		return fmt.Errorf("write iam/info: %w", err)
	}
	root.put("meta-data/iam/info", text(string(body)))
	if role == nil {
		return nil
	}
	keys := dir()
	// Every name is access's to decide, the role's own as well.
	keys.other = func(asked string) *entry { return s.credentials(name, asked) }
	keys.sub[role.Name] = &entry{}
	root.put("meta-data/iam/security-credentials", keys)
	return nil
}

// credentials is the entry under a name below security-credentials, as access
// decides it; nil for a name under which nothing is.
func (s *server) credentials(profile, name string) *entry {
	var answer access.Answer
	var role, roleID string
	s.o.State.View(func(a *account.Account) {
		p, v := a.Profile(profile)
		if v != fact.Holds {
			return
		}
		answer = access.Credentials(a, p, name)
		if r, v := access.InstanceRole(a, profile); v == fact.Holds {
			role, roleID = r.Name, r.ID
		}
	})
	if answer.Verdict == fact.Holds && role != "" {
		return &entry{text: func() (string, error) { return s.issue(role, roleID) }}
	}
	if answer.Status == http.StatusOK {
		return text(answer.Body)
	}
	return nil
}

// issue is the text of the role's credentials.
func (s *server) issue(role, roleID string) (string, error) {
	c, err := s.current(role, roleID)
	if err != nil {
		return "", err
	}
	body, err := json.MarshalIndent(credentials{Code: "Success", LastUpdated: c.updated.Format(time.RFC3339), Type: "AWS-HMAC",
		AccessKeyID: c.credentials.KeyID, SecretAccessKey: c.credentials.Secret, Token: c.credentials.Token,
		Expiration: c.credentials.Expires.UTC().Format("2006-01-02T15:04:05Z")}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write credentials: %w", err)
	}
	return string(body), nil
}

// renewal is how long before their end new credentials are offered; AWS
// promises at least five minutes.
const renewal = 15 * time.Minute

// current are the role's credentials: those given out before, or new ones.
// They belong to the role's ID, so a role that was made again under the same
// name gets its own.
func (s *server) current(role, roleID string) (issued, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now().UTC()
	if c, ok := s.issued[roleID]; ok && c.credentials.Expires.Sub(now) > renewal {
		return c, nil
	}
	c, _, err := s.o.State.NewSession(role, s.o.InstanceID, 0)
	if err != nil {
		return issued{}, fmt.Errorf("issue credentials: %w", err)
	}
	s.issued[roleID] = issued{credentials: c, updated: now}
	return s.issued[roleID], nil
}
