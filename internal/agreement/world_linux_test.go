package agreement

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	region    = "us-east-1"
	accountID = "123456789012"
)

// world is one random deployment: what exists, what the option says, and what
// the configuration file asks for. Every field is drawn by itself, so that
// faults meet in all combinations.
type world struct {
	seed uint64

	roleName, profileName string
	rolePath              string
	profileRoles          []string
	option                string // value of IamInstanceProfile
	trust                 string // service that may assume the role
	identity              []string
	bucketRegion          string
	bucketExists          bool
	bucketPolicy          string // JSON, "" for none
	objectExists          bool

	url            string
	block          string // the block's text in the file, "" for none
	blockName      string
	authentication string // what the file names, "" for nothing

	keeping
	surroundings
	// section is where the fetch stands; a source can name no authentication.
	section string
	// said is the agent's error where the world was deployed.
	said string
}

const (
	bucket = "world-certs"
	key    = "tls/server.key"
	target = "/etc/pki/tls/certs/server.key"
)

// pick draws one of the choices; the first is the sound one and comes up as
// often as all others together, so that many worlds have one fault or none.
func pick(r *rand.Rand, choices ...string) string {
	if len(choices) == 1 || r.IntN(2) == 0 {
		return choices[0]
	}
	return choices[1+r.IntN(len(choices)-1)]
}

func newWorld(seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &world{seed: seed, roleName: "world-role", blockName: "S3Auth"}
	w.rolePath = pick(r, "/", "/team/")
	w.profileName = pick(r, w.roleName, "world-profile", "World-Role")
	w.profileRoles = []string{w.roleName}
	if pick(r, "full", "empty") == "empty" && r.IntN(3) == 0 {
		w.profileRoles = nil
	}
	profileARN := "arn:aws:iam::" + accountID + ":instance-profile/" + w.profileName
	w.option = pick(r, w.profileName, profileARN, w.profileName, missing, w.roleARN(), "")
	w.trust = pick(r, "ec2.amazonaws.com", "elasticbeanstalk.amazonaws.com", "ec2.amazonaws.com")
	w.identity = w.drawIdentity(r)
	w.bucketRegion = pick(r, region, "eu-central-1", "eu-west-1")
	w.bucketExists = r.IntN(12) > 0
	w.bucketPolicy = w.drawBucketPolicy(r)
	w.objectExists = r.IntN(5) > 0
	w.url = w.drawURL(r)
	w.drawBlock(r)
	w.drawKeeping(r)
	w.drawNet(r)
	if w.section = pick(r, "files", "files", "sources"); w.section == "sources" {
		w.authentication = ""
	}
	return w
}

func (w *world) roleARN() string {
	return "arn:aws:iam::" + accountID + ":role" + w.rolePath + w.roleName
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (w *world) drawIdentity(r *rand.Rand) []string {
	object := "arn:aws:s3:::" + bucket + "/*"
	get := policy(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + object + `"}`)
	list := policy(`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::` + bucket + `"}`)
	choices := []string{
		get,
		"", // none at all
		policy(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`),
		policy(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + bucket + `"}`), // without /*
		policy(`{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::world-*/tls/*"}`),
		policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, `{"Effect":"Deny","Action":"s3:GetObject","Resource":"`+object+`"}`),
		policy(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`),
	}
	out := []string{pick(r, choices...)}
	if out[0] == "" {
		out = nil
	}
	if r.IntN(2) == 0 {
		out = append(out, list)
	}
	return out
}

func (w *world) drawBucketPolicy(r *rand.Rand) string {
	object := "arn:aws:s3:::" + bucket + "/*"
	statement := func(effect, principal, more string) string {
		return policy(fmt.Sprintf(`{"Effect":%q,"Principal":%s,"Action":"s3:GetObject","Resource":%q%s}`, effect, principal, object, more))
	}
	role := `{"AWS":"` + w.roleARN() + `"}`
	return pick(r, "",
		statement("Allow", role, ""),
		statement("Deny", role, ""),
		statement("Allow", `"*"`, ""),
		statement("Allow", `{"AWS":"arn:aws:iam::`+accountID+`:root"}`, ""),
		statement("Deny", `"*"`, `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`),
		statement("Deny", `"*"`, `,"Condition":{"ArnNotEquals":{"aws:PrincipalArn":"`+w.roleARN()+`"}}`),
		statement("Allow", `"*"`, `,"Condition":{"StringEquals":{"aws:PrincipalArn":"`+w.roleARN()+`"}}`),
		statement("Deny", `{"AWS":"arn:aws:iam::`+accountID+`:user/admin"}`, ""),
		statement("Deny", `"*"`, `,"Condition":{"StringNotEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}}`),
		statement("Allow", `"*"`, `,"Condition":{"StringEquals":{"s3:authType":"REST-HEADER"}}`),
		statement("Deny", role, `,"Condition":{"StringLike":{"s3:x-amz-content-sha256":"e3b0*"}}`),
		policy(`{"Effect":"Deny","NotPrincipal":`+role+`,"Action":"s3:*","Resource":"`+object+`"}`),
		policy(`{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::`+accountID+`:root","`+w.roleARN()+`","arn:aws:sts::`+accountID+`:assumed-role/`+w.roleName+`/`+instanceID+`"]},"Action":"s3:*","Resource":"`+object+`"}`),
		statement("Allow", `{"AWS":"AROADEADDEADDEADDEAD1"}`, ""),
		statement("Deny", `{"AWS":"AROADEADDEADDEADDEAD1"}`, ""),
		statement("Allow", `{"AWS":"arn:aws:sts::`+accountID+`:assumed-role/`+w.roleName+`/`+instanceID+`"}`, ""),
		statement("Allow", `"*"`, `,"Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`),
		statement("Allow", `"*"`, `,"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`),
		statement("Deny", `"*"`, `,"Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`),
	)
}

func (w *world) drawURL(r *rand.Rand) string {
	in := w.bucketRegion
	host := func(scheme, h string) string { return scheme + "://" + h + "/" + key }
	return pick(r,
		host("https", bucket+".s3."+in+".amazonaws.com"),
		host("https", "s3."+in+".amazonaws.com/"+bucket),
		host("https", bucket+".s3-"+in+".amazonaws.com"),
		host("https", bucket+".s3.amazonaws.com"),
		host("https", "s3.amazonaws.com/"+bucket),
		host("http", bucket+".s3.amazonaws.com"),
		host("http", bucket+".s3."+in+".amazonaws.com"),
		host("https", bucket+".s3.dualstack."+in+".amazonaws.com"),
		host("https", bucket+".s3."+region+".amazonaws.com"),
		host("https", "s3."+region+".amazonaws.com/"+bucket),
		host("https", bucket+".s3."+in+".amazonaws.com:443"),
		host("https", "s3-"+in+".amazonaws.com/"+bucket),
		host("https", "s3.dualstack."+in+".amazonaws.com/"+bucket),
		host("http", "s3.amazonaws.com/"+bucket),
		host("https", bucket+".s3-external-1.amazonaws.com"),
		"HTTPS://"+bucket+".s3."+in+".amazonaws.com/"+key,
		"https://"+bucket+".s3."+in+".amazonaws.com//"+key,
		"https://"+bucket+".s3."+in+".amazonaws.com/tls%2Fserver.key",
	)
}

func (w *world) drawBlock(r *rand.Rand) {
	w.authentication = pick(r, w.blockName, "S3auth", "", w.blockName)
	name := pick(r, w.roleName,
		`{"Fn::GetOptionSetting": {"Namespace": "aws:autoscaling:launchconfiguration", "OptionName": "IamInstanceProfile", "DefaultValue": "default-role"}}`,
		w.profileName, "other-role", w.roleARN(), strings.ToUpper(w.roleName))
	buckets := pick(r, "", "[ "+bucket+" ]", bucket, "[ other-certs ]", `"`+bucket+`,other"`)
	kind := pick(r, "S3", "s3", "basic", "S4")
	switch pick(r, "block", "none") {
	case "none":
		if r.IntN(4) == 0 {
			return
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "        %s:\n          type: %s\n          roleName: %s\n", w.blockName, kind, name)
	if buckets != "" {
		fmt.Fprintf(&b, "          buckets: %s\n", buckets)
	}
	w.block = b.String()
}

// config is the configuration file that the world's bundle holds.
func (w *world) config() string {
	if w.section == "sources" {
		return fmt.Sprintf("sources:\n  /opt/archive: %s\n%s", w.url, w.blocks())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "files:\n  %s:\n    mode: \"000400\"\n", target)
	if w.authentication != "" {
		fmt.Fprintf(&b, "    authentication: %s\n", w.authentication)
	}
	fmt.Fprintf(&b, "    source: %s\n", w.url)
	return b.String() + w.blocks()
}

// blocks are the file's authentication blocks.
func (w *world) blocks() string {
	if w.block == "" {
		return ""
	}
	return "Resources:\n  AWSEBAutoScalingGroup:\n    Metadata:\n      AWS::CloudFormation::Authentication:\n" + w.block
}

// String is what a failed comparison shows.
func (w *world) String() string {
	return fmt.Sprintf("%+v, %+v\noption %q, profile %q with roles %q, role %s trusting %s\nidentity policies %s\nbucket in %s (exists: %v, object: %v), policy %s\n%s",
		w.keeping, w.surroundings, w.option, w.profileName, w.profileRoles, w.roleARN(), w.trust, w.identity, w.bucketRegion, w.bucketExists, w.objectExists, w.bucketPolicy,
		w.config())
}
