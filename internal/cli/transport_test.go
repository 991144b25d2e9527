package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	localaws "beanpole/internal/aws"
)

// Without OwnBody about a third of these answers are cut off.
func TestLongAnswersArriveWhole(t *testing.T) {
	const member = "<member><EventId>x</EventId></member>"
	answer := "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>" + strings.Repeat(member, 3000) +
		"</StackEvents></DescribeStackEventsResult></DescribeStackEventsResponse>"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, answer[:len(answer)/2])
		w.(http.Flusher).Flush()
		time.Sleep(5 * time.Millisecond)
		io.WriteString(w, answer[len(answer)/2:])
	}))
	defer server.Close()
	client := cloudformation.NewFromConfig(aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Transport: localaws.OwnBody{Next: http.DefaultTransport}},
	})
	for range 50 {
		out, err := client.DescribeStackEvents(context.Background(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("shop")})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.StackEvents) != 3000 {
			t.Fatalf("%d events of 3000", len(out.StackEvents))
		}
	}
}
