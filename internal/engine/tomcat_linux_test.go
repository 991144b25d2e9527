package engine

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"beanpole/internal/instance"
)

const (
	tomcat2023 = "64bit Amazon Linux 2023 v5.4.0 running Tomcat 10 Corretto 17"
	tomcat2    = "64bit Amazon Linux 2 v4.3.1 running Tomcat 8.5 Corretto 11"
	tomcat1    = "64bit Amazon Linux 2018.03 v3.4.0 running Tomcat 8.5 Java 8"
)

// needsTomcat skips where this machine lacks Tomcat or Java.
func needsTomcat(t *testing.T) {
	t.Helper()
	needs(t, "java")
	if _, err := findTomcat(); err != nil {
		t.Skip("this machine's system has no tomcat")
	}
}

const (
	webXML  = `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0"><welcome-file-list><welcome-file>page.jsp</welcome-file></welcome-file-list></web-app>`
	pageJSP = `<%@page contentType="text/plain"%>jsp says <%=System.getProperty("GREETING")%>, <%=System.getenv("GREETING")%>, <%=System.getProperty("mark")%>, <%=Runtime.getRuntime().maxMemory() >> 20%> as <%=System.getProperty("user.name")%>`
)

// statusOf is what a path answers, once.
func statusOf(t *testing.T, i *instance.Instance, path string) int {
	t.Helper()
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Get("http://" + i.Address().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// runCommand gives a command and wants success.
func runCommand(t *testing.T, i *instance.Instance, c *instance.Command) *instance.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	r, err := i.Do(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Status != instance.Success {
		t.Fatalf("%+v\n%s", r, logOf(t, i, "eb-engine.log"))
	}
	return r
}

func TestAWebArchiveIsTomcatsRootApplication(t *testing.T) {
	needsTomcat(t)
	w := &world{
		metadata: `{"AWS::CloudFormation::Init": {"configSets": {"Infra-EmbeddedPreBuild": [], "Infra-EmbeddedPostBuild": ["postbuild_0_shop"]},
			"postbuild_0_shop": {"commands": {"01_staged": {"command": "test -f WEB-INF/web.xml && echo built > built.txt"}}}}}`,
		bundle: map[string]string{"WEB-INF/web.xml": webXML, "page.jsp": pageJSP, "static.html": "<p>first", ".platform/hooks/postdeploy/01.sh": "#!/bin/sh\nsystemctl is-active tomcat > /srv/tomcat\n"},
	}
	i := startInstance(t, w, "")
	c := command(tomcat2023)
	c.Env["GREETING"] = "it's $HOME"
	c.Options = map[string]map[string]string{"aws:elasticbeanstalk:container:tomcat:jvmoptions": {"Xms": "64m", "Xmx": "128m", "XX:MaxPermSize": "64m", "JVM Options": "-Dmark=here -XX:+UseSerialGC"}}
	r := runCommand(t, i, c)
	if len(r.Events) != 1 {
		t.Errorf("events %+v", r.Events)
	}
	got := get(t, i, "/")
	if !strings.HasPrefix(got, "jsp says it's $HOME, it's $HOME, here, 12") || !strings.HasSuffix(got, " as tomcat") {
		t.Errorf("it says %q", got)
	}
	for path, want := range map[string]string{"/static.html": "<p>first", "/built.txt": "built\n"} {
		if got := get(t, i, path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	if got, err := i.ReadFile("/srv/tomcat"); string(got) != "active\n" {
		t.Errorf("systemctl is-active tomcat: %q, %v", got, err)
	}
	if log := logOf(t, i, "tomcat/catalina.out"); !strings.Contains(log, "Server startup in") {
		t.Errorf("catalina.out: %s", log)
	}

	w.bundle["page.jsp"], w.bundle["static.html"] = "second", "<p>second"
	runCommand(t, i, c)
	for path, want := range map[string]string{"/": "second", "/static.html": "<p>second"} {
		if got := get(t, i, path); got != want {
			t.Errorf("%s after the second deployment: %q", path, got)
		}
	}

	w.bundle["WEB-INF/web.xml"] = "<web-app><servlet>"
	r = runCommand(t, i, c)
	if len(r.Events) != 2 || r.Events[0].Severity != "WARN" || r.Events[0].Message != "beanpole: Tomcat has not started the application at /, and answers 404 for it; on AWS too the deployment succeeds. See /var/log/tomcat/catalina.out" {
		t.Errorf("a broken web.xml: %+v", r.Events)
	}
	if got := statusOf(t, i, "/"); got != http.StatusNotFound {
		t.Errorf("a broken web.xml: status %d", got)
	}
}

// haltJSP ends Tomcat.
const haltJSP = `<% Runtime.getRuntime().halt(9); %>`

// war is a WAR file with a page, and one that ends Tomcat.
func war(t *testing.T, page string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range map[string]string{"index.html": page, "halt.jsp": haltJSP} {
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestABundleOfWebArchivesIsAnApplicationEach(t *testing.T) {
	needsTomcat(t)
	i := startInstance(t, &world{metadata: noExtensions, bundle: map[string]string{"ROOT.war": war(t, "root"), "shop.war": war(t, "shop")}}, "")
	r := deploy(t, i, tomcat2, instance.Success)
	if home, _ := findTomcat(); home == "/usr/share/tomcat10" && (len(r.Events) != 2 || !strings.Contains(r.Events[0].Message, "has Tomcat 10, which runs applications of jakarta.servlet; the platform's is Tomcat 8, for javax.servlet")) {
		t.Errorf("events %+v", r.Events)
	}
	for path, want := range map[string]string{"/": "root", "/shop/": "shop"} {
		if got := get(t, i, path); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	statusOf(t, i, "/shop/halt.jsp")
	time.Sleep(2 * firstPause)
	if got := statusOf(t, i, "/"); got != http.StatusBadGateway {
		t.Errorf("after Tomcat's end: status %d", got)
	}
	if log := logOf(t, i, "tomcat/catalina.out"); !strings.Contains(log, "beanpole: process tomcat ended (exit status 9)\n") {
		t.Errorf("catalina.out: %s", log)
	}
	deploy(t, i, tomcat2, instance.Success)
	get(t, i, "/")
}

func TestTomcatOnTheAmazonLinuxAMI(t *testing.T) {
	needsTomcat(t)
	i := startInstance(t, &world{metadata: noExtensions, bundle: map[string]string{"WEB-INF/web.xml": webXML, "page.jsp": pageJSP, "halt.jsp": haltJSP, "static.html": "static"}}, "")
	deploy(t, i, tomcat1, instance.Success)
	if got := get(t, i, "/"); !strings.HasPrefix(got, "jsp says hello, hello, null, 2") {
		t.Errorf("it says %q", got)
	}
	if got, err := i.ReadFile("/var/lib/tomcat8/webapps/ROOT/static.html"); string(got) != "static" {
		t.Errorf("webapps: %q, %v", got, err)
	}
	statusOf(t, i, "/halt.jsp")
	for end := time.Now().Add(time.Minute); strings.Count(logOf(t, i, "tomcat8/catalina.out"), "Server startup in") < 2 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	if log := logOf(t, i, "tomcat8/catalina.out"); strings.Count(log, "Server startup in") != 2 || !strings.Contains(log, "beanpole: process tomcat ended (exit status 9), starts again") {
		t.Errorf("catalina.out: %s", log)
	}
	if got := get(t, i, "/static.html"); got != "static" {
		t.Errorf("after Tomcat's end: %q", got)
	}
}

func TestATomcatThatJavaRefusesIsSaid(t *testing.T) {
	needsTomcat(t)
	i := startInstance(t, &world{metadata: noExtensions, bundle: map[string]string{"index.html": "page"}}, "")
	c := command(tomcat2023)
	c.Options = map[string]map[string]string{"aws:elasticbeanstalk:container:tomcat:jvmoptions": {"Xmx": "plenty"}}
	r := runCommand(t, i, c)
	const want = "beanpole: process tomcat has just started and ended (exit status 1); on AWS too it is not started again, and the proxy answers 502. See /var/log/tomcat/catalina.out"
	if len(r.Events) != 2 || r.Events[0].Message != want || statusOf(t, i, "/") != http.StatusBadGateway {
		t.Errorf("events %+v", r.Events)
	}
	if log := logOf(t, i, "tomcat/catalina.out"); !strings.Contains(log, "Invalid maximum heap size: -Xmxplenty") {
		t.Errorf("catalina.out: %s", log)
	}
}
