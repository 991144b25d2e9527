package cfninit

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/source"
)

const identityPath = "/latest/dynamic/instance-identity/"

// StackMetadata reads a resource's Metadata with DescribeStackResource, signed
// with the instance's identity document: this call needs no role
// [cb:cfn_client.py, cb-run]. The error is a *BuildError with the agent's text,
// which it prints alone, without "Error occurred during build: ".
func (r *Runner) StackMetadata(ctx context.Context, stack, resource, region string) (*source.Node, error) {
	b := &build{Runner: r, Result: &Result{}}
	if _, err := b.fromMetadata(ctx, "/latest/meta-data/instance-id", nil); err != nil {
		r.log("ERROR", "Exception retrieving InstanceId")
		return nil, &BuildError{Text: "In order to sign requests, 169.254.169.254 must be accessible or valid credentials must be set. " +
			"Please ensure your proxy environment variables allow access to 169.254.169.254 (NO_PROXY) or that your credentials have a valid access key and secret key."}
	}
	at := "https://cloudformation." + region + ".amazonaws.com/?Action=DescribeStackResource&StackName=" + url.QueryEscape(stack) +
		"&Version=2010-05-15&ContentType=JSON&LogicalResourceId=" + url.QueryEscape(resource)
	var metadata string
	err := b.retry(ctx, fetchTries, func() (fail *failure) {
		metadata, fail = b.describe(ctx, at)
		return fail
	})
	if err != nil {
		return nil, &BuildError{Text: err.text}
	}
	if metadata == "" {
		return nil, &BuildError{Text: "Error: " + resource + " does not specify any metadata"}
	}
	n, perr := source.ParseJSON("metadata of "+stack+"/"+resource, []byte(metadata))
	if perr != nil {
		return nil, fmt.Errorf("read metadata of %s/%s: %w", stack, resource, perr)
	}
	return n, nil
}

// describe sends the request once, with the identity document read anew.
func (b *build) describe(ctx context.Context, at string) (string, *failure) {
	var identity [2]string
	for i, name := range []string{"document", "signature"} {
		body, err := b.fromMetadata(ctx, identityPath+name, nil)
		if err != nil {
			return "", &failure{kind: ioFailure, text: err.errno()}
		}
		identity[i] = strings.TrimRight(string(body), " \t\r\n")
	}
	req, fail := newRequest(ctx, at)
	if fail != nil {
		return "", fail
	}
	aws.SignDocument(req, []byte(identity[0]), []byte(identity[1]))
	resp, fail := b.follow(ctx, req, at, nil)
	if fail != nil {
		return "", fail
	}
	defer resp.Body.Close()
	return readDetail(resp)
}

// detail is the part of an answer that matters, in both of its forms.
type detail struct {
	Metadata string `xml:"DescribeStackResourceResult>StackResourceDetail>Metadata"`
	Code     string `xml:"Error>Code"`
	Message  string `xml:"Error>Message"`
}

// readDetail reads the answer, XML or JSON: the service sends what ContentType
// asks for, and XML where that is not known.
func readDetail(resp *http.Response) (string, *failure) {
	body, err := io.ReadAll(io.LimitReader(decoded(resp), 16<<20))
	if err != nil {
		return "", &failure{kind: ioFailure, text: err.Error()}
	}
	var d detail
	if strings.HasPrefix(strings.TrimSpace(string(body)), "<") {
		err = xml.Unmarshal(body, &d)
	} else {
		d, err = jsonDetail(body)
	}
	if resp.StatusCode >= 400 {
		fail := &failure{kind: badStatus, status: resp.StatusCode, text: d.Code + ": " + d.Message}
		if d.Code == "" {
			fail.text = "Unknown: " + text(body)
		}
		if d.Code == "Throttling" {
			fail.status = http.StatusInternalServerError // is tried again
		}
		return "", fail
	}
	if err != nil {
		return "", &failure{kind: unexpected, text: "No JSON object could be decoded"}
	}
	return d.Metadata, nil
}

func jsonDetail(body []byte) (detail, error) {
	var doc struct {
		DescribeStackResourceResponse struct {
			DescribeStackResourceResult struct {
				StackResourceDetail struct{ Metadata string }
			}
		}
		Error struct{ Code, Message string }
	}
	err := json.Unmarshal(body, &doc)
	return detail{
		Metadata: doc.DescribeStackResourceResponse.DescribeStackResourceResult.StackResourceDetail.Metadata,
		Code:     doc.Error.Code, Message: doc.Error.Message,
	}, err
}
