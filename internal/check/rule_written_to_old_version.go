package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/shell"
)

var writtenToOldVersion = &Rule{
	Slug:  "written-to-old-version",
	Title: "a file goes into a folder that the deployment replaces",
	Why: `files, sources and commands come before the new version is unpacked: Elastic Beanstalk
makes /var/app/staging anew afterwards. container_commands and the hooks before the
deployment come before /var/app/staging takes the place of /var/app/current: what they
write below /var/app/current goes into the version before, and is gone with it.
container_commands and hooks run in the new version's folder, so that a relative path
is the right one.`,
	Before: `container_commands:
  01_settings:
    command: cp settings.prod /var/app/current/settings`,
	After: `container_commands:
  01_settings:
    command: cp settings.prod settings`,
	Since: "0.1.0",
	// Steps 3 and 10 of the engine's log [log: eb-engine.log, StageApplication
	// and FlipApplication; EB:platforms-linux-extend].
	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.onGenerations(laterThanAL1...)
		if !applies {
			return nil
		}
		for _, section := range []string{"files", "sources"} {
			for _, e := range r.entries(section) {
				if dir := replacedFolder(e.name.Text, beforeUnpack); dir != "" {
					f := keyFinding("written-to-old-version", finding.Warning, e.name)
					lostWith(f, section, dir, certain)
					note(f, "fix", "write it elsewhere, and copy it with an entry of container_commands, by a relative path")
					out = append(out, generational(f, certain))
				}
			}
		}
		for _, u := range uses(r.scripts(), "/var/app/") {
			dir := replacedFolder(u.word.Text, u.script.stage)
			if dir == "" || u.script.test || u.script.onConfig || !u.isDestination() {
				continue
			}
			f := &finding.Finding{Rule: "written-to-old-version", Severity: finding.Warning, Pos: u.pos(), End: u.end()}
			lostWith(f, u.script.stage.String(), dir, certain)
			fix := "write a relative path"
			if u.script.stage == beforeUnpack {
				fix = "move the entry from commands: to container_commands: , and write a relative path"
			}
			note(f, "fix", fix)
			out = append(out, generational(f, certain))
		}
		return out
	},
}

// lostWith says what becomes of a file.
func lostWith(f *finding.Finding, what, dir string, certain bool) {
	f.Message = fmt.Sprintf("this %s be lost: %s come before %s is replaced by the new version", verb(certain), what, dir)
	if strings.HasPrefix(what, "a ") {
		f.Message = fmt.Sprintf("this %s be lost: %s runs before %s is replaced by the new version", verb(certain), what, dir)
	}
	note(f, "on AWS", "no message at all; the file is not in the folder after the deployment")
}

// replacedFolder is the application's folder that a path stands in, and that
// the deployment makes anew after the stage; "" for all others.
func replacedFolder(name string, at stage) string {
	for _, dir := range []string{"/var/app/current", "/var/app/staging"} {
		if !strings.HasPrefix(name, dir+"/") {
			continue
		}
		if at == beforeUnpack || at < postdeployHook && dir == "/var/app/current" {
			return dir
		}
	}
	return ""
}

// isDestination: the program makes or changes the file that the word names.
func (u *use) isDestination() bool {
	if u.written {
		return u.word.Text != ""
	}
	program, args := u.program()
	switch program {
	case "cp", "mv", "ln", "install":
		of := operands(args, "tSgom")
		return len(of) > 1 && of[len(of)-1] == u.word
	case "mkdir", "touch", "tee":
		return hasWord(args, u.word)
	}
	return false
}

func hasWord(args []shell.Word, w shell.Word) bool {
	for _, a := range args {
		if a == w {
			return true
		}
	}
	return false
}
