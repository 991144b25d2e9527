package diagnose

import (
	"encoding/json"
	"io"

	"beanpole/internal/logs"
	"beanpole/internal/source"
)

// answer is the JSON form; docs/diagnosis.schema.json describes it.
type answer struct {
	Version  string   `json:"version"`
	Outcome  Outcome  `json:"outcome"`
	Headline string   `json:"headline"`
	Cause    *named   `json:"cause"`
	Certain  bool     `json:"certain"`
	Possible []named  `json:"possible,omitempty"`
	RuledOut []string `json:"ruledOut,omitempty"`
	On       []string `json:"instances,omitempty"`
	Others   []named  `json:"elsewhere,omitempty"`
	Then     []named  `json:"then,omitempty"`
	Beside   []named  `json:"beside,omitempty"`
	First    *entry   `json:"firstFailure,omitempty"`
	Places   []place  `json:"places,omitempty"`
	NotRead  []string `json:"notRead,omitempty"`
}

// named is one cause.
type named struct {
	Cause  string   `json:"cause"`
	Title  string   `json:"title"`
	Why    string   `json:"why,omitempty"`
	Fix    []string `json:"fix,omitempty"`
	Settle string   `json:"settle,omitempty"`
	Seen   *entry   `json:"seen,omitempty"`
}

// entry is a record of a log.
type entry struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

type place struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column"`
}

// JSON writes the diagnosis as one JSON object.
func (e *Explained) JSON(w io.Writer) error {
	out := answer{Version: "1.0", On: e.On, Outcome: e.Outcome, Headline: e.Headline(), NotRead: e.Read.Unread}
	if c := e.Cause; c != nil {
		cause := c.named()
		cause.Cause, cause.Title = e.Slug(), Hide(e.Said())
		out.Cause, out.Certain, out.RuledOut = &cause, e.Sure(), c.RuledOut
		if len(e.Findings) == 0 {
			for _, b := range c.Of {
				out.Possible = append(out.Possible, named{Cause: b.Slug, Title: b.Title, Settle: b.Settle})
			}
		}
	}
	for _, s := range e.Perhaps {
		out.Possible = append(out.Possible, s.named())
	}
	if e.found {
		f := e.Findings[0]
		out.Cause, out.Certain = &named{Cause: f.Rule, Title: Hide(f.Message)}, true
		if e.Cause != nil {
			out.Cause.Seen = entryOf(e.Cause.Record)
		}
	}
	if e.First != nil {
		out.First = entryOf(e.First)
	}
	for _, s := range e.Others {
		out.Others = append(out.Others, s.named())
	}
	for _, s := range e.After {
		out.Then = append(out.Then, s.named())
	}
	for _, s := range e.Quiet {
		out.Beside = append(out.Beside, s.named())
	}
	for _, at := range e.At {
		out.Places = append(out.Places, placeOf(at))
	}
	for _, f := range e.Findings {
		out.Places = append(out.Places, placeOf(f.Pos))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func (s *Step) named() named {
	n := named{Cause: s.Slug, Title: Hide(s.Title), Why: s.Why, Settle: Hide(fill(s.Settle, s.shown)), Seen: entryOf(s.Record)}
	for _, f := range s.Fix {
		n.Fix = append(n.Fix, Hide(fill(f, s.shown)))
	}
	return n
}

func entryOf(r *logs.Record) *entry { return &entry{r.File, r.Line, seen(r)} }

func placeOf(at source.Pos) place { return place{at.File, at.Line, at.Col} }
