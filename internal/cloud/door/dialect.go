package door

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"time"

	"beanpole/internal/aws"
)

// jsonType is the content type of AWS's JSON protocol 1.1, which KMS speaks.
const jsonType = "application/x-amz-json-1.1"

// readTarget reads a request of the JSON protocol; its header names the
// operation, "TrentService.DescribeKey".
func (x *Request) readTarget(service, target string) error {
	x.json = true
	prefix, operation, _ := strings.Cut(target, ".")
	if x.Service, x.Operation = service, operation; service == "" {
		x.Service = targets[prefix]
	}
	return x.readBody()
}

// targets are the services behind the prefixes of X-Amz-Target [botocore models].
var targets = map[string]string{"TrentService": "kms", "AWSOrganizationsV20161128": "organizations"}

// decodeJSON reads a request into one of the SDK's input structs, whose fields
// have AWS's names.
func decodeJSON(body []byte, in any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, in); err != nil {
		return &aws.Error{Code: "SerializationException", Status: 400, Message: "The request is no JSON of this operation"}
	}
	return nil
}

// encodeJSON writes one of the SDK's output structs.
func encodeJSON(out any) ([]byte, error) {
	data, err := json.Marshal(plain(reflect.ValueOf(out).Elem()))
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", out, err)
	}
	return data, nil
}

// plain is a value as the JSON protocol has it: without what is not set, times
// as seconds since 1970.
func plain(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			return float64(at.UnixMilli()) / 1000
		}
		members := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" || v.Field(i).Kind() != reflect.Bool && v.Field(i).IsZero() {
				continue
			}
			members[f.Name] = plain(v.Field(i))
		}
		return members
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	}
	return v.Interface()
}

// jsonError is an error of the JSON protocol.
func jsonError(e *aws.Error) string {
	body, err := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	if err != nil {
		return "{}" // unreachable: made of texts
	}
	return string(body)
}

// ec2Error is an error of EC2, which has a form of its own
// [EC2 API: Error codes, Example error response].
func ec2Error(e *aws.Error, requestID string) string {
	var message strings.Builder
	_ = xml.EscapeText(&message, []byte(e.Message)) // a Builder doesn't fail
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response><Errors><Error><Code>" + e.Code + "</Code><Message>" + message.String() +
		"</Message></Error></Errors><RequestID>" + requestID + "</RequestID></Response>"
}

// words are the codes and statuses of services that call common refusals by
// names of their own [EC2 API: Error codes; KMS API: Common Errors].
var words = map[string]map[string]aws.Error{
	"ec2": {
		"AccessDenied":               {Code: "UnauthorizedOperation", Status: 403},
		"SignatureDoesNotMatch":      {Code: "AuthFailure", Status: 401},
		"InvalidClientTokenId":       {Code: "AuthFailure", Status: 401},
		"MissingAuthenticationToken": {Code: "MissingParameter", Status: 400},
	},
	"kms": ofJSON, "organizations": ofJSON,
}

var ofJSON = map[string]aws.Error{
	"AccessDenied":               {Code: "AccessDeniedException", Status: 400},
	"SignatureDoesNotMatch":      {Code: "InvalidSignatureException", Status: 400},
	"InvalidClientTokenId":       {Code: "UnrecognizedClientException", Status: 400},
	"MissingAuthenticationToken": {Code: "MissingAuthenticationTokenException", Status: 400},
}

// inWordsOf is an error in the words of the request's service.
func (x *Request) inWordsOf(e *aws.Error) *aws.Error {
	own, ok := words[x.Service][e.Code]
	if !ok {
		return e
	}
	if own.Message = e.Message; own.Code == "UnauthorizedOperation" {
		own.Message = "You are not authorized to perform this operation. " + e.Message
	}
	return &own
}
