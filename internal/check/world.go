package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/account/template"
	"beanpole/internal/cfn"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

const (
	launchNamespace = "aws:autoscaling:launchconfiguration"
	profileOption   = "IamInstanceProfile"
	optionName      = "option " + launchNamespace + " " + profileOption // when it is not known
)

// env is what is known of the user's stack.
func (r *run) env() *cfn.Env {
	env := cfn.Env{}
	if r.in.Env != nil {
		env = *r.in.Env
	}
	or := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	if p := r.in.Terraform; p != nil {
		or(&env.Region, p.Region())
		or(&env.AccountID, p.Account())
	}
	or(&env.StackName, fact.Symbol("AWS::StackName"))
	or(&env.StackID, fact.Symbol("AWS::StackId"))
	or(&env.Region, fact.Symbol("AWS::Region"))
	or(&env.AccountID, fact.Symbol("AWS::AccountId"))
	switch {
	case strings.HasPrefix(env.Region, "cn-"):
		or(&env.Partition, "aws-cn")
		or(&env.URLSuffix, "amazonaws.com.cn")
	case strings.HasPrefix(env.Region, "us-gov-"):
		or(&env.Partition, "aws-us-gov")
	}
	or(&env.Partition, "aws")
	or(&env.URLSuffix, "amazonaws.com")
	return &env
}

// readTemplate fills account and settings from the template and what was
// given beside it.
func (r *run) readTemplate() error {
	env := r.env()
	r.application, r.name = fact.Symbol("application name"), fact.Symbol("environment name")
	r.account = &account.Account{ID: env.AccountID, Partition: env.Partition, Region: env.Region}
	if more := r.in.Account; more != nil {
		r.mergeAccount(more)
		r.account.Complete = more.Complete
	}
	platform := r.in.Platform
	var fromTemplate ebext.Settings
	stack, err := r.creates(env)
	if err != nil {
		return err
	}
	if stack != nil {
		e, err := r.environment(stack)
		if err != nil {
			return err
		}
		if e != nil {
			if fromTemplate, err = r.environmentSettings(stack, e); err != nil {
				return err
			}
			if platform == "" {
				platform = platformOf(e)
			}
			if saved := configurationTemplate(stack, e.Properties.Get("TemplateName").TextOr("")); platform == "" && saved != nil {
				platform = platformOf(saved)
			}
		}
	}
	if platform == "" && r.in.Existing != nil {
		platform = r.in.Existing.Platform
	}
	r.platform = ebext.ParsePlatform(r.otherwise(platform))
	r.settings = append(ebext.Defaults(r.platform), r.x.Settings...)
	if r.in.Saved != nil {
		r.settings = append(r.settings, r.in.Saved.Settings...)
	}
	r.settings = append(r.settings, fromTemplate...)
	r.useExisting()
	r.settings = append(r.settings, r.in.Given...)
	r.doubtProfile()
	return nil
}

// otherwise is the platform that counts when command line, template and plan
// name none: the saved configuration's, else the EB CLI's default.
func (r *run) otherwise(platform string) string {
	switch {
	case platform != "":
		return platform
	case r.in.Saved != nil && r.in.Saved.Platform != nil:
		return r.in.Saved.Platform.Text
	case r.in.DefaultPlatform == nil:
		return ""
	}
	p := r.in.DefaultPlatform
	r.assumed = append(r.assumed, fmt.Sprintf("%s: the platform is taken from here: %s; give --platform if the environment has another", p.Pos, fact.Show(p.Text)))
	return p.Text
}

// creates is what template and Terraform plan create, as one stack; nil without
// either.
func (r *run) creates(env *cfn.Env) (*cfn.Stack, error) {
	if r.in.Template == nil {
		return r.planned(env, nil), nil
	}
	r.useNames(env)
	stack, err := r.in.Template.Evaluate(env)
	if err != nil {
		return nil, err
	}
	r.outer = stack
	r.addAccount(stack, env)
	return r.planned(env, stack), nil
}

// planned adds what the Terraform plan creates.
func (r *run) planned(env *cfn.Env, stack *cfn.Stack) *cfn.Stack {
	if r.in.Terraform == nil {
		return stack
	}
	more := r.in.Terraform.Stack(env)
	r.addAccount(more, env)
	regions := r.in.Terraform.BucketRegions(env)
	for _, b := range r.account.Buckets {
		if region := regions[b.Logical]; region != "" {
			b.Region = region
		}
	}
	for _, o := range r.in.Terraform.Objects(env) {
		if b, found := r.account.Bucket(o.Bucket); found == fact.Holds && fact.Known(o.Key) {
			if b.Objects == nil {
				b.Objects = map[string]*account.Object{}
			}
			b.Objects[o.Key] = &account.Object{}
		}
	}
	if stack == nil {
		return more
	}
	return &cfn.Stack{Resources: append(stack.Resources[:len(stack.Resources):len(stack.Resources)], more.Resources...)}
}

// keepPlan takes away the fixes that would edit the Terraform plan: it is made
// anew from the user's configuration, which is not read.
func (r *run) keepPlan(fs []*finding.Finding) {
	if r.in.Terraform == nil {
		return
	}
	for _, f := range fs {
		f.Fixes = slices.DeleteFunc(f.Fixes, func(x finding.Fix) bool {
			return slices.ContainsFunc(x.Edits, func(e source.Edit) bool { return e.File == r.in.Terraform.File })
		})
	}
}

// creator is what creates the deployment's resources, and its file.
func (r *run) creator() (what, file string) {
	if r.in.Template == nil && r.in.Terraform != nil {
		return "Terraform plan", r.in.Terraform.File
	}
	return "template", r.in.Template.File
}

// doubtProfile makes the instance profile unknown when nothing says which
// settings are made directly: the console and the EB CLI set this option
// themselves, over whatever `.ebextensions` says [EB:command-options].
func (r *run) doubtProfile() {
	if r.direct {
		return
	}
	if _, ok := r.in.Given.Get(launchNamespace, profileOption); ok {
		return
	}
	// With a saved configuration the EB CLI makes up no profile of its own
	// [gh:aws/aws-elastic-beanstalk-cli ebcli/operations/createops.py].
	if r.in.Saved != nil {
		if _, ok := r.in.Saved.Settings.Get(launchNamespace, profileOption); ok {
			return
		}
	}
	r.settings = append(r.settings, ebext.Setting{
		Namespace: launchNamespace, Option: profileOption, Level: ebext.Direct,
		Value: source.NewString(fact.Symbol(optionName), source.Pos{}),
	})
}

// addAccount takes what a stack creates into the account.
func (r *run) addAccount(stack *cfn.Stack, env *cfn.Env) {
	a, problems := template.Fill(stack, env)
	for _, p := range append(stack.Notes, problems...) {
		r.notKnown = append(r.notKnown, p.Error())
	}
	if a != nil {
		if r.in.Launched != nil && len(r.account.Network.VPCs) > 0 {
			a.Network = account.Network{} // what was read of the VPC is all of it
		}
		r.mergeAccount(a)
	}
}

func (r *run) mergeAccount(a *account.Account) {
	into := r.account
	into.Roles = append(into.Roles, a.Roles...)
	into.Profiles = append(into.Profiles, a.Profiles...)
	into.Users = append(into.Users, a.Users...)
	into.Managed = append(into.Managed, a.Managed...)
	into.Buckets = append(into.Buckets, a.Buckets...)
	into.Keys = append(into.Keys, a.Keys...)
	into.SCPs, into.RCPs = append(into.SCPs, a.SCPs...), append(into.RCPs, a.RCPs...)
	if a.PublicAccess != nil {
		into.PublicAccess = a.PublicAccess
	}
	if a.Org != nil {
		into.Org = a.Org
	}
	into.Network.Add(&a.Network)
	into.Take(a)
}

// environment is the environment in the template that the bundle is for; nil
// when the template has none.
func (r *run) environment(stack *cfn.Stack) (*cfn.Resource, error) {
	var all []*cfn.Resource
	var names []string
	for _, res := range stack.Resources {
		if res.Type != "AWS::ElasticBeanstalk::Environment" {
			continue
		}
		name := res.Properties.Get("EnvironmentName").TextOr("")
		if w := r.in.Environment; w != "" && w != name && w != res.LogicalID {
			names = append(names, res.LogicalID)
			continue
		}
		all, names = append(all, res), append(names, res.LogicalID)
	}
	what, file := r.creator()
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		return nil, &source.Problem{Pos: all[1].Pos,
			What:   fmt.Sprintf("the %s has %d environments: %s", what, len(all), strings.Join(names, ", ")),
			Remedy: "choose one with --environment NAME"}
	case r.in.Environment != "":
		return nil, &source.Problem{Pos: source.Pos{File: file},
			What:   fmt.Sprintf("the %s has no environment %q", what, r.in.Environment),
			Remedy: "its environments: " + strings.Join(append(names, "none")[:max(1, len(names))], ", ")}
	}
	return nil, nil
}

// environmentSettings are the option settings that the template makes, those
// of a configuration template at the level of a saved configuration.
func (r *run) environmentSettings(stack *cfn.Stack, e *cfn.Resource) (ebext.Settings, error) {
	r.direct = true
	r.environmentID = e.LogicalID
	r.application = e.Properties.Get("ApplicationName").TextOr(r.application)
	r.name = e.Properties.Get("EnvironmentName").TextOr(r.name)
	what, file := r.creator()
	var out ebext.Settings
	if name, ok := e.Properties.Get("TemplateName").Str(); ok {
		saved := configurationTemplate(stack, name)
		if saved == nil && r.in.Saved != nil {
			// the one that was given
		} else if saved == nil {
			r.direct = false // a saved configuration that is not in this template
			r.notKnown = append(r.notKnown, fmt.Sprintf("saved configuration %q is not in the %s; its option settings are not known", fact.Show(name), what))
		} else {
			s, err := r.optionSettings(saved, file)
			if err != nil {
				return nil, err
			}
			for i := range s {
				s[i].Level = ebext.Saved
			}
			out = s
		}
	}
	s, err := r.optionSettings(e, file)
	return append(out, s...), err
}

// platformOf is the platform that an environment or a configuration template
// names, "" when it names none.
func platformOf(res *cfn.Resource) string {
	return res.Properties.Get("SolutionStackName").TextOr(res.Properties.Get("PlatformArn").TextOr(""))
}

func configurationTemplate(stack *cfn.Stack, name string) *cfn.Resource {
	for _, res := range stack.Resources {
		if res.Type == "AWS::ElasticBeanstalk::ConfigurationTemplate" && fact.Equal(res.PhysicalID, name) == fact.Holds {
			return res
		}
	}
	return nil
}

// template asks for the template, unless it was given.
func (r *run) template() string {
	if r.in.Template != nil || r.in.Terraform != nil {
		return "" // it has no environment, or one that does not say
	}
	return "--template FILE, or "
}

// world is what every fetch of the deployment runs into.
func (r *run) world() *access.World {
	w := &access.World{Account: r.account, Instance: fact.Symbol("instance ID"), Reachable: r.in.Reachable, Placement: r.placement()}
	tokens, _, _ := r.option(launchNamespace, "DisableIMDSv1")
	w.TokensRequired = strings.EqualFold(tokens, "true")
	w.PlainAgent = r.platform.Known && r.platform.Generation == ebext.AL1
	set, ok := r.settings.Get(launchNamespace, profileOption)
	switch {
	case !ok || set.Value.TextOr("") == "":
	case len(fact.Missing(set.Value.Text)) > 0 && r.unreadSettings() != "":
		w.ProfileUnknown = "which instance profile the instances get: " + r.unreadSettings()
	case len(fact.Missing(set.Value.Text)) > 0 && !set.Value.Pos.IsValid():
		w.ProfileUnknown = "which instance profile the instances get: " + r.template() + "--option " +
			launchNamespace + ":" + profileOption + "=NAME"
	default:
		v := *set.Value
		v.From = append([]source.Origin{set.Origin()}, v.From...)
		w.Profile = &v
	}
	return w
}
