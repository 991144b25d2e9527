package cfninit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// parse reads metadata written as YAML, which is shorter than JSON.
func parse(t *testing.T, text string) *source.Node {
	t.Helper()
	n, err := source.ParseYAML("metadata.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// steps are a plan's steps in one line each.
func steps(p *Plan) string {
	var out []string
	for _, s := range p.Sets {
		for _, c := range s.Configs {
			for _, st := range c.Steps {
				switch {
				case st.File != nil:
					out = append(out, s.Name+"/"+c.Name+" file "+st.File.Path)
				case st.Command != nil:
					out = append(out, s.Name+"/"+c.Name+" command "+st.Command.Name)
				case st.Packages != nil:
					out = append(out, s.Name+"/"+c.Name+" packages "+st.Packages.Manager+" "+strings.Join(st.Packages.Names(), " "))
				case st.Services != nil:
					out = append(out, s.Name+"/"+c.Name+" services "+st.Services.Manager)
				case st.Other != nil:
					out = append(out, s.Name+"/"+c.Name+" "+st.Other.Section)
				case st.Fault != nil:
					out = append(out, s.Name+"/"+c.Name+" fault "+st.Fault.Text)
				}
			}
		}
	}
	return strings.Join(out, "\n")
}

func TestPlanKeepsAWSsOrder(t *testing.T) {
	p, err := NewPlan(parse(t, `
AWS::CloudFormation::Init:
  configSets:
    Second: [b, {ConfigSet: First}]
    First: a
  a:
    services: {sysvinit: {web: {enabled: "true"}}}
    commands: {02: {command: x}, 01: {command: x}}
    files: {/b: {content: x}, /a: {content: x}}
    packages: {rubygems: {chef: []}, yum: {git: [], jq: "1.5"}, Npm: {x: []}, rpm: {epel: /epel.rpm}}
  b:
    files: {}
    commands: ["not a map"]
`), []string{"Second"})
	if err != nil {
		t.Fatal(err)
	}
	want := `Second/b fault 'list' object has no attribute 'keys'
Second/a packages rpm epel
Second/a packages yum git jq
Second/a packages Npm x
Second/a packages rubygems chef
Second/a file /a
Second/a file /b
Second/a command 01
Second/a command 02
Second/a services sysvinit`
	if got := steps(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlanFailsWithAWSsTexts(t *testing.T) {
	for _, c := range []struct{ name, init, sets, want string }{
		{"no Init", ``, "", "Could not find 'AWS::CloudFormation::Init' key in metadata"},
		{"unknown set", `{config: {}}`, "other", "Error: no ConfigSet named other exists"},
		{"unknown config", `{configSets: {default: [a]}}`, "", "No configuration found with name: a"},
		{"unknown reference", `{configSets: {default: [{ConfigSet: a}]}}`, "", "Configuration set a was referenced but not defined"},
		{"only rings", `{configSets: {a: [{ConfigSet: a}]}}`, "a", "No configSets exist without references; this creates a circular dependency and is not allowed"},
		{"a ring", `{configSets: {a: [{ConfigSet: b}], b: {ConfigSet: a}, c: [x]}, x: {}}`, "c", "At least one circular dependency detected; this is not allowed. Culprits: a, b"},
		{"a number as set", `{configSets: {default: 3}}`, "", "'int' object is not iterable"},
		{"sets as list", `{configSets: [default]}`, "", "configSets should be a mapping of name to list"},
		{"config of another kind", `{config: text}`, "", "'unicode' object has no attribute 'get'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "other: 1"
			if c.init != "" {
				text = "AWS::CloudFormation::Init: " + c.init
			}
			var sets []string
			if c.sets != "" {
				sets = strings.Split(c.sets, ",")
			}
			_, err := NewPlan(parse(t, text), sets)
			var fault *BuildError
			if !errors.As(err, &fault) || fault.Text != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestSetsBeforeAnUnknownOneStillRun(t *testing.T) {
	p, err := NewPlan(parse(t, `AWS::CloudFormation::Init: {config: {commands: {01: {command: x}}}}`), []string{"default", "other"})
	if err == nil || p == nil || steps(p) != "default/config command 01" || p.Ends == nil {
		t.Errorf("plan %+v, error %v", p, err)
	}
}

func TestWhoSigns(t *testing.T) {
	generated := fact.Generated("shop/Certs")
	for _, c := range []struct{ name, url, asked, blocks, want string }{
		{"by name", "https://certs.s3.eu-west-1.amazonaws.com/k", "A", `{A: {type: S3, roleName: r}}`, `role "r" of A by name`},
		{"type in capitals", "https://certs.s3.eu-west-1.amazonaws.com/k", "A", `{A: {type: s3, roleName: r}}`, `role "r" of A by name`},
		{"by bucket", "https://certs.s3.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: r, buckets: certs}}`, `role "r" of A`},
		{"by bucket in a list", "https://s3.eu-west-1.amazonaws.com/certs/k", "", `{A: {type: S3, roleName: r, buckets: [x, certs]}}`, `role "r" of A`},
		{"static keys win", "https://certs.s3.eu-west-1.amazonaws.com/k", "A", `{A: {type: S3, roleName: r, accessKeyId: AK, secretKey: no}}`, `key AK of A by name`},
		{"unknown name falls back", "https://certs.s3.eu-west-1.amazonaws.com/k", "B", `{A: {type: S3, roleName: r, buckets: certs}}`, `role "r" of A`},
		{"unknown name, no bucket", "https://certs.s3.eu-west-1.amazonaws.com/k", "B", `{A: {type: S3, roleName: r}}`,
			`nobody; A: lists no buckets, so only a file that asks for it by name uses it`},
		{"comma in one text", "https://certs.s3.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: r, buckets: "x,certs"}}`,
			`nobody; A: lists "x,certs", one text that counts as one bucket name, not "certs"`},
		{"other bucket", "https://certs.s3.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: r, buckets: cert}}`, `nobody; A: lists "cert", not "certs"`},
		{"not S3 to the agent", "https://certs.s3.dualstack.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: r, buckets: certs}}`,
			`nobody; A: the agent does not take this URL for S3`},
		{"dropped for its type", "https://certs.s3.eu-west-1.amazonaws.com/k", "A", `{A: {type: role, roleName: r}}`,
			`nobody; A: ignored by the agent: Unrecognized authentication type: role`},
		{"dropped without credentials", "https://certs.s3.eu-west-1.amazonaws.com/k", "A", `{A: {type: S3}}`,
			`nobody; A: ignored by the agent: S3 auth requires either "accessKeyId" and "secretKey" or "roleName"`},
		{"basic by host", "http://files.example.com/k", "", `{A: {type: basic, username: u, password: p, uris: files.example.com}}`, `user u of A`},
		{"basic with a whole URL", "http://files.example.com/k", "", `{A: {type: basic, username: u, password: p, uris: "http://files.example.com"}}`,
			`nobody; A: lists "http://files.example.com", and only the bare host "files.example.com" would match`},
		{"later of two", "https://certs.s3.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: a, buckets: certs}, B: {type: S3, roleName: b, buckets: certs}}`,
			`role "b" of B; A: another block for the same place is used; which one wins is left to chance by AWS's agent`},
		{"bucket that AWS names", "https://" + generated + ".s3.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: r, buckets: ["` + generated + `"]}}`, `role "r" of A`},
		{"bucket not known", "https://certs.s3.eu-west-1.amazonaws.com/k", "", `{A: {type: S3, roleName: r, buckets: ["` + fact.Symbol("parameter B") + `"]}}`,
			`unsure: not known whether "A" signs: a name that it lists is not known: parameter B; A: a name that it lists is not known: parameter B`},
		{"URL not known", fact.Symbol("parameter U"), "", `{A: {type: S3, roleName: r, buckets: certs}}`,
			`unsure: not known whether "A" signs: the URL is not known: parameter U; A: the URL is not known: parameter U`},
		{"URL not known, nothing to match", fact.Symbol("parameter U"), "", `{A: {type: S3, roleName: r}}`,
			`nobody; A: lists no buckets, so only a file that asks for it by name uses it`},
		{"name not known", "https://certs.s3.eu-west-1.amazonaws.com/k", fact.Symbol("parameter N"), `{A: {type: S3, roleName: r}}`,
			`unsure: the name of the authentication is not known: parameter N`},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewPlan(withSymbols(t, c.url, c.asked, c.blocks), nil)
			if err != nil {
				t.Fatal(err)
			}
			f := p.Fetches()[0]
			if f.URL != c.url {
				t.Errorf("URL is %q", f.URL)
			}
			if got := signerText(f.Signer); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// withSymbols builds metadata by hand, since readers drop the runes of symbols.
func withSymbols(t *testing.T, url, asked, blocks string) *source.Node {
	t.Helper()
	n := parse(t, "AWS::CloudFormation::Init: {config: {files: {/f: {source: u}}}}\nAWS::CloudFormation::Authentication: "+fact.Clean(blocks))
	file := n.At(initKey, "config", "files", "/f")
	file.Set("source", source.NewString(url, source.Pos{}))
	if asked != "" {
		file.Set("authentication", source.NewString(asked, source.Pos{}))
	}
	if i := strings.Index(blocks, `["`); i >= 0 && !fact.Known(blocks) {
		bucket := source.NewString(blocks[i+2:strings.Index(blocks, `"]`)], source.Pos{})
		n.At(authKey, "A").Set("buckets", bucket)
	}
	return n
}

func signerText(s access.Signer) string {
	var out string
	switch {
	case s.Unsure != "":
		out = "unsure: " + s.Unsure
	case s.Kind == access.Nobody:
		out = "nobody"
	case s.Kind == access.RoleKeys:
		out = fmt.Sprintf("role %q of %s", s.Role.Text, s.Block)
	case s.Kind == access.StaticKeys:
		out = fmt.Sprintf("key %s of %s", s.KeyID, s.Block)
	case s.Kind == access.Basic:
		out = fmt.Sprintf("user %s of %s", s.User, s.Block)
	}
	if s.ByName {
		out += " by name"
	}
	for _, o := range s.Others {
		out += "; " + o
	}
	return out
}

func TestContentThatIsNotEmptyWinsOverSource(t *testing.T) {
	p, err := NewPlan(parse(t, `
AWS::CloudFormation::Init:
  config:
    files:
      /both: {content: x, source: "http://files.example.com/a"}
      /empty: {content: "", source: "http://files.example.com/b"}
      /link: {mode: "120644", content: "", source: "http://files.example.com/c"}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if fs := p.Fetches(); len(fs) != 1 || fs[0].Target != "/empty" || fs[0].URLAt.Line != 6 {
		t.Errorf("fetches: %+v", fs)
	}
}

func TestFunctionsThatWereNotEvaluatedAreNotGuessed(t *testing.T) {
	p, err := NewPlan(parse(t, `
AWS::CloudFormation::Init: {config: {files: {/a: {source: {"Fn::Join": ["", []]}}, /b: {source: "https://certs.s3.eu-west-1.amazonaws.com/k"}}}}
AWS::CloudFormation::Authentication: {A: {type: S3, roleName: {Ref: Role}, buckets: [{Ref: Bucket}]}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Fetches() {
		if f.Signer.Unsure == "" {
			t.Errorf("%s: %s", f.Target, signerText(f.Signer))
		}
	}
	if u := p.Fetches()[0]; fact.Known(u.URL) || u.Address.Recognised() {
		t.Errorf("URL %q, address %+v", u.URL, u.Address)
	}
	if fact.Known(p.Auth[0].Role.Text) {
		t.Errorf("role is %q", p.Auth[0].Role.Text)
	}
}

func TestPlanTakesSourcesApart(t *testing.T) {
	p, err := NewPlan(parse(t, `
AWS::CloudFormation::Authentication:
  Tools: {type: S3, roleName: r, buckets: [tools]}
AWS::CloudFormation::Init:
  config:
    sources:
      /b: https://tools.s3.eu-west-1.amazonaws.com/b.zip
      /a: HTTPS://example.com/a.zip
      /c: s3://tools/c.zip
      /d: {url: x}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range p.Sets[0].Configs[0].Steps {
		switch {
		case st.Fault != nil:
			got = append(got, "fault "+st.Fault.Text)
		case st.Source.Fetch == nil:
			got = append(got, st.Source.Dir+" file "+st.Source.From)
		default:
			got = append(got, st.Source.Dir+" "+st.Source.Fetch.Section+" block "+fmt.Sprintf("%q", st.Source.Fetch.Signer.Block))
		}
	}
	want := "/a sources block \"\"\n/b sources block \"Tools\"\n/c file s3://tools/c.zip\nfault expected string or buffer"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
