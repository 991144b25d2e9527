package ebext

import (
	"errors"
	"strings"
	"testing"

	"beanpole/internal/source"
)

func TestParseSaved(t *testing.T) {
	const file = ".elasticbeanstalk/saved_configs/prod.cfg.yml"
	s, err := ParseSaved(file, []byte(`EnvironmentConfigurationMetadata:
  Description: "made by a test"
  DateCreated: '1700000000000'
Platform:
  PlatformArn: arn:aws:elasticbeanstalk:eu-west-1::platform/Go 1 running on 64bit Amazon Linux 2023/4.6.0
OptionSettings:
  aws:autoscaling:launchconfiguration:
    IamInstanceProfile: shop-ec2
    RootVolumeSize: null
  AWSEBAutoScalingGroup.aws:autoscaling:updatepolicy:rollingupdate:
    RollingUpdateEnabled: true
  aws:elasticbeanstalk:sns:topics: {}
EnvironmentTier: {Type: Standard, Name: WebServer}
AWSConfigurationTemplateVersion: 1.1.0.0
`))
	if err != nil {
		t.Fatal(err)
	}
	if p := ParsePlatform(s.Platform.Text); p.Generation != AL2023 || s.Platform.Pos.Line != 5 {
		t.Errorf("platform = %+v", s.Platform)
	}
	if len(s.Settings) != 2 {
		t.Fatalf("settings = %+v", s.Settings)
	}
	profile, ok := s.Settings.Get(nsLaunch, profileOption)
	if !ok || profile.Value.Text != "shop-ec2" || profile.Level != Saved || profile.Pos.String() != file+":8:5" {
		t.Errorf("profile = %+v", profile)
	}
	if rolling, ok := s.Settings.Get("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateEnabled"); !ok || rolling.Value.Text != "true" {
		t.Errorf("rolling = %+v", rolling)
	}
}

func TestPlatformsOfOldAndNewSavedConfigurations(t *testing.T) {
	for text, want := range map[string]string{
		"SolutionStack: 64bit Amazon Linux 2 v3.5.0 running PHP 8.1": "64bit Amazon Linux 2 v3.5.0 running PHP 8.1",
		"Platform: 64bit Amazon Linux 2 v3.5.0 running PHP 8.1":      "64bit Amazon Linux 2 v3.5.0 running PHP 8.1",
		"Platform: {SolutionStack: x, PlatformArn: null}":            "x",
		"OptionSettings: {}":                 "",
		"Platform: {}\nOptionSettings: null": "",
	} {
		s, err := ParseSaved("f", []byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := s.Platform.TextOr(""); got != want {
			t.Errorf("%q: platform %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNoSavedConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "no saved configuration",
		"option_settings: {}":     "no saved configuration",
		"[1]":                     "no saved configuration",
		"OptionSettings: [a]":     "f:1:17: OptionSettings is no mapping",
		"OptionSettings: {a: [b}": "this is not YAML",
	} {
		_, err := ParseSaved("f", []byte(text))
		var p *source.Problem
		if !errors.As(err, &p) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestDefaultPlatform(t *testing.T) {
	for text, want := range map[string]string{
		"global:\n  default_platform: Go 1 running on 64bit Amazon Linux 2023\n":      "Go 1 running on 64bit Amazon Linux 2023",
		"global: {default_platform: 64bit Amazon Linux 2 v3.5.0 running PHP 8.1}":     "64bit Amazon Linux 2 v3.5.0 running PHP 8.1",
		"global:\n  default_platform: arn:aws:elasticbeanstalk:eu-west-1::platform/x": "arn:aws:elasticbeanstalk:eu-west-1::platform/x",
		"global: {default_platform: docker}":                                          "",
		"global: {default_platform: null}":                                            "",
		"branch-defaults: {main: {environment: shop}}":                                "",
		"": "",
	} {
		n, err := DefaultPlatform("config.yml", []byte(text))
		if err != nil || n.TextOr("") != want {
			t.Errorf("%q: %q, %v, want %q", text, n.TextOr(""), err, want)
		}
	}
}

func FuzzParseSaved(f *testing.F) {
	f.Add([]byte("OptionSettings:\n  a.aws:b: {c: [1, 2], d: null}\nPlatform: {PlatformArn: x}\n"))
	f.Add([]byte("global: {default_platform: Go 1 running on 64bit Amazon Linux 2023}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := ParseSaved("f", data)
		var p *source.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatal(err)
		}
		if _, err := DefaultPlatform("f", data); err != nil && !errors.As(err, &p) {
			t.Fatal(err)
		}
	})
}
