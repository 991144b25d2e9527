package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"beanpole/internal/access"
	"beanpole/internal/check"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// sample is a bundle whose every text is s.
func sample(s string) *Bundle {
	at := source.Pos{File: "a" + s, Line: 2, Col: 3, Offset: 9}
	f := &finding.Finding{
		Rule: "duplicate-key", Severity: finding.Error, Certain: true, Pos: at, End: source.Pos{File: at.File, Line: 2, Col: 7, Offset: 13},
		Message: "m" + s,
		Notes:   []finding.Note{{Label: "cause", Text: "c" + s, At: []source.Pos{at, {File: "whole" + s}}}, {Text: "t" + s, Command: true}},
		Fixes: []finding.Fix{{Name: "way", Title: "t" + s, Price: "p" + s, Edits: []source.Edit{
			{File: "a" + s, Start: 1, End: 4, New: "n"}, {File: "b", Start: 0, End: 0, New: s}, {File: "a" + s, Start: 5, End: 6}}}},
	}
	second := *f
	second.Severity, second.End, second.Pos = finding.Warning, source.Pos{}, source.Pos{File: "a" + s}
	chain := &access.Chain{Fetch: &access.Fetch{Section: "files", Target: "/t" + s, URL: "https://u" + s, URLAt: at}, World: &access.World{}}
	for i, l := range access.Links {
		chain.Links = append(chain.Links, access.Link{Name: l, Verdict: fact.Verdict(i % 3), Says: "says" + s, Missing: "it" + s, At: []source.Pos{at}})
	}
	return &Bundle{Path: "p" + s, Template: "t" + s, Report: &check.Report{
		Findings: []*finding.Finding{f, &second}, NotKnown: []string{"n" + s},
		Suppressed: []*check.Suppressed{{Finding: f, Reason: "r" + s, At: at}},
		Unsettled:  []*finding.Finding{{Severity: finding.Unknown, Pos: at, Message: "u" + s}},
		Chains:     []*access.Chain{chain},
	}}
}

// whole is a document about bundles.
func whole(name string, bundles ...*Bundle) string {
	f := New(name, "0.0.0")
	var parts []string
	var total Counts
	for i, b := range bundles {
		b.Index = i
		if p := f.Bundle(b); p != "" {
			parts = append(parts, p)
		}
		total.Add(Count(b))
	}
	return f.Head() + strings.Join(parts, f.Between()) + f.Tail(total)
}

func failed() *Bundle { return &Bundle{Path: "broken", Err: errors.New("no such folder")} }

// schemaOf compiles a JSON schema.
func schemaOf(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t testing.TB, s *jsonschema.Schema, text string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("no JSON: %v\n%s", err, text)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// sarifSchemaText is the 2.1.0 schema of OASIS, as the SARIF library of these
// tests carries it in its source.
func sarifSchemaText(t testing.TB) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Skipf("the module with the schema is not found: %v", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "pkg", "report", "v210", "sarif", "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && v.Names[0].Name == "schema" {
			if lit, ok := v.Values[0].(*ast.BasicLit); ok {
				text, err = strconv.Unquote(lit.Value)
			}
		}
		return true
	})
	if err != nil || text == "" {
		t.Fatalf("no schema in the module: %v", err)
	}
	return []byte(text)
}

func TestJSONIsAsItsSchemaSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "report.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	schema := schemaOf(t, text)
	for _, doc := range []string{whole("json"), whole("json", sample("")), whole("json", sample("<&\""), failed(), sample("x"))} {
		valid(t, schema, doc)
	}
	var got struct {
		Version string
		Bundles []Result
		Counts  Counts
	}
	if err := json.Unmarshal([]byte(whole("json", sample(""), failed())), &got); err != nil {
		t.Fatal(err)
	}
	want := Counts{Bundles: 2, Failed: 1, Findings: 2, Errors: 1, Warnings: 1, Suppressed: 1, Fetches: 1, Broken: 1}
	if got.Version != Version || len(got.Bundles) != 2 || got.Counts != want || got.Bundles[1].Error == "" || len(got.Bundles[0].Fetches[0].Links) != len(access.Links) {
		t.Errorf("got %+v", got)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(whole("json", sample("")), `"rule"`, `"rulez"`, 1)))
	if err != nil || schema.Validate(doc) == nil {
		t.Errorf("the schema takes anything: %v", err)
	}
}

func TestSARIFIsValidAndReadsBack(t *testing.T) {
	schema := schemaOf(t, sarifSchemaText(t))
	for _, doc := range []string{whole("sarif"), whole("sarif", sample(""), failed()), whole("sarif", sample("<&\" %ü:#?"), sample("/x"))} {
		valid(t, schema, doc)
		readsBack(t, doc)
	}
	r, err := sarif.FromString(whole("sarif", sample(""), failed()))
	if err != nil {
		t.Fatal(err)
	}
	run := r.Runs[0]
	if len(run.Results) != 3 || len(run.Tool.Driver.Rules) != len(check.Rules()) || len(run.Results[2].Suppressions) != 1 || len(run.Results[0].Suppressions) != 0 {
		t.Fatalf("%d results, %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	first := run.Results[0]
	if len(first.Fixes) != 1 || len(first.Fixes[0].ArtifactChanges) != 2 || len(first.Fixes[0].ArtifactChanges[0].Replacements) != 2 || len(first.RelatedLocations) != 2 {
		t.Errorf("fix or related locations lost: %+v", first)
	}
	if a, b := first.PartialFingerprints["beanpole/v1"], run.Results[1].PartialFingerprints["beanpole/v1"]; a == b || a == "" {
		t.Errorf("two findings have one fingerprint %q", a)
	}
	if run.Invocations[0].ExecutionSuccessful == nil || *run.Invocations[0].ExecutionSuccessful || len(run.Invocations[0].ToolExecutionNotifications) != 3 {
		t.Error("a bundle that could not be read, or what is not known, is not said")
	}
}

// readsBack has the library read a document and compares what matters.
func readsBack(t testing.TB, doc string) {
	t.Helper()
	r, err := sarif.FromString(doc)
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	again, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Level     string
				Message   struct{ Text string }
				Locations []sarifLocation
				Fixes     []sarifFix
			}
		}
	}
	if err := errors.Join(json.Unmarshal([]byte(doc), &ours), json.Unmarshal(again, &theirs)); err != nil {
		t.Fatal(err)
	}
	for _, run := range theirs.Runs {
		for _, result := range run.Results {
			for _, l := range result.Locations {
				if r := l.Physical.Region; r != nil && r.StartLine > 0 {
					r.ByteOffset = nil // the library writes 0 for what is not there
				}
			}
		}
	}
	if a, b := encoded(ours), encoded(theirs); a != b {
		t.Errorf("read back:\n%s\nwritten:\n%s", b, a)
	}
}

// FuzzSARIF: whatever the user's texts are, the document is valid and reads
// back as it was written.
func FuzzSARIF(f *testing.F) {
	f.Add("")
	f.Add("<script>\x00\x1b\u202e\xff%2F:../?#")
	schema := schemaOf(f, sarifSchemaText(f))
	f.Fuzz(func(t *testing.T, s string) {
		doc := whole("sarif", sample(s), failed())
		valid(t, schema, doc)
		readsBack(t, doc)
	})
}

func TestNoMarkupOfTheUsersReachesThePage(t *testing.T) {
	const markup = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&</style>{{.}}`
	page := whole("html", sample(markup), &Bundle{Path: markup, Err: errors.New(markup)})
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", "</style><", "&</"} {
		if strings.Contains(strings.Replace(page, "</style>\n</head>", "", 1), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, outside := range []string{"http:", "src=", "url(", "@import"} {
		if strings.Contains(whole("html", sample("")), outside) {
			t.Errorf("the page needs %q", outside)
		}
	}
	for _, l := range access.Links {
		if strings.Count(page, ">"+string(l)+"</text>") != 1 {
			t.Errorf("link %s does not stand in the picture once", l)
		}
	}
}

func TestGithubCommandsAreOneLineEach(t *testing.T) {
	out := whole("github", sample("%,:\r\n::error::x"), failed())
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "::") && !strings.HasPrefix(line, "beanpole: ") {
			t.Errorf("a text begins a line: %q", line)
		}
	}
	first, _, _ := strings.Cut(out, "\n")
	head, _, _ := strings.Cut(strings.TrimPrefix(first, "::"), "::")
	if want := `error file=a%25%2C%3A\r\n%3A%3Aerror%3A%3Ax,line=2,col=3,endLine=2,endColumn=7,title=beanpole duplicate-key`; head != want {
		t.Errorf("got  %s\nwant %s", head, want)
	}
}

func TestNoFormatPrintsSecrets(t *testing.T) {
	for _, f := range Formats {
		if out := whole(f, sample(" password: verysecret")); strings.Contains(out, "verysecret") {
			t.Errorf("%s prints a secret:\n%s", f, out)
		}
	}
}
