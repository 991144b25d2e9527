package cfn

import (
	"strings"
	"testing"

	"beanpole/internal/fact"
)

// subject evaluates value where around puts it, in a template with the
// language extensions.
func subject(t *testing.T, value string) (string, error) {
	t.Helper()
	text := "Transform: AWS::LanguageExtensions" + around + value + "\n  Nested: {Type: AWS::CloudFormation::Stack}\n"
	text = strings.Replace(text, "Parameters:\n", `Parameters:
  Images: {Type: "AWS::SSM::Parameter::Value<List<String>>", Default: /list}
  ImageName: {Type: "AWS::SSM::Parameter::Name", Default: /ami/x}
`, 1)
	tm, err := Parse("t.yaml", []byte(text))
	if err != nil {
		return "", err
	}
	s, err := tm.Evaluate(&Env{StackName: "st", Region: "us-east-1"})
	if err != nil {
		return "", err
	}
	return fact.Show(string(s.Resource("Subject").Properties.Get("Value").JSON())), nil
}

func TestEveryFunctionWithKnownAndUnknownArguments(t *testing.T) {
	for value, want := range map[string]string{
		// Cidr
		`!Cidr [10.0.0.0/16, 3, 8]`:                                         `["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24"]`,
		`{"Fn::Cidr": ["192.168.0.0/24", "6", "5"]}`:                        `["192.168.0.0/27","192.168.0.32/27","192.168.0.64/27","192.168.0.96/27","192.168.0.128/27","192.168.0.160/27"]`,
		`!Select [255, !Cidr [10.1.0.0/16, 256, 8]]`:                        `"10.1.255.0/24"`,
		`!Select [1, !Cidr ["2001:db8::/56", 2, 64]]`:                       `"2001:db8:0:1::/64"`,
		`!Cidr [!Ref Open, 2, 8]`:                                           `"${Fn::Cidr of ${parameter Open}, 2, 8}"`,
		`!Cidr [10.0.0.0/16, 4]`:                                            `"${Fn::Cidr of 10.0.0.0/16, 4}"`,
		`!Select [0, !Cidr [!GetAtt Odd.CidrBlock, 2, 8]]`:                  `"${element 0 of ${Fn::Cidr of ${Odd.CidrBlock}, 2, 8}}"`,
		`{"Fn::Length": [a, b]}`:                                            `2`,
		`{"Fn::Length": !Ref Zones}`:                                        `2`,
		`{"Fn::Length": !Split ["|", "a|b|c"]}`:                             `3`,
		`{"Fn::Length": []}`:                                                `0`,
		`{"Fn::Length": [a, !Ref "AWS::NoValue"]}`:                          `1`,
		`{"Fn::Length": !Ref Open}`:                                         `"${Fn::Length of ${parameter Open}}"`,
		`!Join ["", [n, {"Fn::Length": [1, 2]}]]`:                           `"n2"`,
		`{"Fn::ToJsonString": {a: [1, !Ref Name], b: !Ref "AWS::NoValue"}}`: `"{\"a\":[1,\"shop\"]}"`,
		`{"Fn::ToJsonString": [!Ref "AWS::AccountId"]}`:                     `"[\"${AWS::AccountId}\"]"`,
		`{"Fn::ToJsonString": {a: !Ref Open}}`:                              `"${Fn::ToJsonString of {\"a\":\"${parameter Open}\"}}"`,
		// FindInMap
		`!FindInMap [M, eu-west-1, bucket, {DefaultValue: two}]`:                   `"two"`,
		`!FindInMap [M, us-east-1, bucket, {DefaultValue: two}]`:                   `"one"`,
		`!FindInMap [Nowhere, a, b, {DefaultValue: !Ref Name}]`:                    `"shop"`,
		`{a: 1, b: !FindInMap [M, x, y, {DefaultValue: !Ref "AWS::NoValue"}]}`:     `{"a":1}`,
		`!FindInMap [M, !Ref Open, bucket, {DefaultValue: two}]`:                   `"${FindInMap M::${parameter Open}}"`,
		`{"Fn::FindInMap": [M, {Ref: "AWS::Region"}, {"Fn::Sub": "b${X}cket"}]}`:   `!Template format error: Unresolved resource dependencies [X] in the Resources block of the template`,
		`!FindInMap [!Select [0, [M]], !Join ["-", [us, east, 1]], !Sub "bucket"]`: `"one"`,
		// dynamic references, also those that functions put together
		`!Sub "{{resolve:ssm:/${Name}/key:1}}"`:                                      `"${resolve:ssm:/shop/key:1}"`,
		`!Join ["", ["{{resolve:secretsmanager:", !Ref Odd, ":SecretString:p::}}"]]`: `"${resolve:secretsmanager:${Ref Odd}:SecretString:p::}"`,
		`"{{resolve:ssm:a}}-{{resolve:ssm-secure:b:2}}"`:                             `"${resolve:ssm:a}-${resolve:ssm-secure:b:2}"`,
		`"{{resolve:ssm:open"`:                                                       `"{{resolve:ssm:open"`,
		// unknown conditions: what both branches share is known
		`!If [Open, {Namespace: n, Value: a}, {Namespace: n, Value: b}]`: `{"Namespace":"n","Value":"${a if condition Open, else b}"}`,
		`!If [Open, [a, b], [a, c]]`:                                     `["a","${b if condition Open, else c}"]`,
		`!If [Open, {a: 1}, {b: 1}]`:                                     `"${condition Open at 31:14}"`,
		`!If [Open, a, !Ref "AWS::NoValue"]`:                             `"${condition Open at 31:14}"`,
		`!If [Open, 1, !If [Yes, 1, 2]]`:                                 `1`,
		`[!If [No, x, !Ref "AWS::NoValue"], y]`:                          `["y"]`,
		// nested stacks, custom resources
		`!GetAtt Nested.Outputs.BucketName`:            `"${Nested.Outputs.BucketName}"`,
		`!Sub "s3://${Nested.Outputs.BucketName}/key"`: `"s3://${Nested.Outputs.BucketName}/key"`,
		`{"Fn::GetAtt": [Nested, Outputs.BucketName]}`: `"${Nested.Outputs.BucketName}"`,
		`{"Fn::GetAtt": [Odd, !Ref Name]}`:             `"${Odd.shop}"`,
		// SSM parameter types
		`!Sub "${Image}!"`:                               `"${SSM parameter /ami/x}!"`,
		`!Join [",", !Ref Images]`:                       `"${Fn::Join of ${SSM parameter /list} with \",\"}"`,
		`!Select [0, !Ref Images]`:                       `"${element 0 of ${SSM parameter /list}}"`,
		`!Ref ImageName`:                                 `"/ami/x"`,
		`!Base64 {"Fn::Sub": "${Name}${!Name}"}`:         `"c2hvcCR7TmFtZX0="`,
		`{"Fn::Split": ["-", {"Fn::Sub": "${Name}-x"}]}`: `["shop","x"]`,
		`!Split ["/", !Sub "${AWS::AccountId}/x"]`:       `["${AWS::AccountId}","x"]`,
	} {
		got, err := subject(t, value)
		if err != nil {
			_, after, _ := strings.Cut(err.Error(), ": ")
			got = "!" + after
		}
		if got != want {
			t.Errorf("%s\n is %s, want %s", value, got, want)
		}
	}
}
