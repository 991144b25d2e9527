// Package organizations is the local AWS Organizations: the account is in no
// organisation, and says so to who asks.
package organizations

import (
	"context"
	"net/http"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// nothing is the input, and the answer that never comes.
type nothing struct{}

// Rows are the operations [service authorization reference: AWS Organizations].
func Rows() []door.Row {
	return []door.Row{door.Op("organizations", "DescribeOrganization", "organizations:DescribeOrganization", nil,
		func(context.Context, *nothing) (*nothing, error) {
			return nil, &aws.Error{Code: "AWSOrganizationsNotInUseException", Status: http.StatusBadRequest,
				Message: "Your account is not a member of an organization."}
		})}
}
