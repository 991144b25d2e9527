package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var resourceNotMade = &Rule{
	Slug:  "resource-not-made",
	Title: "this environment has no such resource",
	Why: `Which resources Elastic Beanstalk makes follows from the type of the environment. A
single instance has an Elastic IP and no load balancer; a Classic Load Balancer is
AWSEBLoadBalancer, an Application or Network Load Balancer AWSEBV2LoadBalancer. What
refers to another one makes CloudFormation refuse the environment's template:
  Template format error: Unresolved resource dependencies [AWSEBLoadBalancer] in the Resources block of the template
  Template error: instance of Fn::GetAtt references undefined resource AWSEBLoadBalancer`,
	Before: `option_settings:
  aws:elasticbeanstalk:environment:
    LoadBalancerType: application
Resources:
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Dimensions: [{Name: LoadBalancerName, Value: {Ref: AWSEBLoadBalancer}}]`,
	After: `      Dimensions: [{Name: LoadBalancer, Value: {"Fn::GetAtt": [AWSEBV2LoadBalancer, LoadBalancerFullName]}}]`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		k := r.kind()
		if k == (kinds{}) {
			return nil
		}
		for _, ref := range r.references() {
			if !strings.HasPrefix(ref.logicalID, "AWSEB") {
				continue
			}
			if why, fix := k.missing(ref.logicalID); why != "" {
				out = append(out, notMade(ref, why, fix))
			}
		}
		return out
	},
}

func notMade(ref reference, why, fix string) *finding.Finding {
	f := &finding.Finding{Rule: "resource-not-made", Severity: finding.Error, Certain: true, Pos: ref.at.Pos, End: ref.at.End}
	if i := strings.Index(ref.at.Text, ref.logicalID); i > 0 {
		f.Pos, f.End = ref.at.PosAt(i), ref.at.PosAt(i+len(ref.logicalID))
	}
	if ref.logicalID == balancerGroup && strings.Contains(why, "VPC") {
		f.Severity, f.Certain = finding.Warning, false // so AWS documents; accounts differ in what their default VPC is
	}
	f.Message = fmt.Sprintf("CloudFormation "+will(f)+" refuse the environment's template: there is no %s in it", ref.logicalID)
	f.Notes = []finding.Note{{Label: "cause", Text: why}}
	switch ref.by {
	case "Fn::GetAtt":
		f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: "Template error: instance of Fn::GetAtt references undefined resource " + ref.logicalID})
	case "Ref", "DependsOn":
		f.Notes = append(f.Notes, finding.Note{Label: "on AWS", Text: "Template format error: Unresolved resource dependencies [" + ref.logicalID + "] in the Resources block of the template"})
	default:
		f.Message += ", and what is written here is no resource of its own: it has no Type"
	}
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fix})
	return f
}

// kinds is what is known of the kind of environment; an empty field is not
// known.
type kinds struct {
	single, balanced bool
	balancer         string // "classic", "application", "network"
	tier             string // "WebServer", "Worker"
	noVPC, noRDS     bool
}

func (r *run) kind() (k kinds) {
	kind, set := r.known(environmentNamespace, "EnvironmentType")
	sure := set != nil && (set.Level > ebext.Default || r.direct)
	k.single = sure && kind == "SingleInstance"
	k.balanced = sure && kind == "LoadBalanced"
	if !k.single {
		k.balancer = r.balancerKind()
	}
	if !r.direct {
		return k
	}
	if vpc, ok := r.settings.Get("aws:ec2:vpc", "VPCId"); !ok || vpc.Value.TextOr("") == "" {
		k.noVPC = true
	}
	k.noRDS = true
	for _, s := range r.made() {
		if s.Namespace == "aws:rds:dbinstance" {
			k.noRDS = false
		}
	}
	if e := r.environmentResource(); e != nil {
		tier := e.Properties.At("Tier", "Name").TextOr("WebServer")
		if fact.Known(tier) {
			k.tier = tier
		}
	}
	return k
}

const (
	classicBalancer = "AWSEBLoadBalancer"
	newBalancer     = "AWSEBV2LoadBalancer"
	balancerGroup   = "AWSEBLoadBalancerSecurityGroup"
)

// missing says why a resource of Elastic Beanstalk is not made, "" when it is,
// or may be [EB:customize-containers-format-resources-eb].
func (k kinds) missing(id string) (why, fix string) {
	balancer := id == classicBalancer || id == balancerGroup || strings.HasPrefix(id, newBalancer)
	scaling := strings.HasPrefix(id, "AWSEBCloudwatchAlarm") || strings.HasPrefix(id, "AWSEBAutoScalingScale")
	switch {
	case k.single && (balancer || scaling):
		return "EnvironmentType is SingleInstance: the environment has no load balancer and does not scale",
			"leave it out for a single instance, or set EnvironmentType   LoadBalanced"
	case k.tier == "Worker" && balancer:
		return "a worker environment has no load balancer", "leave it out for a worker"
	case k.tier == "WebServer" && strings.HasPrefix(id, "AWSEBWorker"):
		return "only a worker environment has queues", "leave it out, or make the environment a worker (Tier)"
	case k.balanced && id == "AWSEBEIP":
		return "EnvironmentType is LoadBalanced: only a single instance has an Elastic IP", "use the load balancer's DNS name"
	case k.balancer == "classic" && strings.HasPrefix(id, newBalancer):
		return "the environment's load balancer is of type classic", "write   " + classicBalancer + "   , or set LoadBalancerType   application"
	case (k.balancer == "application" || k.balancer == "network") && id == classicBalancer:
		return "the environment's load balancer is of type " + k.balancer, "write   " + newBalancer + "   (its attributes have other names)"
	case k.balancer == "classic" && k.noVPC && id == balancerGroup:
		return "it is made in a VPC of your own only, and option aws:ec2:vpc VPCId is not set",
			"name the group by   {\"Fn::GetAtt\": [" + classicBalancer + ", SourceSecurityGroup.GroupName]}"
	case k.noRDS && id == "AWSEBRDSDatabase":
		return "no option of aws:rds:dbinstance is set, so the environment has no database", "write the database's endpoint, or set options of aws:rds:dbinstance"
	}
	return "", ""
}
