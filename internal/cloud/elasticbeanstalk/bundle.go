package elasticbeanstalk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
	"beanpole/internal/source"
)

// maxBundle is the largest source bundle [EB:applications-sourcebundle].
const maxBundle = 512 << 20

// extensions reads the configuration files of a version. What keeps AWS from
// taking them is told; ok is false then.
func (o *operation) extensions(label string) (x *ebext.Extensions, ok bool) {
	b, done, err := o.bundle(label)
	if err != nil {
		o.error("%s", reason(err))
		return nil, false
	}
	defer done()
	x = ebext.Read(b)
	for _, p := range x.Problems {
		o.error("The configuration file %s in application version %s contains invalid YAML or JSON. YAML exception: Invalid Yaml: %s, JSON exception: Invalid JSON: %s. Update the configuration file.",
			p.Pos.File, label, cut(yamlProblem(p)), jsonProblem(b, p.Pos.File))
	}
	for _, f := range x.Files {
		if f.Skipped != nil {
			o.warn("Error processing file (Skipping): '%s' - Contains invalid key: '%s'. For information about valid keys, see http://docs.aws.amazon.com/elasticbeanstalk/latest/dg/ebextensions.html", f.Name, cut(f.Skipped.Text))
		}
	}
	return x, len(x.Problems) == 0
}

// yamlProblem is what our reader says where AWS shows SnakeYAML's text.
func yamlProblem(p *source.Problem) string {
	if !p.Pos.IsValid() {
		return p.What
	}
	return fmt.Sprintf("%s, line %d, column %d", p.What, p.Pos.Line, p.Pos.Col)
}

// jsonProblem is what AWS's JSON reader says of a file that is no JSON
// [gh:awsdocs/elastic-beanstalk-samples#90].
func jsonProblem(b *source.Bundle, name string) string {
	data, err := b.Read(name)
	if r, _ := utf8.DecodeRune(data); err == nil && len(data) > 0 && r != '{' && r != '[' {
		return fmt.Sprintf("Unexpected character (%c) at position 0.", r)
	}
	return "Unexpected token."
}

// bundle fetches a version's bundle from S3, in the caller's name, and opens
// it; done closes it and removes the copy.
func (o *operation) bundle(label string) (b *source.Bundle, done func(), err error) {
	o.s.mu.Lock()
	v, err := o.s.findVersion(o.e.Application, label)
	o.s.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	out, err := door.Invoke[s3.GetObjectInput, s3.GetObjectOutput](o.ctx, o.s.Door, "s3", "GetObject", &s3.GetObjectInput{Bucket: &v.Bucket, Key: &v.Key})
	if err != nil {
		return nil, nil, invalid("Unable to download from S3 location (Bucket: %s  Key: %s). Reason: %s", v.Bucket, v.Key, s3Reason(err))
	}
	defer out.Body.Close()
	dir, err := os.MkdirTemp(o.s.State.Dir(), "bundle-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for the bundle: %w", err)
	}
	clean := func() { os.RemoveAll(dir) }
	if b, err = unpack(filepath.Join(dir, "bundle.zip"), out.Body); err != nil {
		clean()
		return nil, nil, err
	}
	return b, func() { b.Close(); clean() }, nil
}

func unpack(path string, from io.Reader) (*source.Bundle, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("keep the bundle: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(from, maxBundle+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("keep the bundle: %w", err)
	}
	if n > maxBundle {
		return nil, &source.Problem{What: "Source bundle exceeded maximum allowed size: 536870912"}
	}
	b, err := source.OpenBundle(path)
	var p *source.Problem
	if errors.As(err, &p) {
		p.Pos = source.Pos{} // a file of ours, not one the user knows
	}
	return b, err
}

// stored are settings as a record keeps them.
func stored(s ebext.Settings) []option {
	var out []option
	for _, set := range s {
		out = append(out, option{set.Namespace, set.Option, set.Value.TextOr("")})
	}
	return out
}
