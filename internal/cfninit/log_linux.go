package cfninit

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// width of the rules in the logs [cb:util.py].
const width = 60

// log writes a line of cfn-init.log, "2020-03-19 19:46:50,762 [INFO] text".
func (r *Runner) log(level, format string, args ...any) {
	r.write(r.Log, "["+level+"] "+fmt.Sprintf(format, args...))
}

// debug writes a line that only a verbose log has.
func (r *Runner) debug(format string, args ...any) {
	if r.Verbose {
		r.log("DEBUG", format, args...)
	}
}

func (r *Runner) info(format string, args ...any) { r.log("INFO", format, args...) }

// command writes a line of cfn-init-cmd.log, "2020-03-19 19:46:51,003 P2630 [INFO] text".
func (r *Runner) command(level, text string) {
	r.write(r.CommandLog, fmt.Sprintf("P%d [%s] %s", os.Getpid(), level, text))
}

// write adds a line; a log that can't be written does not stop a build.
func (r *Runner) write(w io.Writer, text string) {
	if w == nil {
		return
	}
	stamp := strings.Replace(r.now().Format("2006-01-02 15:04:05.000"), ".", ",", 1)
	fmt.Fprintf(w, "%s %s\n", stamp, strings.TrimRight(text, "\n"))
}

// centred is text in the middle of a rule of dashes.
func centred(text string) string {
	left := (width - len(text)) / 2
	return strings.Repeat("-", left) + text + strings.Repeat("-", width-len(text)-left)
}

// Say writes a line of beanpole's own into cfn-init.log.
func (r *Runner) Say(text string) { r.info("beanpole: %s", text) }

// Logf writes a line of a level into the log.
func (r *Runner) Logf(level, format string, args ...any) { r.log(level, format, args...) }
