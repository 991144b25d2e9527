package cloudformation

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/cloud/door"
)

// What an application is told of its resources must have AWS's form.
func TestRecordsGiveNamesInAWSsForm(t *testing.T) {
	const declared = `
Resources:
  Jobs: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: {StreamViewType: KEYS_ONLY}}}
  Plain: {Type: AWS::DynamoDB::Table, Properties: {TableName: plain}}
  Topic: {Type: AWS::SNS::Topic}
  Sub: {Type: AWS::SNS::Subscription, Properties: {TopicArn: !Ref Topic, Protocol: https}}
  Queue: {Type: AWS::SQS::Queue}
  Files: {Type: AWS::EFS::FileSystem}
  Db: {Type: AWS::RDS::DBInstance, Properties: {Engine: postgres}}
  Cache: {Type: AWS::ElastiCache::CacheCluster, Properties: {Port: 6380}}
  Secret: {Type: AWS::SecretsManager::Secret}
  Param: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: v}}
  Balancer: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Type: network}}
  Listener: {Type: AWS::ElasticLoadBalancingV2::Listener, Properties: {LoadBalancerArn: !Ref Balancer}}
  Rule: {Type: AWS::ElasticLoadBalancingV2::ListenerRule, Properties: {ListenerArn: !Ref Listener}}
  Launch: {Type: AWS::EC2::LaunchTemplate}
  Record: {Type: AWS::Route53::RecordSet, Properties: {Name: www.example.com}}
Outputs:
`
	const random, digits = "[0-9A-Z]{13}", "[0-9a-f]{16}"
	wanted := []struct{ value, form string }{
		{"!Ref Jobs", "site-Jobs-" + random},
		{"!GetAtt Jobs.StreamArn", `arn:aws:dynamodb:eu-west-1:123456789012:table/site-Jobs-` + random + `/stream/20\d\d-.*`},
		{"!GetAtt Plain.Arn", "arn:aws:dynamodb:eu-west-1:123456789012:table/plain"},
		{"!Ref Topic", "arn:aws:sns:eu-west-1:123456789012:site-Topic-" + random},
		{"!GetAtt Topic.TopicName", "site-Topic-" + random},
		{"!Ref Sub", "arn:aws:sns:eu-west-1:123456789012:site-Topic-" + random + ":[0-9a-f-]{36}"},
		{"!Ref Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/site-Queue-" + random},
		{"!GetAtt Queue.Arn", "arn:aws:sqs:eu-west-1:123456789012:site-Queue-" + random},
		{"!Ref Files", "fs-[0-9a-f]{17}"},
		{"!GetAtt Db.Endpoint.Address", `site-db-[0-9a-z]{13}\.[0-9a-z]{12}\.eu-west-1\.rds\.amazonaws\.com`},
		{"!GetAtt Db.Endpoint.Port", "5432"},
		{"!GetAtt Cache.RedisEndpoint.Address", `site-cache-[0-9a-z]{13}\.[0-9a-z]{6}\.0001\.euw1\.cache\.amazonaws\.com`},
		{"!GetAtt Cache.RedisEndpoint.Port", "6380"},
		{"!Ref Secret", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:Secret-[0-9A-Za-z]{12}-[0-9A-Za-z]{6}"},
		{"!Ref Param", "CFN-Param-[0-9A-Za-z]{12}"},
		{"!GetAtt Param.Value", "v"},
		{"!Ref Balancer", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/site-Balancer-" + random + "/" + digits},
		{"!Ref Listener", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/net/site-Balancer-" + random + "/" + digits + "/" + digits},
		{"!Ref Rule", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/net/site-Balancer-" + random + "/" + digits + "/" + digits + "/" + digits},
		{"!GetAtt Launch.LatestVersionNumber", "1"},
		{"!Ref Record", `www\.example\.com`},
	}
	template := declared
	for i, c := range wanted {
		template += fmt.Sprintf("  O%d: {Value: %s}\n", i, c.value)
	}
	w := start(t, t.TempDir())
	if err := w.create(template, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); got != types.StackStatusCreateComplete {
		t.Fatalf("status %s; events are\n%s", got, w.events())
	}
	outputs := map[string]string{}
	for _, o := range w.s.sorted()[0].Outputs {
		outputs[door.Value(o.OutputKey)] = door.Value(o.OutputValue)
	}
	for i, c := range wanted {
		if got := outputs[fmt.Sprintf("O%d", i)]; !regexp.MustCompile("^" + c.form + "$").MatchString(got) {
			t.Errorf("%s is %q, want the form %s", c.value, got, c.form)
		}
	}
	if got := w.events(); !strings.Contains(got, "Jobs CREATE_COMPLETE "+NoteOnRecord) || strings.Contains(got, "Launch CREATE_COMPLETE "+NoteOnRecord) {
		t.Errorf("what is a name only is told of the wrong resources:\n%s", got)
	}
}

func TestUnknownAttributeIsTold(t *testing.T) {
	w := start(t, t.TempDir())
	if err := w.create("Resources: {Q: {Type: AWS::SQS::Queue}, T: {Type: AWS::SNS::Topic, Properties: {DisplayName: !GetAtt Q.Nope}}, N: {Type: AWS::SNS::Topic, DependsOn: T, Properties: {TopicName: !GetAtt Q.Nope}}}", nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	for _, want := range []string{"T CREATE_COMPLETE " + NoteOnRecord + "; beanpole does not know the value of Q.Nope", "N CREATE_FAILED beanpole does not know the value of Q.Nope"} {
		if got := w.events(); !strings.Contains(got, want) {
			t.Errorf("events lack %q:\n%s", want, got)
		}
	}
}

// A resource keeps its names over an update, and gets new ones when the
// property that names it changes.
func TestRecordsKeepTheirNamesOverUpdates(t *testing.T) {
	const template = "Resources: {L: {Type: AWS::EC2::LaunchTemplate, Properties: {N: 1}}, D: {Type: AWS::RDS::DBInstance, Properties: {Port: 1}}}\nOutputs: {V: {Value: !GetAtt L.LatestVersionNumber}, A: {Value: !GetAtt D.Endpoint.Address}, P: {Value: !GetAtt D.Endpoint.Port}}"
	w := start(t, t.TempDir())
	if err := w.create(template, nil); err != nil {
		t.Fatal(err)
	}
	w.settle()
	output := func(name string) string {
		for _, o := range w.s.sorted()[0].Outputs {
			if door.Value(o.OutputKey) == name {
				return door.Value(o.OutputValue)
			}
		}
		return ""
	}
	address := output("A")
	changed := strings.NewReplacer("N: 1", "N: 2", "Port: 1", "Port: 2").Replace(template)
	if _, err := w.s.UpdateStack(w.ctx, &cf.UpdateStackInput{StackName: door.Given("site"), TemplateBody: &changed}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if output("A") != address || address == "" || output("V") != "2" || output("P") != "2" {
		t.Errorf("address %q then %q, version %s, port %s", address, output("A"), output("V"), output("P"))
	}
	changed = strings.Replace(changed, "{Port: 2}", "{DBInstanceIdentifier: other}", 1)
	if _, err := w.s.UpdateStack(w.ctx, &cf.UpdateStackInput{StackName: door.Given("site"), TemplateBody: &changed}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if got := output("A"); !strings.HasPrefix(got, "other.") {
		t.Errorf("a renamed instance has the address %q", got)
	}
}
