package instance

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// hostnameOf is the name that EC2 gives to an instance by its private address
// (IP-based naming, as in us-east-1).
func hostnameOf(a netip.Addr) string {
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + ".ec2.internal"
}

// writeNames writes what says who the instance is and whom it asks for names.
func writeNames(l *layer, hostname string, n *network) error {
	short, domain, _ := strings.Cut(hostname, ".")
	search := ""
	if domain != "" {
		search = "search " + domain + "\n"
	}
	id := make([]byte, 16)
	rand.Read(id)
	for p, text := range map[string]string{
		"/etc/hostname":    hostname + "\n",
		"/etc/hosts":       fmt.Sprintf("127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost6 localhost6.localdomain6\n%s\t%s %s\n", n.private, hostname, short),
		"/etc/resolv.conf": search + "nameserver " + dnsAddress.String() + "\noptions timeout:2 attempts:5\n",
		"/etc/machine-id":  hex.EncodeToString(id) + "\n",
		"/etc/fstab":       "",
		"/etc/environment": "",
	} {
		if err := l.file(p, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// account is a user of the platform with a group of the same name.
type account struct {
	name string
	id   int // wanted user and group ID
	home string
}

// platformUsers are there before anything of the user's runs.
// [EB:custom-platforms-scripts for webapp]
var platformUsers = []account{
	{"webapp", 900, "/home/webapp"},
	{"nginx", 901, "/var/lib/nginx"},
	{"ec2-user", 1000, "/home/ec2-user"},
}

// writeUsers keeps the system's own users and leaves people out; nobody has a
// password.
func writeUsers(l *layer) error {
	passwd, err := systemEntries(l, "/etc/passwd", "root:x:0:0:root:/root:/bin/bash")
	if err != nil {
		return err
	}
	group, err := systemEntries(l, "/etc/group", "root:x:0:")
	if err != nil {
		return err
	}
	shell := "/bin/bash"
	if !l.program("bash") {
		shell = "/bin/sh"
	}
	for _, u := range platformUsers {
		gid, ok := idOf(group, u.name)
		if !ok {
			gid = freeID(u.id, passwd, group)
			group = append(group, fmt.Sprintf("%s:x:%d:", u.name, gid))
		}
		uid, ok := idOf(passwd, u.name)
		if !ok {
			uid = gid
			if taken(uid, passwd) {
				uid = freeID(u.id, passwd, group)
			}
			passwd = append(passwd, fmt.Sprintf("%s:x:%d:%d::%s:%s", u.name, uid, gid, u.home, shell))
		}
		if strings.HasPrefix(u.home, "/home/") {
			if err := makeHome(l, u.home, uid, gid); err != nil {
				return err
			}
		}
	}
	return writeAccounts(l, passwd, group)
}

func makeHome(l *layer, p string, uid, gid int) error {
	if err := l.empty(p); err != nil {
		return err
	}
	if err := os.Chown(l.upper+p, uid, gid); err != nil {
		return err
	}
	return os.Chmod(l.upper+p, 0o700)
}

// writeAccounts writes the four account files and a sudoers that fits them.
func writeAccounts(l *layer, passwd, group []string) error {
	var shadow, gshadow bytes.Buffer
	for _, e := range passwd {
		fmt.Fprintf(&shadow, "%s:*:19000:0:99999:7:::\n", strings.Split(e, ":")[0])
	}
	for _, e := range group {
		fmt.Fprintf(&gshadow, "%s:*::\n", strings.Split(e, ":")[0])
	}
	files := []struct {
		path string
		data []byte
		mode os.FileMode
	}{
		{"/etc/passwd", []byte(strings.Join(passwd, "\n") + "\n"), 0o644},
		{"/etc/group", []byte(strings.Join(group, "\n") + "\n"), 0o644},
		{"/etc/shadow", shadow.Bytes(), 0o600},
		{"/etc/gshadow", gshadow.Bytes(), 0o600},
	}
	if _, ok := l.stat("/etc/sudoers"); ok {
		files = append(files, struct {
			path string
			data []byte
			mode os.FileMode
		}{"/etc/sudoers", []byte("root ALL=(ALL:ALL) ALL\nec2-user ALL=(ALL) NOPASSWD: ALL\n"), 0o440})
	}
	for _, f := range files {
		if err := l.file(f.path, f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// systemEntries are the lines of passwd or group, of this machine's own root
// those with IDs that are not a person's; root's line alone where there is no
// such file.
func systemEntries(l *layer, p, root string) ([]string, error) {
	if fi, ok := l.stat(p); !ok || !fi.Mode().IsRegular() {
		return []string{root}, nil
	}
	data, err := os.ReadFile(filepath.Join(l.lower, p))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Split(line, ":")
		if len(f) < 4 {
			continue
		}
		id, err := strconv.Atoi(f[2])
		if err != nil || l.lower == "/" && id >= 1000 && id < 65000 {
			continue
		}
		f[1] = "x"
		out = append(out, strings.Join(f, ":"))
	}
	return out, nil
}

// idOf is the ID of a name in passwd or group lines.
func idOf(lines []string, name string) (int, bool) {
	for _, e := range lines {
		if f := strings.Split(e, ":"); f[0] == name {
			id, err := strconv.Atoi(f[2])
			return id, err == nil
		}
	}
	return 0, false
}

func taken(id int, lines []string) bool {
	for _, e := range lines {
		if strings.Split(e, ":")[2] == strconv.Itoa(id) {
			return true
		}
	}
	return false
}

// freeID is the first ID from id on that neither users nor groups have.
func freeID(id int, passwd, group []string) int {
	for taken(id, passwd) || taken(id, group) {
		id++
	}
	return id
}

// bundles are where programs look for certificate authorities: Debian's and
// Amazon Linux's place.
var bundles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}

// ownBundles are those that the AWS CLI and Python's SDK bring along and ask
// instead of the system's.
var ownBundles = []string{
	"/usr/lib*/python3*/*-packages/awscli/botocore/cacert.pem",
	"/usr/lib*/python3*/*-packages/botocore/cacert.pem",
	"/usr/lib*/python3*/*-packages/certifi/cacert.pem",
	"/usr/local/lib*/python3*/*-packages/awscli/botocore/cacert.pem",
	"/usr/local/lib*/python3*/*-packages/botocore/cacert.pem",
	"/usr/local/lib*/python3*/*-packages/certifi/cacert.pem",
	"/usr/local/aws-cli/v2/*/dist/awscli/botocore/cacert.pem",
}

// addTrust adds ca to a bundle at a path of the lower layer, unless links lead
// there: what they lead to has its own turn.
func (l *layer) addTrust(at string, ca []byte) error {
	rel, err := filepath.Rel(l.lower, at)
	if err != nil {
		return err
	}
	inside := path.Join("/", rel)
	fi, ok := l.stat(inside)
	if !ok || !fi.Mode().IsRegular() || l.covered(inside) {
		return nil
	}
	data, err := os.ReadFile(at)
	if err != nil {
		return err
	}
	return l.file(inside, append(append(data, '\n'), ca...), fi.Mode().Perm())
}

// writeTrust lets the instance, and it alone, trust ca besides what the root
// trusts anyway.
func writeTrust(l *layer, ca []byte) error {
	for i, p := range bundles {
		data, err := readIn(l.lower, p)
		if err != nil && i > 0 {
			continue // not a root of that family
		}
		if len(data) > 0 && data[len(data)-1] != '\n' {
			data = append(data, '\n')
		}
		if err := l.file(p, append(data, ca...), 0o644); err != nil {
			return err
		}
	}
	for _, pattern := range ownBundles {
		found, err := filepath.Glob(filepath.Join(l.lower, pattern))
		if err != nil {
			return err
		}
		for _, at := range found {
			if err := l.addTrust(at, ca); err != nil {
				return err
			}
		}
	}
	// Python and others ask OpenSSL, whose bundle Debian does not fill.
	if fi, ok := l.stat("/usr/lib/ssl"); ok && fi.IsDir() {
		if _, ok := l.stat("/usr/lib/ssl/cert.pem"); !ok {
			if err := l.dir("/usr/lib/ssl"); err != nil {
				return err
			}
			return os.Symlink(bundles[0], l.upper+"/usr/lib/ssl/cert.pem")
		}
	}
	return nil
}
