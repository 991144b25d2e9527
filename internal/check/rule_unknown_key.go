package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var unknownKey = &Rule{
	Slug:  "unknown-key",
	Title: "an unknown key makes AWS skip the whole file",
	Why: `A configuration file with a top-level key that Elastic Beanstalk does not know is
skipped as a whole, with one warning among the events ("Contains invalid key").
The deployment goes on without everything else that stands in the file. Mostly
the key is misspelt (OptionSettings, Files, container-commands), or a line has
lost its indentation.`,
	Before: "container-commands:",
	After:  "container_commands:",
	Since:  "0.1.0",

	find: func(r *run) []*finding.Finding {
		var out []*finding.Finding
		for _, file := range r.x.Files {
			if file.Skipped != nil {
				out = append(out, skippedFile(file))
			}
		}
		return out
	},
}

// skippedFile names all unknown keys of a file at once: each of them makes AWS
// skip it.
func skippedFile(file *ebext.File) *finding.Finding {
	k := file.Skipped
	f := keyFinding("unknown-key", finding.Error, k)
	f.Message = fmt.Sprintf("Elastic Beanstalk will skip this whole file: it does not know the key %q", k.Text)
	var others []source.Pos
	fix := finding.Fix{Name: "rename", Title: "write the keys as Elastic Beanstalk knows them"}
	whole := true
	for _, field := range file.Root.Fields {
		key := field.Key
		if slices.Contains(ebext.KnownKeys(), key.Text) {
			continue
		}
		if key != k {
			others = append(others, key.Pos)
		}
		to := nearest(key.Text, ebext.KnownKeys())
		if to == "" || file.Root.Get(to) != nil {
			whole = false
			continue
		}
		fix.Edits = append(fix.Edits, rename(key, to).Edits...)
	}
	if len(others) > 0 {
		note(f, "cause", "further keys that it does not know", others...)
	}
	note(f, "on AWS", fmt.Sprintf("WARN Error processing file (Skipping): '%s' - Contains invalid key: '%s'. For information about valid keys, see http://docs.aws.amazon.com/elasticbeanstalk/latest/dg/ebextensions.html", file.Name, k.Text))
	note(f, "fix", keyFix(k.Text))
	if whole {
		f.Fixes = append(f.Fixes, fix)
	}
	return f
}

// templateKeys are keys of a CloudFormation template that Elastic Beanstalk
// does not take.
var templateKeys = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Transform", "Rules", "Hooks"}

func keyFix(key string) string {
	known := ebext.KnownKeys()
	if k := nearest(key, known); k != "" {
		return "write   " + k + ":"
	}
	switch {
	case strings.HasPrefix(key, "aws:"):
		return "write   option_settings:   above it and indent it below that"
	case slices.Contains(templateKeys, key):
		return "remove it: of a CloudFormation template only Resources, Parameters, Mappings, Conditions and Outputs may stand here"
	case strings.HasPrefix(key, "/"):
		return "write   files:   above it and indent it below that"
	case strings.HasPrefix(key, "AWS::CloudFormation::"):
		return "indent it below   Resources: AWSEBAutoScalingGroup: Metadata:"
	case strings.HasPrefix(key, "AWSEB"):
		return "write   Resources:   above it and indent it below that"
	}
	for _, section := range []string{"container_commands", "files", "services", "users"} {
		if slices.Contains(attributes[section], key) {
			return fmt.Sprintf("indent it below the entry that it belongs to: it is an attribute of %s", section)
		}
	}
	return "indent it below the key that it belongs to; the known keys are " + strings.Join(known, ", ")
}
