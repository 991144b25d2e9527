package cli

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	localaws "beanpole/internal/aws"
)

// clients speak to the local AWS as any program would speak to AWS, with the
// administrator's key of this project.
type clients struct {
	stacks   *cloudformation.Client
	beans    *elasticbeanstalk.Client
	identity *iam.Client
	objects  *s3.Client
	on       *serving
}

func (p *project) clients(on *serving) (*clients, error) {
	id, secret, err := readCredentials(p.path("credentials"))
	if err != nil {
		return nil, err
	}
	config := aws.Config{
		Region:       on.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(id, secret, ""),
		BaseEndpoint: aws.String(on.url()),
		HTTPClient:   &http.Client{Transport: localaws.OwnBody{Next: http.DefaultTransport}},
	}
	return &clients{
		stacks:   cloudformation.NewFromConfig(config),
		beans:    elasticbeanstalk.NewFromConfig(config),
		identity: iam.NewFromConfig(config),
		objects: s3.NewFromConfig(config, func(o *s3.Options) {
			o.UsePathStyle = true
			// Nothing is lost on the way over loopback: sums of a large bundle only take time.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
			o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
		}),
		on: on,
	}, nil
}

// readCredentials reads the default profile of a shared credentials file.
func readCredentials(path string) (id, secret string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", "", fmt.Errorf("read the local administrator's key: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		switch strings.TrimSpace(key) {
		case "aws_access_key_id":
			id = strings.TrimSpace(value)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(value)
		}
	}
	if id == "" || secret == "" {
		return "", "", fmt.Errorf("read the local administrator's key: %s holds none", path)
	}
	return id, secret, nil
}
