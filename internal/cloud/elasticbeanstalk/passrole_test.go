package elasticbeanstalk_test

import (
	"strings"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Whoever may make environments, but not pass the role, would otherwise get
// the role's credentials from an instance that runs his own bundle.
func TestInstancesGetNoProfileWhoseRoleTheCallerMayNotPass(t *testing.T) {
	for _, from := range []string{"the API", "the bundle"} {
		w := start(t)
		w.profile()
		w.denied = "iam:PassRole"
		options := []string{single, withWeb}
		if from == "the API" {
			w.upload("v1")
		} else {
			options = options[:1]
			w.upload("v1", ".ebextensions/a.config", "option_settings:\n  aws:autoscaling:launchconfiguration:\n    IamInstanceProfile: web\n")
		}
		w.launcher.answer = good
		w.create(al2023, options...)
		if got := w.events(); !strings.Contains(got, "is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/web-role") {
			t.Errorf("named by %s: the events do not say why:\n%s", from, got)
		}
		if len(w.launcher.machines) != 0 {
			t.Errorf("named by %s: %d instances were started", from, len(w.launcher.machines))
		}
	}
}

func TestRunningInstancesKeepTheirProfileWhenAnUpdateIsRefused(t *testing.T) {
	w := start(t)
	w.profile()
	w.upload("v1")
	w.launcher.answer = good
	w.create(al2023, single, withWeb)
	ctx, more := t.Context(), awssdk.String("powerful")
	if _, err := w.iam.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: more}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.iam.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: more, RoleName: awssdk.String("web-role")}); err != nil {
		t.Fatal(err)
	}
	w.denied = "iam:PassRole"
	_, err := w.beans.UpdateEnvironment(ctx, &eb.UpdateEnvironmentInput{EnvironmentName: awssdk.String("shop-env"),
		OptionSettings: settings("aws:autoscaling:launchconfiguration IamInstanceProfile=powerful")})
	if err != nil {
		t.Fatal(err)
	}
	profile := w.launcher.machines[0].spec.Profile
	if got := profile(); got != "web" { // what was only asked for counts at no moment
		t.Errorf("during the update the instance has profile %q", got)
	}
	w.settle()
	if got := profile(); got != "web" {
		t.Errorf("after the refused update the instance has profile %q", got)
	}
}
