package elasticbeanstalk

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/elb"
)

// UpdateEnvironment deploys another version, changes option settings, or both.
func (s *Service) UpdateEnvironment(ctx context.Context, in *eb.UpdateEnvironmentInput) (*eb.UpdateEnvironmentOutput, error) {
	given, err := options(in.OptionSettings)
	if err != nil {
		return nil, err
	}
	if in.SolutionStackName != nil || in.PlatformArn != nil || in.TemplateName != nil || in.Tier != nil {
		return nil, invalid("beanpole changes an environment's version and option settings only; for another platform make another environment")
	}
	s.mu.Lock()
	e, was, err := s.beginUpdate(in, given)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	d := e.describe()
	s.mu.Unlock()
	deploys := in.VersionLabel != nil
	s.start(ctx, e, func(o *operation) { o.update(was, deploys) })
	out := answer(d)
	return &out, nil
}

// beginUpdate checks and takes in what is asked. The caller holds mu.
func (s *Service) beginUpdate(in *eb.UpdateEnvironmentInput, given []option) (e *environment, was environment, err error) {
	if s.storeErr != nil {
		return nil, was, s.storeErr
	}
	if e, err = s.find(in.EnvironmentId, in.EnvironmentName); err != nil {
		return nil, was, err
	}
	if e.Status != types.EnvironmentStatusReady {
		return nil, was, invalid("Environment named %s is in an invalid state for this operation. Must be Ready.", e.Name)
	}
	if in.VersionLabel != nil {
		if _, err := s.findVersion(e.Application, *in.VersionLabel); err != nil {
			return nil, was, err
		}
	}
	was = *e
	if in.VersionLabel != nil {
		e.Version = *in.VersionLabel
	}
	if in.Description != nil {
		e.Description = *in.Description
	}
	e.Given = changed(e.Given, given, in.OptionsToRemove)
	e.Status, e.Abortable, e.Updated = types.EnvironmentStatusUpdating, true, s.now().UTC()
	e.Deployment = types.ConfigurationDeploymentStatusPending
	e.DeploymentID++
	s.keep(e)
	return e, was, nil
}

// changed are settings after some were given and some removed.
func changed(have, given []option, remove []types.OptionSpecification) []option {
	out := slices.Clone(have)
	drop := func(namespace, name string) {
		out = slices.DeleteFunc(out, func(o option) bool { return o.Namespace == namespace && o.Name == name })
	}
	for _, r := range remove {
		drop(door.Value(r.Namespace), door.Value(r.OptionName))
	}
	for _, g := range given {
		drop(g.Namespace, g.Name)
		out = append(out, g)
	}
	return out
}

// update is the whole of an update.
func (o *operation) update(was environment, deploys bool) {
	o.info("Environment update is starting.")
	if !deploys {
		o.info("Updating environment %s's configuration settings.", o.e.Name)
	}
	began := o.s.now()
	r, ok := o.bring(was, deploys)
	switch {
	case o.settled():
		o.rollBack(was, deploys)
		return
	case !ok:
		o.updateRefused(was, deploys)
		return
	case r.exchanged && !r.ok() && !o.ended() && o.rollingUpdates():
		o.finishUpdate(r, was, deploys, "")
		o.revert(was)
	case !o.ended():
		o.finishUpdate(r, was, deploys, span(o.s.now().Sub(began)))
	}
	o.ready()
}

// bring brings stack, load balancer and instances to what the environment now
// says, from what it was. ok is false when that is refused before an instance
// was touched.
func (o *operation) bring(was environment, deploys bool) (r *outcome, ok bool) {
	before := launchNames(o.stackResources())
	x, ok := o.extensions(o.e.Version)
	if ok {
		o.set(func(e *environment) { e.Files = stored(x.Settings) })
		ok = o.permitted() && o.withProfile(func() bool { return o.changeStack(x) })
	}
	all := o.stackResources()
	if ok = ok && o.rebalance(all); !ok {
		return nil, false
	}
	o.live().replaced = 0
	o.scale(all)
	switch exchanges := launchNames(all) != before; {
	case exchanges:
		r = o.exchange()
		r.exchanged = true
	case deploys:
		r = o.deployByPolicy()
	case o.touchesInstances(was):
		o.executing(len(o.current()))
		r = o.configure(o.current())
	default:
		r = &outcome{}
	}
	return r, true
}

// onInstances are namespaces of settings that instances are told of; changes of
// others are the load balancer's or the Auto Scaling group's alone
// [EB:environments-updating; API: ChangeSeverity RestartApplicationServer].
var onInstances = []string{
	"aws:elasticbeanstalk:application:environment", "aws:elasticbeanstalk:environment:proxy", "aws:elasticbeanstalk:container:",
	"aws:elasticbeanstalk:hostmanager", "aws:elasticbeanstalk:xray", "aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:healthreporting:system",
	"aws:elasticbeanstalk:customoption",
}

// touchesInstances reports whether an update changed a setting that instances
// are told of.
func (o *operation) touchesInstances(was environment) bool {
	told := func(e *environment) (all []option) {
		for _, set := range e.settings().InForce() {
			if slices.ContainsFunc(onInstances, func(p string) bool { return strings.HasPrefix(set.Namespace, p) }) {
				all = append(all, option{set.Namespace, set.Option, set.Value.TextOr("")})
			}
		}
		return all
	}
	return !slices.Equal(told(&was), told(o.e))
}

// rebalance brings the load balancer to what the stack now says. The new one
// takes over when it has the instances in service.
func (o *operation) rebalance(all []made) bool {
	c, err := o.frontDoor(all)
	if err != nil {
		o.error("beanpole: %s", reason(err))
		return false
	}
	l := o.live()
	l.mu.Lock()
	old, had, machines := l.balancer, l.front, l.machines
	l.mu.Unlock()
	if old != nil && sameFront(c, had) {
		return true
	}
	if !o.balance(all) {
		return false
	}
	o.register(machines)
	o.outOfService(machines) // what does not get in service is told at the end
	if old != nil {
		old.Close()
	}
	return true
}

// sameFront compares what can be compared: what a listener is opened with never
// changes.
func sameFront(a, b elb.Config) bool {
	a.Listen, b.Listen = nil, nil
	return reflect.DeepEqual(a, b)
}

// scale brings the number of instances into the Auto Scaling group's limits.
// New ones get the version with the others.
func (o *operation) scale(all []made) {
	least, most := o.sizes(all)
	l := o.live()
	l.wanted = min(max(l.wanted, least), most)
	if many := o.current(); len(many) > l.wanted {
		o.retire(many[l.wanted:])
	}
	fresh := o.replenish()
	if len(fresh) == 0 || o.ended() {
		return
	}
	if o.policy() != allAtOnce {
		o.deployLed(fresh, false)
	}
}

// revert puts the earlier configuration back after a rolling update has failed
// [EB:using-features.rollingupdates].
func (o *operation) revert(was environment) {
	o.restore(was)
	if x, ok := o.extensions(o.e.Version); ok {
		o.changeStack(x)
	}
	l := o.live()
	l.mu.Lock()
	missing := l.wanted - len(l.machines)
	l.mu.Unlock()
	if missing > 0 && !o.ended() {
		if fresh, r := o.launchFresh(missing, false); r.ok() {
			o.keepMachines(fresh)
			o.added(fresh)
		}
	}
	o.error("The environment was reverted to the previous configuration setting.")
}

// restore puts settings and version back.
func (o *operation) restore(was environment) {
	o.set(func(e *environment) {
		e.Version, e.Given, e.Files, e.DeploymentID = was.Version, was.Given, was.Files, was.DeploymentID
		e.Passed = was.Passed
		e.Deployment = types.ConfigurationDeploymentStatusFailed
	})
}

// updateRefused ends an update that changed nothing on the instances.
func (o *operation) updateRefused(was environment, deploys bool) {
	if o.ended() {
		return
	}
	o.restore(was)
	o.updateFailed(deploys)
	o.ready()
}

func (o *operation) updateFailed(deploys bool) {
	if deploys {
		o.error("Failed to deploy application.")
		return
	}
	o.error("Failed to deploy configuration.")
}

// ready ends an update, unless a termination has taken over.
func (o *operation) ready() {
	o.set(func(e *environment) {
		if e.Status == types.EnvironmentStatusUpdating || e.Status == types.EnvironmentStatusAborting {
			e.Status, e.Abortable = types.EnvironmentStatusReady, false
		}
	})
}

// finishUpdate tells how an update ended.
func (o *operation) finishUpdate(r *outcome, was environment, deploys bool, took string) {
	o.set(func(e *environment) { e.Deployment = r.deployment() })
	if r.ok() {
		switch {
		case deploys:
			o.info("New application version was deployed to running EC2 instances.")
		default:
			o.info("Successfully deployed new configuration to environment.")
		}
		if o.inService() {
			o.health(types.EnvironmentHealthStatusOk, "Application update completed "+span(0)+" ago and took "+took+".")
		} else {
			o.health(types.EnvironmentHealthStatusSevere, "ELB health is failing or not available for all instances.")
		}
		o.info("Environment update completed successfully.")
		return
	}
	r.tell(o)
	if r.silent() {
		o.health(types.EnvironmentHealthStatusDegraded, "Command timed out on "+r.which()+".")
		o.error("Update environment operation is complete, but with command timeouts. Try increasing the timeout period.")
		return
	}
	o.aborted(r, was, deploys)
}

// aborted ends an update that failed on some instances.
func (o *operation) aborted(r *outcome, was environment, deploys bool) {
	causes := []string{"Command failed on " + r.which() + "."}
	switch {
	case len(r.unhealthy) > 0:
		o.error("Instance id(s) %s did not pass health check after command execution. Aborting the operation.", quoted(r.unhealthy))
		causes = []string{"ELB health is failing or not available for " + part(len(r.unhealthy), len(r.answers)) + "."}
	case r.failedIDs() != "":
		o.error("Unsuccessful command execution on instance id(s) %s. Aborting the operation.", r.failedIDs())
	}
	if deploys {
		o.set(func(e *environment) { e.Version = was.Version })
		if n := o.otherVersion(); n > 0 {
			causes = append(causes, fmt.Sprintf("Incorrect application version found on %s. Expected version %q (deployment %d).", part(n, len(o.e.Instances)), was.Version, was.DeploymentID))
		}
	}
	if o.lagging() {
		o.health(types.EnvironmentHealthStatusDegraded, causes...)
	} else { // the instances that failed are gone
		o.health(was.HealthStatus, was.Causes...)
	}
	if len(o.e.Instances) > 1 && deploys && o.lagging() {
		o.error("During an aborted deployment, some instances may have deployed the new application version. To ensure all instances are running the same version, re-deploy the appropriate application version.")
	}
	o.updateFailed(deploys)
	r.tellWaits(o)
}

// otherVersion is how many instances do not run the environment's version.
func (o *operation) otherVersion() (n int) {
	for _, i := range o.e.Instances {
		if i.Version != o.e.Version || i.Status == "Failed" {
			n++
		}
	}
	return n
}
