package elasticbeanstalk

import (
	"context"
	"strings"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// cname is an environment's name for its users. On AWS it ends in
// elasticbeanstalk.com; names under localhost lead to loopback (RFC 6761).
func cname(prefix, region string) string {
	return prefix + "." + region + ".elasticbeanstalk.localhost"
}

// endpoint is the name of an environment's load balancer, which no swap moves.
func endpoint(name, region string) string {
	return strings.ToLower(name) + "." + region + ".elb.localhost"
}

// names are those that lead to the environment.
func (o *operation) names() []string {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	return []string{o.e.CNAME, endpoint(o.e.Name, o.e.Region)}
}

// SwapEnvironmentCNAMEs gives each of two environments the other's CNAME. What
// is under way on either goes on where it is; new connections follow the names.
func (s *Service) SwapEnvironmentCNAMEs(ctx context.Context, in *eb.SwapEnvironmentCNAMEsInput) (*eb.SwapEnvironmentCNAMEsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, err := s.find(in.SourceEnvironmentId, in.SourceEnvironmentName)
	if err != nil {
		return nil, err
	}
	other, err := s.find(in.DestinationEnvironmentId, in.DestinationEnvironmentName)
	if err != nil {
		return nil, err
	}
	for _, e := range []*environment{one, other} {
		if e.Status != types.EnvironmentStatusReady {
			return nil, invalid("Environment named %s is in an invalid state for this operation. Must be Ready.", e.Name)
		}
	}
	o := s.operation(ctx, one)
	o.info("swapEnvironmentCNAMEs is starting.")
	o.info("Swapping CNAMEs for environments '%s' and '%s'.", one.Name, other.Name)
	one.CNAME, other.CNAME = other.CNAME, one.CNAME
	for _, e := range []*environment{one, other} {
		e.Updated = s.now().UTC()
		s.keep(e)
		o.info("'%s' now points to '%s'.", e.CNAME, endpoint(e.Name, e.Region))
	}
	o.info("Completed swapping CNAMEs for environments '%s' and '%s'.", one.Name, other.Name)
	return nil, s.storeErr
}
