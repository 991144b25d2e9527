package door

import (
	"fmt"
	"net"
	"net/http"
	"strings"

	"beanpole/internal/aws"
)

// versions are the API versions of the Query services: with the operation's
// name they tell a service that neither signature nor host names.
var versions = map[string]string{
	"2010-05-08": "iam", "2011-06-15": "sts", "2010-05-15": "cloudformation",
	"2010-12-01": "elasticbeanstalk", "2012-06-01": "elasticloadbalancing", "2011-01-01": "autoscaling",
	"2016-11-15": "ec2",
}

// BalancingV2 is the service of the rows of Elastic Load Balancing's second API:
// it has the name of the first, and operations of the same names.
const BalancingV2 = "elasticloadbalancingv2"

// scopeService is the service in the credential scope of a V4 signature, ""
// when there is none. Version 2 signs for S3 alone, CFN_V1 for CloudFormation.
func scopeService(r *http.Request) string {
	a := r.Header.Get("Authorization")
	switch {
	case strings.HasPrefix(a, "AWS4-HMAC-SHA256"):
		_, rest, ok := strings.Cut(a, "Credential=")
		if !ok {
			return ""
		}
		return scopePart(strings.FieldsFunc(rest, func(c rune) bool { return c == ',' || c == ' ' }))
	case strings.HasPrefix(a, "CFN_V1 "):
		return "cloudformation"
	case strings.HasPrefix(a, "AWS "):
		return "s3"
	}
	q := r.URL.Query()
	if c := q.Get("X-Amz-Credential"); c != "" {
		return scopePart([]string{c})
	}
	if q.Get("AWSAccessKeyId") != "" && q.Get("Signature") != "" && q.Get("Action") == "" {
		return "s3"
	}
	return ""
}

// scopePart is the fourth part of key/date/region/service/aws4_request.
func scopePart(fields []string) string {
	if len(fields) == 0 {
		return ""
	}
	parts := strings.Split(fields[0], "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// hostService is the service that a host name names, "" for none of AWS's.
func hostService(host string) string {
	host = hostOnly(host)
	name, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return ""
	}
	if _, s3 := aws.ServedS3(host, "/"); s3 {
		return "s3"
	}
	service, _, _ := strings.Cut(name, ".")
	return service
}

// hostRegion is the region that a host name names, "" for none.
func hostRegion(host string) string {
	host = hostOnly(host)
	if t, ok := aws.ServedS3(host, "/"); ok {
		return t.Region
	}
	name, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return ""
	}
	_, region, _ := strings.Cut(name, ".")
	return region
}

// hostOnly is a Host header without its port, in lower case.
func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// serviceOf guesses the service of a request that names none.
func (d *Door) serviceOf(operation, version string) string {
	if s, ok := versions[version]; ok {
		return s
	}
	if rows := d.byName[operation]; len(rows) == 1 {
		return rows[0].Service
	}
	return ""
}

// find tells the row.
func (d *Door) find(x *Request) error {
	if x.Service == "s3" {
		for _, r := range d.rest {
			if r.wire.match(x) {
				x.row, x.Operation = r, r.Name
				return nil
			}
		}
		return notImplemented("s3", s3Name(x))
	}
	if x.Service == "elasticloadbalancing" && x.Form.Get("Version") == "2015-12-01" {
		x.Service = BalancingV2
	}
	if x.Operation == "" {
		return &aws.Error{Code: "MissingAction", Status: 400, Message: "The request is missing an action or a required parameter."}
	}
	if x.row = d.query[x.Service+":"+x.Operation]; x.row == nil || x.row.wire != nil && x.row.wire.match != nil {
		return notImplemented(x.Service, x.Operation)
	}
	return nil
}

// s3Name describes an S3 request that has no row: method and sub-resource.
func s3Name(x *Request) string {
	what := "service"
	if x.Bucket != "" {
		what = "bucket"
	}
	if x.Key != "" {
		what = "object"
	}
	for name := range x.URL.Query() {
		if name == strings.ToLower(name) && !strings.HasPrefix(name, "x-") {
			what += "?" + name
			break
		}
	}
	return x.Method + " " + what
}

// notImplemented names an operation that beanpole does not carry out.
func notImplemented(service, operation string) error {
	if len(operation) > 80 {
		operation = operation[:80] + "…"
	}
	if service == "" {
		service = "unknown service"
	}
	return &aws.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
		Message: fmt.Sprintf("beanpole does not carry out %s:%s yet", service, operation)}
}
