package engine

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/platform"
)

// tomcatProcess is Tomcat, a service of the platform's own.
const tomcatProcess = "tomcat"

// findTomcat is the folder of this instance's Tomcat.
func findTomcat() (string, error) {
	for _, pattern := range platform.TomcatHomes {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, home := range found {
			if _, err := os.Stat(home + "/bin/bootstrap.jar"); err == nil {
				return home, nil
			}
		}
	}
	return "", errors.New("there is no tomcat on this instance")
}

// tomcatBase is Tomcat's folder under Amazon Linux's name.
func (d *deployment) tomcatBase() string { return "/usr/share/" + d.at.TomcatName() }

// bakeTomcat makes Amazon Linux's folders around the Tomcat that is there, so
// that configuration files and hooks find server.xml, logs and applications
// where they are on AWS. An instance without one is told at the build.
func (d *deployment) bakeTomcat() error {
	home, err := findTomcat()
	if err != nil {
		return nil
	}
	if err := d.addUsers(); err != nil {
		return err
	}
	name, base := d.at.TomcatName(), d.path(d.tomcatBase())
	conf := d.path("/etc/" + name)
	if _, err := os.Stat(conf + "/server.xml"); err != nil {
		for _, from := range []string{home + "/etc", home + "/conf"} {
			if err := copyTree(from, conf); err != nil {
				return err
			}
		}
	}
	links := map[string]string{"conf": "/etc/" + name, "webapps": "/var/lib/" + name + "/webapps", "logs": "/var/log/" + name,
		"work": "/var/cache/" + name + "/work", "temp": "/var/cache/" + name + "/temp"}
	for _, dir := range links {
		if err := os.MkdirAll(d.path(dir), 0o755); err != nil {
			return err
		}
		if err := d.handOver(d.path(dir)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"bin", "lib"} {
		links[dir] = filepath.Join(home, dir)
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return err
	}
	for link, to := range links {
		if err := os.Symlink(to, filepath.Join(base, link)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// installTomcat unpacks the WAR files of a bundle that holds several, each
// beside its file, and says when the Tomcat that is here runs other
// applications than the platform's does.
func (d *deployment) installTomcat() error {
	if text := d.otherServlets(); text != "" {
		d.tell("WARN", "%s", text)
	}
	wars := platform.WARs(staged(d.staging()))
	if len(wars) > 0 && d.al1 {
		d.tell("ERROR", "beanpole: it does not run a bundle of WAR files on the Tomcat platform of Amazon Linux 1; a bundle that is one WAR runs there, and both run on Amazon Linux 2 and 2023")
		return errors.New("a bundle of WAR files is not carried out on this platform")
	}
	for _, war := range wars {
		from, to := filepath.Join(d.staging(), war), filepath.Join(d.staging(), strings.TrimSuffix(war, ".war"))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		d.note("extracting %s", war)
		if err := unpack(from, to); err != nil {
			return fmt.Errorf("%s: %w", war, err)
		}
		if err := os.Remove(from); err != nil {
			return err
		}
	}
	d.wars = wars
	return nil
}

var (
	branchTomcat = lazyregexp.New(`Tomcat (\d+)`)
	serverNumber = lazyregexp.New(`(?m)^server\.number=(\d+)`)
)

// jakarta is the first Tomcat whose servlets are of the package jakarta.servlet.
const jakarta = 10

// otherServlets says that the instance's Tomcat and the platform's stand on two
// sides of the change from javax.servlet to jakarta.servlet; "" when they do
// not, or when a version is not known.
func (d *deployment) otherServlets() string {
	wanted := firstNumber(branchTomcat.FindStringSubmatch(d.at.Branch))
	home, err := findTomcat()
	if err != nil || wanted == 0 {
		return ""
	}
	here := firstNumber(serverNumber.FindStringSubmatch(readFromJar(home+"/lib/catalina.jar", "org/apache/catalina/util/ServerInfo.properties")))
	if here == 0 || (here < jakarta) == (wanted < jakarta) {
		return ""
	}
	packages := map[bool]string{true: "javax.servlet", false: "jakarta.servlet"}
	return fmt.Sprintf("beanpole: this instance's root has Tomcat %d, which runs applications of %s; the platform's is Tomcat %d, for %s. Use a root that has it (--root, --image)",
		here, packages[here < jakarta], wanted, packages[wanted < jakarta])
}

// firstNumber is a match's first group as a number, 0 for no match.
func firstNumber(match []string) int {
	if len(match) < 2 {
		return 0
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		return 0
	}
	return n
}

// readFromJar is the text of a small file in a JAR file, "" when it cannot be read.
func readFromJar(jar, name string) string {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return ""
	}
	defer z.Close()
	return smallText(z.Open(name))
}

// linkApplications makes Tomcat's webapps lead to the running version: to all
// of it as ROOT, or to each of its WAR files' contents. What Tomcat has made of
// the one before goes.
func (d *deployment) linkApplications() error {
	for _, dir := range []string{"work", "conf/Catalina"} {
		if err := os.RemoveAll(filepath.Join(d.path(d.tomcatBase()), dir, "localhost")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if d.al1 {
		return nil // the version lies in webapps itself
	}
	webapps := d.path("/var/lib/" + d.at.TomcatName() + "/webapps")
	if err := os.RemoveAll(webapps); err != nil {
		return err
	}
	if err := os.MkdirAll(webapps, 0o755); err != nil {
		return err
	}
	if len(d.wars) == 0 {
		return os.Symlink(d.at.Current, webapps+"/ROOT")
	}
	for _, war := range d.wars {
		name := strings.TrimSuffix(war, ".war")
		if err := os.Symlink(d.at.Current+"/"+name, filepath.Join(webapps, name)); err != nil {
			return err
		}
	}
	return nil
}

// tomcatServer makes the running version Tomcat's, and is the command that
// starts Tomcat as Amazon Linux's service does, without its scripts.
func (d *deployment) tomcatServer() (string, error) {
	if err := d.linkApplications(); err != nil {
		return "", err
	}
	java, err := findProgram("java")
	if err != nil {
		return "", err
	}
	if fi, err := os.Stat(d.path(d.at.Log)); err == nil {
		d.logged = fi.Size()
	}
	var properties []string
	for k, v := range d.command.Env {
		properties = append(properties, k+"="+v)
	}
	sort.Strings(properties)
	base := d.tomcatBase()
	argv := append([]string{java}, platform.JVMOptions(d.option, properties)...)
	argv = append(argv, "-classpath", base+"/bin/bootstrap.jar:"+base+"/bin/tomcat-juli.jar",
		"-Dcatalina.base="+base, "-Dcatalina.home="+base, "-Djava.io.tmpdir="+base+"/temp",
		"-Djava.util.logging.config.file="+base+"/conf/logging.properties", "-Djava.util.logging.manager=org.apache.juli.ClassLoaderLogManager",
		"org.apache.catalina.startup.Bootstrap", "start")
	var line strings.Builder
	line.WriteString("exec")
	for _, a := range argv {
		line.WriteString(" '" + strings.ReplaceAll(a, "'", `'\''`) + "'")
	}
	return line.String(), nil
}

// unavailable is what Tomcat writes of an application that it could not start.
var unavailable = lazyregexp.New(`Context \[([^\]]*)\] startup failed due to previous errors`)

// tomcatSays is the beginning of what Tomcat has written since this version's
// start.
func (d *deployment) tomcatSays() string {
	f, err := os.Open(d.path(d.at.Log))
	if err != nil {
		return ""
	}
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, d.logged, largestRead))
	if err != nil {
		return ""
	}
	return string(data)
}

// answering tells whether what takes connections also answers: Tomcat listens
// before it starts its applications.
func (d *deployment) answering() bool {
	return d.at.Language != platform.Tomcat || strings.Contains(d.tomcatSays(), "Server startup in ")
}

// watchWebApplications says which applications Tomcat has not started. On AWS
// nobody looks: the deployment is green, and Tomcat answers 404.
func (d *deployment) watchWebApplications() {
	for _, m := range unavailable.FindAllStringSubmatch(d.tomcatSays(), -1) {
		at := m[1]
		if at == "" {
			at = "/"
		}
		d.tell("WARN", "beanpole: Tomcat has not started the application at %s, and answers 404 for it; on AWS too the deployment succeeds. See %s", at, d.at.Log)
	}
}
