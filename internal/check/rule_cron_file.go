package check

import (
	"fmt"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

const cronFolder = "/etc/cron.d/"

var cronFileRefused = &Rule{
	Slug:  "cron-file-refused",
	Title: "cron refuses a file for its mode or owner",
	Why: `cron reads a file in /etc/cron.d only if root owns it and nobody else can write to it
or execute it: modes such as 000644 and 000600. It passes over all others, which shows
in /var/log/cron only: "BAD FILE MODE" or "WRONG FILE OWNER".`,
	Before: `files:
  /etc/cron.d/report:
    mode: "000755"
    content: |
      0 4 * * * root /usr/local/bin/report`,
	After: `files:
  /etc/cron.d/report:
    mode: "000644"
    content: |
      0 4 * * * root /usr/local/bin/report`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			if !strings.HasPrefix(e.name.Text, cronFolder) || r.changesRights(e.name.Text) {
				continue
			}
			// cronie's database.c: (mode & 07533) != 0400, and the owner.
			if m := e.get("mode"); m != nil && (m.Kind == source.String || m.Value() == m.Text) {
				if bits, ok := modeOf(m); ok && bits&0o170000 != 0o120000 && bits&0o7533 != 0o400 {
					f := refusedByCron(&e, m, fmt.Sprintf("its mode is %04o", bits&0o7777), "BAD FILE MODE")
					note(f, "fix", `write   mode: "000644"`)
					f.Fixes = []finding.Fix{{Name: "mode", Title: "give the file a mode that cron takes",
						Edits: []source.Edit{{File: e.file.Name, Start: m.Pos.Offset, End: m.End.Offset, New: `"000644"`}}}}
					out = append(out, f)
				}
			}
			if o := e.get("owner"); o != nil && o.Kind == source.String && o.Text != "root" && !computed(o) {
				f := refusedByCron(&e, o, "its owner is "+o.Text, "WRONG FILE OWNER")
				note(f, "fix", "write   owner: root   , and name the user in the sixth field of each line")
				out = append(out, f)
			}
		}
		return out
	},
}

func refusedByCron(e *entry, at *source.Node, why, says string) *finding.Finding {
	f := keyFinding("cron-file-refused", finding.Warning, at)
	f.Message = fmt.Sprintf("cron will not read %s: %s", e.name.Text, why)
	note(f, "on AWS", fmt.Sprintf("in /var/log/cron: (root) %s (%s)", says, e.name.Text))
	return f
}

// changesRights: a command gives the file, or all of its folder, other rights.
func (r *run) changesRights(name string) bool {
	for _, u := range uses(r.scripts(), strings.TrimSuffix(cronFolder, "/")) {
		program, _ := u.program()
		if (program == "chmod" || program == "chown" || program == "install") && strings.HasPrefix(name, strings.TrimRight(u.word.Text, "*")) {
			return true
		}
	}
	return false
}

var cronLineLost = &Rule{
	Slug:  "cron-line-lost",
	Title: "cron does not run a line of a file",
	Why: `A line of a file in /etc/cron.d has five fields for the time, then the user, then the
command. Without the user cron takes the first word of the command for one, and does
not run the line: "bad username", in its log only. A last line without a line break
makes the file broken, as crontab(5) says.`,
	Before: `content: |
  0 4 * * * /usr/local/bin/report`,
	After: `content: |
  0 4 * * * root /usr/local/bin/report`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("files") {
			n := e.get("content")
			if !strings.HasPrefix(e.name.Text, cronFolder) || n == nil || n.Kind != source.String || computed(n) || e.get("encoding") != nil || e.get("context") != nil {
				continue
			}
			for from, rest := 0, n.Text; rest != ""; {
				line, after, ended := strings.Cut(rest, "\n")
				if f := lostLine(n, from, line, ended); f != nil {
					out = append(out, f)
				}
				from, rest = from+len(line)+1, after
			}
		}
		return out
	},
}

// noUsers are programs that people begin a command with, and no user's name.
var noUsers = map[string]bool{"php": true, "curl": true, "wget": true, "cd": true, "python": true, "python3": true, "bash": true, "sh": true,
	"echo": true, "sudo": true, "node": true, "docker": true, "rm": true, "source": true, ".": true, "certbot": true, "npm": true, "bundle": true, "rake": true}

// lostLine is about one line, which begins at byte from of the content.
func lostLine(n *source.Node, from int, line string, ended bool) *finding.Finding {
	user, ok := cronUser(line)
	if !ok {
		return nil
	}
	f := &finding.Finding{Rule: "cron-line-lost", Severity: finding.Warning, Certain: true, Pos: n.PosAt(from), End: n.PosAt(from + len(line))}
	switch {
	case strings.Contains(user, "/") || noUsers[user]:
		f.Message = fmt.Sprintf("cron will not run this line: it takes %s for the user", user)
		note(f, "on AWS", "in the log of crond: bad username")
		note(f, "fix", "name the user before the command   root "+user)
	case !ended:
		f.Certain = false
		f.Message = "cron may not run this line: it is the last one, and has no line break"
		note(f, "on AWS", "crontab(5): cron will consider the crontab (at least partially) broken")
		note(f, "fix", "write the content below   content: |")
	default:
		return nil
	}
	return f
}

// cronUser is the word that stands where a line names the user; ok is false
// for a line that is no job.
func cronUser(line string) (user string, ok bool) {
	words := strings.Fields(line)
	if len(words) < 3 {
		return "", false
	}
	first := words[0]
	if strings.HasPrefix(first, "@") {
		return words[1], true
	}
	if len(words) < 6 || strings.Trim(first, "0123456789*/,-") != "" {
		return "", false
	}
	return words[5], true
}
