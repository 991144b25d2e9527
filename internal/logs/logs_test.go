package logs

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

func read(t *testing.T, text string) *Reading {
	t.Helper()
	return readFrom(t, strings.NewReader(text), "needle")
}

func readFrom(t *testing.T, r io.Reader, words ...string) *Reading {
	t.Helper()
	x := &Reader{Words: words}
	if err := x.Read("a.log", r); err != nil {
		t.Fatal(err)
	}
	return x.Reading()
}

// Each line is of one form; what a shipper, a table or JSON puts around it
// changes nothing.
func TestFormsAreKnownByTheirContent(t *testing.T) {
	const at = "2023-12-14T22:04:38Z"
	for name, c := range map[string]struct {
		text, severity, want string
		kind                 Kind
	}{
		"EB CLI":           {"2023-12-14 22:04:38    ERROR   [Instance: i-0123456789abcdef0] Command failed.", "ERROR", "[Instance: i-0123456789abcdef0] Command failed.", Event},
		"console":          {"2023-12-14 22:04:38 UTC+0000\tWARN\tHello.", "WARN", "Hello.", Event},
		"new console":      {"December 14, 2023 22:04:38 (UTC)\tERROR\tHello.", "ERROR", "Hello.", Event},
		"AWS CLI's text":   {"EVENTS\tshop\t2023-12-14T22:04:38.123000+00:00\tshop-env\tFailed to deploy.\tarn:aws:elasticbeanstalk:x\t8f-1\tERROR", "ERROR", "Failed to deploy.", Event},
		"AWS CLI's JSON":   {`{"Events": [{"EventDate": "2023-12-14T22:04:38.123000+00:00", "Message": "Failed.", "Severity": "ERROR"}]}`, "ERROR", "Failed.", Event},
		"eb-activity":      {"[2023-12-14T22:04:38.832Z] INFO  [2630]  - [Application update v1@14/AppDeployStage0] : Activity failed.", "INFO", "Activity failed.", Activity},
		"commandprocessor": {"[2023-12-14T22:04:38.832Z] ERROR [6351]  : Running 1 of 5 actions: X...", "ERROR", "Running 1 of 5 actions: X...", Activity},
		"eb-engine":        {"2023/12/14 22:04:38.637046 [INFO] Engine command: (app-deploy)", "INFO", "Engine command: (app-deploy)", Engine},
		"cfn-init":         {"2023-12-14 22:04:38,762 [WARNING] Hm", "WARN", "Hm", Init},
		"cfn-init-cmd":     {"2023-12-14 22:04:38,003 P2630 [INFO] Command 01_a", "INFO", "Command 01_a", InitCommand},
		"nginx":            {"2023/12/14 22:04:38 [emerg] 12#12: no", "EMERG", "no", Proxy},
		"httpd":            {"[Thu Dec 14 22:04:38.123456 2023] [ssl:emerg] [pid 5:tid 6] AH02572: no", "EMERG", "AH02572: no", Proxy},
		"cloud-init":       {"2023-12-14 22:04:38,123 - util.py[WARNING]: no", "WARN", "no", CloudInit},
		"aws logs tail":    {"2023-12-14T22:04:39.000000+00:00 i-0123456789abcdef0 2023/12/14 22:04:38.637046 [ERROR] no", "ERROR", "no", Engine},
		"Docker's JSON":    {`{"log":"2023/12/14 22:04:38.637046 [ERROR] no\n","stream":"stderr"}`, "ERROR", "no", Engine},
		"colours":          {"\x1b[31m2023/12/14 22:04:38.637046 [ERROR] no\x1b[0m", "ERROR", "no", Engine},
		"byte order mark":  {"\ufeff2023/12/14 22:04:38.637046 [ERROR] no\r\n", "ERROR", "no", Engine},
		"NULs":             {"2023/12/14 22:04:38.637046 [ERROR] n\x00o\x00", "ERROR", "no", Engine},
		"AWS CLI's table":  {"------\n|  DescribeEvents  |\n+-----+\n||  EventDate  |  Message  | Severity ||\n|+----+|\n||  2023-12-14T22:04:38.123Z  |  Failed.  |  ERROR  ||\n", "ERROR", "Failed.", Event},
		"AWS CLI's list":   {"------\n|  DescribeEvents  |\n+-----+\n||  EventDate  |  2023-12-14T22:04:38.123Z  ||\n||  Message  |  Failed.  ||\n||  Severity  |  ERROR  ||\n|+----+|\n", "ERROR", "Failed.", Event},
	} {
		t.Run(name, func(t *testing.T) {
			all := read(t, c.text).Records
			r := all[len(all)-1]
			if r.Kind != c.kind || r.Severity != c.severity || r.Text != c.want || r.Time.Format(time.RFC3339) != at {
				t.Errorf("read as %s %s %q at %s", r.Kind, r.Severity, r.Text, r.Time)
			}
		})
	}
}

func TestWhatATerminalWrappedIsJoined(t *testing.T) {
	const line = "2023-12-14 22:04:38    ERROR   [Instance: i-0123456789abcdef0] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error.."
	var wrapped strings.Builder
	for i := 0; i < len(line); i += 80 {
		fmt.Fprintln(&wrapped, line[i:min(i+80, len(line))])
	}
	r := read(t, wrapped.String()).Records
	if len(r) != 1 || !strings.HasSuffix(line, r[0].Joined) {
		t.Errorf("joined: %q", r[0].Joined)
	}
}

func TestTailLogsNameTheirFiles(t *testing.T) {
	r := read(t, "-----------------------------\n/var/log/eb-engine.log\n-----------------------------\n\n2023/12/14 22:04:38.6 [INFO] a\n").Records
	if len(r) != 1 || r[0].File != "a.log:/var/log/eb-engine.log" || r[0].Line != 5 {
		t.Errorf("%+v", r[0])
	}
}

func TestUTF16IsRead(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("\xff\xfe")
	for _, c := range "2023/12/14 22:04:38.637046 [ERROR] no" {
		b.Write([]byte{byte(c), 0})
	}
	if r := readFrom(t, &b).Records; len(r) != 1 || r[0].Text != "no" {
		t.Errorf("%+v", r)
	}
}

// A long log is kept around the words alone, with the numbers of its lines.
func TestALongLogIsKeptAroundTheWords(t *testing.T) {
	const lines, at = 300000, 123456
	var b bytes.Buffer
	for i := 1; i <= lines; i++ {
		if i == at {
			fmt.Fprintln(&b, "2023/12/14 22:04:38.637046 [ERROR] here is the needle")
			continue
		}
		fmt.Fprintf(&b, "2023/12/14 22:04:38.637046 [INFO] nothing to see in line %d\n", i)
	}
	x := readFrom(t, &b, "the needle", "pins")
	found := 0
	for _, r := range x.Records {
		if strings.Contains(r.Text, "needle") {
			found++
			if r.Line != at {
				t.Errorf("the word is in line %d, want %d", r.Line, at)
			}
		}
	}
	if found != 1 || len(x.Records) != linesBefore+1+linesAfter || x.Lines != lines || x.Skipped != lines-int64(len(x.Records)) {
		t.Errorf("%d found, %d records, %d of %d lines skipped", found, len(x.Records), x.Skipped, x.Lines)
	}
}

// Words stand at every place around the borders of chunks.
func TestAWordAtTheBorderOfChunksIsFound(t *testing.T) {
	for _, off := range []int{-60, -30, -10, -1, 0, 1, 30} {
		text := strings.Repeat("filler line without anything\n", (chunkSize+off)/29) + "needle\n"
		text += strings.Repeat("filler line without anything\n", whole/29)
		x := readFrom(t, strings.NewReader(text), "needle")
		want, found := (chunkSize+off)/29+1, 0
		for _, r := range x.Records {
			if i := strings.Index(r.Text, "needle"); i >= 0 {
				found = r.Line + strings.Count(r.Text[:i], "\n")
			}
		}
		if found != want {
			t.Errorf("offset %d: in line %d, want %d", off, found, want)
		}
	}
}

func TestALogOfFailuresAloneStaysBounded(t *testing.T) {
	line := strings.Repeat("x", 80) + " needle\n"
	x := readFrom(t, io.LimitReader(&repeat{line: line}, 64<<20), "needle")
	kept := 0
	for _, r := range x.Records {
		kept += len(r.Text)
	}
	if kept > keepFirst+keepLast+4*chunkSize {
		t.Errorf("%d bytes kept", kept)
	}
	if len(x.Unread) == 0 {
		t.Error("nobody says that something was left out")
	}
}

// repeat is one line without end.
type repeat struct {
	line string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], r.line[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.line)
	}
	return n, nil
}

func TestArchivesAreReadAndBombsAreNot(t *testing.T) {
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	f, _ := w.Create("var/log/eb-engine.log")
	fmt.Fprintln(f, "2023/12/14 22:04:38.6 [ERROR] a")
	f, _ = w.Create("var/log/rotated.gz")
	g := gzip.NewWriter(f)
	fmt.Fprintln(g, "2023/12/14 22:04:39.6 [ERROR] b")
	g.Close()
	f, _ = w.Create("bomb.log")
	io.Copy(f, io.LimitReader(zeros{}, 100<<20))
	w.Close()
	x := readFrom(t, bytes.NewReader(z.Bytes()))
	if len(x.Records) != 2 || x.Records[0].File != "a.log!var/log/eb-engine.log" || x.Records[1].Text != "b" {
		t.Errorf("%+v", x.Records)
	}
	if len(x.Unread) != 1 {
		t.Errorf("unread: %q", x.Unread)
	}
	x = readFrom(t, bytes.NewReader(z.Bytes()[:z.Len()/2]))
	if len(x.Unread) != 2 || !strings.Contains(x.Unread[0], "cut off") || !strings.Contains(x.Unread[1], "bomb.log") || len(x.Records) != 2 {
		t.Errorf("a cut archive: %q, %d records", x.Unread, len(x.Records))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestBinaryIsNotTakenForText(t *testing.T) {
	if x := readFrom(t, bytes.NewReader(bytes.Repeat([]byte{1, 2, 3, 4, 5, 0x80}, 4000))); len(x.Records) > 0 || len(x.Unread) != 1 {
		t.Errorf("%d records, %q", len(x.Records), x.Unread)
	}
}

func TestALineOfManyMegabytes(t *testing.T) {
	x := readFrom(t, io.MultiReader(strings.NewReader("2023/12/14 22:04:38.6 [ERROR] needle "), io.LimitReader(&repeat{line: "y"}, 100<<20)), "needle")
	for _, r := range x.Records {
		if strings.Contains(r.Text, "needle") {
			return
		}
	}
	t.Errorf("the word was lost: %d records", len(x.Records))
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("2023/12/14 22:04:38.6 [ERROR] a\n|  x | y |\n+--+\n{\"log\": \"b\"}"))
	f.Add([]byte(`{"Events": [{"Message": "a", "EventDate": "2023-12-14T22:04:38Z"}]}`))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		x := &Reader{Words: []string{"ERROR"}}
		if err := x.Read("f", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		for _, r := range x.Reading().Records {
			if r.Line < 1 {
				t.Fatalf("line %d", r.Line)
			}
		}
	})
}

// The same text gives the same lines whether it is kept whole or searched.
func FuzzScan(f *testing.F) {
	f.Add("aneedleb\n\nc", uint8(3))
	f.Fuzz(func(t *testing.T, text string, times uint8) {
		all := strings.Repeat(text+"\n", int(times)+1)
		s := &scanner{finder: newFinder([]string{"needle", "eedle", "ab\x00c"})}
		if _, err := s.scan(strings.NewReader(all), nil); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(all, "\n")
		got := map[int]bool{}
		for _, x := range append(s.first, s.last...) {
			for i, l := range strings.Split(strings.TrimSuffix(string(x.text), "\n"), "\n") {
				at := int(x.line) + i
				if at > len(lines) || lines[at-1] != l {
					t.Fatalf("line %d is not %q", at, l)
				}
				got[at] = true
			}
		}
		for i, l := range lines {
			if strings.Contains(l, "eedle") && !got[i+1] {
				t.Fatalf("line %d was lost", i+1)
			}
		}
	})
}
