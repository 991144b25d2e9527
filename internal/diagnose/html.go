package diagnose

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sync"

	"beanpole/internal/finding"
)

//go:embed page.html
var pageText string

// page escapes every text of the logs by where it stands.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("diagnosis").Parse(pageText))
})

// HTML writes the diagnosis as one page that needs nothing beside it.
func (e *Explained) HTML(w io.Writer) error {
	data := struct {
		Headline, Class string
		Notes           []finding.Note
		Findings        []*finding.Finding
	}{e.Headline(), "", e.Notes(), e.Findings}
	switch {
	case e.Outcome == Succeeded:
		data.Class = "good"
	case e.Cause != nil && e.Sure():
		data.Class = "certain"
	}
	if err := page().Execute(w, data); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
