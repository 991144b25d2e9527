package engine

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// openLog opens a log file for appending, and makes its folder.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
}

// engineLog is /var/log/eb-engine.log (Amazon Linux 2 and later).
type engineLog struct {
	w   io.Writer
	now func() time.Time
}

// line writes "2023/12/14 22:04:38.637046 [INFO] Engine command: (app-deploy)".
func (l engineLog) line(level, format string, args ...any) {
	fmt.Fprintf(l.w, "%s [%s] %s\n", l.now().UTC().Format("2006/01/02 15:04:05.000000"), level, fmt.Sprintf(format, args...))
}

func (l engineLog) info(format string, args ...any) { l.line("INFO", format, args...) }

// activityLog is /var/log/eb-activity.log (Amazon Linux 1).
type activityLog struct {
	w   io.Writer
	now func() time.Time
	pid int
}

// line writes "[2018-09-17T23:30:10.832Z] INFO  [2630]  - [path] : text".
func (l activityLog) line(path, text string) {
	fmt.Fprintf(l.w, "[%s] INFO  [%d]  - [%s] : %s\n", l.now().UTC().Format("2006-01-02T15:04:05.000Z"), l.pid, path, text)
}

// completed writes the end of an activity with its output, indented.
func (l activityLog) completed(path, output string) {
	if output = strings.TrimRight(output, "\n"); output == "" {
		l.line(path, "Completed activity.")
		return
	}
	l.line(path, "Completed activity. Result:\n  "+strings.ReplaceAll(output, "\n", "\n  "))
}

// failed writes why an activity failed.
func (l activityLog) failed(path, why string) {
	l.line(path, fmt.Sprintf("Activity execution failed, because: %s (ElasticBeanstalk::ExternalInvocationError)", why))
	l.line(path, "Activity failed.")
}

// lineWriter calls each with every whole line written, for a log whose lines
// have a head. It is safe for concurrent use.
type lineWriter struct {
	each func(line string)
	mu   sync.Mutex
	part []byte
}

const longestLine = 64 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.part = append(w.part, p...)
	for {
		i := bytes.IndexByte(w.part, '\n')
		switch {
		case i >= 0:
			w.each(string(w.part[:i]))
			w.part = w.part[i+1:]
		case len(w.part) > longestLine:
			w.each(string(w.part))
			w.part = nil
		default:
			return len(p), nil
		}
	}
}
