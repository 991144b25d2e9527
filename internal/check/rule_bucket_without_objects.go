package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/iam"
	"beanpole/internal/source"
)

var bucketWithoutObjects = &Rule{
	Slug:  "bucket-without-objects",
	Title: "a policy names the bucket instead of its objects",
	Why: `arn:aws:s3:::BUCKET is the bucket alone, which s3:ListBucket is about. s3:GetObject is
about objects, and matches arn:aws:s3:::BUCKET/KEY or a pattern of it. A statement that
allows s3:GetObject on the bucket allows nothing, and IAM takes it without a word: S3
answers 403 AccessDenied although the policy is there.`,
	Before: `{Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::certs"}`,
	After:  `{Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::certs/*"}`,
	Since:  "0.1.0",

	claims: func(c *access.Chain) bool { return nearKind(c) == iam.BucketOnly },
	group:  func(c *access.Chain) string { return c.Cause().Near[0].Pos.String() },
	fix: func(r *run, c *access.Chain) []finding.Fix {
		if r.in.Template == nil || r.in.Read == nil {
			return nil
		}
		at := c.Cause().Near[0].Pos
		v := scalarAt(r.in.Template.Root, at)
		data := r.in.Read(at.File)
		if v == nil || v.Kind != source.String || at.File != r.in.Template.File || !strings.HasPrefix(v.Text, "arn:") || v.End.Offset > len(data) {
			return nil
		}
		end := v.End.Offset
		if q := data[end-1]; q == '"' || q == '\'' {
			end--
		}
		if !strings.HasSuffix(string(data[:end]), v.Text) {
			return nil
		}
		return []finding.Fix{{Name: "objects", Title: "let the Resource be the bucket's objects", Edits: []source.Edit{{File: at.File, Start: end, End: end, New: "/*"}}}}
	},
	explain: func(c *access.Chain, f *finding.Finding) {
		f.Message = "the statement that should allow it names the bucket instead of its objects"
		f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: fmt.Sprintf(`write Resource: "arn:aws:s3:::%s/*"`, fact.Show(c.Fetch.Address.Bucket))})
	},
}

// nearKind is how the statement misses that would allow a fetch but for one
// element.
func nearKind(c *access.Chain) iam.NearKind {
	l := c.Cause()
	if l.Name != access.Identity && l.Name != access.Bucket || len(l.Near) == 0 || c.Fetch.Signer.Kind == access.Nobody {
		return iam.OtherMiss
	}
	return l.Near[0].Kind
}

// scalarAt is the scalar at a place.
func scalarAt(n *source.Node, at source.Pos) *source.Node {
	if n == nil || n.IsScalar() {
		if n != nil && n.Pos == at {
			return n
		}
		return nil
	}
	for _, it := range n.Items {
		if v := scalarAt(it, at); v != nil {
			return v
		}
	}
	for _, f := range n.Fields {
		if v := scalarAt(f.Value, at); v != nil {
			return v
		}
	}
	return nil
}
