package logs

import (
	"fmt"
	"strings"
	"testing"
)

// cut is a text as a terminal of some columns shows it.
func cut(text string, width int) string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		for len(l) > width {
			out = append(out, strings.TrimRight(l[:width], " "))
			l = l[width:]
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n")
}

func cells(rows ...[2]string) string {
	const first, second = 20, 150
	line := "+" + strings.Repeat("-", first+2) + "+" + strings.Repeat("-", second+2) + "+\n"
	var b strings.Builder
	b.WriteString(strings.Repeat("-", first+second+7) + "\n")
	fmt.Fprintf(&b, "| %*s |\n", -(first + second + 3), "DescribeEvents")
	b.WriteString(line)
	for _, r := range rows {
		fmt.Fprintf(&b, "| %*s | %*s |\n", -first, r[0], -second, r[1])
	}
	b.WriteString(line)
	return b.String()
}

// The AWS CLI's tables, cut by a terminal, say the same.
func TestTablesThatATerminalCut(t *testing.T) {
	message := "[Instance: i-0123456789abcdef0] Command failed on instance. Return code: 1 Output: Failed to retrieve https://b.s3.us-east-1.amazonaws.com/k: HTTP 404"
	table := cells([2]string{"EventDate", "2024-03-04T10:00:00Z"}, [2]string{"Message", message}, [2]string{"Severity", "ERROR"})
	for _, width := range []int{60, 80, 100, 120, 1000} {
		x := &Reader{}
		if err := x.Read("events", strings.NewReader(cut(table, width))); err != nil {
			t.Fatal(err)
		}
		var records []*Record
		for _, r := range x.Reading().Records {
			if r.Kind == Event {
				records = append(records, r)
			}
		}
		if len(records) != 1 || records[0].Text != message || records[0].Severity != "ERROR" || records[0].Time.IsZero() {
			t.Errorf("%d columns: %d records", width, len(records))
			for _, r := range records {
				t.Logf("%+v", *r)
			}
		}
	}
}

// What shippers print of one record gives that record.
func TestPrefixesOfShippers(t *testing.T) {
	const entry = "2024-03-04 10:00:05,302 [ERROR] Error encountered during build of x: Command 01_x failed"
	for name, text := range map[string]string{
		"plain":          entry,
		"quoted":         "> " + entry,
		"aws logs tail":  "2024-03-04T10:00:05.302000+00:00 i-0123456789abcdef0 " + entry,
		"docker":         "2024-03-04T10:00:05.302000000Z " + entry,
		"compose":        "web-1  | " + entry,
		"syslog":         "Mar  4 10:00:05 ip-172-31-1-1 agent[12]: " + entry,
		"RFC 5424":       "<134>1 2024-03-04T10:00:05.302Z host app 1 - - " + entry,
		"GitHub Actions": "2024-03-04T10:00:05.3020000Z " + entry,
		"gh run view":    "deploy\tDeploy to EB\t2024-03-04T10:00:05.3020000Z " + entry,
		"Azure":          "2024-03-04T10:00:05.3020000Z ##[error]" + entry,
		"Jenkins":        "[2024-03-04T10:00:05.302Z] " + entry,
		"fluent":         `{"log":"` + entry + `\n","stream":"stderr"}`,
		"datadog":        `{"message":"` + entry + `","status":"error"}`,
		"CloudWatch":     `{"events":[{"timestamp":1709546405302,"message":"` + entry + `","ingestionTime":1709546406000}],"nextForwardToken":"f/1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			x := &Reader{}
			if err := x.Read("f", strings.NewReader(text+"\n")); err != nil {
				t.Fatal(err)
			}
			records := x.Reading().Records
			if len(records) != 1 || records[0].Kind != Init || records[0].Severity != "ERROR" || !strings.HasPrefix(records[0].Text, "Error encountered") {
				t.Fatalf("%d records, first %+v", len(records), records[0])
			}
			if got := records[0].Time.Format("15:04:05"); got != "10:00:05" {
				t.Errorf("time %s", got)
			}
		})
	}
}

// Consoles show the newest event first, in a zone of their own.
func TestConsolesStandOnTheirHead(t *testing.T) {
	x := &Reader{}
	text := "2024-03-04 12:00:02 UTC+0200\tERROR\tFailed to deploy application.\n2024-03-04 12:00:01 UTC+0200\tERROR\tsecond\n2024-03-04 12:00:01 UTC+0200\tINFO\tfirst\n"
	if err := x.Read("events", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range x.Reading().Records {
		got = append(got, r.Time.Format("15:04:05")+" "+r.Text)
	}
	if want := "10:00:01 first; 10:00:01 second; 10:00:02 Failed to deploy application."; strings.Join(got, "; ") != want {
		t.Errorf("got %s", strings.Join(got, "; "))
	}
}
