// Package iam is the local AWS Identity and Access Management: roles,
// instance profiles and customer managed policies over the Query protocol.
//
// Its promise: AWS's own rules and error codes for what it carries out, and
// an instance profile that is never confused with a role. Its limits: no
// users, groups or policy versions; changes take effect at once, where AWS
// takes seconds.
package iam

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	policy "beanpole/internal/iam"
	"beanpole/internal/lazyregexp"
)

// Service is IAM over a store.
type Service struct {
	state *state.State
}

// New makes the service.
func New(s *state.State) *Service { return &Service{state: s} }

func fault(code string, status int, message string) error {
	return &aws.Error{Code: code, Status: status, Message: message}
}

func noRole(name string) error {
	return fault("NoSuchEntity", http.StatusNotFound, "The role with name "+name+" cannot be found.")
}

func noProfile(name string) error {
	return fault("NoSuchEntity", http.StatusNotFound, "Instance Profile "+name+" cannot be found.")
}

func conflict(message string) error { return fault("DeleteConflict", http.StatusConflict, message) }

var (
	namePattern = lazyregexp.New(`^[\w+=,.@-]+$`)
	pathPattern = lazyregexp.New(`^(/|/[!-~]+/)$`)
)

// checkName holds a name against IAM's rules; member is its name in messages.
func checkName(member string, name *string, longest int) error {
	n := door.Value(name)
	switch {
	case name == nil:
		return invalid("Value null", member, "Member must not be null")
	case n == "":
		return invalid("Value ''", member, "Member must have length greater than or equal to 1")
	case len(n) > longest:
		return invalid("Value '"+n[:longest]+"…'", member, "Member must have length less than or equal to "+strconv.Itoa(longest))
	case !namePattern.MatchString(n):
		return fault("ValidationError", http.StatusBadRequest, "The specified value for "+member+" is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	}
	return nil
}

// checkPath gives the path, "/" when there is none.
func checkPath(path *string) (string, error) {
	if path == nil {
		return "/", nil
	}
	if len(*path) > 512 || !pathPattern.MatchString(*path) {
		return "", fault("ValidationError", http.StatusBadRequest, "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return *path, nil
}

func invalid(what, member, rule string) error {
	return fault("ValidationError", http.StatusBadRequest,
		"1 validation error detected: "+what+" at '"+member+"' failed to satisfy constraint: "+rule)
}

func malformed(message string) error {
	return fault("MalformedPolicyDocument", http.StatusBadRequest, message)
}

// identityPolicy checks the text of a policy that is attached to a role.
func identityPolicy(text *string) (string, error) {
	p, err := policy.ParseJSON("policy", "", []byte(door.Value(text)))
	if err != nil || len(p.Statements) == 0 {
		return "", malformed("Syntax errors in policy.")
	}
	for _, s := range p.Statements {
		if s.Principal != nil || s.NotPrincipal != nil {
			return "", malformed("Policy document should not specify a principal.")
		}
		if len(s.Resources)+len(s.NotResources) == 0 {
			return "", malformed("Policy statement must contain resources.")
		}
		if len(s.Actions)+len(s.NotActions) == 0 {
			return "", malformed("Policy statement must contain actions.")
		}
	}
	return *text, nil
}

// trustPolicy checks the text of a trust policy; its principals must exist.
func (s *Service) trustPolicy(tx *state.Tx, text *string) (state.Document, error) {
	p, err := policy.ParseJSON("trust policy", "", []byte(door.Value(text)))
	if err != nil || len(p.Statements) == 0 {
		return state.Document{}, malformed("Syntax errors in policy.")
	}
	for _, st := range p.Statements {
		if len(st.Resources)+len(st.NotResources) > 0 {
			return state.Document{}, malformed("Has prohibited field Resource")
		}
		if st.Principal == nil {
			return state.Document{}, malformed("Missing required field Principal")
		}
		if len(st.Actions)+len(st.NotActions) == 0 {
			return state.Document{}, malformed("Missing required field Action")
		}
		for _, a := range st.Actions {
			if !strings.HasPrefix(strings.ToLower(a.Text), "sts:") {
				return state.Document{}, malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
	}
	d, dead, err := s.state.Bind(tx, "trust policy", *text)
	if err != nil {
		return d, err
	}
	if dead != "" {
		return d, malformed(`Invalid principal in policy: "AWS":"` + dead + `"`)
	}
	return d, nil
}

// encoded is a policy's text as IAM answers it: percent-encoded [RFC 3986].
func encoded(text string) *string {
	e := strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
	return &e
}

// at is a time in the record's precision.
func at(t time.Time) *time.Time { return door.Pointer(t.UTC().Truncate(time.Second)) }

func tags(m map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range sortedKeys(m) {
		out = append(out, types.Tag{Key: door.Pointer(k), Value: door.Pointer(m[k])})
	}
	return out
}

func tagMap(ts []types.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range ts {
		m[door.Value(t.Key)] = door.Value(t.Value)
	}
	return m
}

// page is the part of a list that a request asks for, with the marker of the
// next part.
func page[T any](all []T, marker *string, max *int32) (part []T, truncated bool, next *string, err error) {
	from := 0
	if marker != nil {
		if from, err = strconv.Atoi(*marker); err != nil || from < 0 || from > len(all) {
			return nil, false, nil, fault("ValidationError", http.StatusBadRequest, "Invalid Marker.")
		}
	}
	n := 100
	if max != nil {
		if n = int(*max); n < 1 || n > 1000 {
			return nil, false, nil, invalid("Value '"+strconv.Itoa(n)+"'", "maxItems", "Member must have value between 1 and 1000")
		}
	}
	part = append([]T{}, all[from:min(from+n, len(all))]...)
	if from+n < len(all) {
		return part, true, door.Pointer(strconv.Itoa(from + n)), nil
	}
	return part, false, nil, nil
}

// role finds a role that must exist.
func role(tx *state.Tx, name *string) (*state.Role, error) {
	r, ok, err := tx.Role(door.Value(name))
	if err == nil && !ok {
		err = noRole(door.Value(name))
	}
	return r, err
}

// profile finds an instance profile that must exist.
func profile(tx *state.Tx, name *string) (*state.Profile, error) {
	p, ok, err := tx.Profile(door.Value(name))
	if err == nil && !ok {
		err = noProfile(door.Value(name))
	}
	return p, err
}

// roleARN is what a request about a role is asked on. A role that does not
// exist is asked on as one without a path.
func (s *Service) roleARN(_ context.Context, name *string) string {
	arn := s.state.ARN("iam", "", "role/"+door.Value(name))
	s.read(func(tx *state.Tx) error {
		if r, ok, err := tx.Role(door.Value(name)); ok && err == nil {
			arn = s.state.RoleARN(r)
		}
		return nil
	})
	return arn
}

func (s *Service) profileARN(_ context.Context, name *string) string {
	arn := s.state.ARN("iam", "", "instance-profile/"+door.Value(name))
	s.read(func(tx *state.Tx) error {
		if p, ok, err := tx.Profile(door.Value(name)); ok && err == nil {
			arn = s.state.ProfileARN(p)
		}
		return nil
	})
	return arn
}

// read is for look-ups whose failure the operation itself will report.
func (s *Service) read(f func(*state.Tx) error) { _ = s.state.Read(f) }
