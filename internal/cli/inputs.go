package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/cfn"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// inputFlags say what a bundle is deployed with: template, parameters, option
// settings, platform. `check`, `fix` and `up` share them.
type inputFlags struct {
	template     string
	params       []string // K=V
	paramFile    string
	options      []string // NAMESPACE:NAME=VALUE
	optionFile   string
	platform     string
	environment  string
	stack        string
	templateText []byte // set by readTemplate
}

func (f *inputFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.template, "template", "", "CloudFormation template `FILE` that creates role, profile, buckets, environment; or a folder such as cdk.out")
	fs.StringArrayVar(&f.params, "parameter", nil, "`NAME=VALUE` of a parameter of the template; may be repeated")
	fs.StringVar(&f.paramFile, "parameters", "", "`FILE` of the template's parameters, as the AWS CLI or CodePipeline takes it (JSON or YAML)")
	fs.StringArrayVar(&f.options, "option", nil, "`NS:NAME=VALUE` (namespace, name, value) of an option setting given to the API; may be repeated")
	fs.StringVar(&f.optionFile, "option-settings", "", "`FILE` of option settings, as the AWS CLI takes it (JSON)")
	fs.StringVar(&f.platform, "platform", "", "solution stack `NAME`, or platform ARN")
	fs.StringVar(&f.environment, "environment", "", "environment's `NAME`; picks one if the template has several")
	fs.StringVar(&f.stack, "stack-name", "", "CloudFormation stack's `NAME` (default: from the folder)")
}

// readTemplate reads the template, nil when none is given.
func (f *inputFlags) readTemplate() (*cfn.Template, error) {
	if err := checkStackName(f.stack); err != nil {
		return nil, err
	}
	if err := checkPlatform(f.platform); err != nil {
		return nil, err
	}
	if f.template == "" {
		return nil, nil
	}
	var err error
	if f.template, err = chosenTemplate(f.template); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(f.template)
	if err != nil {
		return nil, usageError("cannot read the template: %v", err)
	}
	f.templateText = data
	return cfn.Parse(f.template, data)
}

var (
	regionForm = lazyregexp.New(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	stackForm  = lazyregexp.New(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`) // as CloudFormation has it
)

func checkRegion(region string) error {
	if region != "" && !regionForm.MatchString(region) {
		return usageError("--region %q is no AWS region; give one such as us-east-1", region)
	}
	return nil
}

func checkStackName(name string) error {
	if name != "" && !stackForm.MatchString(name) {
		return usageError("--stack-name %q is no stack name; CloudFormation takes up to 128 letters, digits and hyphens, a letter first", name)
	}
	return nil
}

// checkPlatform refuses what names no platform of AWS's, of Windows neither,
// and is no ARN of one.
func checkPlatform(name string) error {
	if name == "" || strings.Contains(name, ":platform/") || strings.Contains(name, "64bit ") || strings.Contains(name, "32bit ") {
		return nil
	}
	return usageError("--platform %q is no platform; give the whole name, as \"64bit Amazon Linux 2023 v4.6.0 running Go 1\", or the ARN (aws elasticbeanstalk list-available-solution-stacks lists them)", name)
}

// given are the option settings given with --option and --option-settings; a
// later one wins.
func (f *inputFlags) given() (ebext.Settings, error) {
	var out ebext.Settings
	if f.optionFile != "" {
		data, err := os.ReadFile(f.optionFile)
		if err != nil {
			return nil, usageError("cannot read the option settings: %v", err)
		}
		if out, err = ebext.ParseOptionJSON(f.optionFile, data); err != nil {
			return nil, err
		}
	}
	for _, o := range f.options {
		name, value, ok := strings.Cut(o, "=")
		i := strings.LastIndex(name, ":")
		if !ok || i <= 0 || i == len(name)-1 {
			return nil, usageError("--option %q is not NAMESPACE:NAME=VALUE", o)
		}
		at := source.Pos{File: "--option " + fact.Clean(name)}
		out = append(out, ebext.Setting{
			Namespace: name[:i], Option: name[i+1:], Level: ebext.Direct, Pos: at,
			Value: source.NewString(fact.Clean(value), at),
		})
	}
	return out, nil
}

// env is what the template's functions refer to; region and account may be
// texts that are not known.
func (f *inputFlags) env(stack, region, account string, params map[string]string) *cfn.Env {
	return &cfn.Env{
		StackName: stack, Region: region, AccountID: account,
		StackID:   "arn:aws:cloudformation:" + region + ":" + account + ":stack/" + stack + "/" + fact.Generated("stack "+stack),
		Partition: "aws", URLSuffix: "amazonaws.com", Parameters: params,
	}
}
