package elasticbeanstalk

import (
	"context"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// AbortEnvironmentUpdate ends an update under way, which then rolls back: the
// batch at work is finished first, the next does not begin
// [EB:using-features.rollingupdates.cancel].
func (s *Service) AbortEnvironmentUpdate(_ context.Context, in *eb.AbortEnvironmentUpdateInput) (*eb.AbortEnvironmentUpdateOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return nil, err
	}
	l := s.live[e.ID]
	if !e.Abortable || l == nil {
		return nil, invalid("Environment named %s is in an invalid state for this operation. Must be pending deployment.", e.Name)
	}
	l.aborting = true
	e.Status, e.Abortable, e.Updated = types.EnvironmentStatusAborting, false, s.now().UTC()
	s.keep(e)
	return &eb.AbortEnvironmentUpdateOutput{}, s.storeErr
}

// aborting reports whether the update under way is to end.
func (o *operation) aborting() bool {
	l := o.live()
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return l.aborting
}

// settled ends the time in which an update can be aborted: yes when it was.
func (o *operation) settled() (aborted bool) {
	l := o.live()
	o.set(func(e *environment) {
		aborted, l.aborting, e.Abortable = l.aborting, false, false
	})
	return aborted && !o.ended()
}

// rollBack brings an aborted update's environment back to what it was, the way
// that the update came [EB:using-features.rollingupdates.cancel]. The health's
// cause is AWS's text; the events' are not documented.
func (o *operation) rollBack(was environment, deploys bool) {
	o.info("Environment update is aborting.")
	o.health(types.EnvironmentHealthStatusInfo, "Application update is aborting (running for "+span(o.s.now().Sub(o.began))+").")
	tried := *o.e
	o.restore(was)
	r, ok := o.bring(tried, deploys)
	switch {
	case o.ended():
		return
	case !ok:
		o.updateRefused(was, deploys)
		return
	case !r.ok():
		r.tell(o)
		o.aborted(r, was, deploys)
	default:
		o.set(func(e *environment) { e.Deployment = was.Deployment })
		if o.inService() {
			o.health(types.EnvironmentHealthStatusOk, "Application update was aborted "+span(0)+" ago and took "+span(o.s.now().Sub(o.began))+".")
		}
		o.info("The environment was reverted to the previous configuration setting.")
	}
	o.ready()
}
