package agreement

import (
	"math/rand/v2"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/iam"
)

// keeping is how the bucket keeps its objects.
type keeping struct {
	keyPolicy   string // JSON of the KMS key's policy; "" for no key of one's own
	ownKey      bool   // AWS's key aws/s3
	disabled    bool
	mayDecrypt  bool // the role's policies allow kms:Decrypt
	restricted  bool // RestrictPublicBuckets
	ownership   string
	objectOwner string // another account, "" for the bucket's own
}

const (
	keyID  = "1234abcd-12ab-34cd-56ef-1234567890ab"
	keyARN = "arn:aws:kms:" + region + ":" + accountID + ":key/" + keyID
)

func (w *world) drawKeeping(r *rand.Rand) {
	root := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + accountID + `:root"},"Action":"kms:*","Resource":"*"}`
	if r.IntN(5) == 0 {
		w.keyPolicy = policy(pick(r, root,
			`{"Effect":"Allow","Principal":{"AWS":"`+w.roleARN()+`"},"Action":"kms:Decrypt","Resource":"*"}`,
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+accountID+`:role/other-role"},"Action":"kms:*","Resource":"*"}`,
			root+`,{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringNotEquals":{"kms:ViaService":"s3.`+region+`.amazonaws.com"}}}`,
			`{"Effect":"Allow","Principal":{"AWS":"AROADEADDEADDEADDEAD1"},"Action":"kms:*","Resource":"*"}`,
		))
	} else {
		w.ownKey = r.IntN(10) == 0
	}
	w.disabled = r.IntN(12) == 0
	w.mayDecrypt = r.IntN(2) == 0
	w.restricted = r.IntN(3) == 0
	w.ownership = pick(r, account.OwnerEnforced, account.ObjectWriter, account.OwnerPreferred)
	if r.IntN(12) == 0 {
		w.objectOwner = "444455556666"
	}
	if w.mayDecrypt {
		w.identity = append(w.identity, policy(`{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}`))
	}
}

// settle gives a bucket and its objects what was drawn.
func (k *keeping) settle(a *account.Account, b *account.Bucket, parse parser) {
	b.PublicAccess = account.Open()
	b.PublicAccess.Restrict = fact.Of(k.restricted)
	b.Ownership = k.ownership
	for _, o := range b.Objects {
		if k.objectOwner != "" {
			o.Owner, o.Shared = k.objectOwner, fact.Broken
		}
	}
	switch {
	case k.keyPolicy != "":
		a.Keys = append(a.Keys, &account.Key{ID: keyID, ARN: keyARN, Enabled: fact.Of(!k.disabled), GrantsKnown: true, Policy: parse("key policy", k.keyPolicy)})
		b.Encryption = &account.Encryption{Algorithm: "aws:kms", Key: keyARN}
	case k.ownKey:
		b.Encryption = &account.Encryption{Algorithm: "aws:kms"}
	}
}

// surroundings are the network of the instance. leads is what is true of it, written by
// hand for each network, and not asked of the code that predicts.
type surroundings struct {
	network string
	leads   func(w *world, host string) bool
	// made are the IDs that the parts of the network got where it was deployed.
	made map[string]string
}

func always(*world, string) bool { return true }
func never(*world, string) bool  { return false }

// inRegion is where a gateway endpoint leads: to names of S3 in its own region.
func inRegion(w *world, host string) bool {
	switch host {
	case "s3.amazonaws.com", bucket + ".s3-external-1.amazonaws.com":
		return true
	case bucket + ".s3.amazonaws.com":
		return !w.bucketExists || w.bucketRegion == region
	}
	return strings.Contains(host, region)
}

var nets = []surroundings{
	{network: "internet", leads: always}, {network: "no route", leads: never}, {network: "IPv6 alone", leads: never}, {network: "NAT", leads: always}, {network: "NAT without a way out", leads: never},
	{network: "endpoint", leads: inRegion}, {network: "endpoint for the bucket", leads: inRegion}, {network: "endpoint for another bucket", leads: inRegion}, {network: "endpoint that denies the role", leads: inRegion}, {network: "endpoint of another service", leads: never}, {network: "list without answers", leads: never}, {network: "list with answers", leads: always},
	{network: "main route table", leads: never}, {network: "gateway not attached", leads: never},
}

func (w *world) drawNet(r *rand.Rand) {
	if r.IntN(5) == 0 {
		w.surroundings = nets[r.IntN(len(nets))]
	}
}

func gatewayTo(service string) *account.Endpoint {
	return &account.Endpoint{ID: "vpce-1", VPC: "vpc-1", Service: "com.amazonaws." + region + "." + service, Type: "Gateway", RouteTables: []string{"rtb-1"}}
}

// endpointPolicy is the text of the endpoint's policy, "" for the default one.
func (n *surroundings) endpointPolicy() string {
	switch n.network {
	case "endpoint for the bucket":
		return policy(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::` + bucket + `","arn:aws:s3:::` + bucket + `/*"]}`)
	case "endpoint for another bucket":
		return policy(`{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other-certs/*"}`)
	case "endpoint that denies the role":
		return policy(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`,
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"*-role"}}}`)
	}
	return ""
}

// through is the endpoint by which requests to a host name come, as is true of
// the network.
func (w *world) through(host string) *account.Endpoint {
	if !strings.HasPrefix(w.network, "endpoint") || w.network == "endpoint of another service" || !inRegion(w, host) {
		return nil
	}
	e := w.build(mustParse).Endpoints[0]
	if w.made != nil {
		e.ID, e.VPC = w.made[e.ID], w.made[e.VPC]
	}
	return e
}

func mustParse(name, text string) *iam.Policy {
	p, err := iam.ParseJSON(name, "", []byte(text))
	if err != nil {
		panic("unreachable: " + err.Error()) // a text of this file
	}
	return p
}

// build is the network of that name.
func (n *surroundings) build(parse parser) (out account.Network) {
	if n.network == "" {
		return out
	}
	const all = "0.0.0.0/0"
	out.VPCs = []*account.VPC{{ID: "vpc-1", CIDRs: []string{"10.0.0.0/16"}, DNSSupport: fact.Holds}}
	own := &account.Subnet{ID: "subnet-1", VPC: "vpc-1", RouteTable: "rtb-1", PublicIPs: fact.Broken}
	table := &account.RouteTable{ID: "rtb-1", VPC: "vpc-1"}
	gateway := &account.Gateway{ID: "igw-1", VPC: "vpc-1"}
	out.Subnets, out.RouteTables, out.Gateways = []*account.Subnet{own}, []*account.RouteTable{table}, []*account.Gateway{gateway}
	toInternet := []account.Route{{CIDR: all, Kind: account.ToGateway, Target: "igw-1"}}
	switch n.network {
	case "no route":
		return out
	case "internet":
		table.Routes = toInternet
	case "IPv6 alone":
		table.Routes = []account.Route{{CIDR: all, Kind: account.ToIPv6, Target: "eigw-1"}}
	case "main route table":
		own.RouteTable = ""
	case "gateway not attached":
		table.Routes, gateway.VPC = toInternet, ""
	case "NAT", "NAT without a way out":
		table.Routes = []account.Route{{CIDR: all, Kind: account.ToNAT, Target: "nat-1"}}
		out.NATs = []*account.NAT{{ID: "nat-1", Subnet: "subnet-2"}}
		second := &account.RouteTable{ID: "rtb-2", VPC: "vpc-1"}
		if n.network == "NAT" {
			second.Routes = toInternet
		}
		out.Subnets = append(out.Subnets, &account.Subnet{ID: "subnet-2", VPC: "vpc-1", RouteTable: "rtb-2"})
		out.RouteTables = append(out.RouteTables, second)
	case "endpoint of another service":
		out.Endpoints = []*account.Endpoint{gatewayTo("dynamodb")}
	case "endpoint", "endpoint for the bucket", "endpoint for another bucket", "endpoint that denies the role":
		e := gatewayTo("s3")
		if text := n.endpointPolicy(); text != "" {
			e.Policy = parse("endpoint policy", text)
		}
		out.Endpoints = []*account.Endpoint{e}
	case "list without answers", "list with answers":
		table.Routes, own.ACL = toInternet, "acl-1"
		entries := []account.ACLEntry{{Number: 100, Egress: true, Allow: true, Traffic: account.Traffic{Protocol: "-1", From: -1, To: -1, CIDR: all}}}
		if n.network == "list with answers" {
			entries = append(entries, account.ACLEntry{Number: 100, Allow: true, Traffic: account.Traffic{Protocol: "tcp", From: 1024, To: 65535, CIDR: all}})
		}
		out.ACLs = []*account.NetworkACL{{ID: "acl-1", VPC: "vpc-1", Entries: entries}}
	}
	return out
}
