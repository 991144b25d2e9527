package ebext

import "testing"

func TestAPlatformLacksOptionsOfOthers(t *testing.T) {
	const al1, al2 = "64bit Amazon Linux 2018.03 v4.17.1 running Node.js", "64bit Amazon Linux 2 v5.8.0 running Node.js 16"
	for _, c := range []struct {
		platform, namespace, option string
		want                        bool
	}{
		{al1, "aws:elasticbeanstalk:container:nodejs", "NodeCommand", false},
		{al2, "aws:elasticbeanstalk:container:nodejs", "NodeCommand", true},
		{al2, "aws:elasticbeanstalk:container:python", "WSGIPath", true},
		{al2, "aws:elasticbeanstalk:command", "Timeout", false},
		{al2, "no:such:namespace", "X", false},
		{"something else", "aws:elasticbeanstalk:container:nodejs", "NodeCommand", false},
	} {
		p := ParsePlatform(c.platform)
		if got := p.Lacks(c.namespace, c.option); got != c.want {
			t.Errorf("%s, %s %s: got %v", c.platform, c.namespace, c.option, got)
		}
	}
}
