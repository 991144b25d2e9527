package cloudformation

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/cloud/door"
	"beanpole/internal/source"
)

// role is AWS::IAM::Role; Ref is its name [CFN:aws-resource-iam-role].
var role = kind{create: createRole, update: updateRole, replace: []string{"RoleName", "Path"}, delete: deleteRole}

// Longest names of IAM's things [CFN:aws-resource-iam-role].
const (
	roleNameLimit    = 64
	profileNameLimit = 128
	policyNameLimit  = 128
)

func createRole(q *request) (made, error) {
	name := q.text("RoleName")
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, roleNameLimit)
	}
	if q.props.Get("AssumeRolePolicyDocument") == nil {
		return made{}, because("Property AssumeRolePolicyDocument cannot be empty.")
	}
	in := &iam.CreateRoleInput{
		RoleName: &name, Path: q.optional("Path"), Description: q.optional("Description"),
		PermissionsBoundary: q.optional("PermissionsBoundary"), AssumeRolePolicyDocument: document(q.props.Get("AssumeRolePolicyDocument")),
	}
	if v := q.text("MaxSessionDuration"); v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil {
			return made{}, because("MaxSessionDuration %q is not a number of seconds", v)
		}
		seconds := int32(n)
		in.MaxSessionDuration = &seconds
	}
	out, err := call[iam.CreateRoleInput, iam.CreateRoleOutput](q, "iam", "CreateRole", in)
	if err != nil {
		return made{}, err
	}
	if err := q.initiated(name); err != nil {
		return made{}, err
	}
	m := made{physical: name, attributes: map[string]string{"Arn": door.Value(out.Role.Arn), "RoleId": door.Value(out.Role.RoleId)}}
	return m, rolePolicies(q, name)
}

// rolePolicies brings the role's policies from the old properties, if there
// are any, to the new ones.
func rolePolicies(q *request, name string) error {
	for _, arn := range q.texts("ManagedPolicyArns") {
		if _, err := call[iam.AttachRolePolicyInput, iam.AttachRolePolicyOutput](q, "iam", "AttachRolePolicy", &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &arn}); err != nil {
			return err
		}
	}
	for _, p := range inlines(q.props) {
		in := &iam.PutRolePolicyInput{RoleName: &name, PolicyName: door.Given(p.Get("PolicyName").TextOr("")), PolicyDocument: document(p.Get("PolicyDocument"))}
		if _, err := call[iam.PutRolePolicyInput, iam.PutRolePolicyOutput](q, "iam", "PutRolePolicy", in); err != nil {
			return err
		}
	}
	return dropRolePolicies(q, name, q.old, q.props)
}

func inlines(props *source.Node) []*source.Node {
	if n := props.Get("Policies"); n != nil {
		return n.Items
	}
	return nil
}

// dropRolePolicies takes away what was in old and is not in now.
func dropRolePolicies(q *request, name string, old, now *source.Node) error {
	for _, arn := range listOf(old.Get("ManagedPolicyArns")) {
		if contains(listOf(now.Get("ManagedPolicyArns")), arn) {
			continue
		}
		if _, err := call[iam.DetachRolePolicyInput, iam.DetachRolePolicyOutput](q, "iam", "DetachRolePolicy", &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: &arn}); err != nil && !gone(err) {
			return err
		}
	}
	left := map[string]bool{}
	for _, p := range inlines(now) {
		left[p.Get("PolicyName").TextOr("")] = true
	}
	for _, p := range inlines(old) {
		policy := p.Get("PolicyName").TextOr("")
		if left[policy] {
			continue
		}
		if _, err := call[iam.DeleteRolePolicyInput, iam.DeleteRolePolicyOutput](q, "iam", "DeleteRolePolicy", &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &policy}); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

func updateRole(q *request) (made, error) {
	in := &iam.UpdateAssumeRolePolicyInput{RoleName: &q.physical, PolicyDocument: document(q.props.Get("AssumeRolePolicyDocument"))}
	if _, err := call[iam.UpdateAssumeRolePolicyInput, iam.UpdateAssumeRolePolicyOutput](q, "iam", "UpdateAssumeRolePolicy", in); err != nil {
		return made{}, err
	}
	return made{physical: q.physical, attributes: q.r.Attributes}, rolePolicies(q, q.physical)
}

func deleteRole(q *request) error {
	if err := dropRolePolicies(q, q.physical, q.props, nil); err != nil {
		return err
	}
	_, err := call[iam.DeleteRoleInput, iam.DeleteRoleOutput](q, "iam", "DeleteRole", &iam.DeleteRoleInput{RoleName: &q.physical})
	return err
}
