package logs

import (
	"bytes"
	"html"

	"beanpole/internal/lazyregexp"
)

// escaped are the character references that a text holds when it was copied out
// of the source of a web page.
var escaped = [][]byte{[]byte("&quot;"), []byte("&#39;"), []byte("&#x27;"), []byte("&gt;"), []byte("&lt;"), []byte("&nbsp;")}

// tags of web pages in which logs are shown. AWS's own answers in XML and HTML
// have others, which stay.
var (
	breaks = lazyregexp.New(`<br ?/?>`)
	tags   = lazyregexp.New(`</?(?:pre|code|p|div|span|li|ul|td|tr|table|tbody|strong|em|blockquote)(?: [^<>\n]{0,200})?>`)
)

// fromPage is text out of a web page's source as the page shows it.
func fromPage(b []byte) []byte {
	if bytes.Contains(b, []byte("<br")) || bytes.Contains(b, []byte("</")) {
		b = []byte(tags.ReplaceAllString(breaks.ReplaceAllString(string(b), "\n"), ""))
	}
	for _, e := range escaped {
		if bytes.Contains(b, e) {
			return []byte(html.UnescapeString(string(b)))
		}
	}
	return b
}
