//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"time"

	"beanpole/internal/iam"
	"beanpole/internal/iam/simulate"
)

// fasterThanSimulate is the goal for one decision, in times.
const fasterThanSimulate = 100

// The decision that is measured: an instance's role with three policies asks
// for an object, and the bucket has a policy.
const (
	decisionAccount = "111111111111"
	decisionObject  = "arn:aws:s3:::shop-certificates/tls/server.key"
	webTierPolicy   = `{"Version": "2012-10-17", "Statement": [
  {"Sid": "BucketAccess", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*", "s3:PutObject"], "Resource": ["arn:aws:s3:::elasticbeanstalk-*", "arn:aws:s3:::elasticbeanstalk-*/*"]},
  {"Sid": "Logs", "Effect": "Allow", "Action": ["logs:PutLogEvents", "logs:CreateLogStream"], "Resource": "arn:aws:logs:*:*:log-group:/aws/elasticbeanstalk*"}]}`
	listPolicy   = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::shop-certificates", "Condition": {"StringLike": {"s3:prefix": "tls/*"}}}}`
	readPolicy   = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-certificates/tls/*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}}`
	bucketPolicy = `{"Version": "2012-10-17", "Statement": [
  {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-certificates/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
  {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-certificates/*", "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/shop-*"}}}]}`
)

// decision measures one decision of iam and of iam-simulate, each within its
// own process.
func (b *bench) decision() error {
	judge, err := simulate.Start()
	if errors.Is(err, simulate.ErrMissing) {
		fmt.Printf("decision: skipped: %v\n", err)
		return nil
	} else if err != nil {
		return err
	}
	defer judge.Close()
	request, policies, err := decisionQuestion()
	if err != nil {
		return err
	}
	const ourRuns, theirRuns = 20000, 400
	var ours, theirs []time.Duration
	allocated := uint64(0)
	for range b.runs { // in turns, so that a busy machine slows both
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		for range ourRuns {
			if d := iam.Evaluate(request, policies); d.Reason != iam.Allowed {
				return fmt.Errorf("decision: not allowed, by %s", d.Layer)
			}
		}
		ours = append(ours, time.Since(start)/ourRuns)
		runtime.ReadMemStats(&after)
		allocated = (after.Mallocs - before.Mallocs) / ourRuns
		a, err := judge.Time(decisionSimulation(), theirRuns)
		if err != nil {
			return err
		}
		if a.Result != "Allowed" {
			return fmt.Errorf("decision: iam-simulate says %s%s", a.Result, a.Error)
		}
		theirs = append(theirs, time.Duration(a.Nanoseconds))
	}
	one, other := median(ours), median(theirs)
	ratio := float64(other) / float64(one)
	fmt.Printf("one decision of a role with three policies and a bucket policy: %v, %d allocations; iam-simulate %s: %v\n", one, allocated, simulate.Version, other)
	b.goal(ratio >= fasterThanSimulate, "a decision at least %d times faster than iam-simulate's (it is %.0f times faster)", fasterThanSimulate, ratio)
	return nil
}

func decisionQuestion() (*iam.Request, *iam.Policies, error) {
	var p iam.Policies
	for _, text := range []string{webTierPolicy, listPolicy, readPolicy} {
		one, err := iam.ParseJSON("policy", "policy.json", []byte(text))
		if err != nil {
			return nil, nil, err
		}
		p.Identity = append(p.Identity, one)
	}
	var err error
	p.Resource, err = iam.ParseJSON("bucket policy", "bucket.json", []byte(bucketPolicy))
	return &iam.Request{
		Principal: iam.Principal{Account: decisionAccount, ARN: "arn:aws:iam::111111111111:role/shop-web", UserID: "AROASHOPWEBAAAAAAAAAA:i-0abc",
			SessionARN: "arn:aws:sts::111111111111:assumed-role/shop-web/i-0abc"},
		Action: "s3:GetObject", Resource: decisionObject, ResourceAccount: decisionAccount,
		Context: map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {"203.0.113.9"}, "aws:CurrentTime": {"2026-01-01T00:00:00Z"}},
	}, &p, err
}

// decisionSimulation is the same for iam-simulate, which is told the keys that
// follow from the principal.
func decisionSimulation() any {
	policy := func(name, text string) any {
		return map[string]any{"name": name, "policy": json.RawMessage(text)}
	}
	return map[string]any{
		"request": map[string]any{
			"principal": "arn:aws:sts::111111111111:assumed-role/shop-web/i-0abc", "action": "s3:GetObject",
			"resource": map[string]string{"resource": decisionObject, "accountId": decisionAccount},
			"contextVariables": map[string]string{"aws:SecureTransport": "true", "aws:SourceIp": "203.0.113.9", "aws:CurrentTime": "2026-01-01T00:00:00Z",
				"aws:PrincipalArn": "arn:aws:iam::111111111111:role/shop-web", "aws:PrincipalAccount": decisionAccount, "aws:userid": "AROASHOPWEBAAAAAAAAAA:i-0abc"},
		},
		"identityPolicies":       []any{policy("web tier", webTierPolicy), policy("list", listPolicy), policy("read", readPolicy)},
		"serviceControlPolicies": []any{}, "resourceControlPolicies": []any{},
		"resourcePolicy": json.RawMessage(bucketPolicy),
	}
}
