package build

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder is a build context of these files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestADockerignoreIsReadAsDockerReadsIt(t *testing.T) {
	for _, c := range []struct{ patterns, ignored, kept string }{
		{"", "", "a node_modules/x"},
		{"node_modules\n# comment\n*.md\n!README.md", "node_modules node_modules/x notes.md", "README.md sub/notes.md a"},
		{"**/*.log\n/secret", "a.log sub/deep/b.log secret secret/key", "sub/secret log"},
		{"*\n!src", "a b/c", "src src/x"},
	} {
		files := map[string]string{".dockerignore": c.patterns}
		for _, own := range []bool{false, true} { // the Dockerfile's own goes before
			if own {
				files = map[string]string{".dockerignore": "*", "Dockerfile.dockerignore": c.patterns}
			}
			root, err := os.OpenRoot(folder(t, files))
			if err != nil {
				t.Fatal(err)
			}
			i, err := readIgnored(root, "Dockerfile")
			root.Close()
			if err != nil {
				t.Fatalf("%q: %v", c.patterns, err)
			}
			for _, p := range strings.Fields(c.ignored) {
				if !i.matches(p) {
					t.Errorf("%q keeps %s", c.patterns, p)
				}
			}
			for _, p := range strings.Fields(c.kept) {
				if i.matches(p) {
					t.Errorf("%q ignores %s", c.patterns, p)
				}
			}
		}
	}
}

func TestWhatIsNoDockerfileIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"none":        {"", "dockerfile parse error: "},
		"no FROM":     {"RUN x\n", "dockerfile parse error: "},
		"unknown":     {"FROM scratch\nFRON x\n", "dockerfile parse error: "},
		"open here":   {"FROM scratch\nRUN <<E\nx\n", "dockerfile parse error: "},
		"binary":      {"\x00\xff\xfe", "dockerfile parse error: "},
		"only ARG":    {"ARG A=1\n", "dockerfile parse error: "},
		"empty image": {"ARG A\nFROM ${A}\n", "Dockerfile:2: "},
	} {
		_, err := Build(t.Context(), nil, Options{Context: folder(t, map[string]string{"Dockerfile": c.text}), Output: io.Discard})
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestADockerfileIsReadWithinItsContext(t *testing.T) {
	outside := filepath.Join(folder(t, map[string]string{"secret": "FROM secret\n"}), "secret")
	for name, to := range map[string]string{"absolute": outside, "climbing": "../" + filepath.Base(filepath.Dir(outside)) + "/secret"} {
		dir := t.TempDir()
		if err := os.Symlink(to, filepath.Join(dir, "Dockerfile")); err != nil {
			t.Fatal(err)
		}
		_, err := Build(t.Context(), nil, Options{Context: dir, Output: io.Discard})
		if err == nil || !strings.HasPrefix(err.Error(), "failed to read dockerfile: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
