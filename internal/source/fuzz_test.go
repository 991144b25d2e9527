package source

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// checkRead holds for any input: a tree with sound places and valid JSON, or
// a *Problem.
func checkRead(t *testing.T, read func(string, []byte) (*Node, error), data []byte) {
	n, err := read("f", data)
	var p *Problem
	if err != nil {
		if !errors.As(err, &p) {
			t.Fatalf("%v is no *Problem", err)
		}
		return
	}
	if n == nil {
		return
	}
	sound(t, data, n)
	if j := n.JSON(); !json.Valid(j) {
		t.Fatalf("JSON of %q is %s", data, j)
	}
	for _, s := range scalars(n, nil) {
		if _, err := Apply(data, []Edit{ReplaceScalar(data, s, "x y")}); err != nil && len(s.From) == 0 {
			t.Fatal(err)
		}
	}
	if m := maps(n, nil); len(m) > 0 {
		_, _ = InsertField(data, m[len(m)-1], "zz", "1") // it may refuse; it checks itself what it does
	}
}

func FuzzYAML(f *testing.F) {
	for _, s := range []string{
		"a: &x {b: [c, 'd''e', \"f\\u00e9\\\n g\"], ? h : i}\n<<: *x\nj: |+2\n    k\n\n  l\nm: >-\n n\n\n o\n",
		"\ufeff- !Sub a\r\n- ? b\r\n  : !GetAtt c.d # e\r\n- - f\r\n", "%YAML 1.1\n---\n!!map {a: !!str 1}\n...\n", "a: \u2028b\u0085 c\n", "a: b\ue0b0c\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, ParseYAML, data) })
}

// FuzzConfig: whatever a configuration file holds, it is read, or refused with
// a place inside it; edits that are offered mend it.
func FuzzConfig(f *testing.F) {
	for _, s := range []string{
		"files:\n  /a:\n    content: |\n  x {\n y: b\n", "a:\n\tb: 1\n\tc: |\n\t\tx\n", "k: [ ! -f x ] && y\nl: *a/5\n", "a: \"`{\"Ref\": \"B\"}`\"\n",
		"a: \"x\\*\n", "a\n  b: c\n", "a:\n - aws:x\n   b: c\nd:e\nF=1\n", "a: b\n   c: d // e\n", "- {\"a\", \"b}\n- c\n", "a:\tb\n", "a: !Ref b\n", "a: x: y\n", "{\"a\": !x}", ";: [P",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := ParseConfig("f", data)
		var p *Problem
		if !errors.As(err, &p) {
			if err != nil {
				t.Fatal(err)
			}
			return
		}
		for _, at := range []Pos{p.Pos, p.End} {
			if at.Offset < 0 || at.Offset > len(data) || at.IsValid() && newIndex("f", data, false).pos(at.Offset) != at {
				t.Fatalf("place %+v of %v", at, p)
			}
		}
		if p.End.IsValid() && p.End.Offset < p.Pos.Offset {
			t.Fatalf("%v ends before it begins", p)
		}
		if len(p.Edits) == 0 {
			return
		}
		mended, err := Apply(data, p.Edits)
		if err != nil || !readable(mended) {
			t.Fatalf("%q: edits do not mend it: %q %v", data, mended, err)
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.5e3, true, null, "\ud83d\ude00\n\u00e9"], "a": {}}`, "[\"\ue0b0\", {}]", `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkRead(t, ParseJSON, data)
		n, err := ParseJSON("f", data)
		valid := json.Valid(bytes.TrimPrefix(data, []byte(bom)))
		deep := bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxDepth
		if n != nil && !valid || err != nil && valid && utf8.Valid(data) && !deep {
			t.Fatalf("%q: encoding/json says valid %v, we %v", data, valid, err)
		}
	})
}

func TestJSONInsideATextHasItsPlaceInTheFile(t *testing.T) {
	text := "policy: |\n  {\n    \"é\": [1,\n     \"x\"]}\nquoted: '`{\"Ref\": \"A\"}` end'\n"
	n := read(t, text)
	p := n.Get("policy")
	v, err := p.ParseJSON(0, len(p.Text))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("é").Items[1].Pos; got.Line != 4 || got.Col != 6 {
		t.Errorf("x stands at %v, want 4:6", got)
	}
	q := n.Get("quoted")
	v, err = q.ParseJSON(1, 13)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Get("Ref").Pos; got.Line != 5 || got.Col != 19 {
		t.Errorf("A stands at %v, want 5:19", got)
	}
	if _, err = q.ParseJSON(1, 9); err == nil || err.Error() != "f:5:19: this is not JSON: the text ends where a value is expected" {
		t.Errorf("half a value: %v", err)
	}
}

func TestDecodedJSONBecomesATree(t *testing.T) {
	var v any
	if err := json.Unmarshal([]byte(`{"b": [1, 1.5, true, null, "x<y"], "a": {}}`), &v); err != nil {
		t.Fatal(err)
	}
	if got := string(FromJSONValue(v, Pos{}).JSON()); got != `{"a":{},"b":[1,1.5,true,null,"x<y"]}` {
		t.Errorf("got %s", got)
	}
}

// FuzzText: places of a file as one text lie in the file, line by line.
func FuzzText(f *testing.F) {
	f.Add([]byte("#!/bin/sh\r\necho \ue0b0é\n"))
	f.Add([]byte("\ufeffweb: x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := NewText("f", data)
		if n == nil {
			return
		}
		last := 0
		for i := range n.Text {
			p := n.PosAt(i)
			if p.Offset < last || p.Offset >= len(data) || data[p.Offset] != n.Text[i] {
				t.Fatalf("byte %d of %q is at %+v", i, n.Text, p)
			}
			last = p.Offset
		}
	})
}

// FuzzIgnore: a pattern that leaves a folder out as a whole leaves out what is
// in it, and the line that is named decides.
func FuzzIgnore(f *testing.F) {
	f.Add(".*\n!.ebextensions\n/a/**/b\n*.log", "a/x/b")
	f.Add("[a-\n**\n!**/c/", "c")
	f.Add("**\n!*", "c")
	f.Fuzz(func(t *testing.T, text, name string) {
		if name = cleanName(name); name == "" || len(text) > 1<<12 || len(name) > 1<<10 {
			return
		}
		ig := parseIgnore(text)
		if ig.wholeFolder(name) && !ig.matches(name+"/x", false) {
			t.Fatalf("%q leaves out the folder %q, but not what is in it", text, name)
		}
		if out := ig.matches(name, false); out != (ig.line(name, false) > 0) {
			t.Fatalf("%q leaves out %q: %v, by line %d", text, name, out, ig.line(name, false))
		}
	})
}

// FuzzZip: whatever an archive holds, it is opened or refused with a word.
func FuzzZip(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{".ebextensions/a.config", "b\\c", "d/"} {
		if _, err := z.Create(name); err != nil {
			f.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "a.zip")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		bundle, err := OpenBundle(name)
		var p *Problem
		if err != nil {
			if !errors.As(err, &p) {
				t.Fatal(err)
			}
			return
		}
		defer bundle.Close()
		for _, n := range bundle.Names() {
			if _, err := bundle.Read(n); err != nil && !errors.As(err, &p) {
				t.Fatal(err)
			}
		}
	})
}
