package ebext

import "testing"

// FuzzRead: no configuration file stops the program, and every setting that
// is read has a place in its file.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"option_settings:\n  - namespace: a\n    option_name: b\n    value: c\n",
		"option_settings:\n  aws:elasticbeanstalk:application:environment:\n    A: b\n",
		"files:\n  \"/x\":\n    mode: \"000644\"\n    content: |\n      `{\"Ref\": \"AWSEBSecurityGroup\"}`\n",
		"Resources:\n  AWSEBAutoScalingGroup:\n    Metadata:\n      AWS::CloudFormation::Authentication:\n        S3Auth: {type: s3, buckets: [b], roleName: {\"Fn::GetOptionSetting\": {Namespace: a, OptionName: b, DefaultValue: c}}}\n",
		`{"container_commands": {"1": {"command": ["a"], "leader_only": true}}}`, "commands: [", "- a", "services: {sysvinit: {nginx: {enabled: maybe}}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const name = ".ebextensions/a.config"
		x := read([]string{name}, func(string) ([]byte, error) { return []byte(text), nil })
		for _, s := range x.Settings {
			if s.Value == nil {
				t.Errorf("%q: setting %s %s without a value", text, s.Namespace, s.Option)
			}
		}
		if len(x.Problems) > 0 {
			return
		}
		if template, err := Environment(x, nil, "shop"); err == nil && template == nil {
			t.Errorf("%q: neither template nor error", text)
		}
	})
}
