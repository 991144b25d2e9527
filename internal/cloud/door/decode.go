package door

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"beanpole/internal/aws"
)

// maxElements is how many elements a list or map in a request may have;
// maxDepth how many parts a parameter's name may have, far more than any of
// AWS's has. A name of dots alone would else cost hundreds of bytes a dot.
const (
	maxElements = 2000
	maxDepth    = 32
)

// param is a request's parameters as a tree: "A.member.1.B=x" is A, member,
// 1, B with text x.
type param struct {
	text string
	set  bool
	sub  map[string]*param
}

func (p *param) child(name string) *param {
	if p == nil {
		return nil
	}
	return p.sub[name]
}

// tree sorts a form's flat names into a tree. Deeper names belong to no
// operation's parameter and are left out.
func tree(form url.Values) *param {
	root := &param{}
	for name, values := range form {
		if strings.Count(name, ".") >= maxDepth {
			continue
		}
		p := root
		for _, part := range strings.Split(name, ".") {
			if p.sub == nil {
				p.sub = map[string]*param{}
			}
			next := p.sub[part]
			if next == nil {
				next = &param{}
				p.sub[part] = next
			}
			p = next
		}
		if len(values) > 0 {
			p.text, p.set = values[0], true
		}
	}
	return root
}

// DecodeQuery fills in, a pointer to one of the SDK's input structs, from a
// Query protocol form. Parameters that the operation doesn't have are
// ignored, as AWS does.
func DecodeQuery(form url.Values, in any) error {
	return decodeStruct(tree(form), reflect.ValueOf(in).Elem(), "")
}

func decodeStruct(p *param, v reflect.Value, path string) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		c := p.child(f.Name)
		if c == nil { // a few members begin with a lower case letter (sts: arn)
			c = p.child(lowerFirst(f.Name))
		}
		if c == nil {
			continue
		}
		if err := decodeValue(c, v.Field(i), join(path, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func decodeValue(p *param, v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.Pointer:
		n := reflect.New(v.Type().Elem())
		if err := decodeValue(p, n.Elem(), path); err != nil {
			return err
		}
		v.Set(n)
		return nil
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return decodeTime(p.text, v, path)
		}
		return decodeStruct(p, v, path)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b, err := base64.StdEncoding.DecodeString(p.text)
			if err != nil {
				return malformed(p.text, path)
			}
			v.SetBytes(b)
			return nil
		}
		return decodeList(p, v, path)
	case reflect.Map:
		return decodeMap(p, v, path)
	}
	return decodeScalar(p.text, v, path)
}

func decodeScalar(text string, v reflect.Value, path string) error {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return malformed(text, path)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return malformed(text, path)
		}
		v.SetInt(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return malformed(text, path)
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("decode %s: no way to read a %s", path, v.Type())
	}
	return nil
}

func decodeTime(text string, v reflect.Value, path string) error {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			v.Set(reflect.ValueOf(at.UTC()))
			return nil
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		v.Set(reflect.ValueOf(time.Unix(n, 0).UTC()))
		return nil
	}
	return malformed(text, path)
}

// decodeList reads X.member.N; X with an empty text is the empty list.
func decodeList(p *param, v reflect.Value, path string) error {
	items, err := numbered(p.child("member"), path)
	if err != nil {
		return err
	}
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, c := range items {
		if err := decodeValue(c, out.Index(i), fmt.Sprintf("%s.member.%d", path, i+1)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

// decodeMap reads X.entry.N.key and X.entry.N.value.
func decodeMap(p *param, v reflect.Value, path string) error {
	items, err := numbered(p.child("entry"), path)
	if err != nil {
		return err
	}
	out := reflect.MakeMapWithSize(v.Type(), len(items))
	for _, c := range items {
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if kc := c.child("key"); kc != nil {
			k.SetString(kc.text)
		}
		if vc := c.child("value"); vc != nil {
			if err := decodeValue(vc, e, path+".entry.value"); err != nil {
				return err
			}
		}
		out.SetMapIndex(k, e)
	}
	v.Set(out)
	return nil
}

// numbered are p's children 1, 2, 3 … in the order of their numbers. Gaps are
// closed up, so a huge number costs no memory.
func numbered(p *param, path string) ([]*param, error) {
	if p == nil {
		return nil, nil
	}
	if len(p.sub) > maxElements {
		return nil, &aws.Error{Code: "ValidationError", Status: 400, Message: fmt.Sprintf("%s has more than %d elements", path, maxElements)}
	}
	var ns []int
	for name := range p.sub {
		n, err := strconv.Atoi(name)
		if err != nil || n < 0 {
			return nil, malformed(name, path)
		}
		ns = append(ns, n)
	}
	sort.Ints(ns)
	var out []*param
	for _, n := range ns {
		if c := p.sub[strconv.Itoa(n)]; c != nil {
			out = append(out, c)
		}
	}
	return out, nil
}

func malformed(text, path string) error {
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return &aws.Error{Code: "MalformedInput", Status: 400, Message: fmt.Sprintf("%q is not a value for %s", text, path)}
}

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
