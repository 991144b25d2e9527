package iam

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// The principals that the cases speak of.
var callers = map[string]Principal{
	"web": {Account: "111111111111", ARN: "arn:aws:iam::111111111111:role/team/web",
		SessionARN: "arn:aws:sts::111111111111:assumed-role/web/i-0abc", UserID: "AROAWEBAAAAAAAAAAAAAA:i-0abc"},
	"made": {Account: fact.Symbol("AWS::AccountId"), ARN: "arn:aws:iam::" + fact.Symbol("AWS::AccountId") + ":role/s-Role-" + fact.Generated("s/Role"),
		SessionARN: "arn:aws:sts::" + fact.Symbol("AWS::AccountId") + ":assumed-role/s-Role-" + fact.Generated("s/Role") + "/i-0abc"},
	"role":  {Account: "111111111111", ARN: "arn:aws:iam::111111111111:role/team/web", UserID: "AROAWEBAAAAAAAAAAAAAA:x"},
	"ann":   {Account: "111111111111", ARN: "arn:aws:iam::111111111111:user/dev/ann", UserID: "AIDAANNAAAAAAAAAAAAAA"},
	"root":  {Account: "111111111111", ARN: "arn:aws:iam::111111111111:root", UserID: "111111111111"},
	"there": {Account: "222222222222", ARN: "arn:aws:iam::222222222222:role/there", SessionARN: "arn:aws:sts::222222222222:assumed-role/there/s", UserID: "AROATHEREAAAAAAAAAAAA:s"},
	"none":  {Anonymous: true},
	"ec2":   {Service: "ec2.amazonaws.com"},
	"eb":    {Service: "elasticbeanstalk.amazonaws.com"},
}

// unknowns puts symbols for <name> and generated parts for <!name>.
var symbolMark = regexp.MustCompile(`<[^<>]+>`)

func unknowns(s string) string {
	return symbolMark.ReplaceAllStringFunc(s, func(m string) string {
		if name, random := strings.CutPrefix(m[1:len(m)-1], "!"); random {
			return fact.Generated(name)
		}
		return fact.Symbol(m[1 : len(m)-1])
	})
}

func unknownNodes(n *source.Node) {
	if n == nil {
		return
	}
	n.Text = unknowns(n.Text)
	for _, x := range n.Items {
		unknownNodes(x)
	}
	for _, f := range n.Fields {
		unknownNodes(f.Value)
	}
}

func policiesOf(t *testing.T, file string, a *txtar.Archive) (Policies, string) {
	var ps Policies
	cases := ""
	for _, f := range a.Files {
		if f.Name == "cases" {
			cases = string(f.Data)
			continue
		}
		n, err := source.ParseJSON(file, f.Data)
		if err != nil {
			t.Fatal(err)
		}
		unknownNodes(n)
		p, err := Parse(f.Name, n)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		switch kind, _, _ := strings.Cut(f.Name, "-"); kind {
		case "identity":
			ps.Identity = append(ps.Identity, p)
		case "boundary":
			ps.Boundary = p
		case "session":
			ps.Session = p
		case "resource":
			ps.Resource = p
		case "scp":
			ps.SCPs = level(ps.SCPs, f.Name, p)
		case "rcp":
			ps.RCPs = level(ps.RCPs, f.Name, p)
		case "endpoint":
			ps.Endpoint = p
		default:
			t.Fatalf("%s: no layer", f.Name)
		}
	}
	return ps, cases
}

// level adds a policy to the last level, or begins one when its name says so.
func level(levels [][]*Policy, name string, p *Policy) [][]*Policy {
	if len(levels) == 0 || strings.Contains(name, "-level") {
		return append(levels, []*Policy{p})
	}
	levels[len(levels)-1] = append(levels[len(levels)-1], p)
	return levels
}

// A case is a line "caller action resource [key=value…] [@flag…] => outcome".
func ask(t *testing.T, line string, ps Policies) Decision {
	f := strings.Fields(unknowns(line))
	who, ok := callers[f[0]]
	if !ok {
		t.Fatalf("no caller %q", f[0])
	}
	r := Request{Principal: who, Action: f[1], Resource: f[2], Context: map[string][]string{}}
	for _, x := range f[3:] {
		k, v, _ := strings.Cut(x, "=")
		switch k {
		case "@owner":
			r.ResourceAccount = v
		case "@unsure":
			r.Unsure = append(r.Unsure, v)
		case "@gateway":
			ps.GatewayEndpoint = true
		case "@must":
			ps.ResourceMustAllow = true
		case "@identity":
			ps.IdentityUnknown = []string{v}
		case "@boundary":
			ps.BoundaryUnknown = v
		case "@resource":
			ps.ResourceUnknown = v
		case "@without":
			switch v {
			case "identity":
				ps.Identity = nil
			case "resource":
				ps.Resource = nil
			case "boundary":
				ps.Boundary = nil
			}
		default:
			r.Context[k] = strings.Split(v, ",")
		}
	}
	return Evaluate(&r, &ps)
}

// outcomeText is "allow LAYER SID…", "deny LAYER SID", "implicit LAYER" with
// the near misses, or "unknown LAYER" with what is missing.
func outcomeText(d Decision) string {
	word := map[Reason]string{Allowed: "allow", ExplicitDeny: "deny", ImplicitDeny: "implicit", NotKnown: "unknown"}[d.Reason]
	out := []string{word, d.Layer}
	for _, s := range d.By {
		out = append(out, s.Sid)
	}
	if d.Reason == NotKnown {
		out = append(out, "["+strings.Join(d.Missing, "; ")+"]")
	}
	if d.Reason == ImplicitDeny {
		for _, n := range d.Near {
			out = append(out, fmt.Sprintf("(%s: %s)", n.Statement.Sid, n.Why))
			if !n.Pos.IsValid() {
				out = append(out, "WITHOUT PLACE")
			}
		}
	}
	return strings.Join(out, " ")
}

func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a := txtar.Parse(data)
		if !strings.Contains(string(a.Comment), "origin: ") {
			t.Errorf("%s: no origin", file)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ps, cases := policiesOf(t, file, a)
			for _, line := range strings.Split(cases, "\n") {
				if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				asked, want, ok := strings.Cut(line, " => ")
				if !ok {
					t.Fatalf("no outcome in %q", line)
				}
				count++
				got := outcomeText(ask(t, asked, ps))
				begins, open := strings.CutSuffix(want, "…")
				if got != want && !(open && strings.HasPrefix(got, strings.TrimSuffix(begins, " "))) {
					t.Errorf("%s\n got  %s\n want %s", asked, got, want)
				}
			}
		})
	}
	if count < 80 {
		t.Errorf("only %d cases", count)
	}
}
