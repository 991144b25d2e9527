package check

import (
	"strings"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/nginx"
	"beanpole/internal/source"
)

var tlsPortClosed = &Rule{
	Slug:  "tls-port-closed",
	Title: "the single instance serves 443, which nobody may reach",
	Why: `Of an environment with a single instance, Elastic Beanstalk opens port 80 in the
instance's security group, and nothing else. A proxy on the instance that listens on 443
starts, the deployment succeeds, and browsers wait until they give up
[EB:https-singleinstance, samples:https-singleinstance-securitygroup.config].`,
	Before: `# .platform/nginx/conf.d/https.conf
server {
  listen 443 ssl;
}`,
	After: `# .ebextensions/port.config, beside it
Resources:
  sslSecurityGroupIngress:
    Type: AWS::EC2::SecurityGroupIngress
    Properties:
      GroupId: {"Fn::GetAtt": ["AWSEBSecurityGroup", "GroupId"]}
      IpProtocol: tcp
      FromPort: 443
      ToPort: 443
      CidrIp: 0.0.0.0/0`,
	Since: "0.1.0",

	// Silent while settings are not all known: a security group may come with
	// those that are not.
	find: func(r *run) []*finding.Finding {
		if !r.direct || r.balanced() != fact.Broken || r.ownGroups() || r.opensByCommand() {
			return nil
		}
		at, end := r.listensOn443()
		if open := r.openedPorts(); !at.IsValid() || open.holds(443) {
			return nil
		}
		return []*finding.Finding{{
			Rule: "tls-port-closed", Severity: finding.Warning, Certain: true, Pos: at, End: end,
			Message: "nobody will reach port 443: the instance's security group opens port 80 only",
			Notes: []finding.Note{
				{Label: "on AWS", Text: "the deployment succeeds, and clients get a time-out"},
				{Label: "fix", Text: "add an AWS::EC2::SecurityGroupIngress for port 443 of AWSEBSecurityGroup to Resources"},
			},
		}}
	},
}

// opensByCommand: a command of the bundle changes security groups by itself.
func (r *run) opensByCommand() bool {
	for _, s := range r.scripts() {
		if strings.Contains(s.text.Text, "authorize-security-group-ingress") {
			return true
		}
	}
	return false
}

var apacheListens = lazyregexp.New(`(?mi)^[ \t]*Listen[ \t]+(?:\S+:)?443\b`)

// listensOn443 is the first place where a proxy's file of the bundle listens on
// port 443, where that file is read.
func (r *run) listensOn443() (at, end source.Pos) {
	if applies, _ := r.proxyIs("nginx"); applies {
		for _, f := range r.nginxFiles() {
			if on, _ := r.onGenerations(f.on...); !on {
				continue
			}
			f.parse()
			nginx.Walk(f.directives, func(d *nginx.Directive) {
				if !at.IsValid() && d.Name.Text == "listen" && len(d.Args) > 0 && isPort443(d.Args[0].Text) {
					at, end = f.text.PosAt(d.Name.Start), f.text.PosAt(d.End)
				}
			})
		}
	}
	if applies, _ := r.proxyIs("apache"); applies && !at.IsValid() {
		for _, text := range r.apacheFiles() {
			if m := apacheListens.FindStringIndex(text.Text); m != nil {
				return text.PosAt(m[0]), text.PosAt(m[1])
			}
		}
	}
	return at, end
}

func isPort443(address string) bool {
	return address == "443" || strings.HasSuffix(address, ":443")
}
