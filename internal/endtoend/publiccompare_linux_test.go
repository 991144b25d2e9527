package endtoend

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

// What a deployment comes to, in the words of the list of differences.
const (
	succeeds = "succeeds"
	refused  = "refused: " // and why: no instance is started
	fails    = "fails: "   // and how: the instance says so
)

// foretold is what a rule's errors say of the deployment; a rule that is not
// here must be given its place. The errors of the rules that stand for
// themselves ("") are about something that these deployments do not show.
var foretold = map[string]string{
	"unreadable-config": refused,
	"template-refused":  refused,
	"retired-option":    refused,
	"address-not-http":  fails,
	"al1-path":          fails,
	"build-refused":     fails,
	"fetch-fails":       fails,
	"role-name-is-arn":  fails,
	"role-name-unknown": fails,
	"file-path":         fails,
	"mode-not-octal":    fails,
	"unknown-key":       succeeds, // the file is skipped
	// Package managers are stubs here: they know every package.
	"package-missing": "",
	// A folder that the new version replaces, or the proxy's that nobody asks.
	"proxy-file-lost": "",
	// The local load balancer takes any certificate.
	"listener-certificate": "",
}

// feared are the rules whose warnings say "may", with how it looks when what
// they fear comes true.
var feared = map[string]string{
	"authentication-misspelt":  fails + "Failed to retrieve ",
	"certificate-file-missing": fails + "start proxy",
	"proxy-not-running":        fails + "Command ",
	"unquoted-mode":            fails + "int() can't convert",
	"upstream-undefined":       fails + "start proxy",
}

// predicted is what check says will come of a deployment, and the warnings'
// "may".
func (d *deployed) predicted(t *testing.T) (what string, mays []string) {
	t.Helper()
	if d.report == nil {
		return refused, nil
	}
	what = succeeds
	for _, f := range d.report.Findings {
		if may := feared[f.Rule]; f.Severity == finding.Warning && may != "" {
			mays = append(mays, may)
		}
		if f.Severity != finding.Error {
			continue
		}
		says, known := foretold[f.Rule]
		switch {
		case !known:
			t.Errorf("%s: say in foretold what the rule %s tells of a deployment: %s", d.name, f.Rule, f.Message)
		case says == refused || says == fails && what != refused:
			what = says
		}
	}
	if what != fails {
		return what, mays
	}
	for _, c := range d.report.Chains {
		if c.Answer.Verdict != fact.Broken {
			continue
		}
		text := c.Answer.Fails
		if text == "" {
			text = "Failed to retrieve " + c.Fetch.URL + ": " + c.Answer.Reason
		}
		return fails + plainly(text), mays
	}
	return what, mays
}

var passing = regexp.MustCompile(`awseb-e-[a-z0-9]+|i-[0-9a-f]{17}|<(RequestId|HostId)>[^<]*</|[0-9]{4}/[0-9/]+ [0-9:]+ |[0-9]+#[0-9]+: `)

// plainly is the first line of a text, without what differs from run to run.
func plainly(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Join(strings.Fields(passing.ReplaceAllString(text, "")), " ")
	return text[:min(len(text), 200)]
}

var why = regexp.MustCompile(`Stop running the command\. Error: (.*)|Activity execution failed, because: (.*)`)

// outcome is what came of a deployment.
func (d *deployed) outcome() string {
	r := d.result
	switch {
	case r == nil:
		for _, e := range d.events {
			if !strings.HasPrefix(e, "Stack named ") && !strings.HasPrefix(e, "Failed to launch ") {
				return refused + plainly(e)
			}
		}
		return refused + plainly(strings.Join(d.events, " "))
	case r.Status == "SUCCESS":
		return succeeds
	case r.Cause != "":
		return fails + plainly(r.Cause)
	}
	detail := ""
	if m := why.FindStringSubmatch(d.logs); m != nil {
		detail = plainly(m[1] + m[2])
	}
	return fails + strings.TrimSpace(r.FailedStep+" "+detail)
}

// agrees says whether a prediction has come true.
func agrees(predicted string, mays []string, outcome string) bool {
	switch predicted {
	case refused:
		return strings.HasPrefix(outcome, refused)
	case succeeds:
		if outcome == succeeds {
			return true
		}
	default:
		if strings.HasPrefix(outcome, predicted) {
			return true
		}
	}
	for _, m := range mays {
		if strings.HasPrefix(outcome, m) {
			return true
		}
	}
	return false
}

// differences are the deployments that do not come to what was predicted, by
// file: what they come to, and why that is so.
func differences(t *testing.T) map[string][2]string {
	t.Helper()
	data, err := os.ReadFile("testdata/public-differences.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][2]string{}
	for n, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		row := strings.Split(line, "\t")
		if len(row) != 3 || row[2] == "" {
			t.Fatalf("testdata/public-differences.tsv:%d is not file, outcome, reason: %q", n+1, line)
		}
		out[row[0]] = [2]string{row[1], row[2]}
	}
	return out
}

// judge holds what came of a deployment against its prediction.
func (d *deployed) judge(t *testing.T, known map[string][2]string) {
	t.Helper()
	predicted, mays := d.predicted(t)
	outcome := d.outcome()
	same := agrees(predicted, mays, outcome)
	row, listed := known[d.name]
	switch {
	case same && listed:
		t.Errorf("%s: it is as predicted now (%s); take it out of testdata/public-differences.tsv", d.name, outcome)
	case !same && !listed:
		t.Errorf("%s: predicted %q, %q\n%s\n%s", d.name, predicted, outcome, strings.Join(d.events, "\n"), last(d.logs, 1500))
	case !same && row[0] != outcome:
		t.Errorf("%s: %q, and not %q as testdata/public-differences.tsv has it", d.name, outcome, row[0])
	}
	if outcome == succeeds && len(d.events) > 0 {
		t.Errorf("%s: the instance is well, but: %s", d.name, strings.Join(d.events, "\n"))
	}
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// String is the deployment for people who look into it.
func (d *deployed) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, in %v\noutcome: %s\n", d.name, d.platform, d.took, d.outcome())
	if d.report != nil {
		for _, f := range d.report.Findings {
			fmt.Fprintf(&b, "%s %s, line %d: %s\n", f.Severity, f.Rule, f.Pos.Line, f.Message)
		}
		for _, c := range d.report.Chains {
			fmt.Fprintf(&b, "%s: %v %s%s\n", c.Fetch.URL, c.Answer.Verdict, c.Answer.Reason, c.Answer.Fails)
		}
	}
	fmt.Fprintf(&b, "%s\n%+v\n%s\n%s", d.problem, d.result, strings.Join(d.events, "\n"), d.logs)
	return b.String()
}
