// Package platform holds what the branches of Elastic Beanstalk's Linux
// platforms are made of, as tables: folders, ports, what they start, how their
// proxy is configured, and the order in which a deployment goes. It reads no
// file and starts nothing, so that what predicts a deployment and what carries
// it out read the same facts.
package platform

import (
	"strings"

	"beanpole/internal/ebext"
)

// Language is what a platform branch runs.
type Language string

// The languages of AWS's Linux platforms. [EB:concepts.platforms]
const (
	Go     Language = "Go"
	NodeJS Language = "Node.js"
	Python Language = "Python"
	Ruby   Language = "Ruby"
	PHP    Language = "PHP"
	Tomcat Language = "Tomcat"
	JavaSE Language = "Java SE"
	DotNet Language = ".NET on Linux"
	Docker Language = "Docker"
	ECS    Language = "ECS" // several containers, by Amazon ECS
	Other  Language = ""    // a branch that this table does not know
)

// Platform is one branch on one generation of Amazon Linux.
type Platform struct {
	ebext.Platform
	Language Language
	Port     int    // PORT of the first process unless a property of that name says otherwise
	Socket   string // where the application listens instead of on a port; "" for a port
	Upstream string // name of the proxy's upstream block; "" where it has none
	Staging  string // where a version is unpacked and built
	Current  string // where it is run
	User     string // who runs it
	Build    string // the engine's instruction that installs dependencies
	// Programs are what its applications need on the instance, each one of
	// several names; Packages is where Debian has them.
	Programs [][]string
	Packages string
	// Log is where the first process writes; "" for web.stdout.log in /var/log,
	// on the Amazon Linux AMI web-1.log and web-1.error.log.
	Log string
	// Apache is set where the proxy is Apache httpd unless an option says nginx.
	Apache bool
}

// VirtualEnv is where Python applications find their packages since Amazon
// Linux 2; the name is the same on every instance.
// [gh:aws/elastic-beanstalk-roadmap#151]
const VirtualEnv = "/var/app/venv/staging-LQM1lest"

// languages are what the names of branches begin with or hold, the more exact
// first: "Tomcat 9 with Corretto 11 running on …". [EB:concepts.platforms]
var languages = []struct {
	part     string
	language Language
}{
	{"ECS", ECS}, {"Multi-container", ECS}, {"Docker", Docker}, {"Tomcat", Tomcat}, {"Node.js", NodeJS}, {"Python", Python}, {"Ruby", Ruby}, {"PHP", PHP},
	{".NET", DotNet}, {"Corretto", JavaSE}, {"Java", JavaSE}, {"Go", Go},
}

// LanguageOf reads a branch's name: "Python 3.11".
func LanguageOf(branch string) Language {
	for _, l := range languages {
		if strings.Contains(branch, l.part) {
			return l.language
		}
	}
	return Other
}

// Of is what is known of a platform. A branch that the table lacks is one that
// runs a Procfile and nothing else.
func Of(p ebext.Platform) Platform {
	l := LanguageOf(p.Branch)
	out := later[l]
	if p.Generation == ebext.AL1 {
		out = amazonLinuxAMI[l]
	}
	out.Platform, out.Language = p, l
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	if out.Port == 0 {
		out.Port = 5000
	}
	fill(&out.Staging, "/var/app/staging")
	fill(&out.Current, "/var/app/current")
	fill(&out.User, "webapp")
	fill(&out.Build, "InstallDependency")
	return out
}

// AL1 tells the Amazon Linux AMI from its successors.
func (p *Platform) AL1() bool { return p.Generation == ebext.AL1 }
