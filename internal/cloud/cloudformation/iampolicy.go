package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/source"
)

// inlinePolicy is AWS::IAM::Policy: one inline policy put into roles
// [CFN:aws-resource-iam-policy].
var inlinePolicy = kind{create: createInline, update: updateInline, replace: []string{"PolicyName"}, delete: deleteInline}

func createInline(q *request) (made, error) {
	if err := q.initiated(physicalName(q.stack.Name, q.logical, policyNameLimit)); err != nil {
		return made{}, err
	}
	return made{physical: q.physical}, putInline(q)
}

func putInline(q *request) error {
	name, err := q.required("PolicyName")
	if err != nil {
		return err
	}
	roles := q.texts("Roles")
	switch {
	case len(q.texts("Users"))+len(q.texts("Groups")) > 0:
		return because("beanpole puts an AWS::IAM::Policy into Roles only, not into Users or Groups yet")
	case len(roles) == 0:
		return because("At least one of [Groups,Roles,Users] must be non-empty.")
	}
	for _, role := range roles {
		in := &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: document(q.props.Get("PolicyDocument"))}
		if _, err := call[iam.PutRolePolicyInput, iam.PutRolePolicyOutput](q, "iam", "PutRolePolicy", in); err != nil {
			return err
		}
	}
	return nil
}

func updateInline(q *request) (made, error) {
	if err := putInline(q); err != nil {
		return made{}, err
	}
	return made{physical: q.physical}, dropInline(q, q.old, q.texts("Roles"))
}

func dropInline(q *request, props *source.Node, keep []string) error {
	name := props.Get("PolicyName").TextOr("")
	for _, role := range listOf(props.Get("Roles")) {
		if contains(keep, role) {
			continue
		}
		_, err := call[iam.DeleteRolePolicyInput, iam.DeleteRolePolicyOutput](q, "iam", "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name})
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

func deleteInline(q *request) error { return dropInline(q, q.props, nil) }
