package access

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

func quoted(s string) string { return fmt.Sprintf("%q", fact.Show(s)) }

func holds(at []source.Pos, format string, args ...any) Link {
	return Link{Verdict: fact.Holds, At: at, Says: fmt.Sprintf(format, args...)}
}

func broken(at []source.Pos, format string, args ...any) Link {
	return Link{Verdict: fact.Broken, At: at, Says: fmt.Sprintf(format, args...)}
}

func unknown(at []source.Pos, missing, format string, args ...any) Link {
	return Link{At: at, Missing: missing, Says: fmt.Sprintf(format, args...)}
}

// origins are the places that a value comes from.
func origins(n *source.Node) []source.Pos {
	if n == nil {
		return nil
	}
	ps := []source.Pos{n.Pos}
	for _, o := range n.From {
		ps = append(ps, o.Pos)
	}
	return ps
}

// creator says what would tell of a thing: what kept a live account from being
// read, or the template that creates it.
func (x *follower) creator(kind, name string) string {
	if why := x.a.Settles(kind, name); why != "" {
		return why
	}
	return fmt.Sprintf("the template that creates %s %s (--template)", kind, quoted(name))
}

func (x *follower) document() Link {
	at := []source.Pos{x.f.URLAt}
	for _, o := range x.f.From {
		at = append(at, o.Pos)
	}
	return holds(at, "%q entry %s fetches %s", x.f.Section, quoted(x.f.Target), quoted(x.f.URL))
}

func (x *follower) source() Link {
	at := []source.Pos{x.f.URLAt}
	ad := x.f.Address
	if why := x.misfit(); why != "" {
		return broken(at, "%s", why)
	}
	switch {
	case ad.Recognised():
		if why := aws.AgentMissigns(x.f.URL); why != "" && x.signs() {
			return broken(at, "S3 refuses the agent's signature of %s: %s", quoted(x.f.URL), why)
		}
		style, version := "in the host name", "4, for region "+quoted(ad.Region)
		if ad.PathStyle {
			style = "in the path"
		}
		if ad.Default {
			version = "2, as the URL names no region"
		}
		return holds(at, "the agent takes %s for S3: bucket %s %s, key %s, Signature Version %s",
			quoted(x.f.URL), quoted(ad.Bucket), style, quoted(ad.Key), version)
	case aws.AgentUnsure(x.f.URL) != nil:
		return unknown(at, "the URL: "+strings.Join(aws.AgentUnsure(x.f.URL), ", "), "whether the agent takes %s for S3 depends on a part that is not known", quoted(x.f.URL))
	case x.signs():
		return broken(at, "the agent does not take %s for S3, so it cannot sign it with block %s", quoted(x.f.URL), quoted(x.f.Signer.Block))
	case !x.target.elsewhere:
		return holds(at, "S3 serves %s, but the agent does not take it for S3: no block is chosen by its bucket", quoted(x.f.URL))
	}
	return holds(at, "%s is no address of S3", quoted(x.f.URL))
}

func (x *follower) authentication() Link {
	s := &x.f.Signer
	at := []source.Pos{s.AskedAt, s.BlockAt}
	if s.Unsure != "" {
		return unknown(at, s.Unsure, "who signs is not known")
	}
	if s.Kind == Basic && x.c.Answer.From == FromS3 {
		return broken(at, "block %s sends user name and password, which S3 does not take", quoted(s.Block))
	}
	if s.Kind != Nobody {
		how := "by its name"
		switch {
		case !s.ByName && s.Asked != "":
			how = fmt.Sprintf("by its buckets, as there is no usable block %s", quoted(s.Asked))
		case !s.ByName:
			how = "by its buckets"
			if s.Kind == Basic {
				how = "by its uris"
			}
		}
		return holds(at, "block %s, chosen %s, signs with %s", quoted(s.Block), how, x.keys())
	}
	why := "no block is named, and none lists the bucket"
	if s.Asked != "" {
		why = fmt.Sprintf("there is no usable block %s, and no block lists the bucket", quoted(s.Asked))
	}
	if len(s.Others) > 0 {
		why += " (" + fact.Show(strings.Join(s.Others, "; ")) + ")"
	}
	at = append(at, x.f.URLAt)
	ans := x.c.Answer
	if ans.From == FromNetwork && !x.target.elsewhere { // what S3 would say
		ans = S3(x.a, x.request(x.caller()))
	}
	switch {
	case ans.From == FromS3 && ans.Code == "AccessDenied":
		return broken(at, "nobody signs: %s", why)
	case ans.Verdict == fact.Holds || x.target.elsewhere || ans.Verdict == fact.Broken:
		return holds(at, "nobody signs, and nobody needs to: %s", why)
	}
	return unknown(at, "whether the bucket lets in everybody", "nobody signs: %s", why)
}

func (x *follower) keys() string {
	switch x.f.Signer.Kind {
	case RoleKeys:
		name, _ := x.roleName()
		return "the credentials of role " + quoted(name)
	case StaticKeys:
		return "access key " + quoted(x.f.Signer.KeyID)
	}
	return "user name and password"
}

// name asks what roleName is. Another role's name is a role's name: that the
// instance has no credentials for it is the metadata link's answer.
func (x *follower) name() Link {
	if !x.byRole() {
		return holds(nil, "no role's credentials are asked for")
	}
	at := origins(x.f.Signer.Role)
	name, ok := x.roleName()
	switch {
	case !ok:
		return unknown(at, "the value of roleName", "roleName is no text")
	case name == "":
		return broken(append(at, x.f.Signer.BlockAt), "roleName is empty: instance metadata gives the list of names instead of credentials")
	case isARN(name):
		return broken(at, "roleName is the ARN %s, not the name of a role", quoted(name))
	case strings.Contains(name, "/"):
		return broken(at, "roleName is %s; the name of a role has no slash", quoted(name))
	}
	if x.role != nil && fact.Equal(x.role.Name, name) == fact.Holds {
		return holds(append(at, x.role.Pos), "%s is the role of the instances", quoted(name))
	}
	role, found := x.a.Role(name)
	if found == fact.Holds {
		at = append(at, role.Pos)
		if fact.Equal(role.Name, name) == fact.Broken {
			return broken(at, "roleName is %s, but the role is spelled %s, and letter case counts", quoted(name), quoted(role.Name))
		}
		return holds(at, "%s is a role", quoted(name))
	}
	p, isProfile := x.a.Profile(name)
	switch {
	case x.otherThanRole(name) == fact.Broken:
		return holds(append(at, x.instanceProfile.RolesPos), "%s is the role in the instance profile", quoted(name))
	case isProfile == fact.Holds && x.otherThanRole(name) == fact.Holds:
		return broken(append(at, p.Pos, p.NamePos), "%s is the name of an instance profile, not of a role", quoted(name))
	case found == fact.Broken:
		return broken(at, "no role is named %s", quoted(name))
	case len(fact.Missing(name)) > 0:
		return unknown(at, strings.Join(fact.Missing(name), ", "), "roleName is %s, of which a part is not known", quoted(name))
	case x.otherThanRole(name) == fact.Holds:
		return holds(at, "roleName is %s; whether such a role exists is not known, and not asked", quoted(name))
	}
	return unknown(at, x.creator("role", name), "whether a role is named %s is not known", quoted(name))
}

// otherThanRole tells whether name is another one than that of the role in the
// instance profile.
func (x *follower) otherThanRole(name string) fact.Verdict {
	switch {
	case x.profileFound == fact.Broken:
		return fact.Holds
	case x.instanceProfile == nil:
		return fact.Unknown
	case len(x.instanceProfile.Roles) == 0:
		return fact.Holds
	}
	return fact.Not(fact.Equal(x.instanceProfile.Roles[0], name))
}

func (x *follower) profile() Link {
	at := origins(x.w.Profile)
	name := x.profileName()
	p := x.instanceProfile
	switch {
	case !x.byRole():
		return holds(nil, "no role's credentials are asked for")
	case x.w.ProfileUnknown != "":
		return unknown(at, x.w.ProfileUnknown, "which instance profile the instances get is not known")
	case name == "":
		return broken(at, "the instances get no instance profile: option IamInstanceProfile has no value")
	case isARN(name) && !isProfileARN(name):
		return broken(at, "%s is not the ARN of an instance profile; Elastic Beanstalk refuses it", quoted(name))
	case x.profileFound == fact.Broken:
		return broken(at, "instance profile %s does not exist", quoted(name))
	case p == nil:
		return unknown(at, x.creator("instance profile", name), "which role instance profile %s holds is not known", quoted(name))
	}
	at = append(at, p.Pos, p.NamePos, p.RolesPos)
	if len(p.Roles) == 0 {
		return broken(at, "instance profile %s holds no role", quoted(p.Name))
	}
	if x.role != nil {
		at = append(at, x.role.Pos, x.role.NamePos)
	}
	l := holds(at, "instance profile %s holds role %s", quoted(p.Name), quoted(p.Roles[0]))
	if m := fact.Missing(p.Roles[0]); x.role == nil && len(m) > 0 {
		l.Verdict, l.Missing = fact.Unknown, strings.Join(m, ", ")
	}
	return l
}

func (x *follower) metadata() Link {
	if !x.byRole() {
		return holds(nil, "no role's credentials are asked for")
	}
	name, _ := x.roleName()
	at := origins(x.f.Signer.Role)
	p := x.instanceProfile
	switch ans := x.credentials(); {
	case ans.Status == 401:
		return broken(at, "instance metadata answers 401: it takes session tokens only (option DisableIMDSv1), and the agent of an Amazon Linux AMI platform brings none")
	case ans.Verdict == fact.Broken && ans.Status == 404 && (p == nil || len(p.Roles) == 0):
		return broken(append(at, origins(x.w.Profile)...), "instance metadata answers 404 for %s: the instance has no credentials at all", quoted(name))
	case ans.Verdict == fact.Broken && ans.Status == 404:
		return broken(append(at, p.Pos, p.RolesPos), "instance metadata answers 404 for %s: it has credentials for role %s only", quoted(name), quoted(p.Roles[0]))
	case ans.Verdict == fact.Broken && ans.Code == "":
		return broken(at, "instance metadata answers an empty name with the list of names")
	case ans.Verdict != fact.Unknown || p != nil && len(p.Roles) > 0 && fact.Equal(p.Roles[0], name) == fact.Holds:
		return holds(append(at, p.RolesPos), "%s is the one name under which the instance has credentials", quoted(name))
	}
	return unknown(at, x.missingRole(), "whether the instance has credentials under %s is not known", quoted(name))
}

// missingRole says what would tell the role of the instances.
func (x *follower) missingRole() string {
	switch p := x.instanceProfile; {
	case x.w.ProfileUnknown != "":
		return x.w.ProfileUnknown
	case x.profileFound == fact.Broken:
		return "an instance profile with a role"
	case p == nil:
		return x.creator("instance profile", x.profileName())
	case len(p.Roles) == 0:
		return "an instance profile with a role"
	default:
		if name, ok := x.roleName(); ok && len(fact.Missing(name)) > 0 && fact.Known(p.Roles[0]) {
			return strings.Join(fact.Missing(name), ", ")
		}
		return x.creator("role", p.Roles[0])
	}
}

func (x *follower) trust() Link {
	switch {
	case !x.byRole():
		return holds(nil, "no role's credentials are asked for")
	case x.role == nil:
		return unknown(nil, x.missingRole(), "the instances' role is not known")
	}
	d := trustsEC2(x.a, x.role)
	at := append(statementPlaces(d), x.role.Pos)
	switch d.Verdict() {
	case fact.Holds:
		return holds(at, "role %s lets ec2.amazonaws.com assume it", quoted(x.role.Name))
	case fact.Broken:
		if x.role.Trust.Pos.IsValid() {
			at = append(at, x.role.Trust.Pos)
		}
		return broken(at, "the trust policy of role %s does not let ec2.amazonaws.com assume it%s", quoted(x.role.Name), nearly(d))
	}
	return unknown(at, missing(d, "the trust policy of role "+quoted(x.role.Name)), "whether EC2 may assume role %s is not known", quoted(x.role.Name))
}

func (x *follower) object() Link {
	t := &x.target
	where := quoted("s3://" + t.Bucket + "/" + t.Key)
	switch {
	case t.elsewhere:
		return unknown(nil, "what the server answers to "+quoted(x.f.URL), "the file is not in S3")
	case t.unknown != "":
		return unknown(nil, t.unknown, "which object is asked for is not known")
	}
	b, found := x.a.Bucket(t.Bucket)
	switch found {
	case fact.Broken:
		return broken([]source.Pos{x.f.URLAt}, "%s does not exist: there is no such bucket", where)
	case fact.Unknown:
		return unknown(nil, x.objectMissing(where), "whether %s exists is not known", where)
	}
	switch hasObject(b, t.Key) {
	case fact.Holds:
		return x.content(b, b.Objects[t.Key], where)
	case fact.Broken:
		return broken([]source.Pos{x.f.URLAt, b.Pos}, "%s does not exist", where)
	}
	if l := x.content(b, nil, where); l.Verdict == fact.Broken {
		x.c.Doubts = append(x.c.Doubts, Doubt{Name: Object, Says: l.Says, At: l.At, If: where + " is encrypted as the bucket's default encryption says"})
	}
	return unknown(nil, x.objectMissing(where), "whether %s exists is not known", where)
}

func (x *follower) objectMissing(where string) string {
	if why := x.a.Settles("object", "s3://"+x.target.Bucket+"/"+x.target.Key); why != "" {
		return why
	}
	return "whether object " + where + " exists"
}

// content judges who owns an object and which key it is under. A nil object is
// one of which nothing is known but that the bucket's defaults are its own.
func (x *follower) content(b *account.Bucket, o *account.Object, where string) Link {
	at := []source.Pos{b.Pos}
	e := encryption(b, o)
	if e != nil {
		at = append(at, e.Pos)
	}
	if e.KMS() != fact.Broken && x.byRole() && x.role == nil {
		return unknown(at, x.missingRole(), "whether the instances' role may decrypt %s is not known", where)
	}
	r := x.request(x.caller())
	switch ownObject(x.a, r, b, o) {
	case fact.Broken:
		return broken(at, "%s belongs to account %s, which wrote it: neither the bucket's policy nor its owner's policies reach it", where, quoted(o.Owner))
	case fact.Unknown:
		return unknown(at, "the object ownership of bucket "+quoted(b.Name), "whether %s belongs to the bucket's owner is not known", where)
	}
	refused := decrypts(x.a, r, b, e)
	if refused == nil {
		return holds(at, "%s exists", where)
	}
	l := x.locked(r, b, e, refused, where, at)
	l.ByKey = l.Verdict == fact.Broken
	return l
}

// locked says why KMS, or S3 for its sake, does not hand an object out.
func (x *follower) locked(r *S3Request, b *account.Bucket, e *account.Encryption, refused *Answer, where string, at []source.Pos) Link {
	key, d := Decrypts(x.a, r, b, e)
	at = append(at, statementPlaces(d)...)
	if key != nil {
		at = append(at, key.Pos)
	}
	switch {
	case refused.Verdict == fact.Unknown:
		return unknown(at, missing(d, "the policy of "+keyName(e)), "whether %s may use %s, under which %s is encrypted, is not known", x.who(), keyName(e), where)
	case refused.Code == "InvalidArgument":
		return broken(at, "%s is encrypted with SSE-KMS, and S3 hands it out only to requests over TLS signed with Signature Version 4", where)
	case refused.Code == "KMS.DisabledException":
		return broken(at, "%s is encrypted under %s, which is disabled", where, keyName(e))
	case refused.Code == "KMS.KMSInvalidStateException":
		return broken(at, "%s is encrypted under %s, which is pending deletion", where, keyName(e))
	case d.Reason == iam.ExplicitDeny:
		return broken(at, "%s is encrypted under %s, and %s is denied kms:Decrypt by %s", where, keyName(e), x.who(), statements(d))
	}
	return broken(at, "%s is encrypted under %s, and %s may not call kms:Decrypt with it%s", where, keyName(e), x.who(), keySide(d))
}

// keySide says which side does not allow the use of a key: its policy must let
// the role in, or its account; only then do the role's policies count.
// [KMS:key-policies]
func keySide(d iam.Decision) string {
	if d.Layer == iam.LayerSCP || d.Layer == iam.LayerRCP {
		return ": the organisation's policies do not allow it" + nearly(d)
	}
	if d.Layer == iam.LayerResource {
		return ": the key policy lets neither the role nor its account in" + nearly(d)
	}
	return ": the key policy leaves it to IAM, and no policy of the role allows it"
}

func (x *follower) network() Link {
	w := &x.way
	if w.some {
		x.c.Doubts = append(x.c.Doubts, Doubt{Name: Network, Says: w.says, If: "the instance is in the wrong one of its subnets", At: w.at})
	}
	if w.verdict == fact.Holds && w.endpoint != nil && x.signs() != (x.f.Signer.Kind == Nobody) {
		if l, filters := x.endpointPolicy(); filters {
			return l
		}
	}
	return Link{Verdict: w.verdict, Says: w.says, Missing: w.missing, At: w.at}
}

// endpointPolicy is what the policy of the VPC endpoint says to a request that
// everybody else lets through.
func (x *follower) endpointPolicy() (l Link, filters bool) {
	e := x.way.endpoint
	at := append(x.way.at[:len(x.way.at):len(x.way.at)], e.Pos)
	name := "the policy of VPC endpoint " + quoted(e.ID)
	switch {
	case e.PolicyUnknown != "":
		return unknown(at, e.PolicyUnknown, "what %s says is not known", name), true
	case e.Policy == nil:
		return Link{}, false
	case x.byRole() && x.role == nil:
		return unknown(at, x.missingRole(), "what %s says to the instances' role is not known", name), true
	}
	r := x.request(x.caller())
	b, _ := x.a.Bucket(r.Bucket)
	d := iam.Evaluate(iamRequest(x.a, r, b), &iam.Policies{Identity: []*iam.Policy{everything}, Resource: openedTo(nil), Endpoint: e.Policy, GatewayEndpoint: e.Type == "Gateway"})
	at = append(at, statementPlaces(d)...)
	switch d.Verdict() {
	case fact.Broken:
		if d.Reason == iam.ExplicitDeny {
			return broken(at, "%s denies the request: %s", name, statements(d)), true
		}
		return broken(at, "%s does not let requests to bucket %s through%s", name, quoted(r.Bucket), nearly(d)), true
	case fact.Unknown:
		return unknown(at, missing(d, name), "whether %s lets the request through is not known", name), true
	}
	return Link{}, false
}
