package door

import (
	"errors"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"beanpole/internal/aws"
)

// FuzzDecodeQuery: no form stops the program, and what is refused is refused
// as the client's mistake.
func FuzzDecodeQuery(f *testing.F) {
	for _, form := range []string{
		"StackName=s&Parameters.member.2.ParameterKey=b&Capabilities.member.1=CAPABILITY_IAM&TimeoutInMinutes=5",
		"ResourcesToImport.member.1.ResourceIdentifier.entry.1.key=a&ResourcesToImport.member.1.ResourceIdentifier.entry.1.value=b",
		"StartTime=2024-02-03T04:05:06.789Z", "Tier.Name=WebServer&OptionSettings=", "Tags.member.999999999.Key=x&Tags.member.-1=y", "a.b.c...=&.=&=",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, text string) {
		form, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		for _, in := range []any{&cloudformation.CreateStackInput{}, &cloudformation.CreateChangeSetInput{}, &elasticbeanstalk.CreateEnvironmentInput{},
			&elasticbeanstalk.DescribeEventsInput{}, &iam.CreateRoleInput{}} {
			var refused *aws.Error
			if err := DecodeQuery(form, in); err != nil && !errors.As(err, &refused) {
				t.Errorf("%T from %q: %v", in, text, err)
			}
		}
	})
}
