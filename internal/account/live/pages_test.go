package live

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"beanpole/internal/account/reading"
)

// continued are the lists that AWS gives in pages, and what says that there is
// another one, by service.
var continued = map[string]string{
	"elasticbeanstalk:DescribeEnvironments": "<NextToken>more</NextToken>", "elasticbeanstalk:DescribeEvents": "<NextToken>more</NextToken>",
	"elasticbeanstalk:DescribeApplicationVersions": "<NextToken>more</NextToken>",
	"cloudformation:ListStackResources":            "<NextToken>more</NextToken>", "cloudformation:DescribeStackEvents": "<NextToken>more</NextToken>",
	"iam:ListRolePolicies":         "<PolicyNames></PolicyNames><IsTruncated>true</IsTruncated><Marker>more</Marker>",
	"iam:ListAttachedRolePolicies": "<AttachedPolicies></AttachedPolicies><IsTruncated>true</IsTruncated><Marker>more</Marker>",
	"kms:ListGrants":               `{"Grants":[],"Truncated":true,"NextMarker":"more"}`,
	"ec2:DescribeVpcs":             "", "ec2:DescribeSubnets": "", "ec2:DescribeRouteTables": "", "ec2:DescribeInternetGateways": "", "ec2:DescribeNatGateways": "",
	"ec2:DescribeVpcEndpoints": "", "ec2:DescribeSecurityGroups": "", "ec2:DescribeNetworkAcls": "", "ec2:DescribeInstances": "",
}

var continuation = regexp.MustCompile(`(?:NextToken|Marker)[":=]+more`)

// firstPage is an empty page that another one follows, nil when that is asked.
func (f *fakeAWS) firstPage(op string, form url.Values, body string) *http.Response {
	text, ok := continued[op]
	name := op[strings.IndexByte(op, ':')+1:]
	switch {
	case !ok, form.Get("NextToken") == "more", form.Get("Marker") == "more", continuation.MatchString(body):
		return nil
	case json.Valid([]byte(text)):
		return jsonAnswer(200, text)
	case text == "":
		return answer(200, nil, "<R><nextToken>more</nextToken></R>")
	}
	return answer(200, nil, "<"+name+"Response><"+name+"Result>"+text+"</"+name+"Result></"+name+"Response>")
}

func TestEveryListIsReadToItsEnd(t *testing.T) {
	read := func(f *fakeAWS) (*reading.Reading, []string) {
		x := New(f.asks())
		if err := x.Environment(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		x.Needed(t.Context(), theFetch)
		environment := x.Reading().Stack
		if err := x.Stack(t.Context(), "plain"); err != nil {
			t.Fatal(err)
		}
		r := x.Reading()
		r.Time, r.Stack.Metadata = time.Time{}, environment.Metadata
		return r, f.made()
	}
	whole, _ := read(&fakeAWS{})
	paged, made := read(&fakeAWS{pages: true})
	if !reflect.DeepEqual(whole, paged) {
		a, _ := json.MarshalIndent(whole, "", " ") // plain data
		b, _ := json.MarshalIndent(paged, "", " ")
		t.Errorf("in pages something else was read:\n%s\n%s", a, b)
	}
	for op := range continued {
		if !slices.Contains(made, op) {
			t.Errorf("%s was not asked", op)
		}
	}
}
