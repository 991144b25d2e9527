package source

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAnItemFitsInBehindTheLast(t *testing.T) {
	lines := []string{"b: 2", "c: 3"}
	for _, c := range []struct{ name, text, want string }{
		{"block", "a:\n  - b: 1\n    c: 1\nd: 1\n", "a:\n  - b: 1\n    c: 1\n  - b: 2\n    c: 3\nd: 1\n"},
		{"at the key's column", "a:\n- b: 1\nd: 1\n", "a:\n- b: 1\n- b: 2\n  c: 3\nd: 1\n"},
		{"no line end", "a:\n  - x", "a:\n  - x\n  - b: 2\n    c: 3"},
		{"crlf", "a:\r\n  - x # why\r\nd: 1\r\n", "a:\r\n  - x # why\r\n  - b: 2\r\n    c: 3\r\nd: 1\r\n"},
		{"flow", "a: [{b: 1}]\n", "a: [{b: 1}, {b: 2, c: 3}]\n"},
		{"flow lines", "a: [\n  {b: 1},\n  x\n]\n", "a: [\n  {b: 1},\n  x,\n  {b: 2, c: 3}\n]\n"},
		{"flow comma", "a: [x, ]\n", "a: [x, {b: 2, c: 3}, ]\n"},
		{"json", `{"a": [{"b": 1}]}`, `{"a": [{"b": 1}, {"b":2,"c":3}]}`},
		{"json lines", "{\"a\": [\n  1\n]}", "{\"a\": [\n  1,\n  {\"b\":2,\"c\":3}\n]}"},
		{"alias", "x: &x\n  - y\na: *x\n", "x: &x\n  - y\n  - b: 2\n    c: 3\na: *x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, err := InsertItem([]byte(c.text), read(t, c.text).Get("a"), lines)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Apply([]byte(c.text), []Edit{e}); err != nil || string(got) != c.want {
				t.Errorf("%v, got\n%q\nwant\n%q", err, got, c.want)
			}
		})
	}
	for _, text := range []string{"a: []\n", "a: {b: 1}\n", "a: x\n"} {
		if _, err := InsertItem([]byte(text), read(t, text).Get("a"), lines); err == nil {
			t.Errorf("%q took an item", text)
		}
	}
}

func TestAValueIsReplacedWithAllItsLines(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"a: x # why\nb: 1\n", "a: \"v\" # why\nb: 1\n"},
		{"a:\n  c:\n    d: 1\n# next\nb: 1\n", "a: \"v\"\n# next\nb: 1\n"},
		{"a: !Ref X\n", "a: \"v\"\n"},
		{"a: {c: [1,\n 2]} # why\n", "a: \"v\" # why\n"},
		{"a:\nb: 1\n", "a: \"v\"\nb: 1\n"},
		{"a: |\n  text\nb: 1\n", "a: \"v\"\nb: 1\n"},
		{"a:\r\n- 1\r\n- 2\r\nb: 1\r\n", "a: \"v\"\r\nb: 1\r\n"},
		{`{"a": {"c": 1}, "b": 1}`, `{"a": "v", "b": 1}`},
		{"{\"a\": {\n \"c\": 1},\n \"b\": 1}", "{\"a\": \"v\",\n \"b\": 1}"},
	} {
		root := read(t, c.text)
		e, ok := ReplaceValue([]byte(c.text), root.Fields[0], Quote("v"))
		if !ok {
			t.Errorf("%q: refused", c.text)
			continue
		}
		if got, err := Apply([]byte(c.text), []Edit{e}); err != nil || string(got) != c.want {
			t.Errorf("%v, got\n%q\nwant\n%q", err, got, c.want)
		}
	}
}

func TestABundleShowsChangedFilesAndTheirLinks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.txt", filepath.Join(dir, "b.txt")); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	changed := b.With(map[string][]byte{"a.txt": []byte("longer than before")})
	for _, name := range []string{"a.txt", "b.txt"} {
		if data, err := changed.Read(name); err != nil || string(data) != "longer than before" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if data, err := b.Read(name); err != nil || string(data) != "old" {
			t.Errorf("the bundle itself changed: %s: %q, %v", name, data, err)
		}
	}
	if b.Target("b.txt") != "a.txt" || b.Target("a.txt") != "a.txt" || b.Packed() {
		t.Error("a link's target, or the bundle's kind, is told wrong")
	}
}
