// Package check predicts a deployment: it makes a plan and an account of a
// bundle and a template, follows every fetch of the plan, and lets the rules
// read the chains. What could not be settled is listed, never left out.
package check

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/account/terraform"
	"beanpole/internal/cfn"
	"beanpole/internal/cfninit"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

// Input is what is known of a deployment.
type Input struct {
	Bundle   *source.Bundle
	Template *cfn.Template // nil: none was given
	Env      *cfn.Env      // of the template; nil: nothing is known
	// Terraform is a plan that creates what a template would; nil: none.
	Terraform *terraform.Plan
	// Given are option settings made directly, on top of the template's.
	Given    ebext.Settings
	Platform string // solution stack name or platform ARN; "": the template's
	// Saved is the saved configuration that the environment is made with; nil:
	// none was given.
	Saved *ebext.SavedConfiguration
	// DefaultPlatform counts when nothing else names a platform; nil: none does.
	DefaultPlatform *source.Node
	// NotKnown are further things that the input leaves open.
	NotKnown []string
	// Account holds more facts, for instance the local cloud's.
	Account *account.Account
	// Environment is the logical ID or the name of the environment, when the
	// template has several.
	Environment string
	// Names are the physical IDs of the template's resources by logical ID,
	// when its stack exists; nil: they are predicted.
	Names map[string]string
	// Objects lists what a bucket holds; ok is false when nobody can tell. Nil:
	// nothing is known of objects.
	Objects func(bucket string) (objects map[string]*account.Object, ok bool)
	// Reachable: it is known that the instances reach S3, as in the local cloud.
	Reachable bool
	// Existing is the environment as it was read of a live account; nil: none was.
	Existing *Existing
	// Launched is what was read of a live stack's own instances; nil: nothing.
	Launched *Launched
	// Strict makes a finding of everything that is not known and matters.
	Strict bool
	// Now is the time of the deployment, zero: the machine's own clock.
	Now time.Time
	// Read gives the content of the template's file, for fixes; nil: no fixes
	// are worked out.
	Read func(file string) []byte
}

// Report is what came of it.
type Report struct {
	Findings []*finding.Finding
	Chains   []*access.Chain
	// Suppressed are those that a comment in the user's files silences.
	Suppressed []*Suppressed
	// Unsettled are the fetches that no link breaks, as far as is known, with
	// the inputs that would settle them.
	Unsettled []*finding.Finding
	// NotKnown are further things that the input leaves open.
	NotKnown []string
	// Assumed are what the input does not say, and was taken from elsewhere.
	Assumed  []string
	Plan     *cfninit.Plan
	Settings ebext.Settings
}

// mostFetches is how many fetches of a bundle are followed: those that somebody
// wrote are a few dozen at most, and a chain takes far more memory than the line
// that asks for it.
const mostFetches = 1000

// run is the work on one Input.
type run struct {
	in       *Input
	x        *ebext.Extensions
	settings ebext.Settings
	platform ebext.Platform
	// application and name are the environment's; they may be unknown texts.
	application, name string
	// environmentID is its logical ID in the template, "" without one.
	environmentID string
	// direct tells that the settings made directly are all known.
	direct  bool
	account *account.Account
	// outer is the user's stack, nil without a template; stack is the one that
	// Elastic Beanstalk makes of settings and bundle, nil when it is refused.
	outer, stack *cfn.Stack
	plan         *cfninit.Plan
	chains       []*access.Chain
	// build is the error with which cfn-init would refuse the plan.
	build *cfninit.BuildError
	// plain are the template's own instances that run cfn-init.
	plain []*plainHost
	// refused is why CloudFormation would not take the environment's template.
	refused  *source.Problem
	notKnown []string
	assumed  []string
	// inForce and byOption are filled by made.
	inForce  []*ebext.Setting
	byOption map[[2]string]*ebext.Setting
	// byType is filled by resources.
	byType   map[string][]*cfn.Resource
	sections map[string][]entry // by entries
	// shellTexts is filled by scripts.
	shellTexts []*script
	// ignored is filled by ignores.
	ignored *[]*ignore
	written []*script // by writtenScripts
	// programTexts is filled by programs.
	programTexts *[]string
	// madePaths and unpacked are filled by writes: paths with the folders above them,
	// and those below which an archive is unpacked.
	madePaths, unpacked map[string]bool
	// placedAt is filled by placedFiles, nginxAll by nginxFiles, tlsAll by
	// tlsPairs.
	placedAt  map[string]*placed
	nginxRead bool
	nginxAll  []*proxyFile
	tlsRead   bool
	tlsAll    []*tlsPair
}

// Run predicts. Its error is a *source.Problem for input that cannot be read,
// else beanpole's own failure.
func Run(in *Input) (*Report, error) {
	r := &run{in: in, x: ebext.Read(in.Bundle), notKnown: slices.Clone(in.NotKnown)}
	if err := r.readTemplate(); err != nil {
		return nil, err
	}
	if err := r.makePlan(); err != nil {
		return nil, err
	}
	r.listObjects()
	if err := r.followPlain(); err != nil {
		return nil, err
	}
	r.missNothing()
	if r.plan != nil {
		world := r.world()
		fetches := r.plan.Fetches()
		if n := len(fetches) - mostFetches; n > 0 {
			r.notKnown = append(r.notKnown, fmt.Sprintf("the bundle makes %d fetches; beanpole follows the first %d", len(fetches), mostFetches))
			fetches = fetches[:mostFetches]
		}
		for _, f := range fetches {
			r.chains = append(r.chains, access.Follow(world, f))
		}
	}
	return r.report(), nil
}

// missNothing says so when there is nothing to check: the wrong folder must
// not look clean.
func (r *run) missNothing() {
	if len(r.x.Files)+len(r.x.Problems)+len(r.plain) > 0 || r.in.Existing.deployed() {
		return
	}
	for _, name := range r.in.Bundle.Names() {
		if strings.HasPrefix(name, ".platform/") {
			return // hooks and proxy files are looked at
		}
	}
	if r.in.Launched != nil {
		r.notKnown = append(r.notKnown, "no resource of the stack's template has AWS::CloudFormation::Init in its Metadata, so there is nothing to check")
		return
	}
	r.notKnown = append(r.notKnown, "the bundle has no configuration file (.ebextensions/*.config at its root), so there is nothing to check")
}

// makePlan turns the environment's template into cfn-init's plan.
func (r *run) makePlan() error {
	if r.in.Existing.deployed() {
		return r.planDeployed()
	}
	t, err := ebext.Prediction(r.x, r.settings, r.application)
	var stack *cfn.Stack
	if err == nil {
		stack, err = t.Evaluate(r.stackEnv())
	}
	if errors.As(err, &r.refused) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("evaluate the environment's template: %w", err)
	}
	r.stack = stack
	r.addAccount(stack, r.stackEnv())
	group := stack.Resource(ebext.Group)
	if group == nil {
		return nil // removed by the user: no metadata, nothing runs
	}
	return r.planOf(group.Metadata)
}

// planOf turns the metadata that the instances read into cfn-init's plan.
func (r *run) planOf(metadata *source.Node) (err error) {
	r.plan, err = cfninit.NewPlan(metadata, []string{ebext.PreBuild, ebext.PostBuild})
	var build *cfninit.BuildError
	if errors.As(err, &build) {
		if !build.NoInit {
			r.build = build
		}
		return nil
	}
	return err
}

// stackEnv is what is known of the stack that Elastic Beanstalk will create.
func (r *run) stackEnv() *cfn.Env {
	env := *r.env()
	env.StackName = "awseb-" + fact.Symbol("environment ID") + "-stack"
	env.StackID = fact.Symbol("stack ID")
	env.Parameters = map[string]string{ebext.ParameterEnvironmentName: r.name}
	return &env
}

func (r *run) report() *Report {
	out := &Report{Chains: r.chains, Plan: r.plan, Settings: r.settings, Assumed: r.assumed}
	out.Findings, out.Suppressed = r.findings()
	if !r.in.Strict { // else they are findings
		out.NotKnown, out.Unsettled = r.notKnown, r.unsettled()
	}
	return out
}

// findings are those of all rules, in the order of the files, and those that
// the user silenced.
func (r *run) findings() (out []*finding.Finding, silenced []*Suppressed) {
	for _, rule := range rules {
		if rule.find != nil {
			out = append(out, rule.find(r)...)
		}
	}
	out = append(out, r.broken()...)
	r.keepPlan(out)
	for _, rule := range rules {
		if rule.review == nil {
			continue
		}
		left, more := r.silence(out)
		silenced = append(silenced, more...)
		out = append(left, rule.review(r, left)...)
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].Pos, out[j].Pos
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Offset < b.Offset
	})
	return out, silenced
}
