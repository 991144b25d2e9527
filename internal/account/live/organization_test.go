package live

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"beanpole/internal/access"
	"beanpole/internal/fact"
)

// organization answers as AWS Organizations does to its management account, of
// an account in one organisational unit. Each list comes in pages of one.
func (f *fakeAWS) organization(op, body string) *http.Response {
	var in struct{ ChildId, TargetId, Filter, PolicyId, NextToken string }
	if json.Unmarshal([]byte(body), &in) != nil {
		return jsonAnswer(400, `{"__type":"SerializationException"}`)
	}
	switch op {
	case "organizations:DescribeOrganization":
		if f.alone {
			return jsonAnswer(400, `{"__type":"com.amazonaws.organizations#AWSOrganizationsNotInUseException","Message":"Your account is not a member of an organization."}`)
		}
		return jsonAnswer(200, `{"Organization":{"Id":"o-exampleorgid","MasterAccountId":"999988887777","FeatureSet":"ALL"}}`)
	case "organizations:ListParents":
		if in.ChildId == testAccount {
			return jsonAnswer(200, `{"Parents":[{"Id":"ou-ab12-cdefghij","Type":"ORGANIZATIONAL_UNIT"}]}`)
		}
		return jsonAnswer(200, `{"Parents":[{"Id":"r-ab12","Type":"ROOT"}]}`)
	case "organizations:ListPoliciesForTarget":
		switch {
		case in.Filter == "RESOURCE_CONTROL_POLICY" && f.rcp == "":
			return jsonAnswer(200, `{"Policies":[]}`) // not in use
		case in.Filter == "RESOURCE_CONTROL_POLICY" && in.TargetId == "r-ab12" && in.NextToken == "":
			return jsonAnswer(200, `{"Policies":[{"Id":"p-RCPFullAWSAccess","Name":"RCPFullAWSAccess"}],"NextToken":"2"}`)
		case in.Filter == "RESOURCE_CONTROL_POLICY" && in.TargetId == "r-ab12":
			return jsonAnswer(200, `{"Policies":[{"Id":"p-rcp","Name":"perimeter"}]}`)
		case in.Filter == "RESOURCE_CONTROL_POLICY":
			return jsonAnswer(200, `{"Policies":[{"Id":"p-RCPFullAWSAccess","Name":"RCPFullAWSAccess"}]}`)
		case in.TargetId == "ou-ab12-cdefghij" && in.NextToken == "" && f.scp != "":
			return jsonAnswer(200, `{"Policies":[{"Id":"p-FullAWSAccess","Name":"FullAWSAccess"}],"NextToken":"2"}`)
		case in.NextToken == "2":
			return jsonAnswer(200, `{"Policies":[{"Id":"p-scp","Name":"no-certificates"}]}`)
		}
		return jsonAnswer(200, `{"Policies":[{"Id":"p-FullAWSAccess","Name":"FullAWSAccess"}]}`)
	}
	text := map[string]string{"p-FullAWSAccess": allow("*", "*"), "p-scp": f.scp, "p-rcp": f.rcp,
		"p-RCPFullAWSAccess": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`}[in.PolicyId]
	out, err := json.Marshal(map[string]any{"Policy": map[string]string{"Content": text}})
	if err != nil {
		return jsonAnswer(500, `{}`)
	}
	return jsonAnswer(200, string(out))
}

func jsonAnswer(status int, body string) *http.Response {
	return answer(status, map[string]string{"Content-Type": "application/x-amz-json-1.1"}, body)
}

const (
	deniesCerts = `{"Version":"2012-10-17","Statement":[{"Sid":"NoCerts","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::certs/*"}]}`
	deniesAll   = `{"Version":"2012-10-17","Statement":[{"Sid":"Perimeter","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"ORG"}}}]}`
)

func TestPoliciesOfTheOrganisationBreakTheirLink(t *testing.T) {
	for name, world := range map[string]struct {
		f     *fakeAWS
		link  access.LinkName
		says  string
		sound bool
	}{
		"no organisation": {&fakeAWS{alone: true, scp: deniesCerts}, access.Identity, "allowed by", true},
		"a service control policy denies": {&fakeAWS{scp: deniesCerts}, access.Identity,
			`the organisation denies role "shop-role" s3:GetObject on "certs/tls/server.key": statement "NoCerts" of service control policy no-certificates of ou-ab12-cdefghij`, false},
		"a service control policy denies others": {&fakeAWS{scp: strings.ReplaceAll(deniesCerts, "certs", "keys")}, access.Identity, "allowed by", true},
		"a resource control policy denies": {&fakeAWS{rcp: strings.Replace(deniesAll, "ORG", "o-another", 1)}, access.Bucket,
			`the organisation denies the request to bucket "certs": statement "Perimeter" of resource control policy perimeter of r-ab12`, false},
		"a resource control policy lets the organisation in": {&fakeAWS{rcp: strings.Replace(deniesAll, "ORG", "o-exampleorgid", 1)}, access.Bucket, "exists and denies nothing", true},
	} {
		r := readAll(t, world.f).Reading()
		if len(r.NotRead) > 0 {
			t.Errorf("%s: not read: %v", name, r.NotRead)
		}
		c := chain(r)
		l := c.Link(world.link)
		if !strings.Contains(l.Says, world.says) || l.Except != "" {
			t.Errorf("%s: link %s says %q, except %q", name, l.Name, l.Says, l.Except)
		}
		if sound := c.Answer.Verdict == fact.Holds; sound != world.sound || l.Organization == world.sound {
			t.Errorf("%s: the answer is %+v, by the organisation: %v", name, c.Answer, l.Organization)
		}
	}
}

// What only the management account may read leaves the link as it is, and says
// that the organisation's policies are not in it.
func TestPoliciesOfTheOrganisationThatMayNotBeReadAreExcepted(t *testing.T) {
	for _, op := range []string{"DescribeOrganization", "ListParents", "ListPoliciesForTarget", "DescribePolicy"} {
		r := readAll(t, &fakeAWS{refuse: "organizations:" + op, scp: deniesCerts}).Reading()
		l := chain(r).Link(access.Identity)
		if l.Verdict != fact.Holds || l.Except == "" || !strings.Contains(l.Says, "organisation's policies could not be read") {
			t.Errorf("%s refused: %v %q", op, l.Verdict, l.Says)
		}
		if o := r.Facts().Org; o == nil || !strings.Contains(o.Unread, "organizations:"+op) {
			t.Errorf("%s refused: what would tell is %+v", op, o)
		}
	}
}
