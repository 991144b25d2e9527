package elasticbeanstalk

import (
	"context"
	"fmt"
	"slices"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
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
		drop(deref(r.Namespace), deref(r.OptionName))
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
	x, ok := o.extensions(o.e.Version)
	if ok {
		o.set(func(e *environment) { e.Files = stored(x.Settings) })
		ok = o.withProfile(func() bool { return o.changeStack(x) })
	}
	if !ok {
		o.updateRefused(was, deploys)
		return
	}
	o.live().replaced = 0
	o.replenish()
	if deploys {
		o.info("Deploying new version to instance(s).")
	}
	o.health(types.EnvironmentHealthStatusInfo, "Command is executing on all instances.")
	began := o.s.now()
	command := o.configure
	if deploys {
		command = o.deploy
	}
	r := command(o.live().machines)
	if !o.ended() {
		o.finishUpdate(r, was, deploys, span(o.s.now().Sub(began)))
	}
}

// updateRefused ends an update that changed nothing on the instances.
func (o *operation) updateRefused(was environment, deploys bool) {
	if o.ended() {
		return
	}
	o.set(func(e *environment) {
		e.Version, e.Given, e.Files, e.DeploymentID = was.Version, was.Given, was.Files, was.DeploymentID
		e.Passed = was.Passed
		e.Deployment = types.ConfigurationDeploymentStatusFailed
	})
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
		if e.Status == types.EnvironmentStatusUpdating {
			e.Status, e.Abortable = types.EnvironmentStatusReady, false
		}
	})
}

func (o *operation) finishUpdate(r *outcome, was environment, deploys bool, took string) {
	defer o.ready()
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
	o.error("Unsuccessful command execution on instance id(s) %s. Aborting the operation.", r.failedIDs())
	causes := []string{"Command failed on " + r.which() + "."}
	if deploys {
		causes = append(causes, fmt.Sprintf("Incorrect application version found on %s. Expected version %q (deployment %d).", r.which(), was.Version, was.DeploymentID))
		o.set(func(e *environment) { e.Version = was.Version })
	}
	o.health(types.EnvironmentHealthStatusDegraded, causes...)
	if len(r.answers) > 1 && deploys {
		o.error("During an aborted deployment, some instances may have deployed the new application version. To ensure all instances are running the same version, re-deploy the appropriate application version.")
	}
	o.updateFailed(deploys)
	r.tellWaits(o)
}
