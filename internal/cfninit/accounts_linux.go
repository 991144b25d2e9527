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
		name := f.Key.Text
		gid, err := number(f.Value, "gid")
		if err != nil {
			return err
		}
		old, err := b.account("/etc/group", name)
		if err != nil {
			return err
		}
		if old != nil {
			if gid != "" && gid != old[2] {
				return tool("Group %s exists with gid %s, but gid %s was requested", name, old[2], gid)
			}
			b.debug("Group %s already exists", name)
			continue
		}
		args := []string{"/usr/sbin/groupadd", "-r"}
		if gid != "" {
			args = append(args, "-g", gid)
		}
		if err := b.accountTool(ctx, program(append(args, name)...), "Created group "+name+" successfully", "Failed to create group "+name); err != nil {
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
		uid, err := number(f.Value, "uid")
		if err != nil {
			return err
		}
		if f.Value.Kind != source.Map {
			return &BuildError{Text: "'" + typeName(f.Value) + "' object has no attribute 'get'"}
		}
		old, err := b.account("/etc/passwd", f.Key.Text)
		if err == nil && old == nil {
			err = b.addUser(ctx, f.Key.Text, uid, f.Value)
		} else if err == nil {
			err = b.changeUser(ctx, old, uid, f.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// number is the text of a uid or gid, "" when none is asked for.
func number(n *source.Node, key string) (string, error) {
	given, err := contains(n, key)
	if err != nil || !given {
		return "", err
	}
	v, err := index(n, key, "str")
	if err != nil {
		return "", err
	}
	text := format(v)
	if why := notASCII(text); why != "" {
		return "", &BuildError{Text: why}
	}
	return text, nil
}

func (b *build) addUser(ctx context.Context, name, uid string, n *source.Node) error {
	var gids []string
	if has(n, "groups") {
		var err error
		if gids, err = b.gids(n.Get("groups")); err != nil {
			return err
		}
	}
	p := program("/usr/sbin/useradd", "-M", "-r", "--shell", "/sbin/nologin")
	if home := n.Get("homeDir"); truthy(home) {
		p.add(source.NewString("-d", n.Pos), home)
	}
	if uid != "" {
		p.addTexts("-u", uid)
	}
	if len(gids) > 0 {
		p.addTexts("-G", strings.Join(gids, ","))
	}
	p.addTexts(name)
	if err := b.accountTool(ctx, p, "Added user "+name+" successfully", "Failed to add user "+name); err != nil {
		return err
	}
	b.changes.add("users", name)
	return nil
}

// changeUser adjusts home and supplementary groups, and nothing else.
func (b *build) changeUser(ctx context.Context, old []string, uid string, n *source.Node) error {
	name := old[0]
	if uid != "" && uid != old[2] {
		return tool("User %s exists with uid %s, but uid %s was requested", name, old[2], uid)
	}
	home := n.Get("homeDir")
	if !truthy(home) && !truthy(n.Get("groups")) {
		b.info("No homedir or groups specified; not modifying %s", name)
		return nil
	}
	p := program("/usr/sbin/usermod")
	if truthy(n.Get("groups")) {
		gids, err := b.gids(n.Get("groups"))
		if err != nil {
			return err
		}
		if sameSet(gids, b.groupsOf(name)) {
			b.debug("Groups have not changed for %s", name)
		} else {
			p.addTexts("-G", strings.Join(gids, ","))
		}
	}
	if truthy(home) && (len(old) < 6 || home.Kind != source.String || home.Text != old[5]) {
		p.add(source.NewString("-d", n.Pos), home)
	} else if truthy(home) {
		b.debug("Homedir has not changed for %s", name)
	}
	if len(p.what.Items) == 1 {
		b.debug("User %s does not need modification", name)
		return nil
	}
	p.addTexts(name)
	if err := b.accountTool(ctx, p, "Modified user "+name+" successfully", "Failed to modify user "+name); err != nil {
		return err
	}
	b.changes.add("users", name)
	return nil
}

// gids are the numbers of a user's `groups`: of a text each character is
// taken for a name, as by the agent.
func (b *build) gids(groups *source.Node) ([]string, error) {
	names, err := elements(groups)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range names {
		g, err := b.account("/etc/group", format(n))
		if err != nil {
			return nil, err
		}
		if g == nil {
			return nil, tool("%s is not a valid group name", format(n))
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
func (b *build) accountTool(ctx context.Context, p *process, done, failed string) error {
	code, err := b.start(ctx, p)
	if err != nil {
		return err
	}
	if code != 0 {
		b.log("ERROR", "%s", failed)
		name := path.Base(p.what.Items[0].Text)
		b.debug("%s output: %s", strings.ToUpper(name[:1])+name[1:], p.stdout.String())
		return tool("%s", failed)
	}
	b.info("%s", done)
	return nil
}
