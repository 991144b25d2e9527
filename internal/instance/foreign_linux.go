package instance

import (
	"bufio"
	"bytes"
	"debug/elf"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// expected are programs that every Linux platform of Elastic Beanstalk has and
// deployments start by name. [EB: platforms-linux-extend]
var expected = []string{"sh", "bash", "nginx"}

// managers are package managers with the words that install; the first two are
// what "packages" of .ebextensions use on AWS's platforms.
var managers = []struct{ program, install string }{
	{"dnf", "dnf install -y"}, {"yum", "yum install -y"}, {"apt-get", "apt-get install -y"}, {"apk", "apk add"}, {"zypper", "zypper install -y"},
}

// lacks says in one line what a root of another family has not, and what to do;
// "" when it has all.
func (l *layer) lacks() string {
	var missing []string
	for _, p := range expected {
		if !l.program(p) {
			missing = append(missing, p)
		}
	}
	install := ""
	for _, m := range managers {
		if l.program(m.program) {
			install = m.install
			break
		}
	}
	native := strings.HasPrefix(install, "dnf") || strings.HasPrefix(install, "yum")
	if len(missing) == 0 && native {
		return ""
	}
	says := "the instances' root is " + l.system()
	if len(missing) > 0 {
		says += fmt.Sprintf("; it has no %s, which AWS's platforms have: ", strings.Join(missing, ", "))
		if install != "" {
			says += fmt.Sprintf("add them to the image (%s %s)", install, strings.Join(missing, " "))
		} else {
			says += "add them to the image"
		}
	}
	if !native {
		says += "; it has neither dnf nor yum, so what .ebextensions install by yum is not there: install it in the image"
	}
	return says
}

// static says whether a program needs no loader and libraries of the root. What
// is no program at all is the runtime's to refuse.
func static(program string) bool {
	f, err := elf.Open(program)
	if err != nil {
		return true
	}
	defer f.Close()
	return f.Section(".interp") == nil
}

// system is what the root calls itself.
func (l *layer) system() string {
	data, err := readIn(l.lower, "/etc/os-release")
	if err != nil {
		return "of no known system (it has no /etc/os-release)"
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return string(plain([]byte(strings.Trim(name, `"'`))))
		}
	}
	return "of a system without a name"
}

// program says whether the root has a program of this name where programs are
// looked for.
func (l *layer) program(name string) bool {
	root, err := unix.Open(l.lower, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(root)
	for _, dir := range strings.Split(strings.TrimPrefix(searchPath, "PATH="), ":") {
		how := &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
		fd, err := unix.Openat2(root, strings.TrimPrefix(path.Join(dir, name), "/"), how)
		if err != nil {
			continue
		}
		var st unix.Stat_t
		err = unix.Fstat(fd, &st)
		unix.Close(fd)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && st.Mode&0o111 != 0 {
			return true
		}
	}
	return false
}
