package report

import (
	_ "embed"
	"html/template"
	"strconv"
	"strings"
	"sync"
)

//go:embed page.html
var pageText string

// pages are the parts of the page; html/template escapes every text of the
// user's by where it stands.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"count": counted,
		"strip": func(i int) int { return 90 * i }, // where link i stands
	}).Parse(pageText))
})

// htmlFormat is one page that needs nothing beside it.
type htmlFormat struct{ version string }

func part(name string, data any) string {
	var b strings.Builder
	if err := pages().ExecuteTemplate(&b, name, data); err != nil {
		panic("unreachable: " + err.Error()) // a builder takes everything, the data is of one type
	}
	return b.String()
}

func (f htmlFormat) Head() string          { return part("head", f.version) }
func (htmlFormat) Bundle(b *Bundle) string { return part("bundle", NewResult(b)) }
func (htmlFormat) Between() string         { return "\n" }
func (htmlFormat) Tail(total Counts) string {
	return part("tail", total)
}

// counted is a number with its noun.
func counted(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "ch"):
		what += "e"
	}
	return strconv.Itoa(n) + " " + what + "s"
}
