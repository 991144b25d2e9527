package iam

import (
	"errors"
	"strings"
	"testing"
	"time"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

func TestEveryElementKeepsItsPlace(t *testing.T) {
	const doc = `{
  "Version": "2012-10-17", "Id": "p",
  "Statement": [{
    "Sid": "A",
    "Effect": "Allow",
    "Principal": {"AWS": ["111111111111",
      "arn:aws:iam::1:root"], "Service": "ec2.amazonaws.com", "Federated": "f", "CanonicalUser": "c"},
    "Action": ["s3:GetObject",
      "s3:PutObject"],
    "NotResource": "arn:aws:s3:::b/*",
    "Condition": {"StringLike": {"aws:x": ["a",
      "b"]}, "Bool": {"aws:SecureTransport": true}}
  }]
}`
	p, err := ParseJSON("bucket policy", "p.json", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	s := p.Statements[0]
	for at, pos := range map[string]source.Pos{
		"3:17": s.Pos, "6:27": s.Principal.AWS[0].Pos, "7:7": s.Principal.AWS[1].Pos, "8:16": s.Actions[0].Pos, "9:7": s.Actions[1].Pos,
		"10:20": s.NotResources[0].Pos, "11:34": s.Conditions[0].Pos, "12:7": s.Conditions[0].Values[1].Pos, "1:1": p.Pos,
	} {
		if pos.String() != "p.json:"+at {
			t.Errorf("place %s, want p.json:%s", pos, at)
		}
	}
	if p.ID != "p" || p.Version != "2012-10-17" || s.Sid != "A" || s.Policy != p || len(s.Conditions) != 2 || s.Conditions[1].Values[0].Text != "true" ||
		s.Principal.Service[0].Text != "ec2.amazonaws.com" || s.Principal.Federated[0].Text != "f" || s.Principal.Canonical[0].Text != "c" {
		t.Errorf("%+v %+v", p, s)
	}
}

func TestPolicyInsideYAMLTextKeepsItsPlaces(t *testing.T) {
	const file = "PolicyDocument: |\n  {\"Statement\":\n    {\"Effect\": \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": \"*\"}}\n"
	n, err := source.ParseYAML("t.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("inline policy", n.Get("PolicyDocument"))
	if err != nil {
		t.Fatal(err)
	}
	if at := p.Statements[0].Actions[0].Pos.String(); at != "t.yaml:3:35" {
		t.Errorf("action at %s", at)
	}
}

func TestPolicyInYAMLIsRead(t *testing.T) {
	const file = "Version: 2012-10-17\nStatement:\n- Effect: Allow\n  Action: 's3:*'\n  Resource: '*'\n  Condition: {Bool: {aws:SecureTransport: true}, NumericEquals: {k: 5}}\n"
	n, err := source.ParseYAML("t.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse("x", n)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != version2012 || len(p.Statements[0].Conditions) != 2 {
		t.Errorf("%+v", p)
	}
}

func TestMistakesAreToldWithTheirPlace(t *testing.T) {
	stmt := func(s string) string { return `{"Statement": ` + s + `}` }
	for doc, want := range map[string]string{
		``:                   "p.json: x is empty",
		`[]`:                 "p.json:1:1: x is no policy document",
		`{"Version": "2012"`: "p.json:1:",
		`{}`:                 "p.json:1:1: x has no Statement",
		`{"Version": "2012-10-18", "Statement": []}`: `p.json:1:13: policy Version "2012-10-18" is none of AWS's; write "2012-10-17"`,
		`{"statement": []}`:                          `p.json:1:2: AWS refuses "statement" in a policy; write "Statement"`,
		`{"Statement": "x"}`:                         "p.json:1:15: Statement must be",
		stmt(`[1]`):                                  "p.json:1:16: a statement must be an object",
		stmt(`{"Action": "s3:*"}`):                   "a statement has no Effect",
		stmt(`{"Effect": "allow", "Action": "s3:*", "Resource": "*"}`):                                                                                   `p.json:1:26: Effect "allow" is neither`,
		stmt(`{"Effect": "Allow", "Resource": "*"}`):                                                                                                     "neither Action nor NotAction",
		stmt(`{"Effect": "Allow", "Actions": "s3:*"}`):                                                                                                   `AWS refuses "Actions" in a statement; write "Action"`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*"}`):                                                                               "both Action and NotAction",
		stmt(`{"Effect": "Allow", "Action": [], "Resource": "*"}`):                                                                                       "Action is an empty list",
		stmt(`{"Effect": "Allow", "Action": [[1]], "Resource": "*"}`):                                                                                    "Action must hold texts",
		stmt(`{"Effect": "Allow", "Action": {"a": 1}, "Resource": "*"}`):                                                                                 "Action must be a text or a list",
		stmt(`{"Effect": "Allow", "Action": "GetObject", "Resource": "*"}`):                                                                              `action "GetObject" names no service`,
		stmt(`{"Effect": "Allow", "Action": "s3:Get:Object", "Resource": "*"}`):                                                                          `action "s3:Get:Object" has more than one colon`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Ressource": "*"}`):                                                                                  `AWS refuses "Ressource" in a statement`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:a": "true", "aws:a": "false"}}}`):                       `key "aws:a" stands twice under "Bool"`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "my-bucket/*"}`):                                                                         `resource "my-bucket/*" must be in ARN format`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Resource": "*"}`):                                                                  `"Resource" stands twice`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "me"}`):                                                                `Principal "me" must be "*"`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": {}}`):                                                                  "Principal must be",
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": {"Aws": "1"}}`):                                                        `AWS refuses "Aws" in Principal; write "AWS"`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*", "NotPrincipal": "*"}`):                                            "both Principal and NotPrincipal",
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringIs": {"a": "b"}}}`):                                            `operator "StringIs" is none of AWS's`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"NullIfExists": {"a": "true"}}}`):                                     `operator "NullIfExists" is none`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Some:StringLike": {"a": "b"}}}`):                                     `is none of AWS's`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a": "yes"}}}`):                                              `"yes" is no value for Bool`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"IpAddress": {"a": "1.2.3"}}}`):                                       `"1.2.3" is no value for IpAddress`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"NumericEquals": {"a": "x"}}}`):                                       `"x" is no value for NumericEquals`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"DateEquals": {"a": "today"}}}`):                                      `"today" is no value for DateEquals`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": "a"}}`):                                               "must hold an object",
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a":1},"Bool": {"b":"x"}}}`):                                 `is no value for Bool`,
		stmt(`{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringLike": {"a":"1"},"StringLike": {"b":"x"}}}`):                   `operator "StringLike" stands twice`,
		stmt(`[{"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]`): `Sid "a" stands twice`,
	} {
		_, err := ParseJSON("x", "p.json", []byte(doc))
		var p *source.Problem
		if err == nil || !errors.As(err, &p) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got  %v\n want %s", doc, err, want)
		}
	}
}

func TestUnknownPolicyTextSaysWhatItDependsOn(t *testing.T) {
	_, err := Parse("policy P", source.NewString(fact.Symbol("parameter Doc"), source.Pos{File: "t.yaml", Line: 3, Col: 1}))
	if err == nil || err.Error() != "t.yaml:3:1: the text of policy P is not known: it depends on parameter Doc" {
		t.Errorf("got %v", err)
	}
}

func TestUsesAskForTheirElements(t *testing.T) {
	const a = `"Effect": "Allow", "Action": "s3:GetObject"`
	for doc, want := range map[string][3]bool{ // identity, resource, trust
		`{` + a + `, "Resource": "*"}`:                                                         {true, false, false},
		`{` + a + `, "Principal": "*", "Resource": "*"}`:                                       {false, true, false},
		`{` + a + `, "Principal": "*"}`:                                                        {false, false, true},
		`{` + a + `, "NotPrincipal": "*"}`:                                                     {false, false, false},
		`{` + a + `}`:                                                                          {false, false, false},
		`{` + a + `, "NotPrincipal": "*", "NotResource":"*"}`:                                  {false, true, false},
		`{` + a + `, "Resource": "*", "Sid": "Read it"}`:                                       {false, false, false},
		`{` + a + `, "Resource": "*", "Principal": "*", "Sid": "Read it"}`:                     {false, true, false},
		`{` + a + `, "Resource": "*", "Condition": {"Bool": {"SecureTransport": "true"}}}`:     {false, false, false},
		`{` + a + `, "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}`: {true, false, false},
	} {
		p, err := ParseJSON("x", "p.json", []byte(`{"Statement": `+doc+`}`))
		if err != nil {
			t.Fatal(err)
		}
		for u, ok := range want {
			if err := p.Check(Use(u)); (err == nil) != ok {
				t.Errorf("%s for use %d: %v", doc, u, err)
			}
		}
	}
}

func TestHostilePoliciesEndSoon(t *testing.T) {
	long := strings.Repeat("a", 3<<19)
	if _, err := ParseJSON("x", "p.json", []byte(`{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::`+long+`"}}`)); err == nil || !strings.Contains(err.Error(), "more than 1 MiB") {
		t.Errorf("got %v", err)
	}
	start := time.Now()
	for _, pattern := range []string{strings.Repeat("*a", 200_000) + "b", strings.Repeat("${aws:username}", 30_000), "arn:aws:s3:::" + strings.Repeat("*a", 100_000) + "b"} {
		p, err := ParseJSON("x", "p.json", []byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::`+pattern+`", "Condition": {"StringLike": {"k": "`+pattern+`"}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		d := Evaluate(&Request{Principal: callers["ann"], Action: "s3:GetObject", Resource: "arn:aws:s3:::" + long, Context: map[string][]string{"k": {long}, "aws:username": {strings.Repeat("u", 4096)}}},
			&Policies{Identity: []*Policy{p}})
		if d.Reason != NotKnown || len(d.Missing) == 0 {
			t.Errorf("%s", outcomeText(d))
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
