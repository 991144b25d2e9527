package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var otherBalancer = &Rule{
	Slug:  "other-balancer",
	Title: "these options are for another type of load balancer",
	Why: `Namespaces aws:elb:… configure a Classic Load Balancer, aws:elbv2:… an Application or
Network Load Balancer. Elastic Beanstalk does not carry them over to the environment's
own type: a listener on 443 that stands in the wrong namespace is never made. The type
is LoadBalancerType of aws:elasticbeanstalk:environment; where nobody sets it, the API
and CloudFormation take classic.`,
	Before: `aws:elasticbeanstalk:environment:
  LoadBalancerType: application
aws:elb:listener:443:
  ListenerProtocol: HTTPS
  SSLCertificateId: arn:aws:acm:…`,
	After: `aws:elasticbeanstalk:environment:
  LoadBalancerType: application
aws:elbv2:listener:443:
  Protocol: HTTPS
  SSLCertificateArns: arn:aws:acm:…`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		kind := r.balancerKind()
		if kind == "" {
			return nil
		}
		_, chosen, _ := r.option(environmentNamespace, "LoadBalancerType")
		byNamespace := map[string]*finding.Finding{}
		for _, s := range r.made() {
			wrong := strings.HasPrefix(s.Namespace, "aws:elbv2:")
			if kind != "classic" {
				wrong = strings.HasPrefix(s.Namespace, "aws:elb:") && !sentAnyway[s.Option]
			}
			if !wrong {
				continue
			}
			if f := byNamespace[s.Namespace]; f != nil {
				also(f, s.Pos)
				continue
			}
			f := r.otherBalancer(s, chosen, kind)
			byNamespace[s.Namespace] = f
			out = append(out, f)
		}
		return out
	},
}

// sentAnyway are classic options that the console and the EB CLI send for
// every environment [EB:command-options].
var sentAnyway = map[string]bool{"CrossZone": true, "ConnectionDrainingEnabled": true, "ConnectionDrainingTimeout": true}

func (r *run) otherBalancer(s, chosen *ebext.Setting, kind string) *finding.Finding {
	f := r.optionFinding("other-balancer", finding.Warning, s)
	f.Certain = false
	f.Message = fmt.Sprintf("%s may have no effect, or be refused: the environment's load balancer is of type %s", s.Namespace, kind)
	own := "aws:elbv2:…"
	if kind == "classic" {
		own = "aws:elb:…"
	}
	f.Notes = []finding.Note{{Label: "cause", Text: "its options stand in " + own}}
	if at := chosen.Value.Place(); at.IsValid() {
		f.Notes = append(f.Notes, finding.Note{Label: "type", Text: fmt.Sprintf("LoadBalancerType is %q", kind), At: []source.Pos{at}})
	} else {
		f.Notes = append(f.Notes, finding.Note{Label: "type", Text: "nobody sets LoadBalancerType, and its default is classic"})
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: "move the options to " + own + ", or change LoadBalancerType (a new environment is needed then)"})
	return f
}
