package cli

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// The agent is copied to machines that have nothing installed: one file, for
// both of AWS's processors.
func TestTheProgramIsOneStaticFile(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program for two processors")
	}
	const most = 40 << 20 // bytes
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		t.Run(arch, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "beanpole")
			c := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "../..")
			c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			f, err := elf.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Machine != machine {
				t.Errorf("is for %v", f.Machine)
			}
			for _, p := range f.Progs {
				if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
					t.Errorf("is linked dynamically (%v)", p.Type)
				}
			}
			st, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if st.Size() > most {
				t.Errorf("has %d bytes, more than %d", st.Size(), most)
			}
			t.Logf("%.1f MiB", float64(st.Size())/(1<<20))
			if arch == runtime.GOARCH {
				startsWithLittle(t, file)
			}
		})
	}
}

// startsWithLittle holds what the program's packages allocate before main, in
// bytes: every command pays for it, and a table or a pattern that is made at the
// start is easily overlooked. GODEBUG=inittrace=1 shows whose they are.
func startsWithLittle(t *testing.T, program string) {
	const mostOwn, most = 192 << 10, 1600 << 10
	c := exec.Command(program, "version")
	c.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace strings.Builder
	c.Stderr = &trace
	if err := c.Run(); err != nil {
		t.Fatalf("run version: %v\n%s", err, trace.String())
	}
	own, all := 0, 0
	for _, m := range regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, \d+ allocs$`).FindAllStringSubmatch(trace.String(), -1) {
		n, _ := strconv.Atoi(m[2])
		all += n
		if strings.HasPrefix(m[1], "beanpole/") {
			own += n
		}
	}
	t.Logf("allocated before main: %d bytes, of which by beanpole's own packages %d", all, own)
	if own == 0 || own > mostOwn || all > most {
		t.Errorf("the packages allocate %d bytes before main, beanpole's own %d; at most %d and %d are allowed:\n%s", all, own, most, mostOwn, trace.String())
	}
}
