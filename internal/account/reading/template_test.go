package reading

import (
	"strings"
	"testing"

	"beanpole/internal/source"
)

const leaky = `# the old password: hidden-comment
Parameters:
  DbPassword: {Type: String, Default: hidden-default}
  Pin: {Type: String, NoEcho: true, Default: hidden-noecho}
  Stage: {Type: String, Default: production}
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      MasterUsername: admin
      MasterUserPassword: hidden-literal
  Other:
    Type: AWS::RDS::DBInstance
    Properties: {MasterUserPassword: !Ref DbPassword}
  Third:
    Type: AWS::RDS::DBInstance
    Properties: {MasterUserPassword: '{{resolve:secretsmanager:db:SecretString:password}}'}
  Function:
    Type: AWS::Lambda::Function
    Properties: {Environment: {Variables: {PIN: 4711471147, URL: hidden-variable}}}
  Environment:
    Type: AWS::ElasticBeanstalk::Environment
    Properties:
      OptionSettings:
        - {Namespace: "aws:elasticbeanstalk:application:environment", OptionName: STRIPE, Value: hidden-option}
        - {Namespace: "aws:autoscaling:launchconfiguration", OptionName: IamInstanceProfile, Value: shop-profile}
  Worker:
    Type: AWS::EC2::Instance
    Metadata:
      AWS::CloudFormation::Authentication:
        S3Auth: {type: S3, roleName: !Ref Role, buckets: [certs]}
        Basic: {type: basic, username: me, password: hidden-basic}
        Keys: {type: S3, accessKeyId: hidden-keyid, secretKey: hidden-secretkey}
      AWS::CloudFormation::Init:
        config:
          files:
            /etc/app.conf:
              content: |
                hidden-content
                more
            /etc/other.conf:
              content: !Sub "hidden-sub ${Stage}"
            /etc/joined.conf:
              content: !Join ["", ["hidden-join", !Ref Stage]]
            /etc/key.pem: {source: "https://certs.s3.eu-west-1.amazonaws.com/key.pem", authentication: S3Auth}
            /etc/signed: {source: "https://certs.s3.eu-west-1.amazonaws.com/k?X-Amz-Signature=hidden0signature0"}
          commands:
            a: {command: "mysql -u root --password=hidden-argument", env: {TOKENS: hidden-env}}
    Properties:
      ImageId: ami-1 # token=hidden-trailing
      UserData:
        Fn::Base64: !Sub |
          #!/bin/bash
          export API_TOKEN=hidden-export
          /opt/aws/bin/cfn-init --stack ${AWS::StackName} --resource Worker
  Encoded:
    Type: AWS::EC2::Instance
    Properties: {UserData: ZXhwb3J0IFBBU1NXT1JEPWhpZGRlbi1lbmNvZGVk}
Conditions: {C: !Equals [!Ref Stage, production]}
Outputs:
  Secret: {Value: !If [C, hidden-output-not, x]}
  Url: {Value: "postgres://me:hidden-url@db/app"}
`

// hideAll stands for what masks secrets in texts by their form.
func hideAll(s string) string {
	for _, at := range []string{"hidden-comment", "hidden-trailing", "hidden-argument", "hidden-export", "hidden-url", "hidden0signature0", "hidden-encoded"} {
		s = strings.ReplaceAll(s, at, "****")
	}
	return s
}

func TestASavedTemplateHoldsNoSecret(t *testing.T) {
	got := maskTemplate(leaky, hideAll)
	for line := range strings.Lines(got) {
		if strings.Contains(line, "hidden-") && !strings.Contains(line, "hidden-output-not") || strings.Contains(line, "4711") || strings.Contains(line, "hidden0") || strings.Contains(line, "ZXhwb3") {
			t.Errorf("saved: %s", line)
		}
	}
	for _, kept := range []string{"!Ref DbPassword", "{{resolve:secretsmanager:db:SecretString:password}}", "Value: shop-profile", "roleName: !Ref Role", "buckets: [certs]",
		"Default: production", "https://certs.s3.eu-west-1.amazonaws.com/key.pem", "/opt/aws/bin/cfn-init --stack ${AWS::StackName} --resource Worker", "!If [C, "} {
		if !strings.Contains(got, kept) {
			t.Errorf("lost: %s", kept)
		}
	}
	if _, err := source.ParseYAML("t", []byte(got)); err != nil {
		t.Errorf("what is left is no template: %v\n%s", err, got)
	}
	if maskTemplate("not: [a template", hideAll) != "" {
		t.Error("what cannot be read is kept")
	}
	json := `{"Parameters":{"P":{"NoEcho":true,"Default":"hidden-json"}},"Resources":{"R":{"Type":"T","Properties":{"Password":"hidden-p","Role":{"Ref":"R"},"Token":{"Fn::Join":["",["hidden-j",{"Ref":"P"}]]}}}}}`
	if got := maskTemplate(json, hideAll); got == "" || strings.Contains(got, "hidden") || !strings.Contains(got, `{"Ref":"R"}`) || !strings.Contains(got, `{"Ref":"P"}`) {
		t.Errorf("JSON: %s", got)
	}
}
