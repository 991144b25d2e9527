package cfninit

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A log file is put aside at 5 MiB; five old ones are kept [cb:__init__.py].
const (
	logDir     = "/var/log/"
	largestLog = 5 << 20 // bytes
	oldLogs    = 5
)

// OpenLogs has a runner write its logs where AWS's programs keep them. The
// first name is that of the log itself, and "cfn-init-cmd.log" is that of
// commands. When one of the files can't be opened, the log goes to errs as
// theirs does, and the others nowhere. The function returned closes them.
func (r *Runner) OpenLogs(errs io.Writer, names ...string) (closeAll func()) {
	logs, closeAll, err := r.openLogs(names)
	if err != nil {
		fmt.Fprintf(errs, "Could not open %s for logging.  Using stderr instead.\n", logDir+names[0])
		r.Log = errs
		return closeAll
	}
	for i, l := range logs {
		l.protect()
		switch {
		case i == 0:
			r.Log = l
		case names[i] == "cfn-init-cmd.log":
			r.CommandLog = l
		}
	}
	return closeAll
}

// openLogs opens all of the files, or none.
func (r *Runner) openLogs(names []string) (logs []*logFile, closeAll func(), err error) {
	tree, err := openRoot(r.Root)
	if err != nil {
		return nil, func() {}, err
	}
	closeAll = func() {
		for _, l := range logs {
			l.file.Close()
		}
		tree.close()
	}
	for _, name := range names {
		l, err := openLog(tree, logDir+name)
		if err != nil {
			closeAll()
			return nil, func() {}, err
		}
		logs = append(logs, l)
	}
	return logs, closeAll, nil
}

// logFile is a log that is put aside when it grows.
type logFile struct {
	tree *root
	name string
	file *os.File
	size int64
}

func openLog(tree *root, name string) (*logFile, error) {
	fd, err := tree.open(name, unix.O_WRONLY|unix.O_APPEND|unix.O_CREAT|unix.O_NONBLOCK, 0o666)
	if err != nil {
		return nil, err
	}
	f := &logFile{tree: tree, name: name, file: os.NewFile(uintptr(fd), name)}
	st, err := f.file.Stat()
	if err != nil {
		f.file.Close()
		return nil, err
	}
	f.size = st.Size()
	return f, nil
}

// protect takes away what lets a group or others write.
func (f *logFile) protect() {
	if st, err := f.file.Stat(); err == nil {
		f.file.Chmod(st.Mode().Perm() & 0o755)
	}
}

// Write adds a line; the file is put aside before one that it has no room for.
func (f *logFile) Write(p []byte) (int, error) {
	if f.size+int64(len(p)) >= largestLog {
		if err := f.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

// rotate moves the files one number up, the last one away.
func (f *logFile) rotate() error {
	for i := oldLogs - 1; i >= 0; i-- {
		from := fmt.Sprintf("%s.%d", f.name, i)
		if i == 0 {
			from = f.name
		}
		if err := f.tree.rename(from, fmt.Sprintf("%s.%d", f.name, i+1)); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	next, err := openLog(f.tree, f.name)
	if err != nil {
		return err
	}
	f.file.Close()
	f.file, f.size = next.file, next.size
	return nil
}
