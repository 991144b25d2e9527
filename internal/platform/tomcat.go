package platform

import "strings"

// TomcatHomes are where a Tomcat may lie on an instance, as patterns: Amazon
// Linux's and Debian's packages, and Apache's archive where it is usually
// unpacked. The first that is one counts.
var TomcatHomes = []string{"/usr/share/tomcat", "/usr/share/tomcat[0-9]*", "/usr/local/tomcat", "/opt/tomcat"}

// TomcatName is what Amazon Linux calls Tomcat in the names of its folders:
// /usr/share/NAME, /etc/NAME, /var/lib/NAME/webapps, /var/log/NAME.
// [EB:java-tomcat-platform; EB:using-features.logging]
func (p *Platform) TomcatName() string {
	if p.AL1() {
		return "tomcat8"
	}
	return "tomcat"
}

// JVMOptions are the arguments that the Tomcat platform gives to Java: its
// options, with the defaults of the heap, and every environment property as a
// system property. MaxPermSize is left out: no Java since 8 has what it limits,
// and Java 17 refuses to start with it.
// [EB:java-tomcat-platform; EB:command-options-specific Tomcat]
func JVMOptions(option func(namespace, name string) string, properties []string) []string {
	const namespace = "aws:elasticbeanstalk:container:tomcat:jvmoptions"
	var out []string
	for _, name := range []string{"Xms", "Xmx"} {
		size := option(namespace, name)
		if size == "" {
			size = "256m"
		}
		out = append(out, "-"+name+size)
	}
	out = append(out, strings.Fields(option(namespace, "JVM Options"))...)
	for _, p := range properties {
		out = append(out, "-D"+p)
	}
	return out
}

// WARs are the web applications of a source bundle that holds several of them,
// by their file names in its top folder; nil for one that is an application
// itself. [EB:java-tomcat-multiple-war-files]
func WARs(f Files) []string {
	if f.Has("WEB-INF/web.xml") {
		return nil
	}
	var out []string
	for _, n := range f.Names() {
		if strings.HasSuffix(n, ".war") && !strings.HasPrefix(n, ".") {
			out = append(out, n)
		}
	}
	return out
}
