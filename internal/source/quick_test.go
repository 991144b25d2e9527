package source

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sameReading holds the short way of reading against the library's: where it
// does not give up, the trees are the same to the last offset.
func sameReading(t *testing.T, data []byte) (quickly bool) {
	t.Helper()
	if unreadable("f", data) != nil {
		return false
	}
	got, _, ok := readQuickly("f", data, newIndex("f", data, false), maxValues)
	if !ok {
		return false
	}
	want, err := readThoroughly(data, newIndex("f", data, false), maxValues)
	if err != nil {
		t.Fatalf("%q is read, though the library says: %v", data, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: other trees:\n%s\nthe library: %s", data, differing(got, want), want.JSON())
	}
	return true
}

// differing is where two trees differ first.
func differing(a, b *Node) string {
	if a == nil || b == nil {
		return "one is not there"
	}
	x, y := *a, *b
	x.Items, x.Fields, x.of, y.Items, y.Fields, y.of = nil, nil, nil, nil, nil, nil
	if !reflect.DeepEqual(x, y) || len(a.Items) != len(b.Items) || len(a.Fields) != len(b.Fields) {
		return strings.Join([]string{show(x), show(y)}, "\n")
	}
	for i := range a.Items {
		if s := differing(a.Items[i], b.Items[i]); s != "" {
			return s
		}
	}
	for i := range a.Fields {
		if s := differing(a.Fields[i].Key, b.Fields[i].Key) + differing(a.Fields[i].Value, b.Fields[i].Value); s != "" {
			return s
		}
	}
	return ""
}

func show(n Node) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(fmt.Sprintf("%+v", n), "\n", " ")), " ")
}

var quickSeeds = []string{
	"files:\n  /etc/a.conf:\n    mode: \"000644\"\n    owner: root\n    content: |\n      name=x\n\n      part=1\n\n  \"/b\":\n    content: |-\n        a\n          b\noption_settings:\n- namespace: aws:x:y\n  value: 1\n  c: [a, 'b', \"c\", {d: e}]\n",
	"AWSTemplateFormatVersion: \"2010-09-09\"\nParameters:\n  Stage: {Type: String, Default: test}\nResources:\n  Role:\n    Type: AWS::IAM::Role\n    P:\n      S:\n        - {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: \"sts:A\"}\n        - !Sub \"${B.Arn}/*\"\n      R: !Sub \"${Bucket.Arn}/*\" # c\n      Q: !Join [a, [!Ref b, c]]\n",
	"# c\na: b # c\n# d\nc:\n  # e\n  d: 'e f'\n\n", "- a\n- - b\n  - c\n- d: e\n  f: g\n", "a:\n- b\n- c\nd: ~\n", "a: x\n  y\n", "a: |\n  b\n c\n", "!Ref a\n", "[a, b]\n", "{a: b}", "a: 'b' c\n",
	"a: {b: c,d: e}\n", "a: [b ,c]\n", "a: {}\nb: []\n", "a: b: c\n", "a: -1\nb: -\n", "a: \"x\"y\n", "a: [b, c: d]\n", "a: 0644\n? b\n", "k: |\n  a\n  \n   b\n#c\nd: e\n", "a: !x {b: c}\n", "a: !b\n", "...\n", "a: b\n---\n", "- a: |\n    b\n  c: d\n- |\n  e\n",
	"a : b\n", "\"a\" : b\n", "a: {b : c}\n", "a: {\"b\": c}\n", "a: [\"b\" ]\n", "a:  |  \n  b\n", "a: [a#b, c #d\n", "a: =\n", "<<: {a: b}\n", "a: !a !b c\n", "a: [b, ]\n", " a: b\n c: d\n", "a: 1:30\nb: 1e3\n", "a: !Sub |\n  b\n", "a:\n  |\n  b\n", "a:\n - |\n  b\n", "a:\n  !Ref b\n", "a:\n  {b: c}\n",
}

// FuzzQuick: both ways of reading agree on whatever is read the short way.
func FuzzQuick(f *testing.F) {
	for _, s := range quickSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sameReading(t, data) })
}

// TestQuickReadsPublicFiles as the library does, and so that nearly all of
// those that can be read are read the short way.
func TestQuickReadsPublicFiles(t *testing.T) {
	const corpus = "../../../shared/corpus"
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("no folder of public files beside the repository")
	}
	var all, quickly int
	err := filepath.WalkDir(corpus, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".config" {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		all++
		if sameReading(t, data) {
			quickly++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d files are read the short way", quickly, all)
	if quickly < all/2 {
		t.Errorf("only %d of %d files are read the short way", quickly, all)
	}
}
