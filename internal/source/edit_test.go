package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnEntryFitsInWhereItIsInserted(t *testing.T) {
	for _, c := range []struct{ name, text, path, want string }{
		{"block", "a:\n  b: 1\nc: 2\n", "a", "a:\n  b: 1\n  new: \"v\"\nc: 2\n"},
		{"root", "a: 1\n", "", "a: 1\nnew: \"v\"\n"},
		{"no_line_end", "a:\n  b: 1", "a", "a:\n  b: 1\n  new: \"v\""},
		{"crlf", "a:\r\n  b: 1\r\nc: 2\r\n", "a", "a:\r\n  b: 1\r\n  new: \"v\"\r\nc: 2\r\n"},
		{"comment_behind", "a:\n  b: 1 # why\n# next\nc: 2\n", "a", "a:\n  b: 1 # why\n  new: \"v\"\n# next\nc: 2\n"},
		{"deep_last_value", "a:\n    b:\n        - c\n        - d: e\n\nf: g\n", "a", "a:\n    b:\n        - c\n        - d: e\n    new: \"v\"\n\nf: g\n"},
		{"literal_last", "a:\n  b: |\n    text\n\nc: 1\n", "a", "a:\n  b: |\n    text\n  new: \"v\"\n\nc: 1\n"},
		{"literal_kept", "a:\n  b: |+\n    text\n\nc: 1\n", "a", "a:\n  new: \"v\"\n  b: |+\n    text\n\nc: 1\n"},
		{"quoted_keys", "\"a\":\n  'b': 1\n", "a", "\"a\":\n  'b': 1\n  'new': \"v\"\n"},
		{"null_last", "a:\n  b:\nc: 1\n", "a", "a:\n  b:\n  new: \"v\"\nc: 1\n"},
		{"alias_last", "x: &x {y: 1}\na:\n  b: *x\n", "a", "x: &x {y: 1}\na:\n  b: *x\n  new: \"v\"\n"},
		{"flow", "a: {b: 1, c: [d]} # e\n", "a", "a: {b: 1, c: [d], new: \"v\"} # e\n"},
		{"flow_empty", "a: {}\n", "a", "a: {new: \"v\"}\n"},
		{"flow_lines", "a: {\n  b: 1, # why\n  c: 2\n }\n", "a", "a: {\n  b: 1, # why\n  c: 2,\n  new: \"v\"\n }\n"},
		{"flow_comma", "a: {b: 1, }\n", "a", "a: {b: 1, new: \"v\", }\n"},
		{"tagged_alias_target", "a: &t\n  b: 1\nc: *t\n", "c", "a: &t\n  b: 1\n  new: \"v\"\nc: *t\n"},
		{"json", `{"a": {"b": 1}}`, "a", `{"a": {"b": 1, "new": "v"}}`},
		{"json_lines", "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "a", "{\n  \"a\": {\n    \"b\": 1,\n    \"new\": \"v\"\n  }\n}\n"},
		{"json_empty", `{"a": { }}`, "a", `{"a": {"new": "v" }}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := read(t, c.text)
			if c.path != "" {
				m = m.Get(c.path)
			}
			e, err := InsertField([]byte(c.text), m, "new", `"v"`)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Apply([]byte(c.text), []Edit{e})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got\n%q\nwant\n%q", got, c.want)
			}
		})
	}
}

func TestAnEntryInAListOfMapsIsIndentedLikeTheOthers(t *testing.T) {
	text := "a:\n  - b: 1\n    c: 2\n  - d: 3\n"
	e, err := InsertField([]byte(text), read(t, text).Get("a").Items[0], "new", "v")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Apply([]byte(text), []Edit{e})
	if want := "a:\n  - b: 1\n    c: 2\n    new: v\n  - d: 3\n"; err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestABlockTakesTheStepOfTheFile(t *testing.T) {
	lines := []string{"one:", "  two: 3", "  list:", "    - x"}
	for text, want := range map[string]string{
		"a:\n    b: 1\n": "a:\n    b: 1\n    new:\n        one:\n            two: 3\n            list:\n                - x\n",
		"a: {b: 1}\n":    "a: {b: 1, new: {\"one\":{\"two\":3,\"list\":[\"x\"]}}}\n",
		`{"a":{"b":1}}`:  `{"a":{"b":1, "new": {"one":{"two":3,"list":["x"]}}}}`,
	} {
		e, err := InsertBlock([]byte(text), read(t, text).Get("a"), "new", lines)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := Apply([]byte(text), []Edit{e}); err != nil || string(got) != want {
			t.Errorf("got\n%s, %v; want\n%s", got, err, want)
		}
	}
}

func TestWhatCannotBeInsertedCleanlyIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		at   func(*Node) *Node
	}{
		"pair_in_a_list": {"a: [b: c]\n", func(n *Node) *Node { return n.Get("a").Items[0] }},
		"no_map":         {"a: 1\n", func(n *Node) *Node { return n.Get("a") }},
		"not_from_file":  {"a: 1\n", func(*Node) *Node { return NewMap(Pos{}) }},
	} {
		if e, err := InsertField([]byte(c.text), c.at(read(t, c.text)), "new", "v"); err == nil {
			t.Errorf("%s: inserted %+v", name, e)
		}
	}
}

// scalars lists the scalar values of a tree.
func scalars(n *Node, out []*Node) []*Node {
	if n.IsScalar() {
		return append(out, n)
	}
	for _, i := range n.Items {
		out = scalars(i, out)
	}
	for _, f := range n.Fields {
		out = scalars(f.Value, out)
	}
	return out
}

func TestAReplacedTextReadsBackAndNothingElseChanges(t *testing.T) {
	texts := []string{"plain", "0644", "yes", "with: colon", "# hash", "it's \"q\"", " lead", "", "two\nlines\n", "one\n", "a, b]", "*x", "é\t", "http://x/y?z#f", "\\"}
	for _, file := range []string{
		"a: one\nb: 'two'\nc: \"three\"\nd: 0644\ne: [f, 'g', {h: i}]\nj: |\n  k\n  l\nm: >-\n  n\n  o\np:\nq: !Sub r\ns: |-\n    t\nu: multi\n  line\nv: end # w\n",
		"{\"a\": \"one\", \"b\": [1, true, null, {\"c\": \"\\u00e9\"}]}",
		"a: |\r\n  k\r\n  l\r\nb: c\r\n",
	} {
		root := read(t, file)
		olds := scalars(root, nil)
		for k := range olds {
			for _, text := range texts {
				changed, err := Apply([]byte(file), []Edit{ReplaceScalar([]byte(file), olds[k], text)})
				if err != nil {
					t.Fatal(err)
				}
				after, err := Parse("f", changed)
				if err != nil {
					t.Errorf("%q replaced by %q: %v in\n%s", olds[k].Text, text, err, changed)
					continue
				}
				news := scalars(after, nil)
				for i := range olds {
					want := olds[i].Text
					if i == k {
						want = text
						if news[i].Kind != String {
							t.Errorf("%q replaced by %q is no text any more:\n%s", olds[k].Text, text, changed)
						}
					}
					if len(news) != len(olds) || news[i].Text != want {
						t.Errorf("%q replaced by %q in\n%s\ngives %q where %q is expected", olds[k].Text, text, changed, news[i].Text, want)
						break
					}
				}
			}
		}
	}
}

func TestAReplacedTextKeepsItsQuotes(t *testing.T) {
	for text, want := range map[string]string{
		"a: b # c\n": "a: new # c\n", "a: 'b'\n": "a: 'new'\n", "a: \"b\"\n": "a: \"new\"\n",
		"a: |-\n   b\n": "a: |-\n   new\n", "a: !Sub b\n": "a: !Sub new\n", "a:\nb: 1\n": "a: new\nb: 1\n",
	} {
		n := read(t, text).Get("a")
		if got, err := Apply([]byte(text), []Edit{ReplaceScalar([]byte(text), n, "new")}); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

// maps lists the maps of a tree that stand in its file once.
func maps(n *Node, out []*Node) []*Node {
	if n.Kind == Map {
		out = append(out, n)
	}
	for _, i := range n.Items {
		out = maps(i, out)
	}
	for _, f := range n.Fields {
		out = maps(f.Value, out)
	}
	return out
}

func TestEveryMapOfPublicFilesTakesAnEntry(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpus", "files", "*", ".ebextensions", "*.config"))
	if err != nil || len(files) == 0 {
		t.Skip("no corpus of public files beside the repository")
	}
	done, refused := 0, 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		root, err := Parse(file, data)
		if err != nil || root == nil {
			continue
		}
		for _, m := range maps(root, nil) {
			if _, err := InsertField(data, m, "zzNew", "v"); err != nil {
				refused++
				t.Log(err)
				continue
			}
			done++
		}
	}
	t.Logf("%d maps, %d refused", done, refused)
	if refused*50 > done {
		t.Errorf("%d of %d maps take no entry", refused, done+refused)
	}
}

func TestAClonedTreeIsNotTheSameTree(t *testing.T) {
	n := read(t, "a: {b: [c]}\n")
	c := n.Clone()
	c.At("a", "b").Items[0].Text = "changed"
	c.Get("a").Set("d", NewString("e", Pos{}))
	if got := string(n.JSON()); got != `{"a":{"b":["c"]}}` || !strings.Contains(string(c.JSON()), "changed") {
		t.Errorf("after a change to the clone the tree is %s", got)
	}
}
