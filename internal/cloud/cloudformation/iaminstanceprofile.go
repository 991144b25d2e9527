package cloudformation

import (
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/cloud/door"
	"beanpole/internal/source"
)

// instanceProfile is AWS::IAM::InstanceProfile; Ref is its name
// [CFN:aws-resource-iam-instanceprofile].
var instanceProfile = kind{create: createProfile, update: updateProfile, replace: []string{"InstanceProfileName", "Path"}, delete: deleteProfile}

func createProfile(q *request) (made, error) {
	name := q.text("InstanceProfileName")
	if name == "" {
		name = physicalName(q.stack.Name, q.logical, profileNameLimit)
	}
	roles := q.texts("Roles")
	if len(roles) != 1 {
		return made{}, because("Property Roles must be a list with exactly one role; it has %d", len(roles))
	}
	out, err := call[iam.CreateInstanceProfileInput, iam.CreateInstanceProfileOutput](q, "iam", "CreateInstanceProfile",
		&iam.CreateInstanceProfileInput{InstanceProfileName: &name, Path: q.optional("Path")})
	if err != nil {
		return made{}, err
	}
	if err := q.initiated(name); err != nil {
		return made{}, err
	}
	m := made{physical: name, attributes: map[string]string{"Arn": door.Value(out.InstanceProfile.Arn)}}
	return m, addRole(q, name, roles[0])
}

func addRole(q *request, profile, role string) error {
	_, err := call[iam.AddRoleToInstanceProfileInput, iam.AddRoleToInstanceProfileOutput](q, "iam", "AddRoleToInstanceProfile",
		&iam.AddRoleToInstanceProfileInput{InstanceProfileName: &profile, RoleName: &role})
	return err
}

// removeRoles takes the roles that props name out of the profile.
func removeRoles(q *request, props *source.Node) error {
	for _, role := range listOf(props.Get("Roles")) {
		_, err := call[iam.RemoveRoleFromInstanceProfileInput, iam.RemoveRoleFromInstanceProfileOutput](q, "iam", "RemoveRoleFromInstanceProfile",
			&iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &q.physical, RoleName: &role})
		if err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

func updateProfile(q *request) (made, error) {
	roles := q.texts("Roles")
	if len(roles) != 1 {
		return made{}, because("Property Roles must be a list with exactly one role; it has %d", len(roles))
	}
	if err := removeRoles(q, q.old); err != nil {
		return made{}, err
	}
	return made{physical: q.physical, attributes: q.r.Attributes}, addRole(q, q.physical, roles[0])
}

func deleteProfile(q *request) error {
	if err := removeRoles(q, q.props); err != nil {
		return err
	}
	_, err := call[iam.DeleteInstanceProfileInput, iam.DeleteInstanceProfileOutput](q, "iam", "DeleteInstanceProfile",
		&iam.DeleteInstanceProfileInput{InstanceProfileName: &q.physical})
	return err
}
