package cli

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts and into README.md")

// TestMain lets scripts run the real program, each time in its own process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"beanpole": func() {
			status := Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
			savePeak()
			os.Exit(status)
		},
		"cfn-init": func() { os.Exit(Run(os.Args, os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/script. Each script gets a copy of the example in
// the folder shop, and AWS's official files in the folder official where they
// lie beside the repository.
func TestScripts(t *testing.T) {
	official := filepath.Join("..", "..", "..", "shared", "cases", "aws-official")
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			if err := copyTree(filepath.Join(e.WorkDir, "shop"), filepath.Join("..", "..", "examples", "https-from-s3")); err != nil {
				return err
			}
			program, err := exec.LookPath("beanpole")
			if err != nil {
				return err
			}
			e.Setenv("ALONE", filepath.Dir(program)) // a PATH with beanpole only
			if _, err := os.Stat(official); err != nil {
				return nil
			}
			return copyTree(filepath.Join(e.WorkDir, "official"), official)
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "official":
				_, err := os.Stat(official)
				return err == nil, nil
			case "root":
				return os.Geteuid() == 0, nil
			case "tools": // what an instance needs of the machine
				for _, tool := range []string{"runc", "nginx"} {
					if _, err := exec.LookPath(tool); err != nil {
						return false, nil
					}
				}
				return true, nil
			}
			return false, fmt.Errorf("no such condition: %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": statusCommandOf, "refused": refused, "narrow": narrow, "mkzip": mkzip, "repeat": repeat, "nobody": nobody, "busy": busy, "localaws": localAWSOf,
		},
	})
}

// copyTree copies files and makes them writable, which the original may not be.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o644)
	})
}

// statusCommandOf: status N beanpole ARGS… ends with exactly this status.
func statusCommandOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	expectStatus(ts, want, args[1], args[2:]...)
}

func expectStatus(ts *testscript.TestScript, want int, command string, args ...string) {
	got := 0
	err := ts.Exec(command, args...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s %s: status %d, want %d", command, strings.Join(args, " "), got, want)
	}
}

// refused: refused beanpole ARGS… ends with status 2, prints nothing but one
// line on standard error, and leaves no state folder behind.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: refused command [args...]")
	}
	expectStatus(ts, exitUsage, args[0], args[1:]...)
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is not empty: %q", out)
	}
	line := ts.ReadFile("stderr")
	if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "beanpole: ") {
		ts.Fatalf("standard error is not one line of beanpole's: %q", line)
	}
	for _, dir := range []string{".", ts.Getenv("WORK")} {
		if _, err := os.Lstat(filepath.Join(ts.MkAbs(dir), stateName)); err == nil {
			ts.Fatalf("%s was left behind", stateName)
		}
	}
}

// narrow: narrow stdout holds plain lines of at most 80 columns.
func narrow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: narrow FILE")
	}
	for i, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		if n := len([]rune(line)); n > 80 {
			ts.Fatalf("line %d has %d columns: %s", i+1, n, line)
		}
		if strings.ContainsAny(line, "\x1b\r\t") {
			ts.Fatalf("line %d holds control characters: %q", i+1, line)
		}
	}
}

// mkzip: mkzip OUT ENTRY… writes a zip; an entry is NAME=TEXT, NAME<FILE,
// NAME@TARGET (a link) or NAME*BYTES (so many zeros).
func mkzip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: mkzip OUT ENTRY...")
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, entry := range args[1:] {
		i := strings.IndexAny(entry, "=@*<")
		if i < 0 {
			ts.Fatalf("mkzip: %q is no entry", entry)
		}
		h := &zip.FileHeader{Name: entry[:i], Method: zip.Deflate}
		h.SetMode(0o644)
		content := []byte(entry[i+1:])
		switch entry[i] {
		case '@':
			h.SetMode(os.ModeSymlink | 0o777)
		case '<':
			content = []byte(ts.ReadFile(entry[i+1:]))
		case '*':
			n, err := strconv.Atoi(entry[i+1:])
			ts.Check(err)
			content = make([]byte, n)
		}
		f, err := w.CreateHeader(h)
		ts.Check(err)
		_, err = f.Write(content)
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644))
}

// repeat: repeat OUT N TEXT writes TEXT N times, each on a line; %d is the
// line's number.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat OUT N TEXT")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, strings.ReplaceAll(args[2], "%d", strconv.Itoa(i)))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// nobody: nobody ARGS… is `refused beanpole ARGS…`, run as a user that is not
// root.
func nobody(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: nobody args...")
	}
	if os.Geteuid() != 0 {
		refused(ts, false, append([]string{"beanpole"}, args...))
		return
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		ts.Fatalf("setpriv (util-linux) is missing")
	}
	// The scripts' folders are root's alone; nobody needs a way through.
	dir := ts.Getenv("WORK")
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		ts.Check(os.Chmod(d, 0o777))
	}
	program := filepath.Join(dir, "bin", "beanpole")
	if _, err := os.Stat(program); err != nil {
		self, err := os.Executable()
		ts.Check(err)
		ts.Check(os.MkdirAll(filepath.Dir(program), 0o755))
		// cp writes it: a file that this process writes cannot be run while a
		// child that another script just forked still has it open (ETXTBSY).
		ts.Check(exec.Command("cp", self, program).Run())
	}
	refused(ts, false, append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program}, args...))
}

// busy takes a port of loopback until the script ends, and calls it $BUSY.
func busy(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("BUSY", port)
}
