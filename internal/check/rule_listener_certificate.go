package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var listenerCertificate = &Rule{
	Slug:  "listener-certificate",
	Title: "a listener and its certificate do not fit",
	Why: `A listener that speaks HTTPS or SSL needs a certificate: SSLCertificateId of a Classic
Load Balancer, SSLCertificateArns of an Application Load Balancer, in the listener's
own namespace. Without one the update of the environment fails:
  Secure Listeners need to specify a SSLCertificateId
  A certificate must be specified for HTTPS listeners
A listener that speaks HTTP or TCP does not use a certificate: what is meant to be
HTTPS on port 443 is plain HTTP. The protocol's default is HTTP on every port.`,
	Before: `aws:elbv2:listener:443:
  SSLCertificateArns: arn:aws:acm:eu-west-1:123456789012:certificate/…`,
	After: `aws:elbv2:listener:443:
  Protocol: HTTPS
  SSLCertificateArns: arn:aws:acm:eu-west-1:123456789012:certificate/…`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		network, stray := r.balancerKind() == "network", r.certificates()
		for _, l := range r.listeners() {
			protocol, ok := l.protocol()
			if !ok || l.off() || l.v2 && network {
				continue
			}
			cert := l.set[l.certificate()]
			switch given := cert != nil && cert.Value.TextOr("") != ""; {
			case encrypted(protocol) && !given:
				out = append(out, r.needsCertificate(l, protocol, stray))
			case !encrypted(protocol) && given:
				out = append(out, r.leavesCertificate(l, protocol))
			case given:
				if f := r.otherRegion(l); f != nil {
					out = append(out, f)
				}
			}
		}
		return out
	},
}

// needsCertificate reports a listener that ends TLS without a certificate.
func (r *run) needsCertificate(l *listener, protocol string, stray []*ebext.Setting) *finding.Finding {
	name := "ListenerProtocol"
	literal := "Secure Listeners need to specify a SSLCertificateId"
	if l.v2 {
		name, literal = "Protocol", "A certificate must be specified for HTTPS listeners"
	}
	f := r.settingFinding("listener-certificate", finding.Error, l.set[name])
	f.Certain = r.direct
	if !f.Certain {
		f.Severity = finding.Warning
	}
	f.Message = fmt.Sprintf("Elastic Load Balancing %s refuse listener %s: it speaks %s and has no certificate", will(f), l.port, protocol)
	f.Notes = []finding.Note{{Label: "on AWS", Text: literal}}
	for _, s := range stray {
		if s.Namespace != l.namespace {
			f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: "the certificate stands in " + optionText(s), At: place(s.Pos)})
			break
		}
	}
	if !f.Certain {
		f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "whether the console, a saved configuration or a template sets " + l.namespace + " " + l.certificate()})
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "add to " + l.namespace + "   " + l.certificate() + ": ARN of a certificate in the environment's region"})
	return f
}

// certificates are the first two settings that name a certificate, each in
// another namespace: one of them stands where it does not reach a listener.
func (r *run) certificates() (out []*ebext.Setting) {
	for _, s := range r.made() {
		if s.Option != "SSLCertificateId" && s.Option != "SSLCertificateArns" || len(out) == 2 || len(out) == 1 && out[0].Namespace == s.Namespace {
			continue
		}
		if _, _, ok := listenerPort(s.Namespace); ok || s.Namespace == "aws:elb:loadbalancer" {
			out = append(out, s)
		}
	}
	return out
}

// leavesCertificate reports a certificate that its listener does not use.
func (r *run) leavesCertificate(l *listener, protocol string) *finding.Finding {
	name := "ListenerProtocol"
	if l.v2 {
		name = "Protocol"
	}
	f := r.settingFinding("listener-certificate", finding.Warning, l.set[l.certificate()])
	f.Certain = r.direct || l.set[name] != nil
	f.Message = fmt.Sprintf("this certificate %s not be used: listener %s speaks %s", will(f), l.port, protocol)
	fix := "add   " + name + ": HTTPS"
	if s := l.set[name]; s != nil {
		fix = "write   " + name + ": HTTPS   (the balancer ends TLS)"
		if protocol == "TCP" {
			fix = "write   " + name + ": HTTPS   or   SSL   (the balancer ends TLS), or remove the certificate (the instances end it)"
		}
		f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: "TLS ends at a listener only when it speaks HTTPS or SSL", At: []source.Pos{s.Value.Place()}})
	} else {
		f.Notes = append(f.Notes, finding.Note{Label: "cause", Text: name + " is not set, and its default is HTTP on every port"})
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	return f
}

// otherRegion reports a certificate that is not in the environment's region,
// or no ARN at all.
func (r *run) otherRegion(l *listener) *finding.Finding {
	s := l.set[l.certificate()]
	region := r.env().Region
	for _, arn := range strings.Split(s.Value.Text, ",") {
		arn = strings.TrimSpace(arn)
		if !fact.Known(arn) || strings.Contains(arn, "`") {
			continue
		}
		parts := strings.Split(arn, ":")
		f := r.settingFinding("listener-certificate", finding.Error, s)
		if parts[0] != "arn" || len(parts) < 6 {
			f.Severity, f.Certain = finding.Warning, false // it may be a placeholder that is filled in later
			f.Message = fmt.Sprintf("Elastic Load Balancing may refuse listener %s: %q is no ARN of a certificate", l.port, arn)
			f.Notes = []finding.Note{
				{Label: "on AWS", Text: "Certificate ARN '" + arn + "' is not valid"},
				{Label: "fix", Text: "write the ARN of a certificate in ACM or IAM: arn:aws:acm:REGION:ACCOUNT:certificate/ID"},
			}
			return f
		}
		if parts[2] == "acm" && fact.Known(region) && parts[3] != "" && parts[3] != region {
			f.Message = fmt.Sprintf("Elastic Load Balancing will refuse listener %s: the certificate is in %s, the environment in %s", l.port, parts[3], region)
			f.Notes = []finding.Note{
				{Label: "on AWS", Text: "CertificateNotFound"},
				{Label: "cause", Text: "a balancer takes certificates of its own region only"},
				{Label: "fix", Text: "request or import the certificate in " + region + ", and write its ARN there"},
			}
			return f
		}
	}
	return nil
}
