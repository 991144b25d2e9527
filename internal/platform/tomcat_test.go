package platform

import (
	"slices"
	"testing"
)

func TestJVMOptionsAreTheOptionsAndTheProperties(t *testing.T) {
	options := map[string]string{"Xmx": "1g", "XX:MaxPermSize": "64m", "JVM Options": " -Da=b  -XX:+UseSerialGC "}
	got := JVMOptions(func(namespace, name string) string {
		if namespace != "aws:elasticbeanstalk:container:tomcat:jvmoptions" {
			t.Errorf("namespace %q", namespace)
		}
		return options[name]
	}, []string{"GREETING=two words"})
	if want := []string{"-Xms256m", "-Xmx1g", "-Da=b", "-XX:+UseSerialGC", "-DGREETING=two words"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
