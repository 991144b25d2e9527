package reading

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// templateMask takes secrets out of a template's text. Functions, names and
// places stay, so that the same fetches are found in it.
type templateMask struct {
	data  []byte
	hide  func(string) string
	edits []source.Edit
	spans [][2]int // of values and keys, in which a # begins no comment
}

// maskTemplate is a template without secrets: contents of files, values of
// environment variables, of entries with telling names and of parameters that
// nobody is to read, and what looks like a secret in all other values and
// comments. A text that is no template is left out.
func maskTemplate(text string, hide func(string) string) string {
	m := &templateMask{data: []byte(text), hide: hide}
	read := source.ParseYAML
	if strings.HasPrefix(strings.TrimLeft(text, "\ufeff \t\r\n"), "{") {
		read = source.ParseJSON
	}
	root, err := read("template", m.data)
	if err != nil || root == nil {
		return ""
	}
	m.parameters(root.Get("Parameters"))
	m.walk(root, "", false)
	m.comments()
	out, err := source.Apply(m.data, m.edits)
	if err != nil {
		return ""
	}
	if _, err := read("template", out); err != nil {
		return ""
	}
	return string(out)
}

// parameters masks defaults of parameters that are secret.
func (m *templateMask) parameters(all *source.Node) {
	if all == nil {
		return
	}
	for _, f := range all.Fields {
		if telling(f.Key.Text) || strings.EqualFold(f.Value.Get("NoEcho").TextOr(""), "true") {
			if d := f.Value.Get("Default"); d != nil && d.IsScalar() {
				m.replace(d, "****")
			}
		}
	}
}

// references are functions of which the arguments are names, not values.
var references = []string{"Ref", "Fn::GetAtt", "Fn::ImportValue", "Fn::FindInMap", "Condition", "!Ref", "!GetAtt", "!ImportValue", "!FindInMap", "!Condition"}

// walk masks values below n, which stands under a key; all: every one of them
// may be a secret.
func (m *templateMask) walk(n *source.Node, key string, all bool) {
	if n == nil {
		return
	}
	if n.IsScalar() {
		m.spans = append(m.spans, [2]int{n.Pos.Offset, n.End.Offset})
		if !slices.Contains(references, n.Tag) && !slices.Contains(references, key) {
			m.scalar(n, key, all)
		}
		return
	}
	if slices.Contains(references, n.Tag) || slices.Contains(references, key) {
		return
	}
	items := n.Items
	if (n.Tag == "!If" || key == "Fn::If") && len(items) > 0 {
		items = items[1:] // the condition's name
	}
	for _, it := range items {
		m.walk(it, key, all)
	}
	secretOption := n.Get("OptionName") != nil && (n.Get("Namespace").TextOr("") == "aws:elasticbeanstalk:application:environment" || telling(n.Get("OptionName").TextOr("")))
	for _, f := range n.Fields {
		m.spans = append(m.spans, [2]int{f.Key.Pos.Offset, f.Key.End.Offset})
		in := f.Key.Text
		if strings.HasPrefix(in, "Fn::") { // the value is still that of the key above
			if slices.Contains(references, in) {
				continue
			}
			m.walk(f.Value, either(in == "Fn::If", in, key), all)
			continue
		}
		m.walk(f.Value, in, all || secretOption && in == "Value" || slices.Contains([]string{"content", "env", "context", "Variables"}, in) || telling(in) && f.Value.Kind != source.Map)
	}
}

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func (m *templateMask) scalar(n *source.Node, key string, all bool) {
	switch {
	case n.Kind == source.Null || strings.HasPrefix(n.Text, "{{resolve:") || strings.HasPrefix(n.Text, "AWS::"):
	case all && key == "content":
		m.replace(n, "(left out)")
	case all && n.Kind != source.Bool, key == "accessKeyId" && n.Text != "", telling(key) && n.Kind == source.String:
		m.replace(n, "****")
	case key == "UserData" && m.encodedSecret(n.Text):
		m.replace(n, "****")
	default:
		if text := m.hide(n.Text); text != n.Text {
			m.replace(n, text)
		}
	}
}

// encodedSecret tells base64 in which something looks like a secret.
func (m *templateMask) encodedSecret(text string) bool {
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	return err == nil && (!utf8.Valid(plain) || m.hide(string(plain)) != string(plain))
}

func (m *templateMask) replace(n *source.Node, text string) {
	e := source.ReplaceScalar(m.data, n, text)
	for _, old := range m.edits { // a parameter's default
		if old.Start == e.Start {
			return
		}
	}
	m.edits = append(m.edits, e)
}

var comment = lazyregexp.New(`(?m)(?:^|[ \t])#.*$`)

// comments masks what looks like a secret in YAML's comments.
func (m *templateMask) comments() {
	if bytes.IndexByte(m.data, '#') < 0 {
		return
	}
	slices.SortFunc(m.spans, func(a, b [2]int) int { return a[0] - b[0] })
	for _, at := range comment.FindAllStringIndex(string(m.data), -1) {
		i, _ := slices.BinarySearchFunc(m.spans, at[0], func(s [2]int, at int) int { return s[1] - at - 1 })
		if i < len(m.spans) && m.spans[i][0] <= at[0] && at[0] < m.spans[i][1] {
			continue // within a value
		}
		text := string(m.data[at[0]:at[1]])
		if hidden := m.hide(text); hidden != text {
			m.edits = append(m.edits, source.Edit{Start: at[0], End: at[1], New: hidden})
		}
	}
}
