package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"beanpole/internal/cfn"
)

// chosenTemplate is the file that --template means: the file itself, or of a
// folder that `cdk synth` or `sam build` wrote the one template that creates an
// Elastic Beanstalk environment.
func chosenTemplate(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil || !st.IsDir() {
		return path, nil // reading it says what is wrong
	}
	files := templatesIn(path)
	var with []string
	for _, file := range files {
		if createsEnvironment(file) {
			with = append(with, file)
		}
	}
	switch {
	case len(files) == 0:
		return "", usageError("--template %s is a folder without a template; give the file, or the folder that cdk synth writes", path)
	case len(with) == 1:
		return with[0], nil
	case len(files) == 1:
		return files[0], nil
	case len(with) > 1:
		return "", usageError("%s have an Elastic Beanstalk environment each; choose one with --template FILE", some(with))
	}
	return "", usageError("no template in %s has an Elastic Beanstalk environment; choose one with --template FILE: %s", path, some(files))
}

// templatesIn are the templates of a folder, those of the stages of a CDK
// application included: cdk.out/assembly-STAGE/STACK.template.json.
func templatesIn(folder string) []string {
	var out []string
	for _, pattern := range []string{
		"*.template.json", "template.yaml", "template.yml", "template.json",
		filepath.Join("assembly-*", "*.template.json"), filepath.Join("assembly-*", "assembly-*", "*.template.json"),
	} {
		escaped := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(folder)
		found, err := filepath.Glob(filepath.Join(escaped, pattern))
		if err == nil { // the patterns are well formed
			out = append(out, found...)
		}
	}
	slices.Sort(out)
	return out
}

// createsEnvironment reports whether a file is a template with an environment.
// One that cannot be read has none; it is said when it is chosen.
func createsEnvironment(file string) bool {
	data, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	t, err := cfn.Parse(file, data)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(t.Resources, func(d *cfn.Declared) bool { return d.Type == "AWS::ElasticBeanstalk::Environment" })
}
