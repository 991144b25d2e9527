package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/cloud/door"
	"beanpole/internal/source"
)

// managedPolicy is AWS::IAM::ManagedPolicy; Ref is its ARN
// [CFN:aws-resource-iam-managedpolicy]. Any change replaces it here; on AWS a
// new document becomes a new version of the same policy.
var managedPolicy = kind{create: createManaged, delete: deleteManaged}

func createManaged(q *request) (made, error) {
	if len(q.texts("Users"))+len(q.texts("Groups")) > 0 {
		return made{}, because("beanpole attaches an AWS::IAM::ManagedPolicy to Roles only, not to Users or Groups yet")
	}
	name := q.text("ManagedPolicyName")
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, policyNameLimit)
	}
	out, err := call[iam.CreatePolicyInput, iam.CreatePolicyOutput](q, "iam", "CreatePolicy", &iam.CreatePolicyInput{
		PolicyName: &name, Path: q.optional("Path"), Description: q.optional("Description"), PolicyDocument: document(q.props.Get("PolicyDocument")),
	})
	if err != nil {
		return made{}, err
	}
	arn := door.Value(out.Policy.Arn)
	if err := q.initiated(arn); err != nil {
		return made{}, err
	}
	for _, role := range q.texts("Roles") {
		if _, err := call[iam.AttachRolePolicyInput, iam.AttachRolePolicyOutput](q, "iam", "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn}); err != nil {
			return made{}, err
		}
	}
	return made{physical: arn, attributes: map[string]string{"PolicyArn": arn}}, nil
}

func deleteManaged(q *request) error {
	if err := detachAll(q, q.props); err != nil {
		return err
	}
	_, err := call[iam.DeletePolicyInput, iam.DeletePolicyOutput](q, "iam", "DeletePolicy", &iam.DeletePolicyInput{PolicyArn: &q.physical})
	return err
}

func detachAll(q *request, props *source.Node) error {
	for _, role := range listOf(props.Get("Roles")) {
		_, err := call[iam.DetachRolePolicyInput, iam.DetachRolePolicyOutput](q, "iam", "DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &q.physical})
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}
