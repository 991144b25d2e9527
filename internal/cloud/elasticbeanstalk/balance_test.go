package elasticbeanstalk_test

import (
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

func TestListenersProcessesAndRulesOfAnApplicationLoadBalancer(t *testing.T) {
	w := start(t)
	w.profile()
	w.launcher.answer = good
	w.upload("v1", ".ebextensions/lb.config", `
option_settings:
  aws:elasticbeanstalk:environment:
    LoadBalancerType: application
  aws:elasticbeanstalk:environment:process:default:
    MatcherHTTPCode: 200,302
    HealthCheckInterval: 20
    DeregistrationDelay: 7
  aws:elasticbeanstalk:environment:process:admin:
    Port: 8080
    HealthCheckPath: /health
    StickinessEnabled: true
    StickinessLBCookieDuration: 600
  aws:elbv2:listener:default:
    Rules: admin
  aws:elbv2:listener:8000:
    DefaultProcess: admin
  aws:elbv2:listenerrule:admin:
    PathPatterns: /admin/*,/manage/*
    HostHeaders: shop.example
    Process: admin
Resources:
  AWSEBV2LoadBalancerListener8000:
    Properties:
      DefaultActions:
        - Type: fixed-response
          FixedResponseConfig: {StatusCode: "404", ContentType: text/plain, MessageBody: nobody}
`)
	w.create(al2023, withWeb, enhanced)
	got := w.service.FrontDoor("shop-env")
	for _, want := range []string{
		"application, idle 1m0s",
		"group 80 HTTP check HTTP:80/ 200,302 every 1s, 5s, 3 and 5; draining 7s",
		"group 8080 HTTP check HTTP:8080/health 200 every 750ms, 5s, 3 and 5; draining 20s; sticky 10m0s",
		"listener 80 HTTP to group 80",
		"  rule [shop.example] [/admin/* /manage/*] to group 8080",
		"listener 8000 HTTP answers 404 nobody",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
}

func TestAClassicLoadBalancersPoliciesAndHealthCheck(t *testing.T) {
	w := start(t)
	w.profile()
	w.launcher.answer = good
	w.upload("v1", ".ebextensions/lb.config", `
option_settings:
  aws:elasticbeanstalk:application:
    Application Healthcheck URL: /health
  aws:elb:healthcheck:
    Interval: 20
    HealthyThreshold: 2
  aws:elb:policies:
    ConnectionDrainingEnabled: true
    ConnectionDrainingTimeout: 9
    ConnectionSettingIdleTimeout: 30
    Stickiness Policy: true
    Stickiness Cookie Expiration: 60
  aws:elb:listener:2222:
    ListenerProtocol: TCP
    InstancePort: 22
`)
	w.create(al2023, withWeb)
	got := w.service.FrontDoor("shop-env")
	for _, want := range []string{
		"classic, idle 30s",
		"group 0  check HTTP:80/health 200 every 1s, 5s, 2 and 5; draining 9s",
		"listener 80 HTTP to 80 HTTP; sticky 1m0s",
		"listener 2222 TCP to 22 TCP",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
}

func TestSwappedCNAMEsAreTheOtherEnvironments(t *testing.T) {
	w := start(t)
	w.profile()
	w.launcher.answer = good
	w.upload("v1")
	w.create(al2023, single, withWeb)
	other := eb.CreateEnvironmentInput{ApplicationName: awssdk.String("shop"), EnvironmentName: awssdk.String("Blue-env"), VersionLabel: awssdk.String("v1"),
		SolutionStackName: awssdk.String(al2023), OptionSettings: settings(single, withWeb), CNAMEPrefix: awssdk.String("blue")}
	if _, err := w.beans.CreateEnvironment(t.Context(), &other); err != nil {
		t.Fatal(err)
	}
	w.until("Successfully launched environment: Blue-env")
	if got := w.cname("shop-env") + " " + w.cname("Blue-env"); got != "shop-env.eu-west-1.elasticbeanstalk.localhost blue.eu-west-1.elasticbeanstalk.localhost" {
		t.Errorf("the CNAMEs are %s", got)
	}
	swap := eb.SwapEnvironmentCNAMEsInput{SourceEnvironmentName: awssdk.String("shop-env"), DestinationEnvironmentName: awssdk.String("Blue-env")}
	if _, err := w.beans.SwapEnvironmentCNAMEs(t.Context(), &swap); err != nil {
		t.Fatal(err)
	}
	w.expect("INFO swapEnvironmentCNAMEs", `
INFO swapEnvironmentCNAMEs is starting.
INFO Swapping CNAMEs for environments 'shop-env' and 'Blue-env'.
INFO 'blue.eu-west-1.elasticbeanstalk.localhost' now points to 'shop-env.eu-west-1.elb.localhost'.
INFO 'shop-env.eu-west-1.elasticbeanstalk.localhost' now points to 'blue-env.eu-west-1.elb.localhost'.
INFO Completed swapping CNAMEs for environments 'shop-env' and 'Blue-env'.`)
	if got := w.cname("shop-env") + " " + w.cname("Blue-env"); got != "blue.eu-west-1.elasticbeanstalk.localhost shop-env.eu-west-1.elasticbeanstalk.localhost" {
		t.Errorf("after the swap the CNAMEs are %s", got)
	}
	if free, err := w.beans.CheckDNSAvailability(t.Context(), &eb.CheckDNSAvailabilityInput{CNAMEPrefix: awssdk.String("Blue")}); err != nil || *free.Available {
		t.Errorf("blue is free: %v, %v", free, err)
	}
	swap.DestinationEnvironmentName = awssdk.String("nobody")
	if _, err := w.beans.SwapEnvironmentCNAMEs(t.Context(), &swap); err == nil || !strings.Contains(err.Error(), "No Environment found for EnvironmentName = 'nobody'.") {
		t.Errorf("error is %v", err)
	}
}

func (w *world) cname(name string) string {
	w.t.Helper()
	out, err := w.beans.DescribeEnvironments(w.t.Context(), &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{name}})
	if err != nil || len(out.Environments) != 1 {
		w.t.Fatalf("%s: %v, %v", name, out, err)
	}
	return *out.Environments[0].CNAME
}
