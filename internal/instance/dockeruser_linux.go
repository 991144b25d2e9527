package instance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// userIn is who a container's process is, by the image's own files: a name or a
// number, perhaps with a group; "" is root. [OCI image specification: config.md]
func userIn(root, named string) (specs.User, string, error) {
	name, group, withGroup := strings.Cut(named, ":")
	if name == "" {
		name = "0"
	}
	u, home := specs.User{}, "/"
	id, err := strconv.ParseUint(name, 10, 16)
	found := err == nil
	if found {
		u.UID = uint32(id)
	}
	for _, f := range entriesOf(root, "/etc/passwd", 7) {
		uid, err1 := strconv.ParseUint(f[2], 10, 16)
		gid, err2 := strconv.ParseUint(f[3], 10, 16)
		if err1 != nil || err2 != nil || f[0] != name && f[2] != name {
			continue
		}
		u.UID, u.GID, home, found = uint32(uid), uint32(gid), f[5], true
		name = f[0]
		break
	}
	if !found {
		return u, "", fmt.Errorf("unable to find user %s: no matching entries in passwd file", name)
	}
	if withGroup {
		gid, err := groupIn(root, group)
		u.GID = gid
		return u, home, err
	}
	for _, f := range entriesOf(root, "/etc/group", 4) {
		if gid, err := strconv.ParseUint(f[2], 10, 16); err == nil && slices.Contains(strings.Split(f[3], ","), name) {
			u.AdditionalGids = append(u.AdditionalGids, uint32(gid))
		}
	}
	return u, home, nil
}

// groupIn is a group by name or number.
func groupIn(root, name string) (uint32, error) {
	for _, f := range entriesOf(root, "/etc/group", 4) {
		if gid, err := strconv.ParseUint(f[2], 10, 16); err == nil && f[0] == name {
			return uint32(gid), nil
		}
	}
	gid, err := strconv.ParseUint(name, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("unable to find group %s: no matching entries in group file", name)
	}
	return uint32(gid), nil
}

// entriesOf are the lines of a file of accounts that have so many fields.
func entriesOf(root, file string, fields int) (out [][]string) {
	data, err := readIn(root, file)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= fields {
			out = append(out, f)
		}
	}
	return out
}
