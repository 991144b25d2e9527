//go:build !linux

package source

type tree struct{ rooted }

func openTree(name string) (*tree, error) {
	t := &tree{rooted{path: name}}
	_, err := t.ready()
	return t, err
}
