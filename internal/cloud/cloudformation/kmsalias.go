package cloudformation

import (
	"slices"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/state"
	"beanpole/internal/fact"
)

// kmsAlias is AWS::KMS::Alias; Ref is its name [CFN:aws-resource-kms-alias].
var kmsAlias = kind{create: createAlias, update: updateAlias, replace: []string{"AliasName"}, delete: deleteAlias}

func createAlias(q *request) (made, error) {
	name := q.text("AliasName")
	switch {
	case !strings.HasPrefix(name, "alias/"):
		return made{}, &aws.Error{Code: "ValidationException", Status: 400, Message: "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"}
	case strings.HasPrefix(name, "alias/aws/"):
		return made{}, &aws.Error{Code: "NotAuthorizedException", Status: 400, Message: "alias/aws/ is AWS's own"}
	}
	taken := false
	q.s.state.View(func(a *account.Account) {
		_, found := a.Key(name)
		taken = found == fact.Holds
	})
	if taken {
		return made{}, &aws.Error{Code: "AlreadyExistsException", Status: 400, Message: "An alias with the name " + q.aliasARN(name) + " already exists"}
	}
	if err := q.pointAlias("kms:CreateAlias", name); err != nil {
		return made{}, err
	}
	return made{physical: name}, nil
}

func (q *request) aliasARN(name string) string {
	return q.s.state.ARN("kms", q.stack.Region, name)
}

// pointAlias has a name lead to the key that TargetKeyId names, and to no other.
func (q *request) pointAlias(action, name string) error {
	target, err := q.required("TargetKeyId")
	if err != nil {
		return err
	}
	k, err := q.key(target)
	if err != nil {
		return err
	}
	if err := q.may(action, q.aliasARN(name), k.ARN); err != nil {
		return err
	}
	return q.s.state.Update(func(tx *state.Tx) error { return moveAlias(tx, name, k.ARN) })
}

// moveAlias takes a name from the key that has it and gives it to the one with
// the ARN; "" is none.
func moveAlias(tx *state.Tx, name, arn string) error {
	all, err := tx.Keys()
	if err != nil {
		return err
	}
	for _, k := range all {
		has, shall := slices.Contains(k.Aliases, name), k.ARN == arn
		switch {
		case has == shall:
			continue
		case shall:
			k.Aliases = append(k.Aliases, name)
		default:
			k.Aliases = slices.DeleteFunc(k.Aliases, func(a string) bool { return a == name })
		}
		if err := tx.PutKey(k); err != nil {
			return err
		}
	}
	return nil
}

func updateAlias(q *request) (made, error) {
	if err := q.pointAlias("kms:UpdateAlias", q.physical); err != nil {
		return made{}, err
	}
	return made{physical: q.physical}, nil
}

func deleteAlias(q *request) error {
	if err := q.may("kms:DeleteAlias", q.aliasARN(q.physical)); err != nil {
		return err
	}
	return q.s.state.Update(func(tx *state.Tx) error { return moveAlias(tx, q.physical, "") })
}
