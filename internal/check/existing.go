package check

import (
	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
)

// useNames lets the template's functions give the names that its resources
// already have.
func (r *run) useNames(env *cfn.Env) {
	if r.in.Names == nil {
		return
	}
	env.Ref = func(logicalID string) (string, bool) {
		id, ok := r.in.Names[logicalID]
		return id, ok
	}
	env.GetAtt = func(logicalID, attribute string) (string, bool) {
		id, ok := r.in.Names[logicalID]
		if !ok || attribute != "Arn" {
			return "", false
		}
		return r.arn(env, logicalID, id)
	}
}

// arn is the ARN of an existing resource, where it follows from its name.
func (r *run) arn(env *cfn.Env, logicalID, id string) (string, bool) {
	a := aws.ARN{Partition: env.Partition, Service: "iam", Account: env.AccountID}
	for _, d := range r.in.Template.Resources {
		if d.LogicalID != logicalID {
			continue
		}
		path := "/"
		if n := d.Node.At("Properties", "Path"); n != nil {
			if n.Tag != "" || !n.IsScalar() {
				return "", false
			}
			path = n.TextOr("/")
		}
		switch d.Type {
		case "AWS::IAM::Role":
			a.Resource = "role" + path + id
		case "AWS::IAM::InstanceProfile":
			a.Resource = "instance-profile" + path + id
		case "AWS::S3::Bucket":
			a.Service, a.Account, a.Resource = "s3", "", id
		default:
			return "", false
		}
		return a.String(), true
	}
	return "", false
}

// listObjects fills in what the buckets hold, where somebody can tell.
func (r *run) listObjects() {
	if r.in.Objects == nil {
		return
	}
	for _, b := range r.account.Buckets {
		if !fact.Known(b.Name) || b.ObjectsComplete {
			continue
		}
		if objects, ok := r.in.Objects(b.Name); ok {
			b.Objects, b.ObjectsComplete = objects, true
		}
	}
}
