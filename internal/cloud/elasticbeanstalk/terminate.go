package elasticbeanstalk

import (
	"context"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// TerminateEnvironment ends an environment, and any operation on it first.
func (s *Service) TerminateEnvironment(ctx context.Context, in *eb.TerminateEnvironmentInput) (*eb.TerminateEnvironmentOutput, error) {
	s.mu.Lock()
	e, err := s.find(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	again := e.Status == types.EnvironmentStatusTerminating
	e.Status, e.Abortable, e.Updated = types.EnvironmentStatusTerminating, false, s.now().UTC()
	s.keep(e)
	if l := s.live[e.ID]; l != nil && !again {
		for _, cancel := range l.cancels {
			cancel()
		}
	}
	d := e.describe()
	s.mu.Unlock()
	if !again {
		s.start(ctx, e, (*operation).terminate)
	}
	out := eb.TerminateEnvironmentOutput(answer(d))
	return &out, nil
}

// terminate is the whole of a termination.
func (o *operation) terminate() {
	o.info("terminateEnvironment is starting.")
	o.set(func(e *environment) { e.Status = types.EnvironmentStatusTerminating })
	o.info("Waiting for EC2 instances to terminate. This may take a few minutes.")
	o.live().stop(o.ctx, o.s.Stacks)
	gone := o.told()
	o.deleteStack()
	if o.ended() {
		return
	}
	for i := len(gone) - 1; i >= 0; i-- {
		o.info("Deleted %s", resourceName(gone[i]))
	}
	o.set(func(e *environment) {
		e.Status, e.Health, e.HealthStatus, e.Causes, e.Instances = types.EnvironmentStatusTerminated, types.EnvironmentHealthGrey, "", nil, nil
	})
	o.info("terminateEnvironment completed successfully.")
}
