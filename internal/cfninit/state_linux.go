package cfninit

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"beanpole/internal/source"
)

// Where the agent keeps what it was given and what is left to do. Both files
// hold the metadata, secrets included, also after success [cb:bin/cfn-init,
// cb:construction.py].
const (
	stateDir     = "/var/lib/cfn-init"
	dataDir      = stateDir + "/data"
	metadataPath = dataDir + "/metadata.json"
	resumePath   = stateDir + "/resume_db.json"
)

// MakeState makes the folder for the state, as the agent does before it reads
// metadata, and says on errs what stands in its way.
func (r *Runner) MakeState(errs io.Writer) {
	tree, err := openRoot(r.Root)
	if err != nil {
		return // the build says so
	}
	defer tree.close()
	for _, dir := range []string{stateDir, dataDir} {
		if dir == stateDir && !tree.exists(dir) {
			makeDirs(tree, dir, 0o700)
		}
		if !tree.isDir(dir) && (dir == stateDir || tree.exists(dir)) {
			what := map[string]string{stateDir: "the work log", dataDir: "metadata"}[dir]
			fmt.Fprintf(errs, "Could not create %s to store %s\n", dir, what)
			r.log("ERROR", "Could not create %s to store %s", dir, what)
		}
	}
}

// makeDirs makes a folder of the mode given, and those above it.
func makeDirs(tree *root, dir string, mode uint32) error {
	if up := path.Dir(dir); !tree.exists(up) {
		if err := makeDirs(tree, up, 0o777); err != nil {
			return err
		}
	}
	err := tree.at(dir, func(fd int, base string) error { return unix.Mkdirat(fd, base, mode) })
	if err != nil && !tree.isDir(dir) { // another run may have been faster
		return fmt.Errorf("make %s: %w", dir, err)
	}
	return nil
}

// keepMetadata writes the metadata down, before the agent looks into it.
func (r *Runner) keepMetadata(metadata *source.Node) error {
	if !r.KeepState {
		return nil
	}
	tree, err := openRoot(r.Root)
	if err != nil {
		return err
	}
	defer tree.close()
	if !tree.exists(stateDir) {
		if err := makeDirs(tree, stateDir, 0o700); err != nil {
			return err
		}
	}
	if !tree.exists(dataDir) {
		if err := makeDirs(tree, dataDir, 0o777); err != nil {
			return err
		}
	}
	if !tree.isDir(dataDir) {
		return nil // MakeState has said so
	}
	text := IndentedJSON(r.ordered(metadata))
	if !r.python2() {
		text = strings.ReplaceAll(text, ", \n", ",\n")
	}
	if fault := keep(tree, metadataPath, text, 0o666); fault != nil {
		return fmt.Errorf("keep the metadata: %w", fault)
	}
	return nil
}

// workLog is resume_db.json: the metadata, and the configSets and configs that
// are left to do, from which the agent goes on after a reboot on Windows.
type workLog struct {
	*build
	metadata *source.Node
	text     string // of the metadata, once it was written
	sets     []string
	configs  []*Config
}

// write writes the file anew. Nobody but its owner may read it.
func (w *workLog) write() error {
	if w == nil {
		return nil
	}
	var b strings.Builder
	b.WriteString("{")
	if len(w.configs) > 0 {
		b.WriteString(`"configs": {"_deque: special_serialization: not_regular_json_": [`)
		for i, c := range w.configs {
			if i > 0 {
				b.WriteString(", ")
			}
			w.config(&b, c)
		}
		b.WriteString("]}, ")
	}
	if w.text == "" {
		w.text = pythonJSON(w.ordered(w.metadata))
	}
	b.WriteString(`"metadata": ` + w.text)
	if len(w.sets) > 0 {
		b.WriteString(`, "configSets": {"_deque: special_serialization: not_regular_json_": [`)
		for i, s := range w.sets {
			if i > 0 {
				b.WriteString(", ")
			}
			writeJSONString(&b, s)
		}
		b.WriteString("]}")
	}
	b.WriteString("}")
	return keep(w.root, resumePath, b.String(), 0o600)
}

func (w *workLog) config(b *strings.Builder, c *Config) {
	b.WriteString(`{"_ConfigDefinition: special_serialization: not_regular_json_": {"_name": `)
	writeJSONString(b, c.Name)
	for _, s := range sections {
		b.WriteString(`, "_` + s + `": `)
		writeJSON(b, w.ordered(c.node.Get(s)), -1)
	}
	b.WriteString("}}")
}

// begin notes a configSet's configs, next the config that is about to run.
func (w *workLog) begin(sets []string) error {
	if w == nil {
		return nil
	}
	w.sets, w.configs = sets, nil
	return w.write()
}

func (w *workLog) next(left []*Config) error {
	if w == nil {
		return nil
	}
	w.configs = left
	return w.write()
}

// keep writes a file of the state. One that is there keeps its mode, but for
// what lets others read a file that is for its owner alone. The error is a
// *BuildError.
func keep(tree *root, name, text string, mode uint32) error {
	fd, err := tree.open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NONBLOCK, mode)
	if err != nil {
		return osError(err, quote(name, false))
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if mode == 0o600 {
		err = f.Chmod(0o600)
	}
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return osError(err, "")
	}
	return nil
}

// ordered is a value with the entries of its maps in the agent's order.
func (r *Runner) ordered(n *source.Node) *source.Node {
	if n == nil || n.Kind < source.Seq {
		return n
	}
	out := *n
	out.Items, out.Fields = nil, nil
	for _, i := range n.Items {
		out.Items = append(out.Items, r.ordered(i))
	}
	for _, f := range r.each(n) {
		out.Fields = append(out.Fields, &source.Field{Key: f.Key, Value: r.ordered(f.Value)})
	}
	return &out
}
