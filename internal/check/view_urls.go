package check

import (
	"fmt"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// s3URL is a fetch's URL as it would have to be written, path style if asked
// for: ready to be written when all of it is known, else with words in capitals.
func s3URL(c *access.Chain, pathStyle bool) (text string, ready bool) {
	bucket, key, region := "BUCKET", "KEY", "REGION"
	scheme, rest, _ := strings.Cut(c.Fetch.URL, "://")
	rest, _, _ = strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	t, served := aws.ServedS3(host, "/"+path)
	switch {
	case strings.EqualFold(scheme, "s3"):
		t.Bucket, key = host, path
	case served && t.PathStyle:
		_, key, _ = strings.Cut(path, "/")
	case served:
		key = path
	case c.Fetch.Address.Recognised():
		t.Bucket, key = c.Fetch.Address.Bucket, c.Fetch.Address.Key
	default:
		if name, _, ok := strings.Cut(host, ".s3-"); ok && aws.FormOf(c.Fetch.URL) != aws.PlainURL {
			t.Bucket, key = name, path
		}
	}
	if t.Bucket != "" {
		bucket = t.Bucket
	}
	if n := len(bucket); served && !t.PathStyle && n <= len(host) { // DNS knows no letter case, path style does
		if _, found := c.World.Account.Bucket(host[:n]); found == fact.Holds {
			bucket = host[:n]
		}
	}
	b, found := c.World.Account.Bucket(bucket)
	switch {
	case found == fact.Holds && b.Region != "" && fact.Known(b.Region):
		region = b.Region
	case found == fact.Holds && b.Region == "" && c.World.Account.Region != "" && fact.Known(c.World.Account.Region):
		region = c.World.Account.Region
	case served && !t.Global:
		region = t.Region
	}
	domain := ".amazonaws.com/"
	if strings.HasPrefix(region, "cn-") {
		domain = ".amazonaws.com.cn/"
	}
	text = "https://" + bucket + ".s3." + region + domain + key
	if pathStyle || strings.HasPrefix(region, "cn-") || strings.ContainsAny(bucket, "._") || bucket != strings.ToLower(bucket) && bucket != "BUCKET" {
		text = "https://s3." + region + domain + bucket + "/" + key
	}
	return fact.Show(text), fact.Known(text) && bucket != "BUCKET" && key != "KEY" && region != "REGION"
}

// rewriteURL is the fix that writes a fetch's URL anew, where it stands in one
// piece.
func rewriteURL(pathStyle bool) func(*run, *access.Chain) []finding.Fix {
	return func(r *run, c *access.Chain) []finding.Fix {
		text, ready := s3URL(c, pathStyle)
		for _, file := range r.x.Files {
			if !ready || text == c.Fetch.URL || file.Name != c.Fetch.URLAt.File {
				continue
			}
			_, v := fieldAt(file.Root, c.Fetch.URLAt)
			if v == nil || v.Kind != source.String || v.Text != c.Fetch.URL || r.in.Read == nil {
				return nil
			}
			if from := v.Pos.Offset; from < len(r.in.Read(file.Name)) {
				if q := r.in.Read(file.Name)[from]; q == '"' || q == '\'' {
					return r.rewritten(v, "url", "write the URL as the bucket answers to it", string(q)+text+string(q))
				}
			}
			return r.rewritten(v, "url", "write the URL as the bucket answers to it", text)
		}
		return nil
	}
}

// writeURL is the note that says the same.
func writeURL(c *access.Chain, pathStyle bool) finding.Note {
	text, _ := s3URL(c, pathStyle)
	if aws.AgentMissigns(c.Fetch.URL) != "" {
		return finding.Note{Label: "fix", Text: "keep the object under a key without // and .. and without a query"}
	}
	return finding.Note{Label: "fix", Text: fmt.Sprintf("write %s", text)}
}

// hasForm tells whether a chain breaks at its URL, which has a form.
func hasForm(c *access.Chain, form aws.URLForm) bool {
	return c.Cause().Name == access.Source && aws.FormOf(c.Fetch.URL) == form
}
