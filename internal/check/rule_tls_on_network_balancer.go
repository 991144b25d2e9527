package check

import (
	"fmt"

	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var tlsOnNetworkBalancer = &Rule{
	Slug:  "tls-on-network-balancer",
	Title: "a network load balancer gets TLS or HTTP options",
	Why: `Elastic Beanstalk makes TCP listeners only for a Network Load Balancer; TLS ends at
the instances. Certificate and SSL policy are refused before anything is changed:
  Invalid option value: '…' (Namespace: 'aws:elbv2:listener:443', OptionName: 'SSLCertificateArns'): SSL options are not supported for Network Load Balancers.`,
	Before: `aws:elasticbeanstalk:environment:
  LoadBalancerType: network
aws:elbv2:listener:443:
  Protocol: HTTPS
  SSLCertificateArns: arn:aws:acm:…`,
	After: `aws:elasticbeanstalk:environment:
  LoadBalancerType: network
aws:elbv2:listener:443:
  DefaultProcess: https
aws:elasticbeanstalk:environment:process:https:
  Port: 443`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if r.balancerKind() != "network" {
			return nil
		}
		_, kind, certain := r.option(environmentNamespace, "LoadBalancerType")
		for _, l := range r.listeners() {
			if !l.v2 || l.off() {
				continue
			}
			for _, option := range []string{"Protocol", "SSLCertificateArns", "SSLPolicy"} {
				s := l.set[option]
				if s == nil || s.Value.TextOr("") == "" || option == "Protocol" && (s.Value.Text == "TCP" || len(s.Value.Text) > 5) {
					continue
				}
				f := r.settingFinding("tls-on-network-balancer", finding.Error, s)
				f.Certain = certain || kind.Pos.IsValid()
				f.Message = fmt.Sprintf("Elastic Beanstalk %s refuse the deployment: a Network Load Balancer's listeners speak TCP, without a certificate", will(f))
				f.Notes = []finding.Note{{Label: "cause", Text: "LoadBalancerType is network", At: []source.Pos{kind.Value.Place()}}}
				if option != "Protocol" {
					f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: fmt.Sprintf(
						"Invalid option value: '%s' (Namespace: '%s', OptionName: '%s'): SSL options are not supported for Network Load Balancers.", s.Value.Text, s.Namespace, option)})
				}
				f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "let the instances end TLS, or choose LoadBalancerType   application"})
				out = append(out, f)
			}
		}
		return out
	},
}
