package door

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"time"
)

// namespaces are the XML namespaces of the Query services [botocore models].
var namespaces = map[string]string{
	"iam":                  "https://iam.amazonaws.com/doc/2010-05-08/",
	"sts":                  "https://sts.amazonaws.com/doc/2011-06-15/",
	"cloudformation":       "http://cloudformation.amazonaws.com/doc/2010-05-15/",
	"elasticbeanstalk":     "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/",
	"elasticloadbalancing": "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/",
	BalancingV2:            "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
	"autoscaling":          "http://autoscaling.amazonaws.com/doc/2011-01-01/",
}

// emptyResults are operations with nothing to answer whose answer holds a
// result element all the same; clients look for it [botocore models].
var emptyResults = map[string]bool{
	"iam:UpdateRole": true, "cloudformation:ContinueUpdateRollback": true,
	"cloudformation:DeleteChangeSet": true, "cloudformation:ExecuteChangeSet": true,
}

// EncodeQuery is the Query protocol's answer: out is a pointer to one of the
// SDK's output structs. Nil members are left out; an empty list that is not
// nil is there, as an empty element.
func EncodeQuery(service, operation, requestID string, out any) ([]byte, error) {
	var e encoder
	e.WriteString(`<` + operation + `Response xmlns="` + namespaces[service] + `">` + "\n")
	v := reflect.ValueOf(out).Elem()
	if hasMembers(v.Type()) || emptyResults[service+":"+operation] {
		e.depth = 1
		if err := e.value(operation+"Result", v); err != nil {
			return nil, fmt.Errorf("encode %s:%s: %w", service, operation, err)
		}
	}
	fmt.Fprintf(&e, "  <ResponseMetadata>\n    <RequestId>%s</RequestId>\n  </ResponseMetadata>\n</%sResponse>\n", requestID, operation)
	return e.Bytes(), nil
}

func hasMembers(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			return true
		}
	}
	return false
}

// encoder writes indented XML, as AWS's Query services do.
type encoder struct {
	bytes.Buffer
	depth int
}

func (e *encoder) indent() {
	for range e.depth {
		e.WriteString("  ")
	}
}

func (e *encoder) text(name, text string) {
	e.indent()
	e.WriteString("<" + name + ">")
	_ = xml.EscapeText(&e.Buffer, []byte(text)) // a bytes.Buffer doesn't fail
	e.WriteString("</" + name + ">\n")
}

// nested writes an element around what inside writes.
func (e *encoder) nested(name string, inside func() error) error {
	e.indent()
	e.WriteString("<" + name + ">\n")
	e.depth++
	err := inside()
	e.depth--
	e.indent()
	e.WriteString("</" + name + ">\n")
	return err
}

func (e *encoder) value(name string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return e.value(name, v.Elem())
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			e.text(name, timestamp(at))
			return nil
		}
		return e.nested(name, func() error { return e.members(v) })
	case reflect.Slice:
		return e.list(name, v)
	case reflect.Map:
		return e.entries(name, v)
	case reflect.String:
		e.text(name, v.String())
	case reflect.Bool:
		e.text(name, strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int32, reflect.Int64:
		e.text(name, strconv.FormatInt(v.Int(), 10))
	case reflect.Float32, reflect.Float64:
		e.text(name, strconv.FormatFloat(v.Float(), 'f', -1, 64))
	default:
		return fmt.Errorf("no way to write %s, a %s", name, v.Type())
	}
	return nil
}

// timestamp is ISO 8601 as AWS writes it: milliseconds only when there are any.
func timestamp(at time.Time) string {
	at = at.UTC().Truncate(time.Millisecond)
	if at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04:05Z")
	}
	return at.Format("2006-01-02T15:04:05.000Z")
}

func (e *encoder) members(v reflect.Value) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		fv := v.Field(i)
		// An enum that is not set is the empty text; AWS leaves it out.
		if fv.Kind() == reflect.String && fv.Len() == 0 {
			continue
		}
		if err := e.value(f.Name, fv); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) list(name string, v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		e.text(name, base64.StdEncoding.EncodeToString(v.Bytes()))
		return nil
	}
	if v.Len() == 0 {
		e.indent()
		e.WriteString("<" + name + "/>\n")
		return nil
	}
	return e.nested(name, func() error {
		for i := range v.Len() {
			if err := e.value("member", v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *encoder) entries(name string, v reflect.Value) error {
	if v.IsNil() {
		return nil
	}
	keys := v.MapKeys()
	sort.Slice(keys, func(i, j int) bool { return keys[i].String() < keys[j].String() })
	return e.nested(name, func() error {
		for _, k := range keys {
			err := e.nested("entry", func() error {
				e.text("key", k.String())
				return e.value("value", v.MapIndex(k))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
