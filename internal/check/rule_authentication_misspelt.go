package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var authenticationMisspelt = &Rule{
	Slug:  "authentication-misspelt",
	Title: "no authentication has this name",
	Why: `A file's "authentication" names an entry of AWS::CloudFormation::Authentication on
AWSEBAutoScalingGroup. When there is none of that name (a slip, or one that the
agent dropped), the agent says nothing: it signs with whatever block lists the
bucket, and otherwise sends the request unsigned, which S3 answers with 403.`,
	Before: "authentication: s3auth",
	After:  "authentication: S3Auth",
	Since:  "0.1.0",

	find: silentSlips,
	claims: func(c *access.Chain) bool {
		s := c.Fetch.Signer
		return s.Kind == access.Nobody && s.Asked != ""
	},
	group: func(c *access.Chain) string { return c.Fetch.Signer.Asked },
	explain: func(c *access.Chain, f *finding.Finding) {
		s := c.Fetch.Signer
		f.Pos = s.AskedAt
		f.Message = fmt.Sprintf("this fetch is not signed, since no authentication is named %q", s.Asked)
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: nearestBlock(s)})
	},
}

// silentSlips are names that nothing has, on fetches that do not fail for
// certain: signed by accident, or open to everybody as far as anyone knows.
func silentSlips(r *run) []*finding.Finding {
	var out []*finding.Finding
	for _, c := range r.chains {
		s := c.Fetch.Signer
		if c.Cause() != nil || s.Asked == "" || s.ByName || s.Unsure != "" {
			continue
		}
		f := &finding.Finding{
			Rule: "authentication-misspelt", Severity: finding.Warning, Certain: true, Pos: s.AskedAt,
			Message: fmt.Sprintf("no authentication is named %q", s.Asked),
		}
		if s.Kind == access.Nobody {
			f.Certain = false
			f.Message = fmt.Sprintf("S3 may answer 403 AccessDenied: this fetch is not signed, since no authentication is named %q; not known: whether the bucket lets in everybody", s.Asked)
		} else {
			at := finding.Note{Label: "signer", Text: fmt.Sprintf("block %q, only because it lists the bucket or host", s.Block), At: []source.Pos{s.BlockAt}}
			f.Notes = append(f.Notes, at)
		}
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: nearestBlock(s)})
		r.pointAt(f)
		out = append(out, f)
	}
	return out
}

// nearestBlock offers a block whose name differs in case or a letter.
func nearestBlock(s access.Signer) string {
	if s.Block != "" {
		return "write   authentication: " + s.Block
	}
	for _, o := range s.Others {
		name, _, _ := strings.Cut(o, ":")
		if near(name, s.Asked) {
			return "write   authentication: " + name
		}
	}
	return fmt.Sprintf("add an entry %q to AWS::CloudFormation::Authentication in the Metadata of AWSEBAutoScalingGroup", s.Asked)
}

// near: the same without regard to case and punctuation, or one letter off.
func near(a, b string) bool {
	fold := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r == '-' || r == '_' || r == ' ' {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	a, b = fold(a), fold(b)
	if len(a) < len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	switch len(a) - len(b) {
	case 0:
		return i == len(a) || a[i+1:] == b[i+1:]
	case 1:
		return a[i+1:] == b[i:]
	}
	return false
}
