package cfninit

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

const noCredentials = `S3 auth requires either "accessKeyId" and "secretKey" or "roleName"`

// readAuthentication reads the Authentication blocks [cb:auth.py].
func (p *Plan) readAuthentication(n *source.Node) *BuildError {
	if n == nil || n.Kind != source.Map {
		return &BuildError{
			Text: "'" + typeName(n) + "' object has no attribute 'iteritems'",
			Pos:  n.Place(), Means: "AWS::CloudFormation::Authentication holds no blocks by name",
		}
	}
	for _, f := range fields(n) {
		if f.Value == nil || f.Value.Kind != source.Map {
			return &BuildError{
				Text: "'" + typeName(f.Value) + "' object has no attribute 'get'",
				Pos:  f.Key.Pos, Means: fmt.Sprintf("%q stands where the name of an authentication block belongs, but no names with values stand below it", f.Key.Text),
			}
		}
		b := &Block{Name: f.Key.Text, Pos: f.Key.Pos}
		warning, fault := b.read(f.Value)
		if fault != nil {
			return fault
		}
		if warning != "" {
			p.Dropped = append(p.Dropped, Dropped{Name: b.Name, Warning: warning, Pos: b.Pos})
			continue
		}
		p.Auth = append(p.Auth, b)
	}
	return nil
}

// read fills the block. The warning is the one with which cfn-init drops it.
func (b *Block) read(n *source.Node) (warning string, fault *BuildError) {
	kind := evaluated(n.Get("type"))
	text := ""
	if has(n, "type") {
		if kind == nil || kind.Kind != source.String {
			return "", &BuildError{Text: "'" + typeName(kind) + "' object has no attribute 'lower'"}
		}
		text = kind.Text
	}
	low := strings.ToLower(text)
	switch {
	case !fact.Known(text):
		b.Unsure = "its type is not known: " + strings.Join(fact.Missing(text), ", ")
	case low == "s3":
		if warning = b.readS3(n); warning != "" {
			return warning, nil
		}
	case low == "basic":
		b.Kind = access.Basic
		b.User, b.Password = format(n.Get("username")), format(n.Get("password")) // what is missing is sent as "None"
	default:
		return "Unrecognized authentication type: " + text, nil
	}
	if low != "basic" {
		b.Buckets, fault = texts(n, "buckets")
	}
	if low != "s3" && fault == nil {
		b.URIs, fault = texts(n, "uris")
	}
	return "", fault
}

// readS3: a pair of keys wins over a role, even when both are empty texts.
func (b *Block) readS3(n *source.Node) (warning string) {
	switch {
	case has(n, "accessKeyId") && has(n, "secretKey"):
		b.Kind = access.StaticKeys
		b.KeyID, b.KeyIDType = key(n.Get("accessKeyId"))
		b.Secret, b.SecretType = key(n.Get("secretKey"))
	case has(n, "roleName"):
		b.Kind, b.Role = access.RoleKeys, evaluated(n.Get("roleName"))
	default:
		return noCredentials
	}
	return ""
}

// key is the text of an access key or a secret, or else the name of its type.
func key(n *source.Node) (text, kind string) {
	if n != nil && n.Kind == source.String {
		return n.Text, ""
	}
	return format(n), typeName(n)
}

// texts reads a text or a list of texts; of a map the keys count.
func texts(n *source.Node, key string) ([]string, *BuildError) {
	if !has(n, key) {
		return nil, nil
	}
	v := evaluated(n.Get(key))
	var out []string
	switch {
	case v == nil || v.Kind != source.String && v.Kind < source.Seq:
		return nil, &BuildError{Text: "'" + typeName(v) + "' object is not iterable"}
	case v.Kind == source.String:
		return []string{v.Text}, nil
	case v.Kind == source.Map:
		for _, f := range fields(v) {
			out = append(out, f.Key.Text)
		}
	}
	for _, item := range v.Items {
		item = evaluated(item)
		if item.Kind >= source.Seq {
			return nil, &BuildError{Text: "unhashable type: '" + typeName(item) + "'"}
		}
		out = append(out, format(item))
	}
	return out, nil
}

// signer says who signs the fetch of a URL. A name that does not exist is no
// error: the default authentication takes its place, silently [cb:auth.py].
func (p *Plan) signer(url string, addr aws.S3Address, asked *source.Node) access.Signer {
	var s access.Signer
	if truthy(asked) {
		s.Asked, s.AskedAt = format(asked), asked.Pos
		if !fact.Known(s.Asked) {
			s.Unsure = "the name of the authentication is not known: " + strings.Join(fact.Missing(s.Asked), ", ")
			return s
		}
		for _, b := range p.Auth {
			if b.Name == s.Asked && asked.Kind == source.String {
				sign(&s, b)
				s.ByName = true
				p.others(&s, func(*Block) string { return "the file asks for " + fmt.Sprintf("%q", s.Asked) + " by name" })
				return s
			}
		}
	}
	p.byDefault(&s, url, addr)
	return s
}

// byDefault chooses by host for basic and by bucket for S3, where S3 wins and
// of two blocks with the same bucket the later one.
func (p *Plan) byDefault(s *access.Signer, url string, addr aws.S3Address) {
	var basic, s3 *Block
	for _, b := range p.Auth {
		switch v := b.matches(url, addr); {
		case v == fact.Unknown || v == fact.Holds && b.Unsure != "":
			s.Unsure = "not known whether " + fmt.Sprintf("%q", b.Name) + " signs: " + b.whyUnsure(url)
		case v == fact.Holds && b.Kind == access.Basic:
			basic = b
		case v == fact.Holds:
			s3 = b
		}
	}
	if s3 == nil {
		s3 = basic
	}
	if s3 != nil && s.Unsure == "" {
		sign(s, s3)
	}
	p.others(s, func(b *Block) string { return b.whyNot(url, addr) })
}

// matches tells whether the default authentication takes the block for a URL.
func (b *Block) matches(url string, addr aws.S3Address) fact.Verdict {
	verdict := fact.Broken
	if b.Kind != access.Basic {
		for _, bucket := range b.Buckets {
			switch {
			case addr.Recognised():
				verdict = fact.Any(verdict, fact.Equal(bucket, addr.Bucket))
			case len(aws.AgentUnsure(url)) > 0:
				verdict = fact.Any(verdict, fact.Unknown)
			}
		}
	}
	if b.Kind == access.Basic || b.Unsure != "" {
		host, known := netloc(url)
		for _, uri := range b.URIs {
			if !known {
				return fact.Any(verdict, fact.Unknown)
			}
			verdict = fact.Any(verdict, fact.Equal(uri, host))
		}
	}
	return verdict
}

func (b *Block) whyUnsure(url string) string {
	if b.Unsure != "" {
		return b.Unsure
	}
	if !fact.Known(url) {
		return "the URL is not known: " + strings.Join(fact.Missing(url), ", ")
	}
	return "a name that it lists is not known: " + strings.Join(fact.Missing(strings.Join(append(b.Buckets, b.URIs...), " ")), ", ")
}

// whyNot says why the default authentication passes over the block.
func (b *Block) whyNot(url string, addr aws.S3Address) string {
	switch {
	case b.matches(url, addr) == fact.Unknown:
		return b.whyUnsure(url)
	case b.matches(url, addr) == fact.Holds:
		return "another block for the same place is used; which one wins is left to chance by AWS's agent"
	case b.Kind == access.Basic && len(b.URIs) == 0:
		return "lists no uris, so only a file that asks for it by name uses it"
	case b.Kind == access.Basic:
		host, _ := netloc(url)
		return fmt.Sprintf("lists %s, and only the bare host %q would match", list(b.URIs), fact.Show(host))
	case len(b.Buckets) == 0:
		return "lists no buckets, so only a file that asks for it by name uses it"
	case !addr.Recognised():
		return "the agent does not take this URL for S3"
	case len(b.Buckets) == 1 && strings.Contains(b.Buckets[0], ","):
		return fmt.Sprintf("lists %s, one text that counts as one bucket name, not %q", list(b.Buckets), fact.Show(addr.Bucket))
	}
	return fmt.Sprintf("lists %s, not %q", list(b.Buckets), fact.Show(addr.Bucket))
}

// others fills in the blocks that were not chosen, with the reason.
func (p *Plan) others(s *access.Signer, why func(*Block) string) {
	for _, b := range p.Auth {
		if s.Kind == access.Nobody || b.Name != s.Block {
			s.Others = append(s.Others, b.Name+": "+why(b))
		}
	}
	for _, d := range p.Dropped {
		s.Others = append(s.Others, d.Name+": ignored by the agent: "+d.Warning)
	}
}

// sign makes the block the signer.
func sign(s *access.Signer, b *Block) {
	s.Kind, s.Block, s.BlockAt, s.Role = b.Kind, b.Name, b.Pos, b.Role
	s.KeyID, s.Secret, s.User, s.Password = b.KeyID, b.Secret, b.User, b.Password
	s.KeyIDType, s.SecretType = b.KeyIDType, b.SecretType
	s.Unsure = b.Unsure
}

// netloc is the part of a URL between scheme and path, as written; known is
// false when a part of the URL that is not known may hold it.
func netloc(url string) (host string, known bool) {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || !fact.Known(scheme) {
		return "", fact.Known(url)
	}
	i := strings.IndexAny(rest, "/?#")
	if i < 0 {
		return rest, fact.Known(rest)
	}
	return rest[:i], true
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = fmt.Sprintf("%q", fact.Show(t))
	}
	return strings.Join(quoted, ", ")
}
