package elasticbeanstalk

import (
	"context"
	"fmt"
	"strings"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/access"
	"beanpole/internal/account"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/lazyregexp"
)

var environmentName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]$`)

// CreateEnvironment begins an environment and answers at once.
func (s *Service) CreateEnvironment(ctx context.Context, in *eb.CreateEnvironmentInput) (*eb.CreateEnvironmentOutput, error) {
	e, err := s.newEnvironment(ctx, in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	err = s.admit(e, in)
	if err == nil {
		s.environments[e.ID] = e
		s.keep(e)
		err = s.storeErr
	}
	d := e.describe()
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s.start(ctx, e, (*operation).create)
	out := eb.CreateEnvironmentOutput(answer(d))
	return &out, nil
}

// answer has the fields that the answers of CreateEnvironment,
// UpdateEnvironment and TerminateEnvironment share.
func answer(d types.EnvironmentDescription) eb.UpdateEnvironmentOutput {
	return eb.UpdateEnvironmentOutput{
		AbortableOperationInProgress: d.AbortableOperationInProgress, ApplicationName: d.ApplicationName, CNAME: d.CNAME, DateCreated: d.DateCreated,
		DateUpdated: d.DateUpdated, Description: d.Description, EndpointURL: d.EndpointURL, EnvironmentArn: d.EnvironmentArn, EnvironmentId: d.EnvironmentId,
		EnvironmentLinks: d.EnvironmentLinks, EnvironmentName: d.EnvironmentName, Health: d.Health, HealthStatus: d.HealthStatus, PlatformArn: d.PlatformArn,
		Resources: d.Resources, SolutionStackName: d.SolutionStackName, Status: d.Status, TemplateName: d.TemplateName, Tier: d.Tier, VersionLabel: d.VersionLabel,
	}
}

// newEnvironment reads a request without looking at what exists.
func (s *Service) newEnvironment(ctx context.Context, in *eb.CreateEnvironmentInput) (*environment, error) {
	name := door.Value(in.EnvironmentName)
	switch {
	case !environmentName.MatchString(name):
		return nil, invalid("Value %s at 'EnvironmentName' failed to satisfy constraint: Member must be from 4 to 40 characters in length. The name can contain only letters, numbers, and hyphens. It can't start or end with a hyphen.", name)
	case in.TemplateName != nil:
		return nil, invalid("beanpole has no saved configurations yet; give the option settings themselves")
	case in.Tier != nil && door.Value(in.Tier.Name) == "Worker":
		return nil, invalid("beanpole has no worker tier yet")
	}
	now := s.now().UTC()
	id := "e-" + state.Random("abcdefghijkmnpqrstuvwxyz23456789", 10)
	region := s.regionOf(ctx)
	e := &environment{
		ID: id, Name: name, Application: door.Value(in.ApplicationName), Region: region, Description: door.Value(in.Description),
		Version: door.Value(in.VersionLabel), Platform: door.Value(in.SolutionStackName), Owner: door.CallerOf(ctx).Principal,
		Status: types.EnvironmentStatusLaunching, Health: types.EnvironmentHealthGrey, Created: now, Updated: now,
		Deployment: types.ConfigurationDeploymentStatusPending, DeploymentID: 1,
	}
	if e.Platform == "" {
		e.Platform = door.Value(in.PlatformArn)
	}
	if e.PlatformARN = e.Platform; !strings.HasPrefix(e.Platform, "arn:") {
		e.PlatformARN = platformARN(region, e.Platform)
	}
	prefix := strings.ToLower(name)
	if in.CNAMEPrefix != nil {
		prefix = strings.ToLower(*in.CNAMEPrefix)
	}
	e.CNAME = cname(prefix, region)
	e.EndpointURL = fmt.Sprintf("%s:%d", endpoint(name, region), s.PortFor(80))
	var err error
	e.Given, err = options(in.OptionSettings)
	return e, err
}

// options are a request's option settings.
func options(in []types.ConfigurationOptionSetting) ([]option, error) {
	var out []option
	for _, o := range in {
		if door.Value(o.Namespace) == "" || door.Value(o.OptionName) == "" {
			return nil, invalid("Invalid option specification (Namespace: '%s', OptionName: '%s'): Unknown configuration setting.", door.Value(o.Namespace), door.Value(o.OptionName))
		}
		out = append(out, option{*o.Namespace, *o.OptionName, door.Value(o.Value)})
	}
	return out, nil
}

// admit checks what AWS checks before it answers. The caller holds mu.
func (s *Service) admit(e *environment, in *eb.CreateEnvironmentInput) error {
	if s.storeErr != nil {
		return s.storeErr
	}
	if s.applications[e.Application] == nil {
		return invalid("No Application named '%s' found.", e.Application)
	}
	if old, err := s.find(nil, &e.Name); err == nil {
		return invalid("Environment %s already exists.", old.Name)
	}
	if e.Version == "" {
		return invalid("beanpole has no sample application: give the environment a VersionLabel")
	}
	if _, err := s.findVersion(e.Application, e.Version); err != nil {
		return err
	}
	if e.Platform == "" {
		return invalid("You must specify either a SolutionStackName, a PlatformArn or a TemplateName.")
	}
	if !ebext.ParsePlatform(e.Platform).Known {
		return invalid("No Solution Stack named '%s' found.", e.Platform)
	}
	switch free := s.available(e.CNAME); {
	case !free && in.CNAMEPrefix != nil:
		return invalid("DNS name (%s) is not available.", e.CNAME)
	case !free: // after a swap another environment has it
		e.CNAME = cname(strings.ToLower(e.Name)+".eba-"+state.Random("abcdefghijkmnpqrstuvwxyz23456789", 8), e.Region)
	}
	return nil
}

// create is the whole of an environment's creation.
func (o *operation) create() {
	o.info("createEnvironment is starting.")
	if !o.prepare() || !o.launch() {
		o.launchFailed()
		return
	}
	r := o.deploy(o.live().machines)
	if !o.finishStack() {
		o.launchFailed()
		return
	}
	o.finishCreate(r)
}

// prepare reads the version, settles the settings and makes the stack. What
// goes wrong is told; ok is false then.
func (o *operation) prepare() (ok bool) {
	bucket, err := o.s.storage(o.ctx, o.e.Region)
	if err != nil {
		o.error("%s", reason(err))
		return false
	}
	o.info("Using %s as Amazon S3 storage bucket for environment data.", bucket)
	x, ok := o.extensions(o.e.Version)
	if !ok {
		return false
	}
	o.set(func(e *environment) { e.Files = stored(x.Settings) })
	return o.withProfile(func() bool { return o.makeStack(x) })
}

// withProfile checks the instance profile before the stack is worked on, or
// after it, when only the stack says which profile it is.
func (o *operation) withProfile(stack func() bool) bool {
	if strings.Contains(o.e.profile(), "`") {
		return stack() && o.checkProfile()
	}
	return o.checkProfile() && stack()
}

// checkProfile is the service's own look at the instance profile. Amazon
// Linux 2 and later need one [events in issues].
func (o *operation) checkProfile() bool {
	profile := o.e.profile()
	if profile == "" {
		if o.platform.Generation == ebext.AL1 {
			o.set(func(e *environment) { e.Passed = "" })
			return true
		}
		o.error("Environment must have instance profile associated with it.")
		return false
	}
	if strings.HasPrefix(profile, "arn:") && !strings.Contains(profile, ":instance-profile/") {
		o.error("The instance profile %s associated with the environment is invalid.", profile)
		return false
	}
	exists, role := false, ""
	o.s.State.View(func(a *account.Account) {
		_, v := a.Profile(profile)
		exists = v == fact.Holds
		if r, v := access.InstanceRole(a, profile); v == fact.Holds {
			role = r.ARN
		}
	})
	if !exists {
		o.error("The instance profile %s associated with the environment does not exist.", profile)
		return false
	}
	return o.passRole(profile, role)
}

// passRole asks whether the caller may hand the profile's role over to
// instances [IAM:id_roles_use_passrole]; only then do instances get it. The
// profile may come from the bundle, so no step before can ask.
func (o *operation) passRole(profile, role string) bool {
	if role != "" {
		err := o.s.Door.May(o.ctx, door.Ask{Action: "iam:PassRole", Resource: role,
			Context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}})
		if err != nil {
			o.error("%s", reason(err))
			return false
		}
	}
	o.set(func(e *environment) { e.Passed = profile })
	return true
}

// launchFailed ends an environment that has no instances to deploy to.
func (o *operation) launchFailed() {
	if o.ended() {
		return
	}
	o.error("Failed to launch environment.")
	o.live().stop(o.ctx, o.s.Stacks)
	o.deleteStack()
	o.set(func(e *environment) {
		e.Status, e.Health, e.HealthStatus = types.EnvironmentStatusTerminated, types.EnvironmentHealthGrey, ""
		e.Deployment = types.ConfigurationDeploymentStatusFailed
	})
}

// finishCreate tells how the creation ended.
func (o *operation) finishCreate(r *outcome) {
	if o.ended() {
		return
	}
	took := span(o.s.now().Sub(o.began))
	o.set(func(e *environment) { e.Deployment = r.deployment() })
	switch {
	case r.ok():
		if o.platform.Generation == ebext.AL1 {
			o.info("Application available at %s.", o.e.CNAME)
		}
		if o.inService() {
			o.health(types.EnvironmentHealthStatusOk, "Initialization completed "+span(0)+" ago and took "+took+".")
		} else {
			o.health(types.EnvironmentHealthStatusSevere, "ELB health is failing or not available for all instances.")
		}
		o.info("Successfully launched environment: %s", o.e.Name)
	case r.silent():
		r.tell(o)
		o.health(types.EnvironmentHealthStatusDegraded, "Command timed out on "+r.which()+".")
		o.error("Create environment operation is complete, but with command timeouts. Try increasing the timeout period. For more information, see troubleshooting documentation.")
	default:
		r.tell(o)
		o.health(types.EnvironmentHealthStatusDegraded, "Command failed on "+r.which()+".", "Initialization completed "+span(0)+" ago and took "+took+".")
		o.error("Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.")
		r.tellWaits(o)
	}
	o.set(func(e *environment) { e.Status = types.EnvironmentStatusReady })
	o.s.work.Go(func() { o.s.monitor(o.e) })
}
