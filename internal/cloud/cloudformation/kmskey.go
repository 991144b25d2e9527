package cloudformation

import (
	"errors"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// kmsKey is AWS::KMS::Key; Ref is its ID [CFN:aws-resource-kms-key]. KMS has
// no API here: CloudFormation keeps the key, and S3 asks its policy about every
// object that is under it.
var kmsKey = kind{create: createKey, update: updateKey, delete: deleteKey}

func createKey(q *request) (made, error) {
	if err := q.may("kms:CreateKey", "*"); err != nil {
		return made{}, err
	}
	id := aws.NewRequestID() // a UUID
	k := &state.Key{ID: id, ARN: q.s.state.ARN("kms", q.stack.Region, "key/"+id), Disabled: q.text("Enabled") == "false"}
	if err := q.putKey(k); err != nil {
		return made{}, err
	}
	return made{physical: id, attributes: map[string]string{"Arn": k.ARN, "KeyId": id}}, nil
}

// updateKey refuses what a key is for good [CFN:aws-resource-kms-key].
func updateKey(q *request) (made, error) {
	for _, name := range []string{"KeySpec", "KeyUsage", "MultiRegion", "Origin"} {
		if jsonOf(q.old.Get(name)) != jsonOf(q.props.Get(name)) {
			return made{}, because("%s of a KMS key cannot be changed; give the resource another logical ID", name)
		}
	}
	k, err := q.key(q.physical)
	if err != nil {
		return made{}, err
	}
	if jsonOf(q.old.Get("KeyPolicy")) != jsonOf(q.props.Get("KeyPolicy")) {
		if err := q.may("kms:PutKeyPolicy", k.ARN); err != nil {
			return made{}, err
		}
	}
	if off := q.text("Enabled") == "false"; off != k.Disabled {
		if err := q.may(map[bool]string{true: "kms:DisableKey", false: "kms:EnableKey"}[off], k.ARN); err != nil {
			return made{}, err
		}
		k.Disabled = off
	}
	if err := q.putKey(k); err != nil {
		return made{}, err
	}
	return made{physical: q.physical, attributes: q.r.Attributes}, nil
}

// putKey writes a key with the policy that its properties give; without one it
// has the default policy [KMS:key-policy-default].
func (q *request) putKey(k *state.Key) error {
	text := door.Value(document(q.props.Get("KeyPolicy")))
	if text == "" {
		text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + q.s.state.AccountID() + `:root"},"Action":"kms:*","Resource":"*"}]}`
	}
	p, err := iam.ParseJSON("key policy", "", []byte(text))
	if err != nil {
		return malformedKeyPolicy("The key policy is not valid JSON or is no policy")
	}
	if q.text("BypassPolicyLockoutSafetyCheck") != "true" && q.lockedOut(k.ARN, p) {
		return malformedKeyPolicy("The new key policy will not allow you to update the key policy in the future.")
	}
	return q.s.state.Update(func(tx *state.Tx) error {
		d, dead, err := q.s.state.Bind(tx, "key policy", text)
		if err != nil {
			return err
		}
		if dead != "" {
			return malformedKeyPolicy("Policy contains a statement with one or more invalid principals.")
		}
		k.Policy = d
		return tx.PutKey(k)
	})
}

// malformedKeyPolicy is KMS's refusal of a policy [KMS API: CreateKey; texts as
// posted by users].
func malformedKeyPolicy(message string) error {
	return &aws.Error{Code: "MalformedPolicyDocumentException", Status: 400, Message: message}
}

// lockedOut tells whether a policy would keep whoever makes the key from
// changing the policy again, which KMS refuses
// [KMS API: CreateKey, BypassPolicyLockoutSafetyCheck].
func (q *request) lockedOut(arn string, p *iam.Policy) bool {
	caller := door.CallerOf(q.ctx)
	locked := false
	q.s.state.View(func(a *account.Account) {
		with := *a
		with.Keys = []*account.Key{{ARN: arn, Policy: p}}
		locked = access.Authorize(&with, caller.Principal, "kms:PutKeyPolicy", arn, caller.Context).Verdict() == fact.Broken
	})
	return locked
}

// deleteKey schedules the deletion: for at least a week the key is there, and
// of no use [KMS:deleting-keys].
func deleteKey(q *request) error {
	k, err := q.key(q.physical)
	if err != nil {
		return err
	}
	if err := q.may("kms:ScheduleKeyDeletion", k.ARN); err != nil {
		return err
	}
	k.PendingDeletion = true
	return q.s.state.Update(func(tx *state.Tx) error { return tx.PutKey(k) })
}

// key is the key that an ID, an ARN or an alias names.
func (q *request) key(name string) (*state.Key, error) {
	arn := ""
	q.s.state.View(func(a *account.Account) {
		if k, found := a.Key(name); found == fact.Holds {
			arn = k.ARN
		}
	})
	var k *state.Key
	err := q.s.state.Read(func(tx *state.Tx) (err error) {
		if k, err = tx.Key(arn); errors.Is(err, state.ErrNoKey) {
			return &aws.Error{Code: "NotFoundException", Status: 400, Message: "Key '" + name + "' does not exist"}
		}
		return err
	})
	return k, err
}

// may asks whether the stack's caller may do what no row stands for.
func (q *request) may(action string, resources ...string) error {
	var asks []door.Ask
	for _, r := range resources {
		asks = append(asks, door.Ask{Action: action, Resource: r})
	}
	return q.s.door.May(q.ctx, asks...)
}
