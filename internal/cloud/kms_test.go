package cloud

import (
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// made creates a stack and gives its last status and why its first resource
// failed.
func (w *world) made(t *testing.T, name, template string) (status, why string) {
	t.Helper()
	c := cloudformation.NewFromConfig(w.config)
	must(t, second(c.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template})))
	for {
		out, err := c.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		must(t, err)
		if status = string(out.Stacks[0].StackStatus); !strings.HasSuffix(status, "IN_PROGRESS") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	events, err := c.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: &name})
	must(t, err)
	for _, e := range events.StackEvents {
		if e.ResourceStatus == "CREATE_FAILED" {
			why = awssdk.ToString(e.ResourceStatusReason)
		}
	}
	return status, why
}

func TestKMSRefusesKeysAndAliasesAsOnAWS(t *testing.T) {
	w := start(t, "eu-west-1")
	key := func(principal string) string {
		return `{Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "` + principal + `"}, Action: "kms:*", Resource: "*"}]}}}`
	}
	root := "arn:aws:iam::" + w.State().AccountID() + ":root"
	for _, c := range []struct{ name, resources, want string }{
		{"policy-by-default", "K: {Type: AWS::KMS::Key}", ""},
		{"to-the-account", "K: " + key(root), ""},
		{"nobody-who-may-change-it", "K: " + key("arn:aws:iam::444455556666:root"), "will not allow you to update the key policy in the future"},
		{"dead-principal", "K: {Type: AWS::KMS::Key, Properties: {BypassPolicyLockoutSafetyCheck: true, KeyPolicy: {Statement: [{Effect: Allow, Principal: {AWS: \"arn:aws:iam::" +
			w.State().AccountID() + ":role/gone\"}, Action: \"kms:*\", Resource: \"*\"}]}}}", "one or more invalid principals"},
		{"alias", "K: {Type: AWS::KMS::Key}\n  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/certs, TargetKeyId: !GetAtt K.Arn}}", ""},
		{"alias-again", "K: {Type: AWS::KMS::Key}\n  A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/certs, TargetKeyId: !Ref K}}", "alias/certs already exists"},
		{"alias-of-nothing", "A: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/other, TargetKeyId: 1234abcd-12ab-34cd-56ef-1234567890ab}}", "does not exist"},
	} {
		status, why := w.made(t, c.name, "Resources:\n  "+c.resources+"\n")
		if (c.want == "") != (status == "CREATE_COMPLETE") || !strings.Contains(why, c.want) {
			t.Errorf("%s: %s: %s", c.name, status, why)
		}
	}
	c, name := cloudformation.NewFromConfig(w.config), "alias"
	must(t, second(c.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name})))
	for alive := true; alive; time.Sleep(time.Millisecond) {
		_, err := c.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		alive = err == nil
	}
	w.State().View(func(a *account.Account) {
		if _, found := a.Key("alias/certs"); found != fact.Broken {
			t.Error("the alias outlived its stack")
		}
		pending := 0
		for _, k := range a.Keys {
			if k.PendingDeletion && k.Enabled == fact.Broken {
				pending++
			}
		}
		if pending != 2 { // of the deleted stack, and of the one that was rolled back
			t.Errorf("%d keys wait to be deleted", pending)
		}
	})
}
