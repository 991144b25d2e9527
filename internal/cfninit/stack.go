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

// StackMetadata reads a resource's Metadata with DescribeStackResource, signed
// with the instance's identity document: this call needs no role
// [cb:cfn_client.py]. The error is a *BuildError with the agent's text.
func (r *Runner) StackMetadata(ctx context.Context, stack, resource, region string) (*source.Node, error) {
	b := &build{Runner: r, Result: &Result{}}
	document, err := b.fromMetadata(ctx, "/latest/dynamic/instance-identity/document", nil)
	if err != nil {
		return nil, noIdentity(err)
	}
	signature, err := b.fromMetadata(ctx, "/latest/dynamic/instance-identity/signature", nil)
	if err != nil {
		return nil, noIdentity(err)
	}
	query := url.Values{"Action": {"DescribeStackResource"}, "Version": {"2010-05-15"}, "ContentType": {"JSON"},
		"StackName": {stack}, "LogicalResourceId": {resource}}
	at := fmt.Sprintf("https://cloudformation.%s.amazonaws.com/?%s", region, query.Encode())
	var metadata string
	err = b.retry(ctx, fetchTries, func() *failure {
		req, fail := newRequest(ctx, at)
		if fail != nil {
			return fail
		}
		aws.SignDocument(req, []byte(strings.TrimRight(string(document), " \t\r\n")), []byte(strings.TrimRight(string(signature), " \t\r\n")))
		resp, fail := b.follow(ctx, req, at, nil)
		if fail != nil {
			return fail
		}
		defer resp.Body.Close()
		metadata, fail = readDetail(resp)
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

func noIdentity(err *remote) error {
	return &BuildError{Text: "In order to sign requests, 169.254.169.254 must be accessible or valid credentials must be set (" + err.errno() + ")"}
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
		if err != nil || d.Code == "" {
			return "", &failure{kind: badStatus, status: resp.StatusCode, text: fmt.Sprintf("HTTP Error %d : %s", resp.StatusCode, text(body))}
		}
		status := resp.StatusCode
		if d.Code == "Throttling" {
			status = http.StatusServiceUnavailable // is tried again
		}
		return "", &failure{kind: badStatus, status: status, text: d.Code + ": " + d.Message}
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
