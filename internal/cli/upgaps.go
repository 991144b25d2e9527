package cli

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/cfn"
	"beanpole/internal/source"
)

// gaps are what a template asks of AWS that the local AWS takes and does not
// enforce, so that a fetch may work here that fails there. `check` judges it.
func gaps(t *cfn.Template) []string {
	var keys, endpoints []string
	for _, d := range t.Resources {
		switch d.Type {
		case "AWS::S3::Bucket":
			if ownKey(d.Node.At("Properties", "BucketEncryption", "ServerSideEncryptionConfiguration")) {
				keys = append(keys, d.LogicalID)
			}
		case "AWS::EC2::VPCEndpoint":
			if d.Node.At("Properties", "PolicyDocument") != nil {
				endpoints = append(endpoints, d.LogicalID)
			}
		}
	}
	var out []string
	if len(keys) > 0 {
		out = append(out, fmt.Sprintf("the KMS key of %s: there is no KMS here, so nobody is refused for it", strings.Join(keys, ", ")))
	}
	if len(endpoints) > 0 {
		out = append(out, fmt.Sprintf("the policy of VPC endpoint %s: it refuses nobody here", strings.Join(endpoints, ", ")))
	}
	return out
}

func ownKey(rules *source.Node) bool {
	if rules == nil {
		return false
	}
	for _, r := range rules.Items {
		key := r.At("ServerSideEncryptionByDefault", "KMSMasterKeyID")
		if key != nil && !strings.HasSuffix(key.TextOr(""), account.S3Key) {
			return true
		}
	}
	return false
}
