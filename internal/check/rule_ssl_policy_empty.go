package check

import (
	"fmt"

	"beanpole/internal/finding"
)

var sslPolicyEmpty = &Rule{
	Slug:  "ssl-policy-empty",
	Title: "an HTTPS listener gets an empty SSL policy",
	Why: `Without the option SSLPolicy, Elastic Load Balancing chooses a policy itself. An
empty text is not the same as none: the update of the environment fails with
  Creating Load Balancer listener failed Reason: An SSL policy must be specified for HTTPS listeners`,
	Before: `aws:elbv2:listener:443:
  Protocol: HTTPS
  SSLPolicy: ""`,
	After: `aws:elbv2:listener:443:
  Protocol: HTTPS
  SSLPolicy: ELBSecurityPolicy-TLS13-1-2-2021-06`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for _, l := range r.listeners() {
			s := l.set["SSLPolicy"]
			protocol, ok := l.protocol()
			if !l.v2 || l.off() || !ok || protocol != "HTTPS" || s == nil || s.Value.TextOr("") != "" {
				continue
			}
			f := r.settingFinding("ssl-policy-empty", finding.Error, s)
			f.Message = fmt.Sprintf("Elastic Load Balancing will refuse listener %s: its SSL policy is an empty text", l.port)
			f.Notes = []finding.Note{
				{Label: "on AWS", Text: "Creating Load Balancer listener failed Reason: An SSL policy must be specified for HTTPS listeners"},
				{Label: "fix", Text: "remove SSLPolicy, or write a policy such as   ELBSecurityPolicy-TLS13-1-2-2021-06"},
			}
			out = append(out, f)
		}
		return out
	},
}
