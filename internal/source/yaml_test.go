package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sound checks what holds for every tree: places stand inside the file, agree
// with line and column, and grow along the text.
func sound(t *testing.T, data []byte, n *Node) {
	t.Helper()
	x := newIndex("f", data, false)
	check := func(what string, p Pos) {
		if p.Offset < 0 || p.Offset > len(data) {
			t.Fatalf("%s of %q is %+v, outside the file of %d bytes", what, n.Text, p, len(data))
		}
		if w := x.pos(p.Offset); w.Line != p.Line || w.Col != p.Col {
			t.Fatalf("%s of %q is %+v, but offset %d is %v", what, n.Text, p, p.Offset, w)
		}
	}
	check("start", n.Pos)
	check("end", n.End)
	if n.End.Offset < n.Pos.Offset {
		t.Fatalf("%q ends at %v, before its start %v", n.Text, n.End, n.Pos)
	}
	last := n.Pos.Offset
	for i := range n.Text {
		p := n.PosAt(i)
		check(fmt.Sprintf("byte %d", i), p)
		if p.Offset < last {
			t.Fatalf("byte %d of %q stands at %v, before the byte in front of it", i, n.Text, p)
		}
		last = p.Offset
	}
	for _, i := range n.Items {
		sound(t, data, i)
	}
	for _, f := range n.Fields {
		sound(t, data, f.Key)
		sound(t, data, f.Value)
	}
}

func read(t *testing.T, text string) *Node {
	t.Helper()
	n, err := Parse("f", []byte(text))
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	if n != nil {
		sound(t, []byte(text), n)
	}
	return n
}

func TestScalarsHaveTheTypeThatYAML11GivesThem(t *testing.T) {
	kinds := map[Kind]string{Null: "null", Bool: "bool", Int: "int", Float: "float", String: "string"}
	for _, c := range []struct{ text, kind, json string }{
		{"0644", "int", "420"}, {"000644", "int", "420"}, {"644", "int", "644"}, {"0o644", "string", `"0o644"`},
		{"0899", "string", `"0899"`}, {"1:30", "int", "90"}, {"190:20:30", "int", "685230"}, {"1:60", "string", `"1:60"`},
		{"yes", "bool", "true"}, {"No", "bool", "false"}, {"ON", "bool", "true"}, {"y", "string", `"y"`}, {"yEs", "string", `"yEs"`},
		{"~", "null", "null"}, {"", "null", "null"}, {"Null", "null", "null"}, {"nUll", "string", `"nUll"`},
		{"1_000", "int", "1000"}, {"0x1F", "int", "31"}, {"0b101", "int", "5"}, {"+5", "int", "5"}, {"-0", "int", "0"},
		{"1.50", "float", "1.5"}, {"1e3", "float", "1000.0"}, {".5", "float", "0.5"}, {"1:30.5", "float", "90.5"}, {".inf", "float", `"Infinity"`},
		{"1.2.3", "string", `"1.2.3"`}, {"2012-10-17", "string", `"2012-10-17"`}, {"2001-12-14t21:59:43.10-05:00", "string", `"2001-12-14t21:59:43.10-05:00"`},
		{`"0644"`, "string", `"0644"`}, {"'yes'", "string", `"yes"`}, {"!!str 0644", "string", `"0644"`}, {"! 12", "string", `"12"`},
		{"!!int '12'", "int", "12"}, {"123456789012345678901234567890", "int", "123456789012345678901234567890"},
	} {
		v := read(t, "k: "+c.text+"\n").Get("k")
		if kinds[v.Kind] != c.kind || string(v.JSON()) != c.json {
			t.Errorf("%s is %s %s, want %s %s", c.text, kinds[v.Kind], v.JSON(), c.kind, c.json)
		}
	}
}

// TestEveryLetterKnowsItsPlace marks letters in values by ‹…› in the test's
// text and expects the mapping of text bytes to lead there.
func TestEveryLetterKnowsItsPlace(t *testing.T) {
	for name, text := range map[string]string{
		"plain":             "k: some X text\n",
		"plain_after_tag":   "k: !Sub   some X text\n",
		"plain_on_lines":    "k: some\n   é text\n\n\n   and X more\n",
		"single":            "k: 'it''s é X here'\n",
		"single_on_lines":   "k: 'it\n\n  is\n  X'\n",
		"double":            "k: \"a\\u00e9\\x41\\n\\\"é X\"\n",
		"double_on_lines":   "k: \"a\n   b \\\n  c\n\n\n  d X\"\n",
		"double_joined":     "k: \"a\\\n\n   b X\"\n",
		"literal":           "k: |\n  one\n    two\n\n  é X three\n",
		"literal_indicator": "k: |1-\n   one\n  two\n\n X\n",
		"literal_crlf":      "k: |\r\n  one\r\n\r\n  two X\r\n",
		"literal_blanks":    "k: |\n\n\n  one\n     \n  two X\n\n",
		"literal_keep":      "k: !Sub |+\n  one\n\n  two X\n\n\n",
		"literal_comment":   "k: | # note\n    one\n   \n    X\n",
		"literal_list":      "- |\n one\n X\n",
		"folded":            "k: >\n  one\n  two\n\n  three\n\n\n    four\n    five\n\n  six X\n",
		"folded_strip":      "k: >-\n\n  one\n  X two\n",
		"folded_blanks":     "k: >\n  one\n     \n  two X\n",
		"key":               "some X key: v\n",
		"json":              "{\"k\": \"a\\u00e9\\ud83d\\ude00\\n é X\"}",
		"bom":               "\ufeffk: é X\n",
		"nel":               "k: one\u0085  é X\n",
		"symbol_runes":      "k: a\ue0b0b\ue0b1\ue0b1é X\n",
		"symbol_runes_json": "{\"k\": \"a\ue0b0b\\ue0b1é\\n X\"}",
		"anchor":            "k: &here !Sub é X\n",
		"tag_on_own_line":   "k: !Sub\n  # note\n  é X\n",
	} {
		t.Run(name, func(t *testing.T) {
			n := read(t, text)
			if len(n.Items) > 0 {
				n = NewMap(Pos{}, &Field{Key: n.Items[0], Value: n.Items[0]})
			}
			v := n.Fields[0].Value
			if strings.Contains(n.Fields[0].Key.Text, "X") {
				v = n.Fields[0].Key
			}
			i := strings.IndexByte(v.Text, 'X')
			want := newIndex("f", []byte(text), false).pos(strings.IndexByte(text, 'X'))
			if got := v.PosAt(i); got != want {
				t.Errorf("X of %q in %q is at %+v, want %+v", v.Text, text, got, want)
			}
			if end := v.End.Offset; strings.TrimRight(text[v.Pos.Offset:end], "\r\n ") != text[v.Pos.Offset:end] || !strings.Contains(text[:end], "X") {
				t.Errorf("the value of %q ends behind %q", text, text[v.Pos.Offset:end])
			}
		})
	}
}

func TestAValueEndsBehindItsLastByte(t *testing.T) {
	for text, want := range map[string]string{
		"k: [a, b] # c\n":                      "[a, b]",
		"k: {a: 1,\n  b: [c],\n }\n":           "{a: 1,\n  b: [c],\n }",
		"k: {a: }\n":                           "{a: }",
		"k: {}\n":                              "{}",
		"k: !Join ['', [a]]\n":                 "!Join ['', [a]]",
		"k: {a, # }\n b}\n":                    "{a, # }\n b}",
		"k: # c\nl: 1\n":                       "",
		"k: !Ref\nl: 1\n":                      "!Ref",
		"k: ~\n":                               "~",
		"k:\n  a: 1\n  b:\n    - c\n\n# end\n": "a: 1\n  b:\n    - c",
		"a: &x v\nk: *x\n":                     "&x v",
		"k: \"x\"\n":                           "\"x\"",
		"{\"k\": [1, {\"a\": null} ] }":        "[1, {\"a\": null} ]",
	} {
		v := read(t, text).Get("k")
		if got := text[v.Pos.Offset:v.End.Offset]; got != want {
			t.Errorf("value of k in %q is %q, want %q", text, got, want)
		}
	}
}

func TestRepeatedKeysAreKept(t *testing.T) {
	n := read(t, "a: 1\nb: 2\na: 3\n")
	if len(n.Fields) != 3 || n.Get("a").Text != "3" {
		t.Errorf("fields %d, a %q; want 3 and the last value, 3", len(n.Fields), n.Get("a").Text)
	}
	if got := string(n.JSON()); got != `{"a":3,"b":2}` {
		t.Errorf("JSON is %s", got)
	}
}

func TestAliasesAndMergeKeysAreResolved(t *testing.T) {
	n := read(t, "base: &b {a: 1, c: 2}\nmore: &m {c: 9, d: 4}\nk:\n  a: 7\n  <<: [*b, *m]\n  e: *b\nl:\n  '<<': 5\n")
	if got := string(n.Get("k").JSON()); got != `{"a":7,"c":2,"d":4,"e":{"a":1,"c":2}}` {
		t.Errorf("k is %s", got)
	}
	e := n.At("k", "e")
	if e.Pos.Line != 1 || len(e.From) != 1 || e.From[0].Pos.Line != 6 {
		t.Errorf("the aliased value stands at %v, from %v; want line 1, aliased in line 6", e.Pos, e.From)
	}
	if got := string(n.Get("l").JSON()); got != `{"<<":5}` {
		t.Errorf("a quoted << is merged: %s", got)
	}
}

func TestShortTagsAreKept(t *testing.T) {
	n := read(t, "a: !Ref X\nb: !GetAtt Y.Arn\nc: !Sub\n  - '${Z}'\n  - {Z: !Ref W}\nd: !If [C, 1, !Ref 'AWS::NoValue']\n")
	if n.Get("a").Tag != "!Ref" || n.Get("c").Tag != "!Sub" || n.Get("c").Items[1].Get("Z").Tag != "!Ref" {
		t.Errorf("tags are lost: %q %q", n.Get("a").Tag, n.Get("c").Tag)
	}
	want := `{"a":{"Ref":"X"},"b":{"Fn::GetAtt":["Y","Arn"]},"c":{"Fn::Sub":["${Z}",{"Z":{"Ref":"W"}}]},"d":{"Fn::If":["C",1,{"Ref":"AWS::NoValue"}]}}`
	if got := string(n.JSON()); got != want {
		t.Errorf("JSON is\n%s, want\n%s", got, want)
	}
}

func TestWhatCannotBeReadIsOneLineWithAPlace(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	for text, want := range map[string]string{
		"a:\n\tb: 1\n":          "f:2:1: this is not YAML: a tab indents this line; YAML allows no tabs for indentation: use spaces",
		"a: b: c\n":             `f:1:4: this is not YAML: the value of "a" holds ": " and stands in no quotes; put a text that holds ": " in quotes`,
		"é: 'x\n":               "f:1:4: this is not YAML: the quotes that open here are not closed; close them at the end of the text",
		"a: 1\n---\nb: 2\n":     "f:2:1: a second document starts here; keep one document in a file: remove the line ---",
		"a: *.log\n":            "f:1:4: this is not YAML: a value that begins with * is an alias in YAML; put the value in single quotes",
		"a: &x [*x]\n":          "f:1:8: alias *x stands inside the value that it names",
		"a: é\x01\n":            "f:1:5: this is not YAML: a control character stands here; remove it, or write it as an escape in double quotes",
		"a: é\xff\n":            "f:1:5: byte 0xFF is not UTF-8; save the file as UTF-8",
		"\xff\xfea\x00":         "f: the file is in UTF-16; save it as UTF-8",
		"a: {{ b }}\n":          "f:1:5: a map or list stands here as a key; put the text in quotes if it is one",
		"<<: 1\n":               "f:1:5: << merges maps, and this is none; put << in quotes if it is a name",
		"{\"a\": 1,}}":          "f:1:9: this is not JSON: '}' stands where a key in double quotes is expected; remove the comma before it",
		"{\"a\": 01}\n\t- : [":  "f:1:7: this is not JSON: a number begins with 0; put it in quotes if it is a text, such as a file mode",
		"[1, ]\t}":              "f:1:5: this is not JSON: ']' stands where a value is expected; remove the comma before it",
		"[1 2\n":                "f:1:4: this is not JSON: '2' stands where a comma or ] is expected; put a comma behind the entry before it",
		"{\"a\": \"x\n\t\"\t}]": "f:1:9: this is not JSON: a line end or control character stands in a text; write \\n for a line end",
		bomb:                    "aliases expand to more than 100000 values",
		strings.Repeat("[", 500) + strings.Repeat("]", 500): "values are nested more than 200 deep",
	} {
		_, err := Parse("f", []byte(text))
		var p *Problem
		if !errors.As(err, &p) {
			t.Errorf("%.40q: error is %v, want a *Problem", text, err)
			continue
		}
		if got := err.Error(); got != want && !(len(text) > 100 && strings.Contains(got, want)) || strings.Contains(got, "\n") {
			t.Errorf("%.40q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestAnEmptyDocumentIsNil(t *testing.T) {
	for _, text := range []string{"", "\n", "# only a comment\n", "---\n", "\ufeff"} {
		if n := read(t, text); n != nil {
			t.Errorf("%q is %+v, want nil", text, n)
		}
	}
}

func TestAFileInBracesThatIsNoJSONIsReadAsYAML(t *testing.T) {
	n := read(t, "{a: b, 'c': [d]}\n")
	if got := string(n.JSON()); got != `{"a":"b","c":["d"]}` {
		t.Errorf("got %s", got)
	}
}

// TestPublicFilesAreReadOrRefusedWithAPlace reads files from public
// repositories, if they lie beside the repository.
func TestPublicFilesAreReadOrRefusedWithAPlace(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "corpus", "files")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no corpus of public files beside the repository")
	}
	good, refused := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n, err := Parse(path, data)
		var p *Problem
		switch {
		case err != nil && !errors.As(err, &p):
			t.Errorf("%s: %v is no *Problem", path, err)
		case err != nil && !p.Pos.IsValid():
			t.Errorf("%s: no place in %v", path, err)
		case err != nil:
			refused++
			t.Log(err)
		case n != nil:
			sound(t, data, n)
			good++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d read, %d refused", good, refused)
}

func TestALargeFileTakesNoLongerByItsShape(t *testing.T) {
	const most = 20 * time.Second // of about one second; what is quadratic takes hours
	for name, unit := range map[string]string{
		"symbol_runes": "\ue0b0x", "words": "x y ", "escapes": "\\n", "flow": "', '",
	} {
		start := time.Now()
		text := "a: [\"" + strings.ReplaceAll(strings.Repeat(unit, maxBytes/2/len(unit)), "'", "\"") + "\"]\n"
		n, err := parseYAML("f", []byte(text), len(text))
		if d := time.Since(start); n == nil || d > most {
			t.Errorf("%s: reading %d bytes took %v: %v", name, len(text), d, err)
		}
	}
}
