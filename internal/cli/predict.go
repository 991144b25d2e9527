package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"beanpole/internal/account/reading"
	"beanpole/internal/account/terraform"
	"beanpole/internal/cfn"
	"beanpole/internal/check"
	"beanpole/internal/ebext"
	"beanpole/internal/source"
)

// prediction is what `check` and `fix` work on.
type prediction struct {
	inputFlags
	account accountFlags
	// reading is what was read of an account, nil without one; isDeployed: the
	// input is what the account has, not a bundle of the user's.
	reading    *reading.Reading
	isDeployed bool
	strict     bool
	ready      bool // template, parameters and option settings are read
	region     string
	path       string
	bundle     *source.Bundle
	parsed     *cfn.Template
	params     map[string]string
	settings   ebext.Settings
	planned    *terraform.Plan
	planFile   string
	// saved is named by savedName; ebDefault is the EB CLI's default platform.
	savedName string
	saved     *ebext.SavedConfiguration
	savedText []byte
	ebDefault *source.Node
	unread    []string // what could not be read, and need not be
}

func (p *prediction) register(c *cobra.Command) {
	p.inputFlags.register(c)
	c.Flags().StringVar(&p.region, "region", "", "AWS `REGION` of stack and environment")
	c.Flags().StringVar(&p.planFile, "terraform-plan", "", "Terraform plan in JSON that creates them: `FILE` from terraform show -json PLAN")
	c.Flags().StringVar(&p.savedName, "saved-config", "", "saved configuration that the environment is made with: `NAME` in .elasticbeanstalk/saved_configs, or its file")
	c.Flags().Lookup("stack-name").Usage = "CloudFormation stack's `NAME`, where names depend on it"
}

// open reads everything that was named on the command line, for one bundle.
func (p *prediction) open(path string) error {
	if err := p.share(); err != nil {
		return err
	}
	q, err := p.of(path)
	if err != nil {
		return err
	}
	*p = *q
	return nil
}

// share reads what is the same for every bundle.
func (p *prediction) share() error {
	if err := checkRegion(p.region); err != nil {
		return err
	}
	if err := p.readPlan(); err != nil {
		return err
	}
	if p.template == "" || strings.Contains(p.template, ownTemplate) {
		return nil
	}
	return p.readInputs()
}

// readInputs reads template, parameters and option settings.
func (p *prediction) readInputs() (err error) {
	if p.parsed, err = p.readTemplate(); err != nil {
		return err
	}
	if p.params, err = p.parameters(p.parsed); err != nil {
		return err
	}
	p.settings, err = p.given()
	p.ready = err == nil
	return err
}

// ownTemplate stands in a template's name for the bundle's path.
const ownTemplate = "{}"

// of is the prediction of one bundle, with its own template where {} stands in
// the name, or PATH is one.
func (p *prediction) of(path string) (*prediction, error) {
	q := *p
	q.path = path
	alone := q.templateAlone()
	q.template = strings.ReplaceAll(q.template, ownTemplate, strings.TrimSuffix(path, ".zip"))
	if !q.ready {
		if err := q.readInputs(); err != nil {
			return nil, err
		}
	}
	if alone {
		q.bundle = source.NoBundle(path)
		return &q, nil
	}
	var err error
	if q.bundle, err = openBundle(path); err != nil {
		return nil, err
	}
	err = notTheRoot(q.bundle)
	if err == nil {
		err = q.readProject()
	}
	if err != nil {
		q.bundle.Close()
		return nil, err
	}
	return &q, nil
}

func (p *prediction) input() *check.Input {
	in := &check.Input{
		Bundle: p.bundle, Template: p.parsed, Terraform: p.planned, Given: p.settings, Saved: p.saved, DefaultPlatform: p.ebDefault, NotKnown: p.unread,
		Platform: p.platform, Environment: p.environment, Read: p.read, Strict: p.strict,
		Env: &cfn.Env{StackName: p.stack, Region: p.region, Parameters: p.params},
	}
	if p.reading != nil {
		p.useReading(in)
	}
	return in
}

// read is the content of a file that a finding is in.
func (p *prediction) read(file string) []byte {
	switch {
	case file == "":
		return nil
	case p.parsed != nil && file == p.parsed.File:
		return p.templateText
	case p.planned != nil && file == p.planned.File:
		return nil // one long line, in which secrets stand beside what is shown
	case p.saved != nil && file == p.saved.File:
		return p.savedText
	case p.bundle.Has(file):
		data, err := p.bundle.Read(file)
		if err != nil {
			return nil
		}
		return data
	case p.readDeployed(file) != nil:
		return p.readDeployed(file)
	case file == p.optionFile:
		data, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		return data
	}
	return nil
}

// name is how a file of the bundle is called from here.
func (p *prediction) name(file string) string {
	st, err := os.Stat(p.path)
	if err == nil && st.IsDir() && p.bundle.Has(file) {
		return filepath.Join(p.path, filepath.FromSlash(file))
	}
	return file
}
