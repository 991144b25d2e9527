package elasticbeanstalk

import (
	"errors"
	"fmt"
	"slices"
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
	return x, len(x.Problems) == 0 && o.knows(x.Settings)
}

// knows tells of settings of options that the platform does not have.
func (o *operation) knows(settings ebext.Settings) bool {
	unknown := slices.DeleteFunc(slices.Clone(settings), func(s ebext.Setting) bool { return !o.platform.Lacks(s.Namespace, s.Option) })
	if len(unknown) > 0 {
		o.error(`"option_settings" in one of the configuration files failed validation. More details to follow.`)
	}
	for _, s := range unknown {
		o.error("Invalid option specification (Namespace: '%s', OptionName: '%s'): Unknown configuration setting.", cut(s.Namespace), cut(s.Option))
	}
	return len(unknown) == 0
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

// bundle opens a version's bundle as it lies in S3, in the caller's name; done
// closes it.
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
	object, ok := out.Body.(source.Zip)
	if !ok {
		out.Body.Close()
		return nil, nil, fmt.Errorf("open the bundle: S3's answer is a %T, which is read from front to back alone", out.Body)
	}
	size := door.Value(out.ContentLength)
	if size > maxBundle {
		object.Close()
		return nil, nil, &source.Problem{What: "Source bundle exceeded maximum allowed size: 536870912"}
	}
	b, err = source.OpenZip(v.Key, object, size)
	var p *source.Problem
	if errors.As(err, &p) {
		p.Pos = source.Pos{} // no file that the user knows
	}
	if err != nil {
		return nil, nil, err
	}
	return b, func() { b.Close() }, nil
}

// stored are settings as a record keeps them.
func stored(s ebext.Settings) []option {
	var out []option
	for _, set := range s {
		out = append(out, option{set.Namespace, set.Option, set.Value.TextOr("")})
	}
	return out
}
