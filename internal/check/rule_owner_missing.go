package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var ownerMissing = &Rule{
	Slug:  "owner-missing",
	Title: "a file is written before its owner or group exists",
	Why: `Everything of one configuration file runs before anything of the next, in the order
of the files' names; inside a file first packages, then groups, users, sources,
files, commands. A file whose owner or group is made later, by another
configuration file or by a command, ends the deployment on every new instance:
"… is not a valid user name". It may pass on an instance on which an earlier
deployment has made the user.`,
	Before: `# 01-app.config
files:
  /etc/worker.conf: {owner: worker, content: a}
# 02-users.config
users:
  worker: {}`,
	After: `# 00-users.config
users:
  worker: {}
# 01-app.config
files:
  /etc/worker.conf: {owner: worker, content: a}`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		var made []maker
		for _, e := range r.entries("files") {
			for _, kind := range []string{"owner", "group"} {
				n := e.get(kind)
				name, ok := n.Str()
				if !ok || n.Kind != source.String || name == "" || computed(n) || systemName(name) || r.platform.Name != "" && !r.platform.Known {
					continue
				}
				if made == nil {
					made = append(r.makers(), maker{})
				}
				f := ownerFinding(e, kind, name, n, made)
				if f == nil && !makes(made, name) {
					f = r.formerOwner(e, kind, name, n)
				}
				if f != nil {
					out = append(out, f)
				}
			}
		}
		return out
	},
}

// systemNames are users and groups of Amazon Linux and of Elastic Beanstalk's
// platforms.
var systemNames = strings.Fields(`root bin daemon adm lp sync shutdown halt mail operator games ftp nobody users wheel tty disk kmem
	man floppy cdrom dialout tape video audio lock utmp utempter utmp input render kvm sgx dip ssh_keys cgred screen log systemd-journal systemd-network systemd-resolve
	systemd-timesync systemd-coredump systemd-oom dbus rpc libstoragemgmt sshd rpcuser nfsnobody rngd ec2-instance-connect postfix postdrop
	chrony tcpdump ec2-user sudo docker ntp saslauth mailnull smmsp oprofile stapusr stapsys stapdev rpcbind tss
	webapp nginx apache tomcat healthd awseb memcached xray cwagent aoc amazon-ssm-agent ssm-user sqsd awselb www-data passenger puma postgres mysql redis`)

// systemName: the name is an instance's own, or a number, which cfn-init takes
// for a name as well and which is another rule's.
func systemName(name string) bool { return slices.Contains(systemNames, name) }

// maker is what makes a user or group.
type maker struct {
	name    string
	group   bool
	file    int // index of the configuration file
	command bool
	at      source.Pos
}

// makers are all users and groups that the configuration files make: below
// their own keys, and by commands.
func (r *run) makers() (out []maker) {
	for _, section := range []string{"users", "groups"} {
		for _, e := range r.entries(section) {
			out = append(out, maker{e.name.Text, section == "groups", e.file.Index, false, e.name.Pos})
		}
	}
	for _, s := range r.scripts() {
		if s.entry == nil || s.entry.section != "commands" || s.test {
			continue
		}
		calls, ok := s.read()
		if !ok {
			continue
		}
		for _, c := range calls {
			program, args := c.Program()
			if program != "useradd" && program != "adduser" && program != "groupadd" && program != "addgroup" || len(args) == 0 {
				continue
			}
			last := args[len(args)-1].Text
			out = append(out, maker{last, strings.HasPrefix(program, "group") || program == "addgroup", s.entry.file.Index, true, s.entry.name.Pos})
			if strings.HasPrefix(program, "user") || program == "adduser" {
				out = append(out, maker{last, true, s.entry.file.Index, true, s.entry.name.Pos}) // a group of its own
			}
		}
	}
	return out
}

// ownerFinding: only what is made, and made too late, is a mistake for sure;
// what nobody makes may come with a package or with the machine image.
func ownerFinding(e entry, kind, name string, n *source.Node, made []maker) *finding.Finding {
	var late *maker
	for i := range made {
		m := &made[i]
		if m.name != name || m.group != (kind == "group") {
			continue
		}
		if m.file < e.file.Index || m.file == e.file.Index && !m.command {
			return nil // in time
		}
		late = m
	}
	says := fmt.Sprintf("Error occurred during build: %s is not a valid %s name", name, map[string]string{"owner": "user", "group": "group"}[kind])
	if late == nil {
		to := nearest(name, []string{"root", "webapp", "nginx", "apache", "tomcat", "ec2-user"})
		if to == "" {
			return nil
		}
		f := keyFinding("owner-missing", finding.Warning, n)
		f.Certain = false
		f.Message = fmt.Sprintf("cfn-init may stop at %q: its %s %q is made by no configuration file", e.name.Text, kind, name)
		note(f, "on AWS", says)
		note(f, "fix", "write   "+kind+": "+to)
		f.Fixes = append(f.Fixes, rename(n, to))
		return f
	}
	f := keyFinding("owner-missing", finding.Error, n)
	f.Message = fmt.Sprintf("cfn-init will stop at %q on a new instance, and the deployment with it: its %s %q does not exist yet", e.name.Text, kind, name)
	if late.command {
		note(f, "cause", "a command makes it, and commands run after files", late.at)
		note(f, "fix", fmt.Sprintf("make it below   %ss:   in this file", map[string]string{"owner": "user", "group": "group"}[kind]))
	} else {
		note(f, "cause", "a configuration file that comes later makes it", late.at)
		note(f, "fix", "make it in this file, or in one whose name comes before "+e.file.Name)
	}
	f.Notes = append(f.Notes[:1], append([]finding.Note{{Label: "on AWS", Text: says}}, f.Notes[1:]...)...)
	return f
}

// makes: a configuration file makes a user or group of this name, at whatever
// time.
func makes(made []maker, name string) bool {
	return slices.ContainsFunc(made, func(m maker) bool { return m.name == name })
}

// formerOwner is about the users as which applications ran on Amazon Linux
// AMI, nodejs and wsgi. Since Amazon Linux 2 it is webapp on every platform
// [EB:custom-platforms-scripts, platformconfig AppUser].
func (r *run) formerOwner(e entry, kind, name string, n *source.Node) *finding.Finding {
	applies, certain := r.onGenerations(laterThanAL1...)
	if name != "nodejs" && name != "wsgi" || !applies || r.ownImage() {
		return nil
	}
	f := keyFinding("owner-missing", finding.Error, n)
	f.Message = fmt.Sprintf("cfn-init %s stop at %q, and the deployment with it: there is no %s since Amazon Linux 2", verb(certain), e.name.Text, name)
	note(f, "on AWS", fmt.Sprintf("Error occurred during build: %s is not a valid %s name", name, map[string]string{"owner": "user", "group": "group"}[kind]))
	note(f, "fix", "write   "+kind+": webapp")
	f.Fixes = append(f.Fixes, rename(n, "webapp"))
	return generational(f, certain)
}
