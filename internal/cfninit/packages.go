package cfninit

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"beanpole/internal/source"
)

// Packages is what one package manager is asked for.
type Packages struct {
	Manager string       // "yum"
	Asked   *source.Node // names with their versions, as read
	Pos     source.Pos   // of the manager's name
}

// Names are the packages' names in file order, none when Asked is no map.
func (p *Packages) Names() []string {
	if p.Asked == nil || p.Asked.Kind != source.Map {
		return nil
	}
	var out []string
	for _, f := range fields(p.Asked) {
		out = append(out, f.Key.Text)
	}
	return out
}

// packageOrder are the managers that come first, in order; the others follow
// by name without regard to case [cb:construction.py].
var packageOrder = []string{"msi", "dpkg", "rpm", "apt", "yum"}

// packages are the steps of a config's `packages`, one for each manager.
func packages(n *source.Node, config string) []Step {
	if n.Kind != source.Map {
		return []Step{{Fault: &BuildError{Text: "'" + typeName(n) + "' object has no attribute 'iteritems'", Config: config,
			Pos: n.Pos, Means: "packages holds no map: each package manager has its name as a key"}}}
	}
	managers := slices.Clone(fields(n))
	rank := func(name string) (int, string) {
		if i := slices.Index(packageOrder, name); i >= 0 {
			return i, ""
		}
		return len(packageOrder), strings.ToLower(name)
	}
	sort.SliceStable(managers, func(i, j int) bool {
		a, name := rank(managers[i].Key.Text)
		b, other := rank(managers[j].Key.Text)
		return a < b || a == b && name < other
	})
	var out []Step
	for _, f := range managers {
		out = append(out, Step{Packages: &Packages{Manager: f.Key.Text, Asked: f.Value, Pos: f.Key.Pos}})
	}
	return out
}

// compareRPM compares two "VERSION-RELEASE" as the agent does, which is not
// quite as rpm does: only runs of letters and of digits count, and the longer
// of two that begin alike is the newer [cb:rpm_tools.py].
func compareRPM(a, b string) int {
	as, bs := rpmFields(a), rpmFields(b)
	for i := range 2 {
		x, y := as[i], bs[i]
		for j := range min(len(x), len(y)) {
			if c := compareField(x[j], y[j]); c != 0 {
				return c
			}
		}
		if len(x) != len(y) {
			return cmp.Compare(len(x), len(y))
		}
	}
	return 0
}

// rpmFields are the runs of letters and of digits in the version and in the
// release.
func rpmFields(v string) (out [2][]string) {
	version, release, _ := strings.Cut(v, "-")
	for i, part := range []string{version, release} {
		start, kind := 0, byte(0)
		for at := 0; at <= len(part); at++ {
			now := byte(0)
			if at < len(part) {
				now = runKind(part[at])
			}
			if now == kind {
				continue
			}
			if kind != 0 {
				out[i] = append(out[i], part[start:at])
			}
			start, kind = at, now
		}
	}
	return out
}

// runKind is 'd' for a digit, 'a' for a letter, 0 for what separates.
func runKind(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return 'd'
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		return 'a'
	}
	return 0
}

// compareField compares two runs: numbers by value and above all letters.
func compareField(a, b string) int {
	x, y := runKind(a[0]), runKind(b[0])
	switch {
	case x == 'd' && y == 'd':
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(a) != len(b) {
			return cmp.Compare(len(a), len(b))
		}
	case x == 'd':
		return 1
	case y == 'd':
		return -1
	}
	return strings.Compare(a, b)
}
