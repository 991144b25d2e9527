package cfninit

import (
	"context"
	"path"
	"slices"
	"strings"

	"beanpole/internal/source"
)

// groups makes the entries of `groups` [cb:user_group_tools.py, cb:posix_security.py, cb-run].
func (b *build) groups(ctx context.Context, n *source.Node) error {
	if n.Kind != source.Map {
		return &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'keys'"}
	}
	b.changes.add("groups")
	for _, f := range sorted(n) {
		name, gid := f.Key.Text, f.Value.Get("gid")
		if f.Value == nil || f.Value.Kind < source.String {
			return &BuildError{Text: "argument of type '" + typeName(f.Value) + "' is not iterable"}
		}
		old, err := b.account("/etc/group", name)
		if err != nil {
			return err
		}
		if old != nil {
			if has(f.Value, "gid") && format(gid) != old[2] {
				return tool("Group %s exists with gid %s, but gid %s was requested", name, old[2], format(gid))
			}
			b.debug("Group %s already exists", name)
			continue
		}
		args := []string{"/usr/sbin/groupadd", "-r"}
		if has(f.Value, "gid") {
			args = append(args, "-g", format(gid))
		}
		if err := b.accountTool(ctx, append(args, name), "Created group "+name+" successfully", "Failed to create group "+name); err != nil {
			return err
		}
		b.changes.add("groups", name)
	}
	return nil
}

// users makes or changes the entries of `users`. No home directory is made.
func (b *build) users(ctx context.Context, n *source.Node) error {
	if n.Kind != source.Map {
		return &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'keys'"}
	}
	b.changes.add("users")
	for _, f := range sorted(n) {
		switch {
		case f.Value == nil || f.Value.Kind < source.String:
			return &BuildError{Text: "argument of type '" + typeName(f.Value) + "' is not iterable"}
		case f.Value.Kind != source.Map:
			return &BuildError{Text: "'" + typeName(f.Value) + "' object has no attribute 'get'"}
		}
		old, err := b.account("/etc/passwd", f.Key.Text)
		if err == nil && old == nil {
			err = b.addUser(ctx, f.Key.Text, f.Value)
		} else if err == nil {
			err = b.changeUser(ctx, old, f.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *build) addUser(ctx context.Context, name string, n *source.Node) error {
	gids, err := b.gids(n)
	if err != nil {
		return err
	}
	args := []string{"/usr/sbin/useradd", "-M", "-r", "--shell", "/sbin/nologin"}
	if home := n.Get("homeDir"); truthy(home) {
		args = append(args, "-d", format(home))
	}
	if has(n, "uid") {
		args = append(args, "-u", format(n.Get("uid")))
	}
	if len(gids) > 0 {
		args = append(args, "-G", strings.Join(gids, ","))
	}
	if err := b.accountTool(ctx, append(args, name), "Added user "+name+" successfully", "Failed to add user "+name); err != nil {
		return err
	}
	b.changes.add("users", name)
	return nil
}

// changeUser adjusts home and supplementary groups, and nothing else.
func (b *build) changeUser(ctx context.Context, old []string, n *source.Node) error {
	name := old[0]
	if has(n, "uid") && format(n.Get("uid")) != old[2] {
		return tool("User %s exists with uid %s, but uid %s was requested", name, old[2], format(n.Get("uid")))
	}
	home := n.Get("homeDir")
	if !truthy(home) && !truthy(n.Get("groups")) {
		b.info("No homedir or groups specified; not modifying %s", name)
		return nil
	}
	gids, err := b.gids(n)
	if err != nil {
		return err
	}
	args := []string{"/usr/sbin/usermod"}
	if len(gids) > 0 && !sameSet(gids, b.groupsOf(name)) {
		args = append(args, "-G", strings.Join(gids, ","))
	} else if len(gids) > 0 {
		b.debug("Groups have not changed for %s", name)
	}
	if truthy(home) && (len(old) < 6 || format(home) != old[5]) {
		args = append(args, "-d", format(home))
	} else if truthy(home) {
		b.debug("Homedir has not changed for %s", name)
	}
	if len(args) == 1 {
		b.debug("User %s does not need modification", name)
		return nil
	}
	if err := b.accountTool(ctx, append(args, name), "Modified user "+name+" successfully", "Failed to modify user "+name); err != nil {
		return err
	}
	b.changes.add("users", name)
	return nil
}

// gids are the numbers of a user's `groups`.
func (b *build) gids(n *source.Node) ([]string, error) {
	names, fault := texts(n, "groups")
	if fault != nil {
		return nil, fault
	}
	var out []string
	for _, name := range names {
		g, err := b.account("/etc/group", name)
		if err != nil {
			return nil, err
		}
		if g == nil {
			return nil, tool("%s is not a valid group name", name)
		}
		out = append(out, g[2])
	}
	return out, nil
}

// groupsOf are the numbers of the groups that list a user.
func (b *build) groupsOf(user string) []string {
	var out []string
	for _, g := range b.root.accounts("/etc/group") {
		if len(g) > 3 && slices.Contains(strings.Split(g[3], ","), user) {
			out = append(out, g[2])
		}
	}
	return out
}

func sameSet(a, b []string) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}

// account is the line of a name, nil when there is none.
func (b *build) account(file, name string) ([]string, error) {
	if text := notASCII(name); b.python2() && text != "" {
		return nil, &BuildError{Text: text}
	}
	for _, f := range b.root.accounts(file) {
		if f[0] == name && len(f) > 2 {
			return f, nil
		}
	}
	return nil, nil
}

// accountTool runs one of the system's tools for accounts.
func (b *build) accountTool(ctx context.Context, args []string, done, failed string) error {
	code, out, err := b.tool(ctx, args...)
	if err != nil {
		return err
	}
	if code != 0 {
		b.log("ERROR", "%s", failed)
		name := path.Base(args[0])
		b.debug("%s output: %s", strings.ToUpper(name[:1])+name[1:], out)
		return tool("%s", failed)
	}
	b.info("%s", done)
	return nil
}
