package cli

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
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
		})
	}
}
