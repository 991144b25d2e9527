package iam

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// difference is something that iam-simulate decides otherwise than this
// package, with the AWS document that decides between them. rewrite puts what
// the document says into words that both understand alike, and reports whether
// there was anything of the kind; ours is what we decided.
type difference struct {
	name, document string
	rewrite        func(j *judged, ours Decision) bool
	partly         bool // rewrite is for worlds only in which our decision stays
}

var differences = []difference{
	{"a variable in the old language is plain text", "IAM:reference_policies_variables, Using variables in policies", plainVariables, false},
	{"a variable without a value equals nothing, which a negated element matches", "IAM:reference_policies_variables, Policy variables with no value", nullVariables, false},
	{"a variable is put in before the text is taken apart", "IAM:reference_policies_variables, Where you can use policy variables", putVariablesIn, false},
	{"${*}, ${?} and ${$} are variables everywhere", "IAM:reference_policies_variables, Special characters", specialCharacters, false},
	{"a negated operator matches a value that it cannot read, others do not", "IAM:reference_policies_elements_condition_operators, Negated matching", unreadableValues, false},
	{"whole numbers are seconds since 1970, or a year", "IAM:reference_policies_elements_condition_operators, Date", writtenDates, false},
	{"a single address is a block of one, and 0.0.0.0/0 holds every address", "IAM:reference_policies_elements_condition_operators, IP address", addressBlocks, false},
	{"an ARN operator's * stands for every part, and what is no ARN equals nothing", "IAM:reference_policies_elements_condition_operators, ARN", everyARN, false},
	{"IfExists wins over ForAnyValue when the key is missing", "IAM:reference_policies_elements_condition_operators, IfExists", missingKeys, false},
	{"an empty text is a null data set", "IAM:reference_policies_elements_condition_operators, ForAllValues returns true", emptyValues, false},
	{"an incomplete ARN is filled up", "IAM:reference-arns", completeARNs, false},
	{"a * that ends a part of a Resource reaches over colons", "IAM:reference_policies_elements_resource, Using wildcards", reachingStars, false},
	{"a role's path is part of its ARN", "IAM:reference_identifiers, IAM ARNs", rolePaths, false},
	{"a principal's unique ID names it", "IAM:reference_policies_elements_principal", uniqueIDs, false},
	{"NotPrincipal with Deny checks account, role and session", "IAM-live:reference_policies_elements_notprincipal", notPrincipals, false},
	{"a grant to the session itself is not limited by the session policy", "IAM:reference_policies_evaluation-logic, resource-based policies", sessionGrants, true},
	{"the account's root needs no policy", "IAM:id_root-user", rootIdentity, false},
}

func (j *judged) eachStatement(f func(p *judgedPolicy, s *judgedStatement) bool) (changed bool) {
	for _, p := range j.policies() {
		for _, s := range p.Statements {
			changed = f(p, s) || changed
		}
	}
	return changed
}

// change is what becomes of a condition.
type change uint8

const (
	keep    change = iota
	altered        // it was rewritten in place
	holds          // it always holds
	fails          // it never holds
)

func (j *judged) eachCondition(f func(p *judgedPolicy, c *judgedCondition, op operator, values []string) change) (changed bool) {
	return j.eachStatement(func(p *judgedPolicy, s *judgedStatement) (changed bool) {
		var out []judgedCondition
		for _, c := range s.Conditions {
			op, _ := readOperator(c.Operator)
			values := j.keys()[strings.ToLower(c.Key)]
			if values != nil && op.quantity == plain && op.kind != null && isMulti(c.Key) { // fails, whatever it says
				out = append(out, c)
				continue
			}
			what := f(p, &c, op, values)
			changed = changed || what != keep
			if what == fails { // a key that no request has
				c = judgedCondition{"StringEquals", "aws:PrincipalOrgID", []string{"o-none"}}
			}
			if what != holds {
				out = append(out, c)
			}
		}
		s.Conditions = out
		return changed
	})
}

func isMulti(key string) bool {
	return slices.ContainsFunc(multiKeys, func(k string) bool { return strings.EqualFold(k, key) })
}

// fresh is a key that nothing else uses, with these values.
func (j *judged) fresh(values []string, op operator) (key string, ok bool) {
	keys := []string{"aws:SourceIdentity", "aws:SourceAccount", "aws:SourceOwner", "aws:SourceVpc", "aws:ChatbotSourceArn", "aws:VpceAccount", "aws:FederatedProvider", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:SourceOrgID"}
	if op.quantity != plain {
		keys = []string{"aws:VpceOrgPaths", "aws:SourceOrgPaths", "aws:PrincipalOrgPaths", "aws:PrincipalServiceNamesList"}
	}
	for _, k := range keys {
		if have, used := j.Context[k]; !used || slices.Equal(have, values) {
			j.Context[k] = values
			return k, true
		}
	}
	return "", false
}

var variableText = regexp.MustCompile(`\$\{([^},]*)(?:, '([^']*)')?\}`)

// eachText rewrites resources, and condition values of the operators that know
// variables.
func (j *judged) eachText(versions bool, f func(text string, kind kind) string) bool {
	changed := j.eachStatement(func(p *judgedPolicy, s *judgedStatement) (changed bool) {
		if (p.Version == version2012) != versions {
			return false
		}
		for i, r := range s.Resources {
			s.Resources[i] = f(r, null)
			changed = changed || s.Resources[i] != r
		}
		return changed
	})
	return j.eachCondition(func(p *judgedPolicy, c *judgedCondition, op operator, _ []string) change {
		what := keep
		for i, v := range c.Values {
			if (p.Version == version2012) == versions && op.variables() {
				if c.Values[i] = f(v, op.kind); c.Values[i] != v {
					what = altered
				}
			}
		}
		return what
	}) || changed
}

func plainVariables(j *judged, _ Decision) bool {
	return j.eachText(false, func(s string, _ kind) string { return strings.ReplaceAll(s, "${", "$<") })
}

// value is that of a variable: ok is false when it is null.
func (j *judged) value(m []string) (string, bool) {
	if vs := j.keys()[strings.ToLower(m[1])]; len(vs) == 1 && vs[0] != "" && !isMulti(m[1]) {
		return vs[0], true
	}
	return m[2], m[2] != ""
}

func special(name string) bool { return name == "*" || name == "?" || name == "$" }

func nullVariables(j *judged, _ Decision) bool {
	return j.eachText(true, func(s string, k kind) string {
		for _, m := range variableText.FindAllStringSubmatch(s, -1) {
			if _, ok := j.value(m); ok || special(m[1]) {
				continue
			}
			if k == null || k == arn {
				return "arn:aws:none:::nothing"
			}
			return "nothing equals this"
		}
		return s
	})
}

// putVariablesIn writes the values themselves where ARNs are taken apart.
func putVariablesIn(j *judged, _ Decision) bool {
	return j.eachText(true, func(s string, k kind) string {
		before, _, has := strings.Cut(s, "${")
		if k != null && k != arn || k == null && has && strings.Count(before, ":") < arnParts-1 {
			return s
		}
		return variableText.ReplaceAllStringFunc(s, func(text string) string {
			m := variableText.FindStringSubmatch(text)
			v, ok := j.value(m)
			if !ok || special(m[1]) {
				return text
			}
			return strings.NewReplacer("*", "${*}", "?", "${?}").Replace(v)
		})
	})
}

// specialCharacters writes them themselves where they mean nothing else.
func specialCharacters(j *judged, _ Decision) bool {
	return j.eachText(true, func(s string, k kind) string {
		if k != equals && k != equalsFold {
			return s
		}
		return strings.NewReplacer("${*}", "*", "${?}", "?", "${$}", "$").Replace(s)
	})
}

var readable = map[kind]func(string) bool{
	numeric: regexp.MustCompile(`^[+-]?\d+(\.\d+)?$`).MatchString,
	date:    func(s string) bool { return regexp.MustCompile(`^\d+$|^\d{4}-\d\d`).MatchString(s) },
	boolean: regexp.MustCompile(`(?i)^(true|false)$`).MatchString,
	address: func(s string) bool { _, err := netip.ParseAddr(s); return err == nil },
	arn:     func(s string) bool { return strings.HasPrefix(s, "arn:") && strings.Count(s, ":") > 4 },
}

func unreadableValues(j *judged, _ Decision) bool {
	return j.eachCondition(func(_ *judgedPolicy, c *judgedCondition, op operator, values []string) change {
		reads := readable[op.kind]
		if reads == nil {
			return keep
		}
		rest := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !reads(v) })
		bad := len(rest) < len(values)
		key, ok := "", false
		if bad && len(rest) > 0 && op.quantity != plain {
			key, ok = j.fresh(rest, op)
		}
		switch {
		case !bad, op.quantity != plain && len(rest) == 0 && strings.Join(values, "") == "": // emptyValues
			return keep
		case op.quantity == plain && op.negated, op.quantity == forAny && op.negated:
			return holds
		case op.quantity == plain, op.quantity == forAll && !op.negated:
			return fails
		case len(rest) == 0 && op.quantity == forAll:
			return holds
		case len(rest) == 0:
			return fails
		case !ok:
			return keep
		}
		c.Key = key
		return altered
	})
}

// writtenDates writes all dates alike.
func writtenDates(j *judged, _ Decision) bool {
	write := func(s string) string {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case err != nil:
			return s
		case len(s) == 4:
			return s + "-01-01"
		}
		return time.Unix(n, 0).UTC().Format(time.RFC3339)
	}
	return j.eachCondition(func(_ *judgedPolicy, c *judgedCondition, op operator, values []string) change {
		if op.kind != date {
			return keep
		}
		what := keep
		for i, v := range c.Values {
			if c.Values[i] = write(v); c.Values[i] != v {
				what = altered
			}
		}
		written := slices.Clone(values)
		for i, v := range written {
			written[i] = write(v)
		}
		if !slices.Equal(written, values) {
			if k, ok := j.fresh(written, op); ok {
				c.Key, what = k, altered
			}
		}
		return what
	})
}

func addressBlocks(j *judged, _ Decision) bool {
	return j.eachCondition(func(_ *judgedPolicy, c *judgedCondition, op operator, _ []string) change {
		what := keep
		for i, v := range c.Values {
			if a, err := netip.ParseAddr(v); op.kind == address && err == nil {
				c.Values[i], what = netip.PrefixFrom(a, a.BitLen()).String(), altered
			} else if v == "0.0.0.0/0" && op.kind == address {
				c.Values[i], what = "0.0.0.0/1", altered
				c.Values = append(c.Values, "128.0.0.0/1")
			}
		}
		return what
	})
}

func everyARN(j *judged, _ Decision) bool {
	return j.eachCondition(func(_ *judgedPolicy, c *judgedCondition, op operator, _ []string) change {
		what := keep
		for i, v := range c.Values {
			switch {
			case op.kind != arn || strings.HasPrefix(v, "arn:"):
				continue
			case v == "*":
				c.Values[i] = "arn:*:*:*:*:*"
			default:
				c.Values[i] = "arn:aws:none:::nothing"
			}
			what = altered
		}
		return what
	})
}

func missingKeys(j *judged, _ Decision) bool {
	return j.eachCondition(func(_ *judgedPolicy, _ *judgedCondition, op operator, values []string) change {
		if values == nil && op.ifExists && op.quantity == forAny {
			return holds
		}
		return keep
	})
}

func emptyValues(j *judged, _ Decision) bool {
	return j.eachCondition(func(_ *judgedPolicy, c *judgedCondition, op operator, values []string) change {
		switch {
		case values == nil || slices.ContainsFunc(values, func(v string) bool { return v != "" }):
			return keep
		case op.quantity == forAll, op.kind == null && c.Values[0] == "true":
			return holds
		case op.quantity == forAny, op.kind == null:
			return fails
		}
		return keep
	})
}

func completeARNs(j *judged, _ Decision) bool {
	return j.eachStatement(func(_ *judgedPolicy, s *judgedStatement) (changed bool) {
		for i, r := range s.Resources {
			if n := strings.Count(r, ":"); strings.HasPrefix(r, "arn:") && n < arnParts-1 && r != reaching(r) {
				continue
			} else if strings.HasPrefix(r, "arn:") && n < arnParts-1 {
				s.Resources[i], changed = r+strings.Repeat(":*", arnParts-1-n), true
			}
		}
		return changed
	})
}

// reaching fills parts in where a whole * stands for several.
func reaching(r string) string {
	if n := strings.Count(r, ":"); strings.HasPrefix(r, "arn:") && n < arnParts-1 {
		return strings.Replace(r, ":*:", ":*"+strings.Repeat(":*", arnParts-1-n)+":", 1)
	}
	return r
}

func reachingStars(j *judged, _ Decision) bool {
	return j.eachStatement(func(_ *judgedPolicy, s *judgedStatement) (changed bool) {
		for i, r := range s.Resources {
			s.Resources[i] = reaching(r)
			changed = changed || s.Resources[i] != r
		}
		return changed
	})
}

// rename gives principals of the resource's policy other names.
func (j *judged) rename(names map[string]string) (changed bool) {
	if j.ResourcePolicy == nil {
		return false
	}
	for _, s := range j.ResourcePolicy.Statements {
		for i, name := range s.Principals["AWS"] {
			if other, ok := names[name]; ok {
				s.Principals["AWS"][i], changed = other, true
			}
		}
	}
	return changed
}

func rolePaths(j *judged, _ Decision) bool {
	return j.rename(map[string]string{"arn:aws:iam::111111111111:role/web": "arn:aws:iam::111111111111:role/nobody"})
}

func uniqueIDs(j *judged, _ Decision) bool {
	return j.rename(map[string]string{"AROAWEBAAAAAAAAAAAAAA": callers["web"].ARN, "AIDAANNAAAAAAAAAAAAAA": callers["ann"].ARN})
}

// notPrincipals drops a Deny for those whom it exempts; for all others it is a
// Deny for everyone.
func notPrincipals(j *judged, _ Decision) bool {
	if j.ResourcePolicy == nil {
		return false
	}
	who, changed := callers[j.Caller], false
	var out []*judgedStatement
	for _, s := range j.ResourcePolicy.Statements {
		if s.Effect != "Deny" || !s.negated("Principal") {
			out = append(out, s)
			continue
		}
		changed = true
		id, _, _ := strings.Cut(who.UserID, ":")
		has := func(names ...string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return n != "" && slices.Contains(s.Principals["AWS"], n) })
		}
		exempt := has(who.Account, "arn:aws:iam::"+who.Account+":root") && (who.isRoot() || has(who.ARN, id)) && (who.SessionARN == "" || has(who.SessionARN))
		exempt = exempt || has("*") || who.Service != "" && slices.Contains(s.Principals["Service"], who.Service)
		if exempt && j.Boundary == nil {
			continue
		}
		s.Not = strings.Replace(s.Not, "Principal", "", 1)
		s.Principals = map[string][]string{"*": nil}
		out = append(out, s)
	}
	j.ResourcePolicy.Statements = out
	return changed
}

// sessionGrants leaves only the grants to the session, or to everyone, and
// lifts every limit but explicit denies: who is still allowed, is so by them.
func sessionGrants(j *judged, ours Decision) bool {
	if j.Session == nil || ours.Reason != Allowed || ours.Layer != LayerResource {
		return false
	}
	for _, p := range j.IdentityPolicies {
		p.Statements = slices.DeleteFunc(p.Statements, func(s *judgedStatement) bool { return s.Effect == "Allow" })
	}
	for _, p := range []*judgedPolicy{j.Session, j.Boundary} {
		if p != nil {
			p.Statements = append(p.Statements, allowAll())
		}
	}
	session := callers[j.Caller].SessionARN
	j.ResourcePolicy.Statements = slices.DeleteFunc(j.ResourcePolicy.Statements, func(s *judgedStatement) bool {
		_, anyone := s.Principals["*"]
		if s.Effect == "Deny" || anyone || s.negated("Principal") || slices.Contains(s.Principals["AWS"], "*") {
			return false
		}
		s.Principals["AWS"] = slices.DeleteFunc(s.Principals["AWS"], func(n string) bool { return n != session })
		return len(s.Principals["AWS"]) == 0
	})
	return true
}

func allowAll() *judgedStatement {
	return &judgedStatement{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}}
}

func rootIdentity(j *judged, _ Decision) bool {
	if who := callers[j.Caller]; !who.isRoot() {
		return false
	}
	j.IdentityPolicies = append(j.IdentityPolicies, &judgedPolicy{Version: version2012, Statements: []*judgedStatement{allowAll()}})
	return true
}
