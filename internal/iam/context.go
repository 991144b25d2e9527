package iam

import (
	"strings"

	"beanpole/internal/fact"
)

// entry is one condition key of a request.
type entry struct {
	key    string
	one    [1]string // a single value, kept here to need no memory
	values []string
	unsure bool
}

func (e *entry) list() []string {
	if e.values != nil {
		return e.values
	}
	return e.one[:]
}

// multivaluedKeys are AWS's global keys of which a request may have several
// values. [IAM:reference_policies_condition-keys, "Value type"]
var multivaluedKeys = [...]string{"aws:TagKeys", "aws:CalledVia", "aws:PrincipalOrgPaths", "aws:PrincipalServiceNamesList", "aws:ResourceOrgPaths", "aws:SourceOrgPaths", "aws:VpceOrgPaths"}

// multivalued reports whether the key is one that may have several values, how
// many there are in this request or not.
func (e *entry) multivalued() bool {
	if len(e.values) > 1 {
		return true
	}
	for _, k := range multivaluedKeys {
		if len(k) == len(e.key) && strings.EqualFold(k, e.key) {
			return true
		}
	}
	return false
}

// requestContext is all that conditions and policy variables can ask for: the
// request's keys, and those that follow from its principal.
type requestContext struct {
	entries []entry
}

func newContext(r *Request) requestContext {
	c := requestContext{entries: make([]entry, 0, len(r.Context)+len(r.Unsure)+10)}
	for k, vs := range r.Context {
		if len(vs) > 0 {
			c.entries = append(c.entries, entry{key: k, values: vs})
		}
	}
	for _, k := range r.Unsure {
		c.unsure(k)
	}
	c.fill(r)
	// AWS sets these for every request; not given means not known
	c.unsure("aws:CurrentTime")
	c.unsure("aws:EpochTime")
	return c
}

func (c *requestContext) unsure(key string) {
	if c.find(key) == nil {
		c.entries = append(c.entries, entry{key: key, unsure: true})
	}
}

// put adds a key that the request does not have; an empty value is one that
// exists but is not known.
func (c *requestContext) put(key, value string) {
	if c.find(key) == nil {
		c.entries = append(c.entries, entry{key: key, one: [1]string{value}, unsure: value == ""})
	}
}

// fill adds the keys that the principal decides. [IAM:reference_policies_condition-keys]
func (c *requestContext) fill(r *Request) {
	p := &r.Principal
	if r.ResourceAccount != "" || p.Account != "" {
		c.put("aws:ResourceAccount", either(r.ResourceAccount, p.Account))
	}
	if p.Service != "" {
		c.put("aws:PrincipalIsAWSService", "true")
		c.put("aws:PrincipalServiceName", p.Service)
		return
	}
	c.put("aws:PrincipalIsAWSService", "false")
	if p.Anonymous {
		c.put("aws:PrincipalType", "Anonymous")
		c.put("aws:userid", "anonymous")
		return
	}
	c.put("aws:PrincipalArn", p.ARN)
	c.put("aws:PrincipalAccount", p.Account)
	c.put("aws:PrincipalType", p.kindName())
	c.put("aws:userid", p.UserID)
	if p.isUser() {
		c.put("aws:username", p.ARN[strings.LastIndexByte(p.ARN, '/')+1:])
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (c *requestContext) find(key string) *entry {
	for i := range c.entries {
		if e := &c.entries[i]; len(e.key) == len(key) && strings.EqualFold(e.key, key) {
			return &c.entries[i]
		}
	}
	return nil
}

// expand puts values for the policy variables of a text. With pattern set, the
// result is a pattern in which what was put in holds no wildcards. ok is false
// when a variable has no single value: the text then equals nothing. Only
// version 2012-10-17 has variables. [IAM:reference_policies_variables]
func (c *requestContext) expand(s, version string, pattern bool) (out string, ok bool) {
	if version != version2012 || !strings.Contains(s, "${") {
		return s, true
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			b.WriteString(s)
			return b.String(), true
		}
		v, ok := c.variable(name)
		if !ok {
			return "", false
		}
		if pattern {
			v = literalText.Replace(v)
		}
		b.WriteString(before)
		b.WriteString(v)
		if b.Len() > longestText {
			return fact.Symbol("a text of more than 8 KiB"), true
		}
		s = after
	}
}

// resource is expand for the Resource element, in which variables count only
// behind the ARN's fifth colon; before it they are plain text. ok is false when
// a variable has no value: the text then matches no resource.
// [IAM:reference_policies_variables, "Resource element"]
func (c *requestContext) resource(s, version string) (out string, ok bool) {
	before, _, has := strings.Cut(s, "${")
	if !has || strings.Count(before, ":") < arnParts-1 {
		return s, true
	}
	return c.expand(s, version, true)
}

// variable is the value of "key", "key, 'default'", "*", "?" or "$".
func (c *requestContext) variable(name string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	key, def, has := strings.Cut(name, ",")
	if e := c.find(strings.TrimSpace(key)); e != nil {
		if e.unsure {
			return fact.Symbol("condition key " + e.key), true
		}
		if vs := e.list(); len(vs) == 1 && vs[0] != "" && !e.multivalued() { // a multivalued key is no variable
			return vs[0], true
		}
	}
	def = strings.TrimSpace(def)
	if has && len(def) >= 2 && def[0] == '\'' && def[len(def)-1] == '\'' {
		return def[1 : len(def)-1], true
	}
	return "", false
}
