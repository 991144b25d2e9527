package iam

import (
	"math/rand"
	"slices"
	"strings"
)

func split(s string) []string { return strings.Fields(s) }

// judgedValues are values of the request by the kind of operator that they are
// for, and judgedPatterns those of policies.
var judgedValues = map[string][]string{
	"String":  {"red", "Red", "blue", "a/b", "re?d", "red*", "é", "", "red blue"},
	"Numeric": {"10", "10.0", "9", "-3", "007", "10.5", "0", "ten", "10x"},
	"Date":    {"2020-01-01T00:00:00Z", "2020-01-01", "2019-12-31T23:59:59Z", "1577836800", "2020-01", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.5Z", "1577836799", "2020", "soon"},
	"Bool":    {"true", "false", "True", "yes"},
	"Binary":  {"QmluYXJ5", "QmluYXJ5VmFsdWU=", "qmluyxj5"},
	"Ip":      {"203.0.113.9", "203.0.113.200", "198.51.100.7", "2001:db8::1", "2001:db9::1", "10.0.0.1", "here"},
	"Arn": {"arn:aws:sns:eu-west-1:111111111111:t-1", "arn:aws:sns:us-east-1:111111111111:t-2", "arn:aws:iam::111111111111:role/team/web",
		"arn:aws:s3:::b/k:1", "arn:aws:sns:eu-west-1:222222222222:t:1", "t-1"},
}

var judgedPatterns = map[string][]string{
	"String":  {"red", "Red", "blue", "RED", "r*", "*", "?ed", "*d", "re?", "a/*", "b?ue", "", "é", "?", "re${?}d", "red${*}", "${aws:PrincipalTag/team}", "${aws:username}", "${aws:UserAgent, 'red'}", "x${aws:Referer}", "${aws:TagKeys, 'blue'}", "${$}"},
	"Numeric": {"10", "9", "10.5", "-3", "0", "11", "7"},
	"Date":    {"2020-01-01T00:00:00Z", "2020-01-01", "1577836800", "2020-01-02T00:00:00Z", "2019-12-31", "2020-01-01T00:00Z", "2019"},
	"Bool":    {"true", "false", "TRUE"},
	"Binary":  {"QmluYXJ5", "QmluYXJ5VmFsdWU="},
	"Ip":      {"203.0.113.0/24", "203.0.113.128/25", "198.51.100.7", "198.51.100.7/32", "2001:db8::/32", "2001:DB8::1", "0.0.0.0/0", "::/0", "203.0.113.9/16"},
	"Arn": {"arn:aws:sns:*:111111111111:t-*", "arn:aws:sns:eu-west-1:111111111111:t-1", "arn:*:*:*:*:*", "arn:aws:s3:::b/*", "arn:aws:sns:eu-west-1:??????????22:t*", "arn:aws:iam::*:role/team/*",
		"arn:aws:sns:eu-west-1:1*:t-1", "*", "arn:aws:iam::111111111111:role/${aws:PrincipalTag/team}", "arn:aws:sns:*:${aws:PrincipalAccount}:t-1"},
}

// judgedOperators are the operators of each kind.
var judgedOperators = map[string][]string{
	"String":  {"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"},
	"Numeric": {"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
	"Date":    {"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
	"Bool":    {"Bool"}, "Binary": {"BinaryEquals"}, "Ip": {"IpAddress", "NotIpAddress"}, "Arn": {"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"},
}

var (
	judgedKinds = []string{"String", "String", "String", "Numeric", "Date", "Bool", "Binary", "Ip", "Arn"}
	singleKeys  = []string{"aws:PrincipalTag/team", "aws:RequestTag/env", "aws:UserAgent", "aws:Referer", "aws:MultiFactorAuthAge", "aws:TokenIssueTime", "aws:SecureTransport", "aws:SourceIp", "aws:SourceArn", "aws:SourceVpce"}
	multiKeys   = []string{"aws:TagKeys", "aws:CalledVia", "aws:ResourceOrgPaths"}
	ownKeys     = []string{"aws:PrincipalArn", "aws:PrincipalAccount", "aws:userid", "aws:username", "aws:PrincipalType", "aws:PrincipalIsAWSService", "aws:ResourceAccount"}
)

// judgedWorld makes worlds.
type judgedWorld struct {
	*rand.Rand
	kinds map[string]string // of each key, what its values look like
	j     *judged
}

func (w *judgedWorld) pick(of ...string) string { return of[w.Intn(len(of))] }
func (w *judgedWorld) one(in int) bool          { return w.Intn(in) == 0 }

func randomJudged(r *rand.Rand) *judged {
	w := &judgedWorld{r, map[string]string{}, &judged{Context: map[string][]string{}}}
	j := w.j
	j.Owner = w.pick("111111111111", "111111111111", "111111111111", "222222222222")
	j.Caller = w.pick("web", "web", "web", "web", "web", "ann", "ann", "ann", "there", "there", "web", "ann", "root", "none", "ec2")
	j.Action = w.pick("s3:GetObject", "s3:GetObject", "s3:GetObject", "s3:ListBucket", "sqs:SendMessage", "kms:Decrypt", "sts:AssumeRole", "s3:ListAllMyBuckets")
	j.Resource = map[string]string{"s3:GetObject": "arn:aws:s3:::certs/web/key.pem", "s3:ListBucket": "arn:aws:s3:::certs", "sqs:SendMessage": "arn:aws:sqs:eu-west-1:" + j.Owner + ":jobs",
		"kms:Decrypt": "arn:aws:kms:eu-west-1:" + j.Owner + ":key/1", "sts:AssumeRole": "arn:aws:iam::" + j.Owner + ":role/other", "s3:ListAllMyBuckets": "*"}[j.Action]
	if j.Action == "s3:ListAllMyBuckets" { // it is about the caller's own account
		j.Owner = either(callers[j.Caller].Account, j.Owner)
	}
	w.context()
	who := callers[j.Caller]
	if !who.Anonymous && who.Service == "" {
		w.principalSide(who)
	}
	if j.Action != "s3:ListAllMyBuckets" && (j.Action == "sts:AssumeRole" || !w.one(3)) {
		j.ResourcePolicy = w.policy("resource", 1+w.Intn(3))
	}
	if w.one(6) {
		j.Endpoint = w.policy("everyone", 1+w.Intn(2))
	}
	if w.one(6) {
		for range 1 + w.Intn(2) {
			j.RCPs = append(j.RCPs, []*judgedPolicy{w.policy("RCP", 1)})
		}
	}
	return j
}

// principalSide adds what bears on principals that have an account.
func (w *judgedWorld) principalSide(who Principal) {
	if !who.isRoot() {
		for range 1 + w.Intn(2) {
			w.j.IdentityPolicies = append(w.j.IdentityPolicies, w.policy("", 1+w.Intn(3)))
		}
		if w.one(4) {
			w.j.Boundary = w.policy("", 1+w.Intn(2))
		}
	}
	if who.SessionARN != "" && w.one(5) {
		w.j.Session = w.policy("", 1+w.Intn(2))
	}
	if w.one(5) {
		w.j.SCPs = w.levels("SCP")
	}
}

// context gives each key a kind, and most of them a value.
func (w *judgedWorld) context() {
	value := func(key string) string {
		kind := w.kinds[key]
		if w.one(12) {
			kind = w.pick(judgedKinds...)
		}
		return w.pick(judgedValues[kind]...)
	}
	for _, k := range singleKeys {
		w.kinds[k] = w.pick(judgedKinds...)
		if !w.one(3) {
			w.j.Context[k] = []string{value(k)}
		}
	}
	for _, k := range multiKeys {
		w.kinds[k] = w.pick(judgedKinds...)
		for range w.Intn(4) {
			w.j.Context[k] = append(w.j.Context[k], value(k))
		}
	}
}

func (w *judgedWorld) levels(whose string) (out [][]*judgedPolicy) {
	for range 1 + w.Intn(2) {
		level := []*judgedPolicy{w.policy(whose, 1)}
		if !w.one(3) { // as AWS attaches by itself
			level = append(level, &judgedPolicy{Version: version2012, Statements: []*judgedStatement{allowAll()}})
		}
		out = append(out, level)
	}
	return out
}

// policy makes a policy; whose is "resource" for statements that name
// principals, "everyone" for those that name everyone, "RCP" for those that
// moreover only deny, and never every action or in the old language
// [Organizations: orgs_manage_policies_rcps_syntax], "SCP" or nothing.
func (w *judgedWorld) policy(whose string, statements int) *judgedPolicy {
	p := &judgedPolicy{Version: w.pick(version2012, version2012, version2012, version2012, "2008-10-17", "")}
	for range statements {
		s := &judgedStatement{Effect: w.pick("Allow", "Allow", "Allow", "Allow", "Deny")}
		service, name, _ := strings.Cut(w.j.Action, ":")
		s.Actions = []string{w.pick(w.j.Action, w.j.Action, w.j.Action, service+":*", "*", service+":"+strings.ToUpper(name), service+":"+name[:3]+"*", service+":?"+name[1:], "s3:PutObject")}
		if w.one(8) {
			s.Not, s.Actions = "Action", []string{w.pick("iam:*", service+":*", "s3:Put*", w.j.Action), "ec2:*"}
		}
		if w.j.Action != "sts:AssumeRole" || whose != "resource" {
			s.Resources = w.resources(whose)
			if w.one(8) {
				s.Not += " Resource"
			}
		}
		switch whose {
		case "RCP":
			p.Version, s.Effect, s.Not = version2012, "Deny", strings.Replace(s.Not, "Action", "", 1)
			s.Principals = map[string][]string{"*": nil}
			if s.Actions[0] == "*" {
				s.Actions[0] = w.j.Action
			}
		case "everyone":
			s.Principals = map[string][]string{"*": nil}
		case "resource":
			w.principals(s)
		}
		for range w.pickInt(0, 0, 0, 1, 1, 2) {
			w.condition(s)
		}
		p.Statements = append(p.Statements, s)
	}
	return p
}

func (w *judgedWorld) pickInt(of ...int) int { return of[w.Intn(len(of))] }

func (w *judgedWorld) resources(whose string) []string {
	a := w.j.Resource
	near := []string{"*", "*", "arn:aws:s3:::*"}
	if i := strings.LastIndexByte(a, ':'); i >= 0 {
		near = append(near[:2], a, a, a, a[:len(a)-1]+"*", a[:len(a)-2]+"?"+a[len(a)-1:], a[:i+1]+"*", a[:i+1]+"${aws:PrincipalTag/team}*", strings.Replace(a, "web", "${aws:PrincipalTag/team, 'web'}", 1), strings.Replace(a, "111111111111", "*", 1), strings.Replace(a, "eu-west-1:111111111111", "*", 1),
			strings.Replace(a, "111111111111", "${aws:PrincipalAccount}", 1), "arn:aws:s3:::other/*", a[:i+1]+strings.ToUpper(a[i+1:]))
	}
	if whose == "" {
		near = append(near, "arn:aws:s3:*", "arn:aws:s3")
	}
	out := []string{w.pick(near...)}
	if w.one(3) {
		out = append(out, w.pick(near...))
	}
	return out
}

func (w *judgedWorld) principals(s *judgedStatement) {
	aws := []string{"111111111111", "222222222222", "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root", "arn:aws:iam::111111111111:role/team/web", "arn:aws:iam::111111111111:role/team/web",
		"arn:aws:iam::111111111111:role/web", "arn:aws:sts::111111111111:assumed-role/web/i-0abc", "arn:aws:sts::111111111111:assumed-role/web/i-0abc", "arn:aws:sts::111111111111:assumed-role/web/i-0def", "arn:aws:iam::111111111111:user/dev/ann",
		"arn:aws:iam::222222222222:role/there", "arn:aws:sts::222222222222:assumed-role/there/s", "AROAWEBAAAAAAAAAAAAAA", "AROADEADAAAAAAAAAAAAA", "AIDAANNAAAAAAAAAAAAAA"}
	s.Principals = map[string][]string{}
	switch w.Intn(8) {
	case 0, 1:
		s.Principals["*"] = nil
	case 2:
		s.Principals["AWS"] = []string{"*"}
	case 3:
		s.Principals["Service"] = []string{w.pick("ec2.amazonaws.com", "logs.amazonaws.com")}
	default:
		for range 1 + w.Intn(3) {
			s.Principals["AWS"] = append(s.Principals["AWS"], w.pick(aws...))
		}
		if w.one(6) {
			s.Principals["Service"] = []string{"ec2.amazonaws.com"}
		}
		if w.one(12) {
			s.Principals["Federated"] = []string{"cognito-identity.amazonaws.com"}
		}
	}
	if _, anyone := s.Principals["*"]; !anyone && w.one(5) && w.j.Action != "sts:AssumeRole" {
		s.Not += " Principal"
	}
}

func (w *judgedWorld) condition(s *judgedStatement) {
	key := w.pick(slices.Concat(singleKeys, singleKeys, multiKeys, ownKeys)...)
	kind := w.kinds[key]
	if kind == "" {
		kind = w.pick("String", "Arn")
	}
	if w.one(15) {
		kind = w.pick(judgedKinds...)
	}
	c := judgedCondition{Operator: w.pick(judgedOperators[kind]...), Key: w.pick(key, key, strings.ToLower(key), strings.ToUpper(key))}
	patterns := judgedPatterns[kind]
	if slices.Contains(ownKeys, key) && kind == "String" {
		patterns = append(slices.Clone(patterns), "111111111111", "AROAWEBAAAAAAAAAAAAAA:*", "AssumedRole", "ann", "arn:aws:iam::111111111111:role/team/web", "arn:aws:iam::111111111111:user/*", "true")
	} else if slices.Contains(ownKeys, key) && kind == "Arn" {
		patterns = append(slices.Clone(patterns), "arn:aws:iam::111111111111:role/team/web", "arn:aws:iam::111111111111:user/*", "true")
	}
	for range w.pickInt(1, 1, 2, 3) {
		c.Values = append(c.Values, w.pick(patterns...))
	}
	if slices.Contains(multiKeys, key) && !w.one(6) || w.one(12) {
		c.Operator = w.pick("ForAllValues:", "ForAnyValue:") + c.Operator
	}
	if w.one(5) {
		c.Operator += "IfExists"
	}
	if w.one(12) {
		c.Operator, c.Values = "Null", []string{w.pick("true", "false")}
	}
	for _, other := range s.Conditions {
		if strings.EqualFold(other.Key, c.Key) && other.Operator == c.Operator {
			return
		}
	}
	s.Conditions = append(s.Conditions, c)
}
