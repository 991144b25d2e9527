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
	var waiting []string
	for _, d := range t.Resources {
		if d.Type == "AWS::CloudFormation::WaitCondition" || d.Node.Get("CreationPolicy") != nil {
			waiting = append(waiting, d.LogicalID)
		}
	}
	if len(waiting) > 0 {
		out = append(out, fmt.Sprintf("%s waits for signals: here it is complete at once", strings.Join(waiting, ", ")))
	}
	return out
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
