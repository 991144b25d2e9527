package check

import (
	"fmt"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var workerDenied = &Rule{
	Slug:  "worker-denied",
	Title: "the worker's role may not read the queue",
	Why: `On every instance of a worker environment a daemon reads messages from the
environment's queue, with the instances' role. Without sqs:ReceiveMessage and
sqs:DeleteMessage nothing arrives; for the periodic tasks of cron.yaml it also writes to
a DynamoDB table. AWSElasticBeanstalkWorkerTier holds both.`,
	Before: `Tier: {Name: Worker, Type: SQS/HTTP}
# the role has AWSElasticBeanstalkWebTier only`,
	After: `ManagedPolicyArns: [arn:aws:iam::aws:policy/AWSElasticBeanstalkWorkerTier]`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		if r.kind().tier != "Worker" {
			return nil
		}
		return r.workerRights(r.in.Bundle.Has("cron.yaml"))
	},
}

func (r *run) workerRights(cron bool) []*finding.Finding {
	role := r.instanceRole()
	if role == nil {
		return nil
	}
	needs := [][2]string{
		{"sqs:ReceiveMessage", r.arnOf("sqs", fact.Symbol("queue"))},
		{"sqs:DeleteMessage", r.arnOf("sqs", fact.Symbol("queue"))},
	}
	if cron {
		needs = append(needs, [2]string{"dynamodb:PutItem", r.arnOf("dynamodb", "table/"+fact.Symbol("table"))})
	}
	for _, need := range needs {
		if !r.denied(role, need[0], need[1]) {
			continue
		}
		f := roleFinding("worker-denied", finding.Error, role)
		what := "the worker will not get its messages"
		if need[0] == "dynamodb:PutItem" {
			what = "the tasks of cron.yaml will not run"
		}
		f.Message = fmt.Sprintf("%s: the instances' role may not call %s", what, need[0])
		f.Notes = []finding.Note{
			{Label: "role", Text: fact.Show(role.Name)},
			{Label: "on AWS", Text: "is not authorized to perform: " + need[0]},
			{Label: "fix", Text: "attach   arn:aws:iam::aws:policy/AWSElasticBeanstalkWorkerTier"},
		}
		return []*finding.Finding{f}
	}
	return nil
}
