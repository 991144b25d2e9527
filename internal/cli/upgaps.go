package cli

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/account/template"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
)

// gaps are what a template asks of AWS that the local AWS takes and does not
// enforce, so that something may work here that fails there.
func gaps(t *cfn.Template) []string {
	keys := foreignKeys(t)
	var out []string
	if len(keys) > 0 {
		out = append(out, fmt.Sprintf("the KMS key of %s: the template does not make it, so nobody is refused for it (beanpole check judges it)", strings.Join(keys, ", ")))
	}
	var rolling []string
	for _, d := range t.Resources {
		if d.Node.Get("UpdatePolicy") != nil {
			rolling = append(rolling, d.LogicalID)
		}
	}
	if len(rolling) > 0 {
		out = append(out, fmt.Sprintf("the UpdatePolicy of %s: no instances of it run here, so an update replaces none", strings.Join(rolling, ", ")))
	}
	return out
}

// waits are the resources that wait for signals which nothing here sends by
// itself, since the local AWS runs instances of environments alone.
func waits(t *cfn.Template) (ids []string) {
	for _, d := range t.Resources {
		if d.Type == "AWS::CloudFormation::WaitCondition" || d.Node.Get("CreationPolicy") != nil {
			ids = append(ids, d.LogicalID)
		}
	}
	return ids
}

// foreignKeys are the buckets whose default encryption is by a KMS key that
// the template does not make.
func foreignKeys(t *cfn.Template) (buckets []string) {
	stack, err := t.Evaluate(&cfn.Env{})
	if err != nil {
		return nil // the stack fails, and says why
	}
	a, _ := template.Fill(stack, &cfn.Env{})
	for _, b := range a.Buckets {
		e := b.Encryption
		if e.KMS() == fact.Broken || e.Key == "" || strings.HasSuffix(e.Key, account.S3Key) {
			continue
		}
		if _, found := a.Key(e.Key); found != fact.Holds {
			buckets = append(buckets, b.Logical)
		}
	}
	return buckets
}
