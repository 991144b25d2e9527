package cfninit

import (
	"fmt"
	"strings"
	"testing"

	"beanpole/internal/source"
)

func TestDictOrderIsThatOfPython2(t *testing.T) {
	for _, c := range []struct{ keys, want string }{ // seen with CPython 2.7.18
		{"httpd php git gcc", "httpd gcc php git"},
		{"boto simplejson requests", "requests simplejson boto"},
		{"nginx sendmail crond httpd", "nginx httpd crond sendmail"},
		{"configSets a f b", "a f b configSets"},
		{"a f b configSets", "a b configSets f"},
		{"x x", "x"},
		{"", ""},
	} {
		m := source.NewMap(source.Pos{})
		for _, k := range strings.Fields(c.keys) {
			m.Fields = append(m.Fields, &source.Field{Key: source.NewString(k, source.Pos{})})
		}
		var got []string
		for _, f := range dictOrder(fields(m)) {
			got = append(got, f.Key.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.keys, got, c.want)
		}
	}
}

func TestDictOrderKeepsEveryEntry(t *testing.T) {
	for _, n := range []int{1, 5, 6, 7, 100, 5000} {
		m := source.NewMap(source.Pos{})
		for i := range n {
			m.Fields = append(m.Fields, &source.Field{Key: source.NewString(fmt.Sprintf("ключ-%d", i), source.Pos{})})
		}
		seen := map[string]bool{}
		for _, f := range dictOrder(fields(m)) {
			seen[f.Key.Text] = true
		}
		if len(seen) != n {
			t.Errorf("%d of %d keys", len(seen), n)
		}
	}
}
