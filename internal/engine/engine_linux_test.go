package engine

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beanpole/internal/instance"
)

func TestProcfilesAreReadAsDocumented(t *testing.T) {
	for _, c := range []struct {
		text string
		want []entry
		bad  bool
	}{
		{text: "web: bin/application\n", want: []entry{{"web", "bin/application"}}},
		{text: "# comment\n\nweb: a: b\r\nworker-2:run it\n", want: []entry{{"web", "a: b"}, {"worker-2", "run it"}}},
		{text: "web bin/application", bad: true},
		{text: "we b: x", bad: true},
		{text: "web:   ", bad: true},
	} {
		got, err := parseProcfile(c.text)
		if (err != nil) != c.bad || len(got) != len(c.want) {
			t.Errorf("%q: got %v, %v", c.text, got, err)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: got %v", c.text, got)
			}
		}
	}
}

func TestTheHostManagersTextIsTrimmedAndJoined(t *testing.T) {
	for _, c := range []struct{ output, reason, want string }{
		{"it failed", "EBExtension failed.", "it failed. EBExtension failed. " + tipAL1},
		{"", "Hook x failed.", "Hook x failed. " + tipAL1},
		{"it failed.", "", "it failed. " + tipAL1},
		{"a" + strings.Repeat("b", 256), "R.", "(TRUNCATED)..." + strings.Repeat("b", 256) + ". R. " + tipAL1},
	} {
		if got := compose(c.output, c.reason); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestLogLinesHaveAWSsForm(t *testing.T) {
	now := func() time.Time { return time.Date(2023, 12, 14, 22, 4, 38, 637046000, time.UTC) }
	var b bytes.Buffer
	engineLog{&b, now}.info("Engine command: (%s)", "app-deploy")
	a := activityLog{&b, now, 2630}
	a.completed("Application update v1@14/AppDeployStage0", "one\ntwo\n")
	a.failed("x", "why")
	want := "2023/12/14 22:04:38.637046 [INFO] Engine command: (app-deploy)\n" +
		"[2023-12-14T22:04:38.637Z] INFO  [2630]  - [Application update v1@14/AppDeployStage0] : Completed activity. Result:\n  one\n  two\n" +
		"[2023-12-14T22:04:38.637Z] INFO  [2630]  - [x] : Activity execution failed, because: why (ElasticBeanstalk::ExternalInvocationError)\n" +
		"[2023-12-14T22:04:38.637Z] INFO  [2630]  - [x] : Activity failed.\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	got := serviceResponse(&instance.Result{Status: instance.Success, Message: "Engine execution has succeeded.",
		Events: []instance.EngineEvent{{Message: "Instance deployment completed successfully.", Severity: "INFO"}}}, now())
	if want := `{"status":"SUCCESS","api_version":"1.0","results":[{"status":"SUCCESS","msg":"Engine execution has succeeded.","returncode":0,"events":[{"msg":"Instance deployment completed successfully.","timestamp":1702591478637,"severity":"INFO"}]}]}`; string(got) != want {
		t.Errorf("got %s", got)
	}
}

func TestWaitsCountAgainstTheTimeoutWithoutBeingWaited(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	k := newClock(&instance.Command{Timeout: time.Hour}, cancel)
	defer k.stop()
	began := time.Now()
	for range 6 {
		k.sleep(ctx, 10*time.Minute)
	}
	if ctx.Err() != nil {
		t.Fatal("timed out within the timeout")
	}
	k.sleep(ctx, time.Second)
	if !errors.Is(context.Cause(ctx), errTimeout) {
		t.Errorf("cause %v", context.Cause(ctx))
	}
	if time.Since(began) > 10*time.Second {
		t.Error("it waited")
	}
}

// archive writes a zip with one entry and returns its path.
func archive(t *testing.T, entries ...*zip.FileHeader) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, h := range entries {
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(h.Comment)) // the comment doubles as content
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "bundle.zip")
	if err := os.WriteFile(at, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

func header(name, content string, mode fs.FileMode) *zip.FileHeader {
	h := &zip.FileHeader{Name: name, Comment: content}
	h.SetMode(mode)
	return h
}

func TestAHostileBundleStaysInItsFolder(t *testing.T) {
	for name, entries := range map[string][]*zip.FileHeader{
		"climbs":            {header("../outside", "x", 0o644)},
		"climbs by windows": {header(`..\outside`, "x", 0o644)},
		"absolute":          {header("/outside", "x", 0o644)},
		"absolute link":     {header("link", "/etc", fs.ModeSymlink|0o777)},
		"climbing link":     {header("a/link", "../../outside", fs.ModeSymlink|0o777)},
		"device":            {header("device", "", fs.ModeDevice|0o644)},
	} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "staging")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unpack(archive(t, entries...), dir); err == nil {
			t.Errorf("%s: unpacked", name)
		}
		if left, _ := os.ReadDir(parent); len(left) != 1 {
			t.Errorf("%s: wrote outside: %v", name, left)
		}
	}
}

func TestABundleKeepsModesAndLinks(t *testing.T) {
	dir := t.TempDir()
	if err := unpack(archive(t, header("bin/run", "#!", 0o755), header("run", "bin/run", fs.ModeSymlink|0o777), header("empty/", "", fs.ModeDir|0o755)), dir); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(dir, "run"))
	if err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", fi, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "empty")); err != nil || !fi.IsDir() {
		t.Errorf("got %v, %v", fi, err)
	}
}
