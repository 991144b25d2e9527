package cfninit

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"beanpole/internal/aws"
	"beanpole/internal/source"
)

const identityPath = "/latest/dynamic/instance-identity/"

// StackAccess is how CloudFormation is asked. Its zero value asks in us-east-1
// and signs with the instance's identity document, which needs no role
// [cb:cfn_client.py, cb-run].
type StackAccess struct {
	Region string // "": us-east-1
	URL    string // where CloudFormation answers; "": where it does in the region
	// Role signs with the keys of a role of the instance, KeyID and Secret with
	// keys that were given.
	Role, KeyID, Secret string
}

// StackResource is what CloudFormation tells of one resource of a stack.
type StackResource struct {
	Metadata   *source.Node // nil: it has none
	PhysicalID string
	Status     string // "CREATE_COMPLETE", …
	Updated    string // when its status last changed, as CloudFormation writes it
}

const defaultRegion = "us-east-1"

const needSignature = "In order to sign requests, 169.254.169.254 must be accessible or valid credentials must be set. " +
	"Please ensure your proxy environment variables allow access to 169.254.169.254 (NO_PROXY) or that your credentials have a valid access key and secret key."

// StackMetadata reads a resource's Metadata with DescribeStackResource, signed
// with the instance's identity document. The error is a *BuildError with the
// agent's text, which it prints alone, without "Error occurred during build: ".
func (r *Runner) StackMetadata(ctx context.Context, stack, resource, region string) (*source.Node, error) {
	d, err := r.DescribeStackResource(ctx, StackAccess{Region: region}, stack, resource)
	if err != nil {
		return nil, err
	}
	if !truthy(d.Metadata) {
		return nil, &BuildError{Text: "Error: " + resource + " does not specify any metadata"}
	}
	return d.Metadata, nil
}

// DescribeStackResource reads what CloudFormation knows of a resource. The
// error is a *BuildError with the agent's text.
func (r *Runner) DescribeStackResource(ctx context.Context, a StackAccess, stack, resource string) (*StackResource, error) {
	d, err := r.cloudFormation(ctx, a, "Action=DescribeStackResource&StackName="+url.QueryEscape(stack)+
		"&Version=2010-05-15&ContentType=JSON&LogicalResourceId="+url.QueryEscape(resource))
	if err != nil {
		return nil, err
	}
	out := &StackResource{PhysicalID: d.PhysicalResourceID, Status: d.ResourceStatus, Updated: d.LastUpdatedTimestamp}
	if d.Metadata != "" {
		n, err := source.ParseJSON("metadata of "+stack+"/"+resource, []byte(d.Metadata))
		if err != nil {
			return nil, fmt.Errorf("read metadata of %s/%s: %w", stack, resource, err)
		}
		out.Metadata = n
	}
	return out, nil
}

// SignalResource tells CloudFormation that a resource is ready, or that it
// failed: status is SUCCESS or FAILURE. The error is a *BuildError.
func (r *Runner) SignalResource(ctx context.Context, a StackAccess, stack, resource, id, status string) error {
	_, err := r.cloudFormation(ctx, a, "Action=SignalResource&StackName="+url.QueryEscape(stack)+"&Status="+status+
		"&UniqueId="+url.QueryEscape(id)+"&Version=2010-05-15&ContentType=JSON&LogicalResourceId="+url.QueryEscape(resource))
	return err
}

// ElectCommandLeader asks CloudFormation which listener carries out one call of
// a command; listener is who asks, which the service knows by itself where the
// instance's identity signs. The error is a *BuildError.
func (r *Runner) ElectCommandLeader(ctx context.Context, a StackAccess, stack, command, invocation, listener string) (leader string, err error) {
	query := "Action=ElectCommandLeader&CommandName=" + url.QueryEscape(command) + "&InvocationId=" + url.QueryEscape(invocation) +
		"&StackName=" + url.QueryEscape(stack) + "&ContentType=JSON"
	if a.Role != "" || a.KeyID != "" {
		query += "&ListenerId=" + url.QueryEscape(listener)
	}
	d, err := r.cloudFormation(ctx, a, query)
	switch {
	case err != nil:
		return "", err
	case d.ListenerID == "":
		return "", &BuildError{Text: "CloudFormation's answer to ElectCommandLeader names no listener"}
	}
	return d.ListenerID, nil
}

// InstanceID is the instance's own ID, "" off EC2.
func (r *Runner) InstanceID(ctx context.Context) string {
	b := &build{Runner: r, Result: &Result{}}
	body, err := b.fromMetadata(ctx, "/latest/meta-data/instance-id", nil)
	if err != nil {
		r.log("ERROR", "Exception retrieving InstanceId")
		return ""
	}
	return strings.TrimSpace(string(body))
}

// cloudFormation sends one request, five times at most.
func (r *Runner) cloudFormation(ctx context.Context, a StackAccess, query string) (*detail, error) {
	b := &build{Runner: r, Result: &Result{}}
	if a.Region == "" {
		a.Region = defaultRegion
	}
	if a.URL == "" {
		a.URL = "https://cloudformation." + a.Region + ".amazonaws.com"
		if strings.HasPrefix(a.Region, "cn-") {
			a.URL += ".cn"
		}
	}
	keys := aws.Credentials{KeyID: a.KeyID, Secret: a.Secret}
	switch {
	case a.Role != "":
		read, err := b.credentials(ctx, a.Role)
		if err != nil {
			return nil, &BuildError{Text: err.errno()}
		}
		if why := read.unfit(); why != "" {
			return nil, &BuildError{Text: why}
		}
		keys = read.Credentials
	case a.KeyID == "":
		if r.InstanceID(ctx) == "" {
			return nil, &BuildError{Text: needSignature}
		}
	case a.Secret == "":
		return nil, &BuildError{Text: needSignature}
	}
	var d *detail
	err := b.retry(ctx, fetchTries, func() (fail *failure) {
		d, fail = b.ask(ctx, strings.TrimSuffix(a.URL, "/")+"/?"+query, a.Region, keys)
		return fail
	})
	if err != nil {
		return nil, &BuildError{Text: err.text}
	}
	return d, nil
}

// ask sends the request once: signed with keys, or, when there are none, with
// the identity document, which is read anew.
func (b *build) ask(ctx context.Context, at, region string, keys aws.Credentials) (*detail, *failure) {
	var identity [2]string
	for i, name := range []string{"document", "signature"} {
		if keys.KeyID != "" {
			break
		}
		body, err := b.fromMetadata(ctx, identityPath+name, nil)
		if err != nil {
			return nil, &failure{kind: ioFailure, text: err.errno()}
		}
		identity[i] = strings.TrimRight(string(body), " \t\r\n")
	}
	req, fail := newRequest(ctx, at)
	if fail != nil {
		return nil, fail
	}
	if keys.KeyID != "" {
		aws.SignV4(req, emptyPayload, keys, region, "cloudformation", b.now().UTC())
	} else {
		aws.SignDocument(req, []byte(identity[0]), []byte(identity[1]))
	}
	resp, fail := b.follow(ctx, req, at, nil)
	if fail != nil {
		return nil, fail
	}
	defer resp.Body.Close()
	return readDetail(resp)
}

// detail is the part of an answer that matters, in both of its forms.
type detail struct {
	Metadata             string `xml:"DescribeStackResourceResult>StackResourceDetail>Metadata"`
	PhysicalResourceID   string `xml:"DescribeStackResourceResult>StackResourceDetail>PhysicalResourceId"`
	ResourceStatus       string `xml:"DescribeStackResourceResult>StackResourceDetail>ResourceStatus"`
	LastUpdatedTimestamp string `xml:"DescribeStackResourceResult>StackResourceDetail>LastUpdatedTimestamp"`
	ListenerID           string `xml:"ElectCommandLeaderResult>ListenerId"`
	Code                 string `xml:"Error>Code"`
	Message              string `xml:"Error>Message"`
	Type                 string `xml:"Error>Type"` // "Sender" or "Receiver"
}

// readDetail reads the answer, XML or JSON: the service sends what ContentType
// asks for, and XML where that is not known.
func readDetail(resp *http.Response) (*detail, *failure) {
	body, err := io.ReadAll(io.LimitReader(decoded(resp), 16<<20))
	if err != nil {
		return nil, &failure{kind: ioFailure, text: err.Error()}
	}
	d := &detail{}
	if strings.HasPrefix(strings.TrimSpace(string(body)), "<") {
		err = xml.Unmarshal(body, d)
	} else {
		err = jsonDetail(body, d)
	}
	if resp.StatusCode >= 400 {
		return nil, d.refusal(resp.StatusCode, text(body, resp.Header.Get("Content-Type")))
	}
	if err != nil {
		return nil, &failure{kind: unexpected, text: "No JSON object could be decoded"}
	}
	return d, nil
}

// refusal is an error of the service. Keys that are not known yet are asked for
// again without end, as keys of a new role are; what is the sender's fault is
// not asked again, anything else is [cb:aws_client.py].
func (d *detail) refusal(status int, body string) *failure {
	fail := &failure{kind: badStatus, status: status, text: d.Code + ": " + d.Message, again: counted}
	if d.Code == "" {
		fail.text = "Unknown: " + body
	}
	switch {
	case status == http.StatusServiceUnavailable, d.Code == "Throttling", d.Code == "InvalidAccessKeyId", d.Code == "InvalidClientTokenId":
		fail.again = forever
	case d.Code != "" && d.Type == "Sender":
		fail.again = never
	}
	return fail
}

func jsonDetail(body []byte, d *detail) error {
	var doc struct {
		DescribeStackResourceResponse struct {
			DescribeStackResourceResult struct {
				StackResourceDetail struct {
					Metadata, PhysicalResourceID, ResourceStatus string
					LastUpdatedTimestamp                         any
				}
			}
		}
		ElectCommandLeaderResponse struct {
			ElectCommandLeaderResult struct{ ListenerID string }
		}
		Error struct{ Code, Message, Type string }
	}
	err := json.Unmarshal(body, &doc)
	r := doc.DescribeStackResourceResponse.DescribeStackResourceResult.StackResourceDetail
	d.Metadata, d.PhysicalResourceID, d.ResourceStatus = r.Metadata, r.PhysicalResourceID, r.ResourceStatus
	d.ListenerID = doc.ElectCommandLeaderResponse.ElectCommandLeaderResult.ListenerID
	switch t := r.LastUpdatedTimestamp.(type) {
	case string:
		d.LastUpdatedTimestamp = t
	case float64: // seconds since 1970
		at := time.UnixMicro(int64(math.Round(t * 1e6))).UTC()
		layout := "2006-01-02T15:04:05"
		if at.Nanosecond() != 0 {
			layout += ".000000"
		}
		d.LastUpdatedTimestamp = at.Format(layout)
	}
	d.Code, d.Message, d.Type = doc.Error.Code, doc.Error.Message, doc.Error.Type
	return err
}
