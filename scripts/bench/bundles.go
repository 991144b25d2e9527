//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// makeBundles writes n different bundles into dir, each with a template of its
// own beside its files: other names, regions, numbers of files and commands;
// every eighth has the story's mistake.
func makeBundles(dir string, n int) error {
	for i := range n {
		root := filepath.Join(dir, fmt.Sprintf("service-%05d", i))
		name := fmt.Sprintf("service%d", i)
		var files, commands strings.Builder
		for k := range 2 + i%5 {
			fmt.Fprintf(&files, "  /etc/%s/%d.conf:\n    mode: \"000644\"\n    owner: root\n    content: |\n      name=%s\n      part=%d\n", name, k, name, k)
			fmt.Fprintf(&commands, "  %02d_%s:\n    command: echo %s %d >> /var/log/%s.log\n    cwd: /tmp\n", k, name, name, k, name)
		}
		role := "!Ref Role"
		if i%8 == 0 {
			role = "" // CloudFormation makes up another name than the profile's
		}
		for file, text := range map[string]string{
			".ebextensions/10-files.config":    "files:\n" + files.String() + "option_settings:\n  aws:autoscaling:asg:\n    MinSize: \"1\"\n    MaxSize: \"" + fmt.Sprint(2+i%7) + "\"\n",
			".ebextensions/20-commands.config": "commands:\n" + commands.String(),
			".ebextensions/30-https.config":    fetching(name),
			"Procfile":                         "web: bin/" + name + "\n",
			"src/main.txt":                     strings.Repeat(name+"\n", 20+i%50),
			"infra.yaml":                       template(name, role != ""),
		} {
			at := filepath.Join(root, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func fetching(name string) string {
	return `files:
  /etc/pki/tls/certs/` + name + `.key:
    mode: "000400"
    owner: root
    group: root
    authentication: S3Auth
    source: https://` + name + `-certs.s3.eu-west-1.amazonaws.com/` + name + `.key
Resources:
  AWSEBAutoScalingGroup:
    Metadata:
      AWS::CloudFormation::Authentication:
        S3Auth:
          type: S3
          buckets: [` + name + `-certs]
          roleName:
            "Fn::GetOptionSetting":
              Namespace: aws:autoscaling:launchconfiguration
              OptionName: IamInstanceProfile
`
}

// template creates role, profile, bucket and environment; with same, role and
// profile have one name.
func template(name string, same bool) string {
	roleName, profileName := "", ""
	if same {
		roleName, profileName = "      RoleName: "+name+"-web\n", "      InstanceProfileName: "+name+"-web\n"
	}
	return `AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Stage: {Type: String, Default: test}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
` + roleName + `      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: "sts:AssumeRole"}
      Policies:
        - PolicyName: certs
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: ["s3:GetObject"], Resource: !Sub "${Bucket.Arn}/*"}
  Profile:
    Type: AWS::IAM::InstanceProfile
    Properties:
` + profileName + `      Roles: [!Ref Role]
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {BucketName: ` + name + `-certs}
  Application:
    Type: AWS::ElasticBeanstalk::Application
    Properties: {ApplicationName: ` + name + `}
  Environment:
    Type: AWS::ElasticBeanstalk::Environment
    Properties:
      ApplicationName: !Ref Application
      SolutionStackName: 64bit Amazon Linux 2023 v4.6.0 running Go 1
      OptionSettings:
        - Namespace: aws:autoscaling:launchconfiguration
          OptionName: IamInstanceProfile
          Value: !Ref Profile
        - {Namespace: "aws:elasticbeanstalk:application:environment", OptionName: STAGE, Value: !Ref Stage}
`
}
