package report

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"strings"
	"sync"

	"beanpole/internal/check"
)

// sarifFormat is SARIF 2.1.0 [OASIS sarif-v2.1.0-errata01]: one run, the
// results of all bundles, what is not known as notifications. The types are
// written here since what libraries offer brings a schema engine along that a
// program which only writes has no use for.
type sarifFormat struct {
	version string
	index   map[string]int // of each rule
	mu      sync.Mutex
	notes   map[int][]sarifNotification // by the bundle's index
	failed  bool
}

func newSARIF(version string) *sarifFormat {
	f := &sarifFormat{version: version, index: map[string]int{}, notes: map[int][]sarifNotification{}}
	for i, r := range check.Rules() {
		f.index[r.Slug] = i
	}
	return f
}

type (
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Full  sarifText `json:"fullDescription"`
		Help  sarifText `json:"help"`
	}
	sarifRegion struct {
		StartLine   int  `json:"startLine,omitempty"`
		StartColumn int  `json:"startColumn,omitempty"`
		EndLine     int  `json:"endLine,omitempty"`
		EndColumn   int  `json:"endColumn,omitempty"`
		ByteOffset  *int `json:"byteOffset,omitempty"`
		ByteLength  *int `json:"byteLength,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted *sarifText  `json:"insertedContent,omitempty"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifSuppression struct {
		Kind          string         `json:"kind"`
		Justification string         `json:"justification"`
		Location      *sarifLocation `json:"location,omitempty"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations,omitempty"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Fixes        []sarifFix         `json:"fixes,omitempty"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]any     `json:"properties"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
)

// sarifSchema names the schema, for editors.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

func (f *sarifFormat) Head() string {
	var rules []sarifRule
	for _, r := range check.Rules() {
		rules = append(rules, sarifRule{
			ID: r.Slug, Short: sarifText{Text: r.Title}, Full: sarifText{Text: r.Why},
			Help: sarifText{Text: r.Why + "\n\nBefore:\n" + r.Before + "\n\nAfter:\n" + r.After, Markdown: r.Markdown()},
		})
	}
	driver := map[string]any{"name": "beanpole", "version": f.version, "rules": rules}
	return `{"$schema":` + encoded(sarifSchema) + `,"version":"2.1.0","runs":[{"tool":{"driver":` + encoded(driver) +
		`},"columnKind":"unicodeCodePoints","results":[` + "\n"
}

func (*sarifFormat) Between() string { return ",\n" }

func (f *sarifFormat) Tail(Counts) string {
	invocation := sarifInvocation{Successful: !f.failed, Notifications: []sarifNotification{}}
	most := -1
	for i := range f.notes {
		most = max(most, i)
	}
	for i := range most + 1 {
		invocation.Notifications = append(invocation.Notifications, f.notes[i]...)
	}
	return "\n],\"invocations\":[" + encoded(invocation) + "]}]}\n"
}

func (f *sarifFormat) Bundle(b *Bundle) string {
	r := NewResult(b)
	f.notify(b.Index, r)
	seen := map[string]int{}
	var parts []string
	for i := range r.Findings {
		parts = append(parts, encoded(f.result(b, &r.Findings[i], seen)))
	}
	for i := range r.Suppressed {
		s := &r.Suppressed[i]
		result := f.result(b, &s.Finding, seen)
		result.Suppressions = []sarifSuppression{{Kind: "inSource", Justification: s.Reason, Location: location(s.Comment, "")}}
		parts = append(parts, encoded(result))
	}
	return strings.Join(parts, ",\n")
}

// notify keeps what could not be read, or is not known, for the tail.
func (f *sarifFormat) notify(index int, r *Result) {
	var notes []sarifNotification
	if r.Error != "" {
		notes = append(notes, sarifNotification{Level: "error", Message: sarifText{Text: r.Bundle + ": " + r.Error}})
	}
	for i := range r.Unsettled {
		n := sarifNotification{Level: "note", Message: sarifText{Text: "not known: " + withNotes(&r.Unsettled[i])}}
		if l := location(r.Unsettled[i].Place, ""); l != nil {
			n.Locations = []sarifLocation{*l}
		}
		notes = append(notes, n)
	}
	for _, s := range r.NotKnown {
		notes = append(notes, sarifNotification{Level: "note", Message: sarifText{Text: "not known: " + s}})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = f.failed || r.Error != ""
	if len(notes) > 0 {
		f.notes[index] = notes
	}
}

func (f *sarifFormat) result(b *Bundle, fd *Finding, seen map[string]int) *sarifResult {
	out := &sarifResult{
		RuleID: fd.Rule, RuleIndex: -1, Level: "warning", Message: sarifText{Text: withNotes(fd)},
		Properties: map[string]any{"certain": fd.Certain},
	}
	if i, ok := f.index[fd.Rule]; ok {
		out.RuleIndex = i
	}
	if fd.Severity == "error" {
		out.Level = "error"
	}
	if l := location(fd.Place, ""); l != nil {
		out.Locations = []sarifLocation{*l}
	}
	for _, n := range fd.Notes {
		for i := range n.Places {
			out.Related = append(out.Related, *location(&n.Places[i], strings.TrimPrefix(n.Label+": "+n.Text, ": ")))
		}
	}
	for i := range fd.Fixes {
		if fix := newSARIFFix(&fd.Fixes[i]); len(fix.Changes) > 0 {
			out.Fixes = append(out.Fixes, fix)
		}
	}
	out.Fingerprints = map[string]string{"beanpole/v1": fingerprint(fd, seen)}
	return out
}

// fingerprint stays the same while lines move: rule, file and message, and how
// often they came before.
func fingerprint(f *Finding, seen map[string]int) string {
	key := f.Rule + "\x00" + f.Message
	if f.Place != nil {
		key += "\x00" + f.Place.File
	}
	seen[key]++
	sum := sha256.Sum256(append([]byte(key), byte(seen[key]), byte(seen[key]>>8)))
	return hex.EncodeToString(sum[:16])
}

func location(p *Place, message string) *sarifLocation {
	if p == nil {
		return nil
	}
	l := &sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{uri(p.File)}}}
	if p.Line > 0 {
		l.Physical.Region = &sarifRegion{StartLine: p.Line, StartColumn: p.Column, EndLine: p.EndLine, EndColumn: p.EndColumn}
	}
	if message != "" {
		l.Message = &sarifText{Text: message}
	}
	return l
}

// uri is a path as a URI reference; relative ones stay relative, to the folder
// in which the command ran.
func uri(path string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	if strings.HasPrefix(u.Path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}

func newSARIFFix(f *Fix) sarifFix {
	out := sarifFix{Description: sarifText{Text: f.Title}}
	if f.Price != "" {
		out.Description.Text += "; price: " + f.Price
	}
	at := map[string]int{}
	for _, e := range f.Edits {
		i, ok := at[e.File]
		if !ok {
			i = len(out.Changes)
			at[e.File] = i
			out.Changes = append(out.Changes, sarifChange{Artifact: sarifArtifact{uri(e.File)}})
		}
		start, length := e.Start, e.End-e.Start
		r := sarifReplacement{Deleted: sarifRegion{ByteOffset: &start, ByteLength: &length}}
		if e.Text != "" {
			r.Inserted = &sarifText{Text: e.Text}
		}
		out.Changes[i].Replacements = append(out.Changes[i].Replacements, r)
	}
	return out
}
