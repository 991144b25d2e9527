package ebext

import (
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// bundle is a bundle of name, content, name, content …
func bundle(t *testing.T, files ...string) *Extensions {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := source.OpenBundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return Read(b)
}

func TestReadTakesConfigFilesOfTheRootFolderInAlphabeticalOrder(t *testing.T) {
	x := bundle(t,
		".ebextensions/02.config", "commands: {}",
		".ebextensions/01.config", `{"commands": {}}`,
		".ebextensions/10.config", "",
		".ebextensions/readme.txt", "x: [",
		".ebextensions/sub/03.config", "x: [",
		"sub/.ebextensions/04.config", "x: [",
	)
	var names []string
	for _, f := range x.Files {
		names = append(names, f.Name)
	}
	if got, want := strings.Join(names, " "), ".ebextensions/01.config .ebextensions/02.config .ebextensions/10.config"; got != want {
		t.Errorf("files: %s, want %s", got, want)
	}
	if len(x.Problems) > 0 {
		t.Errorf("problems: %v", x.Problems)
	}
}

func TestReadKeepsUnreadableFilesAsProblemsAndSkipsUnknownKeys(t *testing.T) {
	x := bundle(t,
		".ebextensions/a.config", "files:\n\tx: y\n",
		".ebextensions/b.config", "OptionSettings: {}\noption_settings:\n  a:b:\n    C: d\n",
		".ebextensions/c.config", "- no\n- mapping\n",
	)
	if len(x.Problems) != 2 || x.Problems[0].Pos.File != ".ebextensions/a.config" || x.Problems[1].Pos.File != ".ebextensions/c.config" {
		t.Errorf("problems: %v", x.Problems)
	}
	if len(x.Files) != 1 || x.Files[0].Skipped == nil || x.Files[0].Skipped.Text != "OptionSettings" {
		t.Errorf("the unknown key was not seen: %+v", x.Files)
	}
	if len(x.Settings) > 0 {
		t.Errorf("a skipped file's settings count: %v", x.Settings)
	}
}

func TestSettingsOfBothFormsHavePlacesAndTextValues(t *testing.T) {
	x := bundle(t, ".ebextensions/a.config", `option_settings:
  - option_name: LIST
    value: yes
  - namespace: a:b
    option_name: Mode
    value: 0644
`, ".ebextensions/b.config", `option_settings:
  a:b:
    Mode: plain
    Empty:
`)
	want := []struct {
		ns, option, value, at string
	}{
		{nsProperties, "LIST", "true", ".ebextensions/a.config:2:5"},
		{"a:b", "Mode", "420", ".ebextensions/a.config:4:5"},
		{"a:b", "Mode", "plain", ".ebextensions/b.config:3:5"},
	}
	if len(x.Settings) != len(want) {
		t.Fatalf("settings: %+v", x.Settings)
	}
	for i, w := range want {
		s := x.Settings[i]
		if s.Namespace != w.ns || s.Option != w.option || s.Value.Text != w.value || s.Pos.String() != w.at || s.Level != Extension {
			t.Errorf("setting %d: %+v %q at %s, want %+v", i, s, s.Value.Text, s.Pos, w)
		}
	}
}

func TestGetPrefersHigherLevelsThenLaterSettings(t *testing.T) {
	set := func(l Level, v string) Setting {
		return Setting{Namespace: "n", Option: "o", Level: l, Value: text(v)}
	}
	for _, c := range []struct {
		name string
		s    Settings
		want string
	}{
		{"later file wins", Settings{set(Extension, "1"), set(Extension, "2")}, "2"},
		{"direct hides extension", Settings{set(Direct, "1"), set(Extension, "2")}, "1"},
		{"saved hides extension", Settings{set(Saved, "1"), set(Extension, "2"), set(Default, "3")}, "1"},
		{"direct hides saved", Settings{set(Direct, "1"), set(Saved, "2")}, "1"},
		{"default is last", Settings{set(Default, "1")}, "1"},
	} {
		if got := c.s.text("n", "o"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if in := c.s.InForce(); len(in) != 1 || in[0].Value.Text != c.want {
			t.Errorf("%s: in force: %v", c.name, in)
		}
	}
	if _, ok := (Settings{}).Get("n", "o"); ok {
		t.Error("an option that nobody set has a value")
	}
}

func TestParsePlatformKnowsTheGeneration(t *testing.T) {
	for _, c := range []struct {
		name       string
		generation Generation
		branch     string
	}{
		{"64bit Amazon Linux 2023 v4.6.0 running Go 1", AL2023, "Go 1"},
		{"64bit Amazon Linux 2 v3.8.4 running Go 1", AL2, "Go 1"},
		{"64bit Amazon Linux 2 v5.9.3 running Node.js 18", AL2, "Node.js 18"},
		{"64bit Amazon Linux 2018.03 v2.16.1 running Go 1.13.4", AL1, "Go 1.13.4"},
		{"64bit Amazon Linux 2014.09 v1.2.1 running Ruby 2.1 (Passenger Standalone)", AL1, "Ruby 2.1 (Passenger Standalone)"},
		{"32bit Amazon Linux running PHP 5.3", AL1, "PHP 5.3"},
		{"arn:aws:elasticbeanstalk:us-east-1::platform/Go 1 running on 64bit Amazon Linux 2023/4.6.0", AL2023, "Go 1"},
		{"arn:aws:elasticbeanstalk:eu-west-1::platform/Python 3.6 running on 64bit Amazon Linux/2.9.0", AL1, "Python 3.6"},
		{"64bit Windows Server 2019 v2.10.0 running IIS 10.0", "", ""},
		{"", "", ""},
	} {
		p := ParsePlatform(c.name)
		if p.Generation != c.generation || p.Branch != c.branch || p.Known != (c.generation != "") || p.Name != c.name {
			t.Errorf("%q: %+v", c.name, p)
		}
	}
}

func TestParseOptionJSONReadsTheListOfTheAPI(t *testing.T) {
	s, err := ParseOptionJSON("o.json", []byte(`[{"Namespace":"a","OptionName":"b","Value":"c"},{"Namespace":"a","OptionName":"d"}]`))
	if err != nil || len(s) != 1 || s[0].Level != Direct || s[0].Value.Text != "c" {
		t.Errorf("%+v %v", s, err)
	}
	for _, bad := range []string{`{}`, ``, `[{"OptionName":"b"}]`, `[`} {
		if _, err := ParseOptionJSON("o.json", []byte(bad)); err == nil {
			t.Errorf("%s: no problem", bad)
		} else if _, ok := err.(*source.Problem); !ok {
			t.Errorf("%s: %T is not the user's problem", bad, err)
		}
	}
}

func resources(t *testing.T, x *Extensions, s Settings) *source.Node {
	t.Helper()
	tmpl, err := Environment(x, s, "my shop")
	if err != nil {
		t.Fatal(err)
	}
	return tmpl.Root.Get("Resources")
}

func TestEnvironmentMakesOneConfigPerFile(t *testing.T) {
	x := bundle(t,
		".ebextensions/a.config", "option_settings: {}\n",
		".ebextensions/b.config", "commands:\n  one:\n    command: b\ncontainer_commands:\n  two:\n    command: cc\n    leader_only: true\n    test: mine\n",
		".ebextensions/c.config", "files:\n  /x:\n    content: y\n",
	)
	metadata := resources(t, x, nil).At(Group, "Metadata")
	init := metadata.Get("AWS::CloudFormation::Init")
	got := string(init.JSON())
	want := `{"prebuild_1_my_shop":{"commands":{"one":{"command":"b"}}},` +
		`"postbuild_1_my_shop":{"commands":{"two":{"command":"cc","test":"test \"$EB_IS_COMMAND_LEADER\" = \"true\""}}},` +
		`"prebuild_2_my_shop":{"files":{"/x":{"content":"y"}}},` +
		`"configSets":{"Infra-EmbeddedPreBuild":["prebuild_1_my_shop","prebuild_2_my_shop"],"Infra-EmbeddedPostBuild":["postbuild_1_my_shop"]}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if p := metadata.At(metadataExt, filePaths, "prebuild_2_my_shop").TextOr(""); p != ".ebextensions/c.config" {
		t.Errorf("file path: %q", p)
	}
}

func TestEnvironmentResourcesFollowTheSettings(t *testing.T) {
	for _, c := range []struct{ name, options, want string }{
		{"load balanced by default", "", "AWSEBAutoScalingGroup AWSEBAutoScalingLaunchConfiguration AWSEBLoadBalancer AWSEBSecurityGroup"},
		{"single instance", "    EnvironmentType: SingleInstance", "AWSEBAutoScalingGroup AWSEBAutoScalingLaunchConfiguration AWSEBEIP AWSEBSecurityGroup"},
		{"application", "    LoadBalancerType: application", "AWSEBAutoScalingGroup AWSEBAutoScalingLaunchConfiguration AWSEBSecurityGroup AWSEBV2LoadBalancer AWSEBV2LoadBalancerListener AWSEBV2LoadBalancerTargetGroup"},
	} {
		x := bundle(t, ".ebextensions/a.config", "option_settings:\n  aws:elasticbeanstalk:environment:\n"+c.options+"\n")
		var ids []string
		for _, f := range resources(t, x, nil).Fields {
			ids = append(ids, f.Key.Text)
		}
		sort.Strings(ids)
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestClassicListenersPassThroughTCP(t *testing.T) {
	x := bundle(t, ".ebextensions/a.config", `option_settings:
  aws:elb:listener:443:
    ListenerProtocol: TCP
  aws:elb:listener:
    ListenerEnabled: false
  aws:elasticbeanstalk:application:
    Application Healthcheck URL: /health
`)
	p := resources(t, x, nil).At("AWSEBLoadBalancer", "Properties")
	if got, want := string(p.Get("Listeners").JSON()), `[{"LoadBalancerPort":"443","Protocol":"TCP","InstancePort":"443","InstanceProtocol":"TCP"}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := p.At("HealthCheck", "Target").TextOr(""); got != "HTTP:80/health" {
		t.Errorf("target %q", got)
	}
}

func TestGetOptionSettingIsReplacedWithItsOrigin(t *testing.T) {
	file := `Resources:
  AWSEBAutoScalingGroup:
    Metadata:
      a: {"Fn::GetOptionSetting": {Namespace: "aws:autoscaling:launchconfiguration", OptionName: IamInstanceProfile, DefaultValue: def}}
      b: {"Fn::GetOptionSetting": {OptionName: Mine}}
      c: {"Fn::GetOptionSetting": {OptionName: Nowhere}}
      d: {"Fn::GetOptionSetting": {OptionName: Nowhere, DefaultValue: {Ref: X}}}
option_settings:
  aws:elasticbeanstalk:customoption:
    Mine: custom
`
	direct := Settings{{Namespace: nsLaunch, Option: "IamInstanceProfile", Level: Direct,
		Value: source.NewString("profile", source.Pos{File: "infra.yaml", Line: 7, Col: 8}, source.Origin{What: "resource P"})}}
	x := bundle(t, ".ebextensions/a.config", file)
	m := resources(t, x, direct).At(Group, "Metadata")
	a := m.Get("a")
	if a.Text != "profile" || a.Pos.String() != ".ebextensions/a.config:4:10" || len(a.From) != 2 ||
		a.From[0].What != "option aws:autoscaling:launchconfiguration IamInstanceProfile" || a.From[0].Pos.String() != "infra.yaml:7:8" || a.From[1].What != "resource P" {
		t.Errorf("a: %q at %s from %+v", a.Text, a.Pos, a.From)
	}
	if b := m.Get("b").TextOr(""); b != "custom" {
		t.Errorf("b: %q", b)
	}
	if c, ok := m.Get("c").Str(); !ok || c != "" {
		t.Errorf("an option without value is %q in the template to be run", c)
	}
	read, err := Prediction(x, direct, "shop")
	if err != nil {
		t.Fatal(err)
	}
	if c := read.Root.At("Resources", Group, "Metadata", "c").TextOr(""); fact.Known(c) || !strings.Contains(fact.Show(c), "Nowhere") {
		t.Errorf("an option without value became %q", c)
	}
	if d := string(m.Get("d").JSON()); d != `{"Ref":"X"}` {
		t.Errorf("d: %s", d)
	}
	def := resources(t, x, nil).At(Group, "Metadata", "a")
	if def.TextOr("") != "def" || !strings.HasPrefix(def.From[0].What, "DefaultValue of") {
		t.Errorf("default: %+v", def)
	}
}

func TestBackticksHoldFunctionsOrShell(t *testing.T) {
	x := bundle(t, ".ebextensions/a.config", "commands:\n  a:\n    command: 'x `{\"Ref\" : \"AWS::Region\"}` y `date` `{}`'\n  b:\n    command: '`{\"Ref\":\"Z\"}`'\n  c:\n    command: echo `date`\n")
	c := resources(t, x, nil).At(Group, "Metadata", "AWS::CloudFormation::Init", "prebuild_0_my_shop", "commands")
	want := `{"a":{"command":{"Fn::Join":["",["x ",{"Ref":"AWS::Region"}," y ` + "`date` `{}`" + `"]]}},"b":{"command":{"Ref":"Z"}},"c":{"command":"echo ` + "`date`" + `"}}`
	if got := string(c.JSON()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if at := c.At("a", "command", "Fn::Join").Items[1].Items[1].Get("Ref").Pos.String(); at != ".ebextensions/a.config:3:27" {
		t.Errorf("the function's argument stands at %s", at)
	}
}

func TestUsersEntriesMergeIntoTheTemplate(t *testing.T) {
	x := bundle(t,
		".ebextensions/a.config", "Resources:\n  AWSEBLoadBalancer:\n    Properties:\n      CrossZone: true\n      HealthCheck: {\"CmpFn::Remove\": {}}\n  Mine:\n    Type: AWS::IAM::Role\n    Properties: {RoleName: a, Path: /}\n  AWSEBRDSDatabase:\n    Properties: {}\n",
		".ebextensions/b.config", "Resources:\n  Mine:\n    Properties: {RoleName: b}\nOutputs:\n  O: {Value: {Ref: AWSEBEnvironmentName}}\n",
	)
	rs := resources(t, x, nil)
	lb := rs.At("AWSEBLoadBalancer", "Properties")
	if lb.Get("CrossZone").TextOr("") != "true" || lb.Get("HealthCheck") != nil || lb.Get("Listeners") == nil {
		t.Errorf("load balancer: %s", lb.JSON())
	}
	if got := string(rs.At("Mine", "Properties").JSON()); got != `{"RoleName":"b","Path":"/"}` {
		t.Errorf("mine: %s", got)
	}
	if rs.Get("AWSEBRDSDatabase") != nil || len(LeftOut(x, nil)) != 1 {
		t.Errorf("left out: %v", LeftOut(x, nil))
	}
	if x.Files[0].Root.At("Resources", "Mine", "Properties", "RoleName").TextOr("") != "a" {
		t.Error("merging changed the user's file")
	}
	tmpl, _ := Environment(x, nil, "")
	if tmpl.Root.At("Parameters", ParameterEnvironmentName) == nil {
		t.Error("AWSEBEnvironmentName is referred to and not declared")
	}
}

func TestPredictionDoubtsWhatItCannotKnow(t *testing.T) {
	x := bundle(t, ".ebextensions/a.config", `Resources:
  AWSEBV2LoadBalancerListener:
    Properties: {Port: 443}
  Mine:
    Type: AWS::SNS::Topic
    Properties:
      A: {"Fn::GetAtt": [AWSEBRDSDatabase, Endpoint.Address]}
      B: {Ref: AWSEBBeanstalkMetadata}
      C: {"Fn::FindInMap": [AWSEBOptions, options, x]}
      D: {"Fn::FindInMap": [Own, options, x]}
Mappings:
  Own: {options: {x: y}}
`)
	tmpl, err := Prediction(x, nil, "shop")
	if err != nil {
		t.Fatal(err)
	}
	rs := tmpl.Root.Get("Resources")
	for id, kind := range map[string]string{
		"AWSEBV2LoadBalancerListener": "AWS::ElasticLoadBalancingV2::Listener",
		"AWSEBRDSDatabase":            "AWS::RDS::DBInstance",
		"AWSEBBeanstalkMetadata":      "AWS::CloudFormation::WaitConditionHandle",
	} {
		if got := rs.At(id, "Type").TextOr(""); got != kind {
			t.Errorf("%s is %q, want %q", id, got, kind)
		}
	}
	p := rs.At("Mine", "Properties")
	if fact.Known(p.Get("C").TextOr("")) || p.At("D", "Fn::FindInMap") == nil {
		t.Errorf("mappings: %s", p.JSON())
	}
}

func TestInsertedValuesJoinTheListThatIsThere(t *testing.T) {
	file := "Resources:\n  AWSEBAutoScalingGroup:\n    Metadata:\n      L:\n        \"CmpFn::Insert\": {values: [%]}\n"
	x := bundle(t, ".ebextensions/a.config", strings.Replace(file, "%", "a", 1), ".ebextensions/b.config", strings.Replace(file, "%", "b, c", 1))
	if got := string(resources(t, x, nil).At(Group, "Metadata", "L").JSON()); got != `["a","b","c"]` {
		t.Errorf("got %s", got)
	}
}
