package reading

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"beanpole/internal/source"
)

// largest is more bytes than any reading of one deployment takes.
const largest = 64 << 20

// Open reads a saved reading. Its error is a *source.Problem for a file that is
// none.
func Open(file string) (*Reading, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &source.Problem{Pos: source.Pos{File: file}, What: "cannot read the account: " + err.Error()}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	problem := func(what string) error {
		return &source.Problem{Pos: source.Pos{File: file}, What: what, Remedy: "--account takes a file that --save wrote"}
	}
	switch {
	case err != nil:
		return nil, problem("cannot be read: " + err.Error())
	case len(data) > largest:
		return nil, problem(fmt.Sprintf("is larger than %d MiB", largest>>20))
	}
	r := &Reading{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, problem("is no saved account: " + notSaved(err, len(data)))
	}
	if r.Version == 0 {
		return nil, problem("is no saved account: it is JSON of something else")
	}
	if r.Version != Version {
		return nil, problem(fmt.Sprintf("is of version %d; this beanpole reads version %d", r.Version, Version))
	}
	return r, nil
}

// notSaved is in plain words why JSON could not be read.
func notSaved(err error, size int) string {
	var syntax *json.SyntaxError
	var form *json.UnmarshalTypeError
	switch {
	case size == 0:
		return "it is empty"
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return "it is cut off"
	case errors.As(err, &syntax):
		return fmt.Sprintf("byte %d is no JSON", syntax.Offset)
	case errors.As(err, &form) && form.Field != "":
		return fmt.Sprintf("its %s is of another form (%s)", form.Field, form.Value)
	case errors.As(err, &form):
		return "it is JSON of something else"
	}
	return err.Error()
}

// Save writes the reading without anything secret; hide masks secrets in texts
// that AWS or programs wrote.
func (r *Reading) Save(w io.Writer, hide func(string) string) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r.withoutSecrets(hide))
}

// withoutSecrets is a copy in which values of environment properties and of
// options with telling names are left out, and texts are masked.
func (r *Reading) withoutSecrets(hide func(string) string) *Reading {
	out := *r
	if r.Environment != nil {
		e := *r.Environment
		e.Settings = slices.Clone(e.Settings)
		for i := range e.Settings {
			if s := &e.Settings[i]; s.Value != nil && (secretive(s) || hide(*s.Value) != *s.Value) {
				s.Value, s.Withheld = nil, true
			}
		}
		e.Events = slices.Clone(e.Events)
		for i := range e.Events {
			e.Events[i].Message = hide(e.Events[i].Message)
		}
		e.Logs = slices.Clone(e.Logs)
		for i := range e.Logs {
			e.Logs[i].Text = hide(e.Logs[i].Text)
		}
		out.Environment = &e
	}
	if r.Stack != nil {
		s := *r.Stack
		s.Metadata = map[string]json.RawMessage{}
		for k, v := range r.Stack.Metadata {
			s.Metadata[k] = MaskMetadata(v, hide)
		}
		if s.Template != "" {
			s.Template = maskTemplate(s.Template, hide)
		}
		s.Parameters = map[string]string{}
		for k, v := range r.Stack.Parameters {
			if telling(k) || hide(v) != v {
				v = "****" // as CloudFormation shows NoEcho parameters
			}
			s.Parameters[k] = v
		}
		s.Events = slices.Clone(s.Events)
		for i := range s.Events {
			s.Events[i].ResourceStatusReason = hide(s.Events[i].ResourceStatusReason)
		}
		out.Stack = &s
	}
	out.NotRead = slices.Clone(r.NotRead)
	for i := range out.NotRead {
		out.NotRead[i].Message = hide(out.NotRead[i].Message)
	}
	return &out
}

// secretive: the option's value may be a secret.
func secretive(s *Setting) bool {
	return s.Namespace == "aws:elasticbeanstalk:application:environment" || telling(s.Name)
}

var tellingWords = []string{"password", "passwd", "secret", "token", "credential", "privatekey", "private_key", "apikey", "api_key"}

// telling: the name says that its value is a secret.
func telling(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(tellingWords, func(w string) bool { return strings.Contains(name, w) })
}

// MaskMetadata is a resource's metadata without secrets: keys and passwords of
// Authentication blocks, contents of files and environment of commands. The
// rest stays as it stands, so that the same fetches are made.
func MaskMetadata(raw json.RawMessage, hide func(string) string) json.RawMessage {
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return json.RawMessage("null")
	}
	v = masked(v, "", hide)
	out, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}

func masked(v any, key string, hide func(string) string) any {
	switch x := v.(type) {
	case map[string]any:
		for k, in := range x {
			text := scalar(in)
			switch {
			case text && (k == "content" || k == "accessKeyId" && in != "" || telling(k)):
				x[k] = withheld(k)
			case (k == "env" || k == "context") && !text:
				x[k] = masked(in, "env", hide)
			case text && key == "env":
				x[k] = "****"
			case telling(k):
				x[k] = masked(in, "secrets", hide)
			default:
				x[k] = masked(in, key, hide)
			}
		}
		return x
	case []any:
		for i := range x {
			x[i] = masked(x[i], key, hide)
		}
		return x
	case string:
		if key == "env" || key == "secrets" {
			return "****"
		}
		return hide(x)
	}
	return v
}

// scalar tells a text or a number.
func scalar(v any) bool {
	switch v.(type) {
	case string, json.Number:
		return true
	}
	return false
}

// withheld stands for a value that was left out.
func withheld(key string) string {
	if key == "content" {
		return "(left out)"
	}
	return "****"
}
