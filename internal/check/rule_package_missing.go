package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var packageMissing = &Rule{
	Slug:  "package-missing",
	Title: "the platform's repositories have no such package",
	Why: `Each generation of Amazon Linux has its own packages. cfn-init asks yum for every name
below packages and ends the deployment when one is not there: "Yum does not have
mod24_ssl available for installation". Names with a version in them (mod24_ssl,
php56, python35, postgresql94-devel) are mostly those of the Amazon Linux AMI.`,
	Before: `packages:
  yum:
    mod24_ssl: []`,
	After: `packages:
  yum:
    mod_ssl: []`,
	Since: "0.1.0",
	find: func(r *run) (out []*finding.Finding) {
		more := -1 // whether the bundle adds repositories; looked up once
		for _, e := range r.entries("packages") {
			if e.name.Text != "yum" || e.value == nil {
				continue
			}
			for _, f := range e.value.Fields {
				p := missingPackage(f.Key.Text)
				if p == nil {
					continue
				}
				applies, certain := r.onGenerations(p.not...)
				if !applies {
					continue
				}
				if more < 0 {
					more = 0
					if r.addsRepositories() {
						more = 1
					}
				}
				if more == 1 && !p.amazons {
					continue
				}
				out = append(out, generational(&finding.Finding{
					Rule: "package-missing", Severity: finding.Error, Pos: f.Key.Pos, End: f.Key.End,
					Message: fmt.Sprintf("the deployment %s fail: the platform's repositories have no package %s", verb(certain), f.Key.Text),
					Notes: []finding.Note{
						{Label: "on AWS", Text: fmt.Sprintf("Error occurred during build: Yum does not have %s available for installation", f.Key.Text)},
						{Label: "fix", Text: p.instead},
					},
				}, certain))
			}
		}
		return out
	},
}

// lackingPackage is a package that some generations do not have.
type lackingPackage struct {
	name    string // with a * at its end: the beginning of the name
	not     []ebext.Generation
	instead string
	amazons bool // no other repository has the name either
}

var onlyAL2023 = []ebext.Generation{ebext.AL2023}

// lackingPackages are those that are surely missing: the names of the Amazon
// Linux AMI that carry a version [gh:aws/elastic-beanstalk-roadmap#199], MySQL
// [gh:aws-samples/eb-demo-php-simple-app#7, gh:amazonlinux/amazon-linux-2023#257],
// and what AL2023 dropped [gh:amazonlinux/amazon-linux-2023#351, #16;
// AL2023 guide: removed from AL2 (awslogs), EPEL].
var lackingPackages = []lackingPackage{
	{"mod24_ssl", laterThanAL1, "write   mod_ssl: []   , which belongs to Apache; nginx needs no package", true},
	{"mod24_*", laterThanAL1, "leave the 24 out of the name", true},
	{"httpd24*", laterThanAL1, "leave the 24 out of the name", true},
	{"php5*", laterThanAL1, "leave the version out of the name (php-…); the platform branch decides on it", false},
	{"php70*", laterThanAL1, "leave the version out of the name (php-…); the platform branch decides on it", false},
	{"php71*", laterThanAL1, "leave the version out of the name (php-…); the platform branch decides on it", false},
	{"php72*", laterThanAL1, "leave the version out of the name (php-…); the platform branch decides on it", false},
	{"php73*", laterThanAL1, "leave the version out of the name (php-…); the platform branch decides on it", false},
	{"python27*", laterThanAL1, "write   python3   in place of python27", false},
	{"python34*", laterThanAL1, "write   python3   in place of python34", false},
	{"python35*", laterThanAL1, "write   python3   in place of python35", false},
	{"python36*", laterThanAL1, "write   python3   in place of python36", false},
	{"postgresql9*", laterThanAL1, "write   libpq-devel: []   on Amazon Linux 2023,   postgresql-devel: []   on Amazon Linux 2", false},
	{"mysql", laterThanAL1, "write   mariadb105: []   on Amazon Linux 2023,   mariadb: []   on Amazon Linux 2", false},
	{"mysql-devel", laterThanAL1, "write   mariadb-connector-c-devel: []   on Amazon Linux 2023,   mariadb-devel: []   on Amazon Linux 2", false},
	{"mysql5*", laterThanAL1, "write   mariadb105: []   on Amazon Linux 2023,   mariadb: []   on Amazon Linux 2", false},
	{"perl-Bundle-LWP", laterThanAL1, "write   perl-libwww-perl: []   and   perl-LWP-Protocol-https: []", true},
	{"postgresql-devel", onlyAL2023, "write   libpq-devel: []", false},
	{"mariadb", onlyAL2023, "write   mariadb105: []", false},
	{"awslogs", onlyAL2023, "write   amazon-cloudwatch-agent: []   , or set StreamLogs: true in aws:elasticbeanstalk:cloudwatch:logs", true},
	{"epel-release", onlyAL2023, "leave it out: EPEL does not serve Amazon Linux 2023", false},
}

func missingPackage(name string) *lackingPackage {
	name, _, _ = strings.Cut(name, ".") // of libffi-devel.x86_64
	for i := range lackingPackages {
		p := &lackingPackages[i]
		start, open := strings.CutSuffix(p.name, "*")
		if name == p.name || open && strings.HasPrefix(name, start) {
			return p
		}
	}
	return nil
}

// addsRepositories: the bundle may bring repositories of its own, of which
// nothing is known.
func (r *run) addsRepositories() bool {
	for _, e := range r.entries("packages") {
		if e.name.Text == "rpm" {
			return true
		}
	}
	for _, e := range r.entries("files") {
		if strings.HasPrefix(e.name.Text, "/etc/yum.repos.d/") {
			return true
		}
	}
	return len(uses(r.scripts(), "yum.repos.d", "amazon-linux-extras", "yum-config-manager", "config-manager", "epel", "remi", ".rpm")) > 0
}
