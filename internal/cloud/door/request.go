package door

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/aws"
)

// maxQueryBody bounds a Query protocol request. The largest that AWS takes is
// a stack's template of 51,200 bytes and its parameters, percent-encoded.
const maxQueryBody = 1 << 20

// Request is one request on its way through the door.
type Request struct {
	*http.Request
	W http.ResponseWriter

	ID        string // request ID
	HostID    string // S3's x-amz-id-2
	Service   string // as in a signature's scope
	Operation string // as the client names it; of S3, once the row is found
	Form      url.Values
	Signature aws.Signature
	// Bucket and Key are what an S3 request is about; the key is unescaped.
	Bucket, Key string

	target  aws.S3Target
	local   bool // S3 addressed by something that is no AWS host name
	json    bool // AWS's JSON protocol
	cbor    bool // AWS's CBOR protocol, in which only errors are answered
	body    []byte
	row     *Row
	in, out any
	caller  *Caller
	door    *Door
	wrote   bool
}

// number gives the request its IDs.
func (d *Door) number(x *Request) error {
	x.ID = aws.NewRequestID()
	return nil
}

// read tells which service is meant and, of the Query protocol, reads the
// whole form. S3's bodies are left for their handler.
func (d *Door) read(x *Request) error {
	scope := scopeService(x.Request)
	named := scope
	if named == "" {
		named = hostService(x.Host)
	}
	if err := d.unserved(x, named); err != nil {
		return err
	}
	if target := x.Header.Get("X-Amz-Target"); target != "" && named != "s3" {
		return x.readTarget(named, target)
	}
	formed, asked := formed(x.Request), x.URL.Query().Get("Action") != ""
	switch {
	case named == "s3", named == "" && !formed && !asked:
		return d.readS3(x)
	case formed:
		if err := x.readForm(); err != nil {
			return err
		}
	default:
		x.Form = x.URL.Query()
	}
	x.Operation = x.Form.Get("Action")
	x.Service = named
	if named == "" {
		x.Service = d.serviceOf(x.Operation, x.Form.Get("Version"))
	}
	return nil
}

// readBody reads the body of a request to a service other than S3, within its
// bounds.
func (x *Request) readBody() error {
	body, err := io.ReadAll(io.LimitReader(x.Body, maxQueryBody+1))
	if err != nil {
		return &aws.Error{Code: "IncompleteBody", Status: 400, Message: "The request body ended before it was complete"}
	}
	if len(body) > maxQueryBody {
		return &aws.Error{Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge, Message: "Request body is larger than " + strconv.Itoa(maxQueryBody) + " bytes"}
	}
	x.body = body
	x.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// readForm reads a form from the body.
func (x *Request) readForm() error {
	if err := x.readBody(); err != nil {
		return err
	}
	form, err := url.ParseQuery(string(x.body))
	if err != nil {
		return &aws.Error{Code: "MalformedQueryString", Status: 400, Message: "The request body is not a form"}
	}
	for name, v := range x.URL.Query() {
		if _, set := form[name]; !set {
			form[name] = v
		}
	}
	x.Form = form
	return nil
}

// readS3 tells bucket and key. Under a host name of S3's the host says it;
// anything else is addressed path style.
func (d *Door) readS3(x *Request) error {
	x.Service = "s3"
	x.HostID = aws.NewHostID()
	x.ID = aws.NewS3RequestID()
	t, ok := aws.ServedS3(x.Host, x.URL.EscapedPath())
	if !ok {
		x.local = true
		t.PathStyle = true
		t.Bucket, t.Key, ok = aws.PathStyleS3(x.URL.EscapedPath())
	}
	if !ok {
		return aws.NewError("InvalidURI")
	}
	x.target, x.Bucket, x.Key = t, t.Bucket, t.Key
	return nil
}

// writeError writes an error answer in the service's form.
func (x *Request) writeError(e *aws.Error) {
	if x.wrote {
		return
	}
	if e.Status == 0 {
		e.Status = http.StatusBadRequest
	}
	if e.Status == http.StatusNotModified {
		x.Begin().Set("ETag", e.Fields["ETag"])
		x.W.WriteHeader(e.Status)
		return
	}
	e = x.inWordsOf(e)
	body := ""
	switch {
	case x.cbor:
		body = cborError(e)
	case x.json:
		x.W.Header().Set("X-Amzn-Errortype", e.Code)
		body = jsonError(e)
	case x.Service == "s3":
		body = e.S3Body("", x.ID, x.HostID)
	case x.Service == "ec2":
		body = ec2Error(e, x.ID)
	default:
		body = e.QueryBody(namespaces[x.Service], x.ID)
	}
	if r := e.Fields["Region"]; r != "" && x.Service == "s3" {
		x.W.Header().Set("X-Amz-Bucket-Region", r)
	}
	x.writeText(e.Status, body)
}

// refusal is an error that carries access's own answer.
type refusal struct{ answer access.Answer }

func (r *refusal) Error() string { return r.answer.Code }

// writeAnswer writes what access says that S3 answers, byte for byte, with
// this request's IDs.
func (x *Request) writeAnswer(a access.Answer) {
	body := strings.ReplaceAll(a.Body, aws.PlaceholderRequestID, x.ID)
	body = strings.ReplaceAll(body, aws.PlaceholderHostID, x.HostID)
	if region := x.door.bucketRegion(x.Bucket); region != "" && a.Status != http.StatusNotFound {
		x.W.Header().Set("X-Amz-Bucket-Region", region)
	}
	x.writeText(a.Status, body)
}

// writeText ends the request with a text in the service's form; a HEAD has no
// body.
func (x *Request) writeText(status int, body string) {
	if x.wrote {
		return
	}
	x.wrote = true
	h := x.W.Header()
	x.stamp()
	switch {
	case x.cbor:
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", cbor)
	case x.json:
		h.Set("Content-Type", jsonType)
	case x.Service == "s3":
		h.Set("Content-Type", "application/xml")
	default:
		h.Set("Content-Type", "text/xml")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.W.WriteHeader(status)
	if x.Method != http.MethodHead {
		_, _ = io.WriteString(x.W, body) // a client that went away is no failure
	}
}

// stamp sets the headers that every answer carries.
func (x *Request) stamp() {
	h := x.W.Header()
	if x.Service == "s3" {
		h.Set("X-Amz-Request-Id", x.ID)
		h.Set("X-Amz-Id-2", x.HostID)
		h.Set("Server", "AmazonS3")
		return
	}
	h.Set("X-Amzn-Requestid", x.ID)
}

// Begin sets the answer's common headers and notes that a wire's Encode is
// about to write the status itself.
func (x *Request) Begin() http.Header {
	x.stamp()
	x.wrote = true
	return x.W.Header()
}

// WriteText answers with status 200 and a text in the service's form, which is
// XML but where requests are JSON.
func (x *Request) WriteText(body string) { x.writeText(http.StatusOK, body) }
