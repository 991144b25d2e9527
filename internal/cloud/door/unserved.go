package door

import (
	"fmt"
	"net/http"
	"strings"

	"beanpole/internal/aws"
)

// cbor marks a request of the newest of AWS's protocols, and its answer
// [Smithy: RPC v2 CBOR].
const cbor = "rpc-v2-cbor"

// unserved is the answer to a request for a service that nothing here stands
// behind, in the form that the service's clients read; nil for another request.
// It comes before the signature is looked at: of these services no body is
// read, so that none could be verified.
func (d *Door) unserved(x *Request, named string) error {
	if named == "" || d.served[named] {
		return nil
	}
	x.Service = named
	target, path := x.Header.Get("X-Amz-Target"), x.URL.Path
	switch asked := x.URL.Query().Get("Action"); {
	case target != "":
		x.json = true
		_, x.Operation, _ = strings.Cut(target, ".")
	case x.Header.Get("Smithy-Protocol") == cbor:
		x.cbor = true
		x.Operation = path[strings.LastIndex(path, "/")+1:]
	case asked != "":
		x.Operation = asked
	case formed(x.Request):
		if err := x.readForm(); err != nil {
			return err
		}
		x.Operation = x.Form.Get("Action")
	default:
		x.Operation = x.Method + " " + path
		x.json = !ofXML[named]
	}
	return &aws.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
		Message: fmt.Sprintf("beanpole does not simulate %s: nothing here carries out %s", printable(named), printable(x.Operation))}
}

// printable is a name out of a request as an answer may repeat it.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, name)
	if len(name) > 80 {
		name = name[:80] + "..."
	}
	return name
}

// formed reports whether the body is a form, as the Query protocol's.
func formed(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// ofXML are the services whose REST protocol answers in XML; that of all others
// answers in JSON [botocore models].
var ofXML = map[string]bool{"cloudfront": true, "route53": true, "s3-outposts": true, "s3express": true}

// cborError is an error in CBOR: a map of two texts.
func cborError(e *aws.Error) string {
	out := "\xa2"
	for _, text := range []string{"__type", e.Code, "message", e.Message} {
		out += string([]byte{0x79, byte(len(text) >> 8), byte(len(text))}) + text // a text with a length of two bytes
	}
	return out
}
