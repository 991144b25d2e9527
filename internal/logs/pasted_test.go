package logs

import (
	"strings"
	"testing"
)

func readText(t *testing.T, text string) []*Record {
	t.Helper()
	x := &Reader{}
	if err := x.Read("log", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return x.Reading().Records
}

// Events that a console or a tool shows newest first are turned round also where
// they have no times.
func TestEventsWithoutTimesAreTurnedRound(t *testing.T) {
	got := readText(t, `  Env Event: Failed to deploy application.
  Env Event: Unsuccessful command execution on instance id(s) 'i-0123456789abcdef0'. Aborting the operation.
  Env Event: Command execution completed on all instances. Summary: [Successful: 0, Failed: 1].
  Env Event: [Instance: i-0123456789abcdef0] Command failed on instance. Return code: 1 Output: odd.
`)
	if len(got) != 4 || !strings.Contains(got[0].Text, "Command failed on instance") || !strings.Contains(got[3].Text, "Failed to deploy") {
		t.Errorf("not in the order of the deployment: %v", texts(got))
	}
	same := readText(t, `INFO: Environment update is starting.
ERROR: [Instance: i-0123456789abcdef0] Command failed on instance. Return code: 1 Output: odd.
ERROR: Failed to deploy application.
`)
	if len(same) != 3 || !strings.Contains(same[0].Text, "is starting") {
		t.Errorf("turned round though it was in order: %v", texts(same))
	}
}

func texts(records []*Record) (out []string) {
	for _, r := range records {
		out = append(out, string(r.Kind)+" "+r.Severity+" "+r.Text)
	}
	return out
}

// A piece cut out of the AWS CLI's JSON is read as far as it goes, newest first.
func TestAPieceOfJSON(t *testing.T) {
	got := readText(t, `            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "Resource creation cancelled",
            "ResourceProperties": "{\"A\":{\"B\":\"}\"}}"
        },
        {
            "EventId": "x",
            "LogicalResourceId": "Server",
            "ResourceType": "AWS::EC2::Instance",
            "Timestamp": "2024-03-04T10:00:00.000000+00:00",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "odd \"thing\""
        },
        {
            "EventId": "y",
`)
	if len(got) != 2 || got[0].Head != "Server" || !strings.Contains(got[0].Text, `odd "thing"`) || got[0].Line != 7 || !strings.Contains(got[1].Text, "cancelled") {
		t.Errorf("read %q, first at line %d", texts(got), got[0].Line)
	}
}

// What was copied from the source of a page, or stands between marks of Markdown,
// is read as it was meant.
func TestPastedMarkup(t *testing.T) {
	for _, text := range []string{
		"<pre><code>2024-03-04 10:00:00    ERROR   The option &#39;x&#39; is &lt;odd&gt;<br>2024-03-04 10:00:01    INFO    y</code></pre>\n",
		"`2024-03-04 10:00:00    ERROR   The option 'x' is <odd>`\n`2024-03-04 10:00:01    INFO    y`\n",
		"> **2024-03-04 10:00:00    ERROR   The option 'x' is <odd>**\n> 2024-03-04 10:00:01    INFO    y\n",
	} {
		got := readText(t, text)
		if len(got) != 2 || got[0].Severity != "ERROR" || !strings.HasPrefix(got[0].Text, "The option 'x' is <odd>") {
			t.Errorf("%s: read %q", text, texts(got))
		}
	}
	const answer = `2024-03-04 10:00:05,300 [ERROR] Failed to retrieve https://x: HTTP Error 403 : <?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`
	if got := readText(t, answer); len(got) != 1 || !strings.Contains(got[0].Text, "<Code>AccessDenied</Code></Error>") {
		t.Errorf("AWS's own answer lost its elements: %q", texts(got))
	}
}
