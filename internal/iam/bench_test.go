package iam

import (
	"fmt"
	"strings"
	"testing"
)

// typical is a role with three policies, and a bucket policy, each of n
// statements that do not matter besides those that do.
func typical(tb testing.TB, n int) (*Request, *Policies) {
	parse := func(principal, last string) *Policy {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"Effect": "Allow", %s "Action": ["s3:PutObject", "logs:*"], "Resource": "arn:aws:s3:::other-%d/*", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}},`, principal, i)
		}
		p, err := ParseJSON("p", "p.json", []byte(`{"Version": "2012-10-17", "Statement": [`+b.String()+last+`]}`))
		if err != nil {
			tb.Fatal(err)
		}
		return p
	}
	web, _ := AWSManaged("arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier")
	who := `"Principal": {"AWS": "arn:aws:iam::111111111111:role/someone"},`
	return &Request{Principal: callers["web"], Action: "s3:GetObject", Resource: "arn:aws:s3:::certs/client.pem",
			Context: map[string][]string{"aws:SecureTransport": {"true"}, "aws:RequestedRegion": {"eu-west-1"}, "aws:SourceIp": {"10.0.0.1"}}},
		&Policies{
			Identity: []*Policy{web, parse("", `{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::certs"}`),
				parse("", `{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::certs/*"}`)},
			Resource: parse(who, `{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::certs/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}`),
		}
}

func BenchmarkDecision(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r, p := typical(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if d := Evaluate(r, p); d.Reason != Allowed {
					b.Fatal(outcomeText(d))
				}
			}
		})
	}
}

func TestDecisionNeedsNoMemoryPerStatement(t *testing.T) {
	count := func(n int) float64 {
		r, p := typical(t, n)
		return testing.AllocsPerRun(20, func() { Evaluate(r, p) })
	}
	if few, many := count(10), count(1000); many != few || few > 4 {
		t.Errorf("%v allocations with 10 statements, %v with 1,000", few, many)
	}
}
