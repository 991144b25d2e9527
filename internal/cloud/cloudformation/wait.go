package cloudformation

import "beanpole/internal/aws"

var waitCondition = kind{create: func(q *request) (made, error) {
	return made{physical: q.s.state.ARN("cloudformation", q.stack.Region, "stack/"+q.stack.Name+"/"+q.logical)}, nil
}}

var waitHandle = kind{create: func(q *request) (made, error) {
	return made{physical: "https://cloudformation-waitcondition-" + q.stack.Region + ".s3.amazonaws.com/" + aws.NewRequestID()}, nil
},
	update: func(q *request) (made, error) { return made{q.physical, q.r.Attributes}, nil }}
