package elasticbeanstalk

import (
	"context"
	"slices"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// healthOf is the environment that a request asks for, if its health is
// enhanced. The caller holds mu.
func (s *Service) healthOf(id, name *string) (*environment, error) {
	e, err := s.find(id, name)
	if err != nil {
		return nil, err
	}
	if !e.enhanced() {
		return nil, &aws.Error{Code: "InvalidRequestException", Status: 400,
			Message: "DescribeEnvironmentHealth is not supported."} // what it says of basic health (general)
	}
	return e, nil
}

// asked reports whether an attribute is wanted (API: AttributeNames; none is
// the name alone).
func asked[T ~string](names []T, name T) bool {
	return slices.Contains(names, "All") || slices.Contains(names, name)
}

// DescribeEnvironmentHealth describes enhanced health.
func (s *Service) DescribeEnvironmentHealth(_ context.Context, in *eb.DescribeEnvironmentHealthInput) (*eb.DescribeEnvironmentHealthOutput, error) {
	s.mu.Lock()
	e, err := s.healthOf(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	now, name, state := s.now().UTC(), e.Name, *e
	s.mu.Unlock()
	l := s.look(e)
	out := &eb.DescribeEnvironmentHealthOutput{EnvironmentName: door.Given(name), RefreshedAt: &now}
	set := func(attribute types.EnvironmentHealthAttribute, f func()) {
		if asked(in.AttributeNames, attribute) {
			f()
		}
	}
	set(types.EnvironmentHealthAttributeHealthStatus, func() { out.HealthStatus = door.Given(string(state.HealthStatus)) })
	set(types.EnvironmentHealthAttributeStatus, func() { out.Status = types.EnvironmentHealth(state.Status) })
	set(types.EnvironmentHealthAttributeColor, func() { out.Color = door.Given(string(state.Health)) })
	set(types.EnvironmentHealthAttributeCauses, func() { out.Causes = append([]string{}, state.Causes...) })
	set(types.EnvironmentHealthAttributeInstancesHealth, func() { out.InstancesHealth = l.summary() })
	set(types.EnvironmentHealthAttributeApplicationMetrics, func() { out.ApplicationMetrics = l.requests.metrics() })
	return out, nil
}

func (l *look) summary() *types.InstanceHealthSummary {
	counts := map[types.EnvironmentHealthStatus]int32{}
	for _, i := range l.instances {
		counts[i.health]++
	}
	n := func(h types.EnvironmentHealthStatus) *int32 { v := counts[h]; return &v }
	return &types.InstanceHealthSummary{
		NoData: n(types.EnvironmentHealthStatusNoData), Unknown: n(types.EnvironmentHealthStatusUnknown), Pending: n(types.EnvironmentHealthStatusPending),
		Ok: n(types.EnvironmentHealthStatusOk), Info: n(types.EnvironmentHealthStatusInfo), Warning: n(types.EnvironmentHealthStatusWarning),
		Degraded: n(types.EnvironmentHealthStatusDegraded), Severe: n(types.EnvironmentHealthStatusSevere),
	}
}

// DescribeInstancesHealth describes the instances' enhanced health.
func (s *Service) DescribeInstancesHealth(_ context.Context, in *eb.DescribeInstancesHealthInput) (*eb.DescribeInstancesHealthOutput, error) {
	s.mu.Lock()
	e, err := s.healthOf(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	now, state := s.now().UTC(), *e
	s.mu.Unlock()
	out := &eb.DescribeInstancesHealthOutput{InstanceHealthList: []types.SingleInstanceHealth{}, RefreshedAt: &now}
	found := s.look(e).instances
	systems := map[string]*types.SystemStatus{}
	if asked(in.AttributeNames, types.InstancesHealthAttributeSystem) {
		systems = s.systems(e, found)
	}
	for _, i := range found {
		h := types.SingleInstanceHealth{InstanceId: door.Given(i.record.ID)}
		set := func(attribute types.InstancesHealthAttribute, f func()) {
			if asked(in.AttributeNames, attribute) {
				f()
			}
		}
		set(types.InstancesHealthAttributeHealthStatus, func() { h.HealthStatus = door.Given(string(i.health)) })
		set(types.InstancesHealthAttributeColor, func() { h.Color = door.Given(string(colours[i.health])) })
		set(types.InstancesHealthAttributeCauses, func() { h.Causes = append([]string{}, i.causes...) })
		set(types.InstancesHealthAttributeLaunchedAt, func() { h.LaunchedAt = door.GivenTime(i.record.Launched) })
		set(types.InstancesHealthAttributeApplicationMetrics, func() { h.ApplicationMetrics = i.requests.metrics() })
		set(types.InstancesHealthAttributeSystem, func() { h.System = systems[i.record.ID] })
		set(types.InstancesHealthAttributeDeployment, func() { h.Deployment = state.deploymentOn(i.record) })
		out.InstanceHealthList = append(out.InstanceHealthList, h)
	}
	return out, nil
}

// deploymentOn is the last deployment on an instance: the one that it runs, or
// the environment's when that failed there or is under way.
func (e *environment) deploymentOn(i instanceRecord) *types.Deployment {
	version, id := i.Version, i.DeploymentID
	if i.Status != "Deployed" || version == "" {
		version, id = e.Version, e.DeploymentID
	}
	return &types.Deployment{VersionLabel: door.Given(version), DeploymentId: &id, Status: door.Given(i.Status), DeploymentTime: door.GivenTime(i.Deployed)}
}

// DescribeEnvironmentResources lists what an environment stands on.
func (s *Service) DescribeEnvironmentResources(ctx context.Context, in *eb.DescribeEnvironmentResourcesInput) (*eb.DescribeEnvironmentResourcesOutput, error) {
	s.mu.Lock()
	e, err := s.find(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	d := &types.EnvironmentResourceDescription{
		EnvironmentName: door.Given(e.Name), AutoScalingGroups: []types.AutoScalingGroup{}, Instances: []types.Instance{}, LaunchConfigurations: []types.LaunchConfiguration{},
		LaunchTemplates: []types.LaunchTemplate{}, LoadBalancers: []types.LoadBalancer{}, Queues: []types.Queue{}, Triggers: []types.Trigger{},
	}
	for _, i := range e.Instances {
		d.Instances = append(d.Instances, types.Instance{Id: door.Given(i.ID)})
	}
	s.mu.Unlock()
	for _, r := range s.operation(ctx, e).resources() {
		switch door.Value(r.ResourceType) {
		case "AWS::AutoScaling::AutoScalingGroup":
			d.AutoScalingGroups = append(d.AutoScalingGroups, types.AutoScalingGroup{Name: r.PhysicalResourceId})
		case "AWS::AutoScaling::LaunchConfiguration":
			d.LaunchConfigurations = append(d.LaunchConfigurations, types.LaunchConfiguration{Name: r.PhysicalResourceId})
		case "AWS::ElasticLoadBalancing::LoadBalancer", "AWS::ElasticLoadBalancingV2::LoadBalancer":
			d.LoadBalancers = append(d.LoadBalancers, types.LoadBalancer{Name: r.PhysicalResourceId})
		}
	}
	return &eb.DescribeEnvironmentResourcesOutput{EnvironmentResources: d}, nil
}
