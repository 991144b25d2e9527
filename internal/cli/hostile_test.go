package cli

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostileConfigs are configuration files that cost much for their size.
func hostileConfigs() map[string]string {
	lines := func(n int, form string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, form, i)
		}
		return b.String()
	}
	return map[string]string{
		"many_keys":         "commands:\n" + lines(100_000, "  k%d: {}\n"),
		"as_many_as_read":   "commands:\n" + lines(9_900, "  k%d: {}\n"),
		"items_as_read":     "commands: [" + strings.Repeat("a,", 19_000) + "a]\n",
		"files_as_read":     "files:\n" + lines(3_300, "  /f%d: {content: x, owner: u}\n"),
		"json_as_read":      `{"commands": {` + strings.TrimSuffix(lines(9_900, `"k%d":{},`), ",") + "}}",
		"escapes_as_read":   "commands:\n  \"\\x61\": {}\n" + lines(9_900, "  k%d: {}\n"),
		"json_many_keys":    `{"commands": {` + strings.TrimSuffix(lines(100_000, `"k%d":{},`), ",") + "}}",
		"many_unknown_keys": lines(100_000, "k%d: 1\n"),
		"same_key":          "files:\n" + strings.Repeat("  /a: {content: b}\n", 60_000),
		"many_options":      "option_settings:\n  aws:elasticbeanstalk:application:environment:\n" + lines(9_900, "    K%d: v\n"),
		"many_files":        "files:\n" + lines(30_000, "  /f%d: {content: x, owner: u}\n"),
		"many_fetches":      "files:\n" + lines(4_900, "  /f%d: {source: \"https://s3.amazonaws.com/b/k\"}\n"),
		"many_commands":     "commands:\n" + lines(4_900, "  k%d: {command: \"touch a && yum install -y x\"}\n"),
		"backticks":         "commands:\n  a:\n    command: '" + strings.Repeat("`{", 100_000) + "'\n",
		"lists":             "option_settings:\n" + strings.Repeat("  - a\n", 100_000),
		"umlauts":           "commands:\n" + lines(50_000, "  ä%d: {}\n"),
		"ten_megabytes":     "files:\n  /a:\n    content: |\n" + strings.Repeat("      "+strings.Repeat("x", 90)+"\n", 100_000),
		"block":             "files:\n  /a:\n    content: |\n" + strings.Repeat("      x\n", 200_000),
		"deep_flow":         strings.Repeat("[", 100_000),
		"alias_bomb":        "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
	}
}

const (
	// A hostile file may take as long as hostileTime sorts: a second on a
	// machine that sorts a million numbers in 90 ms, and as much longer on a
	// slow or busy one.
	hostileTime = 12
	// It may take 50 times its size in memory, besides the 20 MiB of the program
	// itself, what the collector lets lie (as much again as is in use), and what
	// 20,000 keys of a few bytes each take as nodes: about 1.5 KB a key.
	hostileMemory = 50
	hostileFloor  = 92 << 20
)

// TestHostileFilesCostLittle: the whole program on each, as a process.
func TestHostileFilesCostLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("long files: not with -short")
	}
	program, err := exec.LookPath("beanpole")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range hostileConfigs() {
		for _, format := range []string{"text", "json"} {
			t.Run(name+"_"+format, func(t *testing.T) {
				dir := t.TempDir()
				file := filepath.Join(dir, ".ebextensions", "a.config")
				if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				c := exec.Command(program, "check", "--format", format, dir)
				memory := filepath.Join(t.TempDir(), "memory")
				c.Env = append(os.Environ(), peakInto+"="+memory)
				out, err := c.CombinedOutput()
				if s := c.ProcessState.ExitCode(); s != exitClean && s != exitFindings && s != exitUsage {
					t.Fatalf("%v\n%s", err, out)
				}
				took, unit := c.ProcessState.UserTime()+c.ProcessState.SystemTime(), sortingTime()
				peak := peakIn(t, memory)
				t.Logf("%d bytes: %v of processor time, %.1f sorts; %d MiB; %d bytes of report", len(text), took, float64(took)/float64(unit), peak>>20, len(out))
				if took > hostileTime*unit {
					t.Errorf("took %v; sorting a million numbers takes %v here", took, unit)
				}
				if limit := int64(hostileFloor + hostileMemory*len(text)); peak > limit {
					t.Errorf("%d MiB of memory for a file of %d bytes, at most %d are right", peak>>20, len(text), limit>>20)
				}
				if format == "text" && len(out) > 1<<20 {
					t.Errorf("the report has %d bytes", len(out))
				}
			})
		}
	}
}

// peakInto is the environment variable that has beanpole, as a test runs it,
// write the kernel's figures on its memory into a file. What the kernel tells
// the parent counts the parent's own memory.
const peakInto = "BEANPOLE_TEST_PEAK"

// savePeak is for the end of such a process.
func savePeak() {
	if name := os.Getenv(peakInto); name != "" {
		status, err := os.ReadFile("/proc/self/status")
		if err == nil {
			err = os.WriteFile(name, status, 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// peakIn is the peak of resident memory in bytes.
func peakIn(t *testing.T, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatalf("no peak in %q: %v", status, err)
	}
	return kib << 10
}

// sortingTime is the processor time of sorting a million numbers, here and now.
func sortingTime() time.Duration {
	random := rand.New(rand.NewSource(1))
	numbers := make([]int, 1<<20)
	for i := range numbers {
		numbers[i] = random.Int()
	}
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err) // never happens for this process itself
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	slices.Sort(numbers)
	return used() - start
}
