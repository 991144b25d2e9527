package check

import (
	"fmt"
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var groupNameInVPC = &Rule{
	Slug:  "group-name-in-vpc",
	Title: "GroupName names no security group in a VPC of your own",
	Why: `GroupName and SourceSecurityGroupName find security groups in the default VPC only. In
another VPC, Ref of a security group is its ID, and CloudFormation looks for a group
that has this ID as its name:
  The security group 'sg-…' does not exist`,
	Before: `Resources:
  Https:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupName: {Ref: AWSEBSecurityGroup}`,
	After: `Resources:
  Https:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": [AWSEBSecurityGroup, GroupId]}`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		vpc, ok := r.settings.Get("aws:ec2:vpc", "VPCId")
		if !ok || vpc.Value.TextOr("") == "" {
			return nil // the default VPC, or nobody knows
		}
		for _, e := range r.entries("Resources") {
			if e.get("Type").TextOr("") != "AWS::EC2::SecurityGroupIngress" {
				continue
			}
			for _, f := range e.get("Properties").Entries() {
				if f.Key.Text != "GroupName" && f.Key.Text != "SourceSecurityGroupName" {
					continue
				}
				out = append(out, namedGroup(f, vpc.Value.Place()))
			}
		}
		return append(out, r.namedGroups(vpc.Value.Place())...)
	},
}

// namedGroups reports names in the options that take security groups, which
// must be IDs in a VPC [EB:command-options-general].
func (r *run) namedGroups(vpc source.Pos) (out []*finding.Finding) {
	for _, s := range r.made() {
		if s.Option != "SecurityGroups" || !fact.Known(s.Value.TextOr("")) || strings.Contains(s.Value.Text, "`") {
			continue
		}
		for _, name := range strings.Split(s.Value.TextOr(""), ",") {
			if name = strings.TrimSpace(name); name == "" || strings.HasPrefix(name, "sg-") {
				continue
			}
			f := r.settingFinding("group-name-in-vpc", finding.Warning, s)
			f.Certain = false
			f.Message = fmt.Sprintf("Elastic Beanstalk may refuse the deployment: in a VPC it takes IDs of security groups, and %q is a name", name)
			f.Notes = []finding.Note{
				{Label: "cause", Text: "option aws:ec2:vpc VPCId puts the environment into a VPC of its own", At: place(vpc)},
				{Label: "on AWS", Text: "The security group '" + name + "' does not exist"},
				{Label: "fix", Text: "write the group's ID   (sg-…)"},
			}
			out = append(out, f)
		}
	}
	return out
}

func namedGroup(field *source.Field, vpc source.Pos) *finding.Finding {
	f := &finding.Finding{Rule: "group-name-in-vpc", Severity: finding.Error, Certain: true, Pos: field.Key.Pos, End: field.Key.End}
	if field.Value.IsScalar() { // the VPC may be the default one, given by its ID
		f.Severity, f.Certain = finding.Warning, false
	}
	f.Message = "CloudFormation " + will(f) + " fail to create the rule: " + field.Key.Text + " finds no group outside of the default VPC"
	id := "GroupId"
	if strings.HasPrefix(field.Key.Text, "Source") {
		id = "SourceSecurityGroupId"
	}
	text := "ID of the group"
	if name := field.Value.Get("Ref").TextOr(""); name != "" {
		text = `{"Fn::GetAtt": [` + name + `, GroupId]}`
	}
	f.Notes = []finding.Note{
		{Label: "cause", Text: "option aws:ec2:vpc VPCId puts the environment into a VPC of its own", At: appendPlace(nil, vpc)},
		{Label: "on AWS", Text: "The security group 'sg-…' does not exist"},
		{Label: "fix", Text: "write   " + id + ": " + text},
	}
	return f
}
