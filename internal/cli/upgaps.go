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
// enforce, so that a fetch may work here that fails there. `check` judges it.
func gaps(t *cfn.Template) []string {
	keys := foreignKeys(t)
	var out []string
	if len(keys) > 0 {
		out = append(out, fmt.Sprintf("the KMS key of %s: the template does not make it, so nobody is refused for it", strings.Join(keys, ", ")))
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
