package door

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var ignoreUnexported = cmpopts.IgnoreUnexported(cloudformation.CreateStackInput{}, cfntypes.Parameter{}, cfntypes.ResourceToImport{},
	cloudformation.CreateChangeSetInput{}, elasticbeanstalk.DescribeEventsInput{}, elasticbeanstalk.CreateEnvironmentInput{},
	ebtypes.ConfigurationOptionSetting{}, ebtypes.EnvironmentTier{})

func TestFormBecomesTheSDKsInput(t *testing.T) {
	tests := []struct {
		name, form string
		in, want   any
	}{
		{"lists of structs, enums, booleans", "StackName=s&Parameters.member.2.ParameterKey=b&Parameters.member.1.ParameterKey=a&Parameters.member.1.UsePreviousValue=true&Capabilities.member.1=CAPABILITY_IAM&TimeoutInMinutes=5&NotAParameter=x",
			&cloudformation.CreateStackInput{}, &cloudformation.CreateStackInput{StackName: aws.String("s"), TimeoutInMinutes: aws.Int32(5),
				Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam},
				Parameters:   []cfntypes.Parameter{{ParameterKey: aws.String("a"), UsePreviousValue: aws.Bool(true)}, {ParameterKey: aws.String("b")}}}},
		{"maps in lists", "ResourcesToImport.member.1.ResourceIdentifier.entry.1.key=BucketName&ResourcesToImport.member.1.ResourceIdentifier.entry.1.value=b",
			&cloudformation.CreateChangeSetInput{}, &cloudformation.CreateChangeSetInput{
				ResourcesToImport: []cfntypes.ResourceToImport{{ResourceIdentifier: map[string]string{"BucketName": "b"}}}}},
		{"times", "StartTime=2024-02-03T04:05:06.789Z&Severity=WARN",
			&elasticbeanstalk.DescribeEventsInput{}, &elasticbeanstalk.DescribeEventsInput{Severity: ebtypes.EventSeverityWarn,
				StartTime: aws.Time(time.Date(2024, 2, 3, 4, 5, 6, 789e6, time.UTC))}},
		{"nested structs, empty list and empty text", "Tier.Name=WebServer&OptionSettings=&Description=",
			&elasticbeanstalk.CreateEnvironmentInput{}, &elasticbeanstalk.CreateEnvironmentInput{Description: aws.String(""),
				Tier: &ebtypes.EnvironmentTier{Name: aws.String("WebServer")}, OptionSettings: []ebtypes.ConfigurationOptionSetting{}}},
		{"a huge index costs nothing", "Capabilities.member.999999999=CAPABILITY_IAM",
			&cloudformation.CreateStackInput{}, &cloudformation.CreateStackInput{Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityIam}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			if err := DecodeQuery(form, tt.in); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, tt.in, ignoreUnexported); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFormThatFitsNoInputIsTheClientsMistake(t *testing.T) {
	for _, form := range []string{"TimeoutInMinutes=five", "DisableRollback=maybe", "Parameters.member.x.ParameterKey=a", "TimeoutInMinutes=99999999999"} {
		v, _ := url.ParseQuery(form)
		err := DecodeQuery(v, &cloudformation.CreateStackInput{})
		if err == nil || !strings.Contains(err.Error(), "(400)") {
			t.Errorf("%s: error %v", form, err)
		}
	}
}

func TestOutputBecomesAWSsXML(t *testing.T) {
	out := &elasticbeanstalk.DescribeEnvironmentHealthOutput{
		EnvironmentName: aws.String("a<b"), Causes: []string{}, RefreshedAt: aws.Time(time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)),
		ApplicationMetrics: &ebtypes.ApplicationMetrics{RequestCount: 3, Latency: &ebtypes.Latency{P99: aws.Float64(0.25)}},
	}
	got, err := EncodeQuery("elasticbeanstalk", "DescribeEnvironmentHealth", "id", out)
	if err != nil {
		t.Fatal(err)
	}
	want := `<DescribeEnvironmentHealthResponse xmlns="http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/">
  <DescribeEnvironmentHealthResult>
    <ApplicationMetrics>
      <Latency>
        <P99>0.25</P99>
      </Latency>
      <RequestCount>3</RequestCount>
    </ApplicationMetrics>
    <Causes/>
    <EnvironmentName>a&lt;b</EnvironmentName>
    <RefreshedAt>2024-02-03T04:05:06Z</RefreshedAt>
  </DescribeEnvironmentHealthResult>
  <ResponseMetadata>
    <RequestId>id</RequestId>
  </ResponseMetadata>
</DescribeEnvironmentHealthResponse>
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func TestEmptyAnswersHoldAResultOnlyWhereAWSsDo(t *testing.T) {
	for name, out := range map[string]any{"DeleteStack": &cloudformation.DeleteStackOutput{}, "ExecuteChangeSet": &cloudformation.ExecuteChangeSetOutput{}} {
		got, err := EncodeQuery("cloudformation", name, "id", out)
		if err != nil {
			t.Fatal(err)
		}
		if has, want := strings.Contains(string(got), name+"Result>"), name == "ExecuteChangeSet"; has != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
