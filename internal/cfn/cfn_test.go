package cfn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

const around = `
Parameters:
  Name: {Type: String, Default: shop}
  Open: {Type: String}
  Secret: {Type: String, NoEcho: true, Default: hush}
  Zones: {Type: CommaDelimitedList, Default: "a, b"}
  Image: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami/x}
Mappings:
  M: {us-east-1: {bucket: one, list: [x, y]}}
Conditions:
  Yes: !Equals [!Ref Name, shop]
  No: {"Fn::Not": [{Condition: Yes}]}
  Open: !Equals [!Ref Open, x]
  Both: !And [!Condition Open, !Condition No]
  Either: !Or [!Condition Open, !Condition Yes]
  Same: !Equals [!Ref Open, !Ref Open]
Resources:
  Role: {Type: AWS::IAM::Role}
  Named: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub "${Name}-ec2", Path: /svc/}}
  Profile: {Type: AWS::IAM::InstanceProfile}
  Bucket: {Type: AWS::S3::Bucket}
  Group: {Type: AWS::EC2::SecurityGroup}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: news}}
  Odd: {Type: Custom::Odd}
  Missing: {Type: AWS::SNS::Topic, Condition: No}
  Subject:
    Type: AWS::SSM::Parameter
    Properties:
      Value: `

func TestFunctionsGiveWhatCloudFormationGives(t *testing.T) {
	const acct = "${AWS::AccountId}"
	for value, want := range map[string]string{
		`!Ref Name`:                         `"shop"`,
		`{Ref: Name}`:                       `"shop"`,
		`!Ref Open`:                         `"${parameter Open}"`,
		`!Ref Secret`:                       `"${parameter Secret, which is NoEcho}"`,
		`!Ref Zones`:                        `["a","b"]`,
		`!Ref Image`:                        `"${SSM parameter /ami/x}"`,
		`!Ref AWS::Region`:                  `"us-east-1"`,
		`!Ref AWS::Partition`:               `"aws"`,
		`!Ref AWS::AccountId`:               `"` + acct + `"`,
		`!Ref Role`:                         `"st-Role-…"`,
		`!Ref Named`:                        `"shop-ec2"`,
		`!Ref Bucket`:                       `"st-bucket-…"`,
		`!Ref Group`:                        `"sg-…"`,
		`!Ref Topic`:                        `"arn:aws:sns:us-east-1:` + acct + `:news"`,
		`!Ref Odd`:                          `"${Ref Odd}"`,
		`!GetAtt Named.Arn`:                 `"arn:aws:iam::` + acct + `:role/svc/shop-ec2"`,
		`{"Fn::GetAtt": [Profile, Arn]}`:    `"arn:aws:iam::` + acct + `:instance-profile/st-Profile-…"`,
		`!GetAtt Odd.Deep.Down`:             `"${Odd.Deep.Down}"`,
		`!GetAtt Bucket.RegionalDomainName`: `"st-bucket-….s3.us-east-1.amazonaws.com"`,
		`!Sub "${Name}/${Bucket.Arn}/${!Literal}/${AWS::Region}$"`:          `"shop/arn:aws:s3:::st-bucket-…/${Literal}/us-east-1$"`,
		`!Sub ["${X}-${Name}", {X: !Ref Open}]`:                             `"${parameter Open}-shop"`,
		`!Join ["-", [a, !Ref Name, 1, true]]`:                              `"a-shop-1-true"`,
		`!Join [",", !Ref Zones]`:                                           `"a,b"`,
		`!Join [",", !GetAZs ""]`:                                           `"${Fn::Join of ${availability zones of us-east-1} with \",\"}"`,
		`!Select [1, !Ref Zones]`:                                           `"b"`,
		`!Select ["0", !GetAZs ""]`:                                         `"${element 0 of ${availability zones of us-east-1}}"`,
		`!Split [",", "a,b,"]`:                                              `["a","b",""]`,
		`!Split [",", !Ref Open]`:                                           `"${Fn::Split of ${parameter Open} at \",\"}"`,
		`!Select [1, !Split ["/", !GetAtt Role.Arn]]`:                       `"st-Role-…"`,
		`!Select [4, !Split [":", !GetAtt Role.Arn]]`:                       `"` + acct + `"`,
		`!FindInMap [M, !Ref "AWS::Region", bucket]`:                        `"one"`,
		`!FindInMap [M, !Ref Open, bucket]`:                                 `"${FindInMap M::${parameter Open}}"`,
		`!FindInMap [M, us-east-1, list]`:                                   `["x","y"]`,
		`!If [Yes, a, b]`:                                                   `"a"`,
		`!If [No, a, !Ref Name]`:                                            `"shop"`,
		`!If [Open, a, b]`:                                                  `"${a if condition Open, else b}"`,
		`!If [Open, [a, !Ref Name], [a, shop]]`:                             `["a","shop"]`,
		`!If [Both, a, b]`:                                                  `"b"`,
		`!If [Either, a, b]`:                                                `"a"`,
		`!If [Same, a, b]`:                                                  `"a"`,
		`{a: !If [Yes, !Ref "AWS::NoValue", 1], b: [!Ref AWS::NoValue, 2]}`: `{"b":[2]}`,
		`!Base64 hello`:                                                     `"aGVsbG8="`,
		`!Base64 {Ref: Open}`:                                               `"${Fn::Base64 of ${parameter Open}}"`,
		`!ImportValue other`:                                                `"imported"`,
		`!ImportValue nowhere`:                                              `"${export nowhere}"`,
		`{"Fn::Transform": {Name: X}}`:                                      `"${transform X at 29:14}"`,
		`'a {{resolve:ssm:key}} b'`:                                         `"a ${resolve:ssm:key} b"`,
		`{Ref: Name, other: 1}`:                                             `{"Ref":"Name","other":1}`,
		`{n: 0644, t: yes, s: "0644"}`:                                      `{"n":420,"t":true,"s":"0644"}`,
	} {
		tm, err := Parse("t.yaml", []byte(around+value+"\n"))
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		s, err := tm.Evaluate(&Env{StackName: "st", Region: "us-east-1", Import: func(n string) (string, bool) { return "imported", n == "other" }})
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		v := s.Resource("Subject").Properties.Get("Value")
		if got := fact.Show(string(v.JSON())); got != want {
			t.Errorf("%s\n is %s, want %s", value, got, want)
		}
		if strings.HasPrefix(value, "!If") {
			continue // stands where the branch stands
		}
		if v.Pos.Line != strings.Count(around, "\n")+1 || v.Pos.Col != 14 {
			t.Errorf("%s stands at %v, not where the user wrote it", value, v.Pos)
		}
	}
}

func TestAMistakeInATemplateIsOneLineWithAPlace(t *testing.T) {
	for value, want := range map[string]string{
		`!Ref role`:                    `29:14: Template format error: Unresolved resource dependencies [role] in the Resources block of the template; the resource is spelled "Role"`,
		`!Ref Missing`:                 `29:14: Template format error: Unresolved resource dependencies [Missing] in the Resources block of the template; its condition No does not hold, so it is not created`,
		`!Sub "a ${Nobody.Arn}"`:       `29:24: Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template`,
		`!Ref Subject`:                 `26:3: Circular dependency between resources: [Subject]`,
		`!GetAtt Role`:                 `29:14: Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute`,
		`!If [Nope, a, b]`:             `29:19: Template format error: Unresolved condition dependency Nope in the Conditions block of the template`,
		`!If [Yes, a]`:                 `29:14: Template error: every Fn::If object requires a list of three values`,
		`!Select [2, !Ref Zones]`:      `29:14: Template error: Fn::Select cannot select nonexistent value at index 2`,
		`!FindInMap [M, eu-west-1, x]`: `29:14: Template error: Unable to get mapping for M::eu-west-1::x`,
		`!Frob x`:                      `29:14: "Frob" is no function that beanpole knows in a template`,
		`!Join ["", [{a: b}]]`:         `29:26: Template error: Fn::Join takes texts, and this is none`,
		"x\n    DependsOn: Nobody":     `30:16: Template format error: Unresolved resource dependencies [Nobody] in the Resources block of the template`,
		"x\n  A: {Type: X, DependsOn: B}\n  B: {Type: X, P: !Ref A}": `30:3: Circular dependency between resources: [A, B]`,
		"x\n  A: {P: 1}":      `30:3: Template format error: [/Resources/A] Every Resources object must contain a Type member.`,
		"x\n  A-B: {Type: X}": `30:3: Template format error: Resource name A-B is non alphanumeric.`,
	} {
		var err error
		tm, err := Parse("t", []byte(around+value+"\n"))
		if err == nil {
			_, err = tm.Evaluate(&Env{StackName: "st", Region: "us-east-1"})
		}
		var p *source.Problem
		if !errors.As(err, &p) || err.Error() != "t:"+want {
			t.Errorf("%s:\n got %v\nwant t:%s", value, err, want)
		}
	}
}

func TestNamesThatDoubleEndInAProblem(t *testing.T) {
	text := "Resources:\n"
	for c := 'A'; c < 'Z'; c++ {
		text += "  " + string(c) + ": {Type: AWS::IAM::Role, Properties: {RoleName: !Sub '${" + string(c+1) + "}${" + string(c+1) + "}'}}\n"
	}
	text += "  Z: {Type: AWS::IAM::Role, Properties: {RoleName: zz}}\n"
	tm, err := Parse("t", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tm.Evaluate(nil); err == nil || !strings.Contains(err.Error(), "more than 1 MB") {
		t.Errorf("a bomb of names: %v", err)
	}
}

func TestTheExampleIsPredicted(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "https-from-s3", "infra.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	tm, err := Parse("infra.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if err := tm.Check(nil); err == nil || err.Error() != "infra.yaml:13:3: parameter BundleBucket has no value; give it with --parameter BundleBucket=…" {
		t.Errorf("Check: %v", err)
	}
	s, err := tm.Evaluate(&Env{StackName: "shop", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	role, profile := s.Resource("InstanceRole"), s.Resource("InstanceProfile")
	if fact.Equal(role.PhysicalID, profile.PhysicalID) != fact.Broken {
		t.Errorf("role %s and profile %s may be named alike", fact.Show(role.PhysicalID), fact.Show(profile.PhysicalID))
	}
	v := s.Resource("Environment").Properties.Get("OptionSettings").Items[0].Get("Value")
	if v.Text != profile.PhysicalID || v.Pos.String() != "infra.yaml:84:18" || len(v.From) != 1 || v.From[0].What != "Ref InstanceProfile" || v.From[0].Pos.Line != 34 {
		t.Errorf("the option's value is %q at %v from %v", fact.Show(v.Text), v.Pos, v.From)
	}
	if got := strings.Join(s.Resource("Environment").DependsOn, " "); got != "Application CertificatesPolicy InstanceProfile Version" {
		t.Errorf("the environment depends on %s", got)
	}
	if got := fact.Show(s.Outputs[0].Value.Text); got != "${Environment.EndpointURL}" {
		t.Errorf("output is %s", got)
	}
}

func TestResourcesThatExistAreAskedFor(t *testing.T) {
	tm, err := Parse("t", []byte(around+"!Join [' ', [!Ref Role, !GetAtt Role.Arn, !Ref Secret, !Ref Open]]\n"))
	if err != nil {
		t.Fatal(err)
	}
	env := &Env{
		Parameters: map[string]string{"Open": "given"},
		Ref:        func(id string) (string, bool) { return "real-" + id, id == "Role" },
		GetAtt:     func(id, attr string) (string, bool) { return "att-" + id + "-" + attr, id == "Role" },
	}
	r, err := tm.Resource(env, "Subject")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Properties.Get("Value").Text; got != "real-Role att-Role-Arn hush given" {
		t.Errorf("value is %q", got)
	}
	if r.PhysicalID != "" {
		t.Errorf("a resource that does not exist has the ID %q", r.PhysicalID)
	}
	if r, err = tm.Resource(env, "Named"); err != nil || r.PhysicalID != "shop-ec2" {
		t.Errorf("a resource with a name is to be %q, %v; want its name", r.PhysicalID, err)
	}
}

func TestParametersAreHeldAgainstTheirConstraints(t *testing.T) {
	const text = `
Parameters:
  A: {Type: String, AllowedValues: [x, "1"], Default: x}
  B: {Type: Number, MinValue: 2, MaxValue: 9, Default: 5}
  C: {Type: String, AllowedPattern: "[a-z]*", ConstraintDescription: small letters only, Default: a}
  D: {Type: String, NoEcho: true, MinLength: 4, Default: abcd}
Resources: {R: {Type: X}}
`
	tm, err := Parse("t", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for give, want := range map[string]string{
		"": "", "A=1": "", "B=9": "",
		"A=y":   `t:3:3: parameter A: "y" is none of AllowedValues: x, 1`,
		"B=10":  `t:4:3: parameter B: "10" is not between MinValue and MaxValue`,
		"B=ten": `t:4:3: parameter B: "ten" is no number`,
		"C=X":   `t:5:3: parameter C: "X" does not match AllowedPattern [a-z]*; small letters only`,
		"D=abc": `t:6:3: parameter D: its value is not as long as MinLength and MaxLength ask for`,
		"a=x":   `t: Parameters: [a] do not exist in the template; it is spelled "A"`,
	} {
		params := map[string]string{}
		if k, v, ok := strings.Cut(give, "="); ok {
			params[k] = v
		}
		got := ""
		if err := tm.Check(params); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", give, got, want)
		}
	}
}

func TestANameThatWouldBeShortenedIsNotPredicted(t *testing.T) {
	tm, err := Parse("t", []byte("Resources: {ARoleWithALongLogicalIdentifier: {Type: AWS::IAM::Role}}"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tm.Evaluate(&Env{StackName: strings.Repeat("s", 40), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fact.Show(s.Resources[0].PhysicalID); got != "…" {
		t.Errorf("predicted %q of a name of more than 64 characters", got)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(around + "!Sub '${Role.Arn}'\n")
	f.Add(`{"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Join": ["", ["a", {"Ref": "A"}]]}}}}}`)
	f.Add("Resources: {A: {Type: X, Condition: C, P: !If [C, !Select [0, !Split [',', !Ref AWS::StackName]], !GetAtt A.B]}}\nConditions: {C: !Not [!Equals [1, 2]]}")
	f.Add(looping)
	f.Add("Transform: [AWS::LanguageExtensions, M]\nMappings: {M: {a: {b: [c]}}}\nResources: {Fn::Transform: {Name: X}, A: {Type: X, P: [!Cidr [10.0.0.0/8, 9, 8], {Fn::Length: !FindInMap [M, a, b, {DefaultValue: 1}]}, {Fn::ToJsonString: {a: '{{resolve:ssm:x}}'}}, !If [N, {a: 1}, !Ref AWS::NoValue]]}}")
	f.Fuzz(func(t *testing.T, text string) {
		tm, err := Parse("t", []byte(text))
		if err == nil {
			_, err = tm.Evaluate(&Env{Region: "us-east-1"})
			_ = tm.Check(nil) // it may find something; it may not panic
		}
		var p *source.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("%v is no *source.Problem", err)
		}
	})
}

func TestZonesAreListedWhereTheyAreKnown(t *testing.T) {
	for value, want := range map[string]string{
		`!GetAZs ""`:                         `["us-east-1a","us-east-1b"]`,
		`!GetAZs {Ref: "AWS::Region"}`:       `["us-east-1a","us-east-1b"]`,
		`!GetAZs eu-west-1`:                  `"${availability zones of eu-west-1}"`,
		`!GetAZs {Ref: Open}`:                `"${availability zones of ${parameter Open}}"`,
		`!Select [1, !GetAZs ""]`:            `"us-east-1b"`,
		`!Join [",", !GetAZs ""]`:            `"us-east-1a,us-east-1b"`,
		`!Select [0, !GetAZs AWS::Nonsense]`: `"${element 0 of ${availability zones of AWS::Nonsense}}"`,
	} {
		tm, err := Parse("t.yaml", []byte(around+value+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := tm.Evaluate(&Env{StackName: "st", Region: "us-east-1", Zones: func(region string) []string {
			if region != "us-east-1" {
				return nil
			}
			return []string{"us-east-1a", "us-east-1b"}
		}})
		if err != nil {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if got := fact.Show(string(s.Resource("Subject").Properties.Get("Value").JSON())); got != want {
			t.Errorf("%s\n is %s, want %s", value, got, want)
		}
	}
}
