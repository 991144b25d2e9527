package access

import (
	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
	"beanpole/internal/source"
	"maps"
)

// Follow follows a fetch link by link and says how it ends. The answer is that
// of Credentials and S3, which the local cloud asks too. Every link is judged
// on its own, for the role that the instance really has, also behind a broken
// one: that is what can be ruled out.
func Follow(w *World, f *Fetch) *Chain {
	x := &follower{w: w, f: f, a: w.Account, c: &Chain{Fetch: f, World: w}}
	if x.a == nil {
		x.a = &account.Account{}
	}
	x.findProfile()
	x.target = readTarget(f)
	x.way = x.findWay()
	x.c.Answer = x.answer()
	for _, judge := range []func() Link{
		x.document, x.source, x.authentication, x.name, x.profile, x.metadata,
		x.trust, x.identity, x.bucket, x.object, x.network,
	} {
		l := judge()
		l.Name = Links[len(x.c.Links)]
		l.At = places(l.At...)
		x.c.Links = append(x.c.Links, l)
	}
	return x.c
}

// follower is one fetch on its way.
type follower struct {
	w *World
	f *Fetch
	a *account.Account
	c *Chain

	instanceProfile *account.Profile // of the instances
	profileFound    fact.Verdict     // Broken: they get none
	role            *account.Role    // that the profile holds
	roleFound       fact.Verdict
	target          target
	way             way // to the server
}

func (x *follower) findProfile() {
	name := x.profileName()
	switch {
	case x.w.ProfileUnknown != "":
		return
	case name == "":
		x.profileFound, x.roleFound = fact.Broken, fact.Broken
		return
	}
	x.instanceProfile, x.profileFound = x.a.Profile(name)
	switch x.profileFound {
	case fact.Holds:
		x.role, x.roleFound = roleOf(x.a, x.instanceProfile)
	case fact.Unknown:
		if isARN(name) && !isProfileARN(name) {
			x.profileFound = fact.Broken // EB refuses it
		}
	}
	if x.profileFound == fact.Broken {
		x.roleFound = fact.Broken
	}
}

func (x *follower) profileName() string { return x.w.Profile.TextOr("") }

// roleName is the value of roleName; ok is false when it is not known.
func (x *follower) roleName() (name string, ok bool) {
	n := x.f.Signer.Role
	if n == nil || n.Kind == source.Null {
		return "", true
	}
	return n.Str()
}

func (x *follower) byRole() bool { return x.f.Signer.Kind == RoleKeys }

// signs reports whether the agent signs for S3, if it takes the URL for S3.
func (x *follower) signs() bool { return x.byRole() || x.f.Signer.Kind == StaticKeys }

// answer is how the fetch ends.
func (x *follower) answer() Answer {
	var creds Answer
	if x.byRole() {
		if creds = x.credentials(); creds.Verdict != fact.Holds {
			return creds
		}
	}
	ans := x.serverAnswer()
	if x.f.Section == "sources" && ans.Status/100 == 3 {
		// no archive, whatever the page says [cb:sources_tool.py]
		ans.Fails = "Unsupported source file (not zip or tarball): " + x.f.URL
	}
	if x.byRole() && ans.Verdict != fact.Unknown {
		ans.MetadataCalls = max(ans.ServerCalls, 1) // credentials are read anew for each try [cb:auth.py]
	}
	if ans.Verdict == fact.Holds && x.way.verdict != fact.Holds {
		return Answer{From: ans.From} // whether it is reached is not known
	}
	return ans
}

func (x *follower) credentials() Answer {
	name, ok := x.roleName()
	if !ok || x.profileFound == fact.Unknown {
		return Answer{From: FromMetadata}
	}
	if x.w.TokensRequired && x.w.PlainAgent {
		return tokenMissing()
	}
	return Credentials(x.a, x.instanceProfile, name)
}

func (x *follower) serverAnswer() Answer {
	signed := x.signs()
	switch recognised := x.f.Address.Recognised(); {
	case x.f.Signer.Unsure != "":
		return Answer{From: FromS3}
	case signed && !recognised && aws.AgentUnsure(x.f.URL) != nil:
		return Answer{From: FromAgent}
	case signed && !recognised:
		return Answer{From: FromAgent, Verdict: fact.Broken, Reason: "'NoneType' object has no attribute 'is_default'"}
	case x.way.verdict == fact.Broken:
		return x.way.unreached()
	case x.misfit() != "":
		return x.misfitAnswer()
	case x.f.Signer.Kind == Basic && (x.target.elsewhere || x.target.unknown != ""):
		return Answer{From: FromElse}
	case x.f.Signer.Kind == Basic:
		return refuse(aws.UnsupportedScheme("Basic"))
	case x.target.elsewhere:
		return Answer{From: FromElse}
	case x.target.unknown != "":
		return Answer{From: FromS3}
	case signed && aws.AgentMissigns(x.f.URL) != "":
		return refuse(aws.NewError("SignatureDoesNotMatch"))
	}
	return S3(x.a, x.request(x.caller()))
}

// caller is who S3 takes the agent for.
func (x *follower) caller() iam.Principal {
	switch {
	case x.byRole() && x.role != nil:
		return Session(x.a, x.role, x.w.Instance)
	case x.byRole():
		who := fact.Symbol("the instance's role")
		return iam.Principal{Account: accountID(x.a), ARN: who, SessionARN: who, UserID: who}
	case x.f.Signer.Kind == StaticKeys:
		who := fact.Symbol("the owner of access key " + x.f.Signer.KeyID)
		return iam.Principal{Account: who, ARN: who, UserID: who}
	}
	return iam.Principal{Anonymous: true}
}

// request is what S3 is asked for by who.
func (x *follower) request(who iam.Principal) *S3Request {
	t := &x.target
	r := &S3Request{
		Caller: who, Action: "s3:GetObject", Bucket: t.Bucket, Key: t.Key,
		EndpointRegion: t.Region, Global: t.Global, PathStyle: t.PathStyle, Secure: t.secure, Context: x.w.Context,
		Endpoint: x.way.endpoint,
	}
	if !who.Anonymous {
		r.Signature, r.SignedRegion = "v4", x.f.Address.Region
		if x.f.Address.Default {
			r.Signature, r.SignedRegion = "v2", ""
		}
	}
	if r.Signature == "v4" { // the agent hashes the body, of which there is none [cb:auth.py]
		r.Context = maps.Clone(r.Context)
		if r.Context == nil {
			r.Context = map[string][]string{}
		}
		r.Context["s3:x-amz-content-sha256"] = []string{aws.PayloadHash(nil)}
	}
	if !x.w.Reachable {
		r.Unsure = x.way.unsure()
	}
	return r
}

// onTheWay are condition keys that depend on the instance's network, launch
// and organisation. Those in World.Context are known all the same.
var onTheWay = []string{
	"aws:SourceIp", "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn",
	"aws:Ec2InstanceSourceVpc", "aws:Ec2InstanceSourcePrivateIPv4", "ec2:SourceInstanceArn",
	"aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:ResourceOrgID", "aws:ResourceOrgPaths",
	"aws:UserAgent", "aws:TokenIssueTime", "s3:TlsVersion", "s3:ResourceAccount",
}

// places drops what names no place, and repeats.
func places(ps ...source.Pos) []source.Pos {
	var out []source.Pos
	seen := map[source.Pos]bool{}
	for _, p := range ps {
		if p.IsValid() && !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}
