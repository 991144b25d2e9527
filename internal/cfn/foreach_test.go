package cfn

import (
	"strings"
	"testing"

	"beanpole/internal/fact"
)

const looping = `Transform: [AWS::LanguageExtensions]
Parameters:
  Names: {Type: CommaDelimitedList, Default: "a,b"}
  Unset: {Type: CommaDelimitedList}
Conditions:
  Fn::ForEach::Wanted:
    - Name
    - !Ref Names
    - "Want${Name}": !Equals [!Ref Name, a]
Resources:
  Fn::ForEach::Roles:
    - Name
    - [web, !Ref Names, "x-1"]
    - "Role&{Name}":
        Type: AWS::IAM::Role
        Properties:
          RoleName: !Sub "${AWS::StackName}-${Name}"
          Path: !Ref Name
          Tags: {"${Name}": !GetAtt ["Bucket&{Name}", Arn]}
      "Bucket&{Name}":
        Type: AWS::S3::Bucket
        Metadata:
          Fn::ForEach::Inner: [I, ["1", "2"], {"k${I}": "${Name}${I}${!Name}"}]
  Fn::ForEach::Maybe:
    - Name
    - !Ref Names
    - "Topic${Name}": {Type: AWS::SNS::Topic, Condition: "Want${Name}", DependsOn: "Bucket${Name}"}
Outputs:
  Fn::ForEach::Out:
    - Name
    - [web]
    - "Role${Name}Arn": {Value: !GetAtt "Role${Name}.Arn"}
`

func TestLoopsAreCarriedOut(t *testing.T) {
	tm, err := Parse("t", []byte(looping))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tm.Evaluate(&Env{StackName: "st", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range s.Resources {
		ids = append(ids, r.LogicalID)
	}
	if got := strings.Join(ids, " "); got != "Bucketweb Roleweb Bucketa Rolea Bucketb Roleb Bucketx1 Rolex1 Topica" {
		t.Errorf("resources are %s", got)
	}
	role := s.Resource("Rolex1")
	if got := fact.Show(string(role.Properties.JSON())); got != `{"RoleName":"st-x-1","Path":"x-1","Tags":{"x-1":"arn:aws:s3:::st-bucketx1-…"}}` {
		t.Errorf("a role has %s", got)
	}
	if role.Pos.Line != 14 || role.Properties.Get("RoleName").Pos.String() != "t:17:21" {
		t.Errorf("it stands at %v, its name at %v", role.Pos, role.Properties.Get("RoleName").Pos)
	}
	if from := role.Properties.Get("Path").From; len(from) != 1 || from[0].What != "Fn::ForEach::Roles" || from[0].Pos.Line != 13 {
		t.Errorf("its path comes from %v", from)
	}
	if got := string(s.Resource("Bucketa").Metadata.JSON()); got != `{"k1":"a1${!Name}","k2":"a2${!Name}"}` {
		t.Errorf("a loop in a loop gives %s", got)
	}
	if o := s.Outputs[0]; o.Name != "RolewebArn" || fact.Show(o.Value.Text) != "arn:aws:iam::${AWS::AccountId}:rolewebst-web" {
		t.Errorf("output %s is %s", o.Name, fact.Show(o.Value.Text))
	}
	if len(s.Notes) != 0 {
		t.Errorf("notes: %v", s.Notes)
	}
}

func TestALoopOverWhatIsNotKnownHidesResources(t *testing.T) {
	text := strings.Replace(looping, `[web, !Ref Names, "x-1"]`, "!Ref Unset", 1)
	tm, err := Parse("t", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := tm.Evaluate(&Env{StackName: "st", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err) // Topica depends on Bucketa, which may be made
	}
	if len(s.Resources) != 1 || fact.Show(s.Outputs[0].Value.Text) != "${Roleweb.Arn}" {
		t.Errorf("%d resources, output %s", len(s.Resources), fact.Show(s.Outputs[0].Value.Text))
	}
	if len(s.Notes) != 1 || s.Notes[0].Error() != "t:11:3: Fn::ForEach::Roles runs over a collection that is not known: what it makes is not known" {
		t.Errorf("notes: %v", s.Notes)
	}
}

func TestALoopThatCannotRunIsOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"Resources: {'Fn::ForEach::R': [N, [a], {'R${N}': {Type: X}}]}":                                          "t:1:13: Template format error: [/Resources/Fn::ForEach::R] resource definition is malformed; add   Transform: AWS::LanguageExtensions",
		"Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::R': [N, [a]]}":                            "t:2:13: Template error: Fn::ForEach::R takes a list of three: an identifier, a collection and a map with a fragment",
		"Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::R': [N, x, {'R${N}': {Type: X}}]}":        "t:2:35: Template error: the collection of Fn::ForEach must be a list",
		"Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::R': [N, [{a: b}], {'R${N}': {Type: X}}]}": "t:2:36: Template error: the collection of Fn::ForEach::R holds a value that is no text",
		"Transform: AWS::LanguageExtensions\nResources: {'Fn::ForEach::R': [N, [a-b], {'R${N}': {Type: X}}]}":    "t:2:43: Template format error: Resource name Ra-b is non alphanumeric.",
	} {
		tm, err := Parse("t", []byte(text))
		if err == nil {
			_, err = tm.Evaluate(&Env{Region: "us-east-1"})
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestWhatTransformsAddIsNotKnown(t *testing.T) {
	for _, head := range []string{
		"Transform: AWS::Serverless-2016-10-31\nResources:\n",
		"Transform: [AWS::LanguageExtensions, MyMacro]\nResources:\n",
		"Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}\nResources:\n",
		"Resources:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}\n",
		"Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}\nResources:\n",
	} {
		text := head + `  Function:
    Type: AWS::Serverless::Function
    Properties: {Handler: a.b, Role: !GetAtt FunctionRole.Arn}
  Role:
    Type: AWS::IAM::Role
    DependsOn: Elsewhere
    Condition: Elsewhere
    Properties:
      RoleName: !Sub "${FunctionRole}-${FunctionRole.Arn}"
      Path: !FindInMap [Elsewhere, a, b]
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/role}}
`
		tm, err := Parse("t", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", head, err)
			continue
		}
		s, err := tm.Evaluate(&Env{StackName: "st", Region: "us-east-1"})
		if err != nil {
			t.Errorf("%s: %v", head, err)
			continue
		}
		r := s.Resource("Role")
		if got := fact.Show(r.PhysicalID); got != "${Ref FunctionRole}-${FunctionRole.Arn}" {
			t.Errorf("%s: the role is %s", head, got)
		}
		if r.Created != fact.Unknown || r.Open() != "what a transform adds to the properties of Role" {
			t.Errorf("%s: created %v, open %q", head, r.Created, r.Open())
		}
		if len(s.Notes) < 3 { // the transform, the condition, the properties
			t.Errorf("%s: notes %v", head, s.Notes)
		}
	}
}
