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
	var keys []string
	placed := false
	for _, d := range t.Resources {
		switch d.Type {
		case "AWS::S3::Bucket":
			if ownKey(d.Node.At("Properties", "BucketEncryption", "ServerSideEncryptionConfiguration")) {
				keys = append(keys, d.LogicalID)
			}
		case "AWS::ElasticBeanstalk::Environment", "AWS::ElasticBeanstalk::ConfigurationTemplate":
			placed = placed || inVPC(d.Node.At("Properties", "OptionSettings"))
		}
	}
	var out []string
	if len(keys) > 0 {
		out = append(out, fmt.Sprintf("the KMS key of %s: there is no KMS here, so nobody is refused for it", strings.Join(keys, ", ")))
	}
	if placed {
		out = append(out, "subnets, routes and endpoints of aws:ec2:vpc: the instances reach S3 here in any case")
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

func inVPC(settings *source.Node) bool {
	if settings == nil {
		return false
	}
	for _, s := range settings.Items {
		if s.Get("Namespace").TextOr("") == "aws:ec2:vpc" {
			return true
		}
	}
	return false
}
