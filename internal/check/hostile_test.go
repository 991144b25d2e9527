package check

import (
	"archive/zip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"beanpole/internal/source"
)

// hostile are files that are large or strangely made; each has to end in a
// report, or in the user's problem.
func hostile() map[string]string {
	repeat := strings.Repeat
	n := func(many int) int {
		if testing.Short() {
			return many / 10
		}
		return many
	}
	keys := func(n int, form string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'm'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(repeat(fmt.Sprintf("*%c,", c-1), 10), ","))
	}
	return map[string]string{
		"ten_megabytes":      "files:\n  /a:\n    content: |\n" + repeat("      "+repeat("x", 90)+"\n", 100_000),
		"many_keys":          "commands:\n" + keys(n(100_000), "  k%d: {}\n"),
		"many_unknown_keys":  keys(n(100_000), "k%d: 1\n"),
		"same_key":           "files:\n" + repeat("  /a: {content: b}\n", n(60_000)),
		"many_options":       "option_settings:\n  aws:elasticbeanstalk:application:environment:\n" + keys(n(60_000), "    K%d: v\n"),
		"many_files":         "files:\n" + keys(n(30_000), "  /f%d: {content: x, owner: u}\n"),
		"deep_flow":          repeat("[", n(100_000)),
		"deep_block":         keys(n(3_000), "%d:\n") + repeat(" ", 100),
		"deep_json":          `{"files":` + repeat(`{"a":`, n(100_000)),
		"alias_bomb":         bomb,
		"open_quote":         "a: \"" + repeat("x\n", n(500_000)),
		"tabs":               "files:\n" + repeat("\t/a: b\n", n(100_000)),
		"stray_tabs":         "files:\n" + keys(n(50_000), "  k%d:\tv\n"),
		"block_fallen":       "files:\n  /a:\n    content: |\n" + repeat("      x\n", n(100_000)) + repeat("x {\n", n(50_000)),
		"long_line":          "a: " + repeat("b: ", n(300_000)),
		"quotes":             "a: \"" + repeat("`{\"Ref\": \"x\"}` ", n(50_000)) + "\"\n",
		"backslashes":        "a: \"" + repeat(`\*`, n(400_000)) + "\"\n",
		"tagged":             keys(n(50_000), "k%d: !Ref x\n"),
		"no_text":            repeat("\x00\x01", n(100_000)),
		"no_utf8":            repeat("a: \xff\n", n(100_000)),
		"backticks":          "commands:\n  a:\n    command: '" + repeat("`{", n(100_000)) + "'\n",
		"lists":              "option_settings:\n" + repeat("  - a\n", n(100_000)),
		"symbols_of_package": "a: " + repeat("\ue0b0", n(200_000)),
	}
}

// TestHostileFilesEndSoon: each within the time that a file of common content
// takes for its size, generously counted.
func TestHostileFilesEndSoon(t *testing.T) {
	for name, text := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := processorTime(t)
			report, err := runOn(t, map[string]string{".ebextensions/a.config": text})
			took := processorTime(t) - start
			runtime.ReadMemStats(&after)
			var p *source.Problem
			if err != nil && !errors.As(err, &p) {
				t.Fatal(err)
			}
			if err == nil && len(report.Findings)+len(report.NotKnown) == 0 && name != "many_options" && name != "many_files" && name != "backticks" {
				t.Error("nothing is said of it")
			}
			t.Logf("%d bytes: %v, %d MiB allocated", len(text), took, (after.TotalAlloc-before.TotalAlloc)>>20)
			if took > 5*time.Second {
				t.Errorf("%d bytes took %v", len(text), took)
			}
		})
	}
}

func runOn(t *testing.T, files map[string]string) (*Report, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := source.OpenBundle(dir)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return Run(&Input{Bundle: b})
}

// TestAZipBombIsRefused before it is unpacked.
func TestAZipBombIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "bomb.zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create(".ebextensions/a.config")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 100 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	start := processorTime(t)
	_, err = source.OpenBundle(name)
	var p *source.Problem
	if !errors.As(err, &p) || processorTime(t)-start > time.Second {
		t.Errorf("after %v: %v", processorTime(t)-start, err)
	}
}

// processorTime is what this process has used so far, which does not depend on
// what else runs on the machine.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
