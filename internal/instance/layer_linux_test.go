package instance

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A project's state folder may be below a folder of the machine that instances do
// not see at all, as /projects is: that it has to be hidden besides is no failure.
func TestWhatIsBelowAHiddenFolderIsHiddenAlready(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("hiding a folder needs root")
	}
	lower, upper := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(lower+"/projects/shop/.beanpole", 0o755); err != nil {
		t.Fatal(err)
	}
	l := newLayer(lower, upper)
	if err := l.remove("/projects"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/projects/shop/.beanpole", "/projects/shop"} {
		if err := l.hide(p); err != nil {
			t.Errorf("hide %s: %v", p, err)
		}
	}
	var st unix.Stat_t
	if err := unix.Lstat(upper+"/projects", &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != 0 {
		t.Errorf("/projects is no whiteout any more: mode %o, %v", st.Mode, err)
	}
}
