package elasticbeanstalk

import (
	"context"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/aws"
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

// DescribeEnvironmentHealth describes enhanced health. There are no request
// metrics here.
func (s *Service) DescribeEnvironmentHealth(_ context.Context, in *eb.DescribeEnvironmentHealthInput) (*eb.DescribeEnvironmentHealthOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.healthOf(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	return &eb.DescribeEnvironmentHealthOutput{
		EnvironmentName: ptr(e.Name), HealthStatus: ptr(string(e.HealthStatus)), Status: e.Health, Color: ptr(string(e.Health)),
		Causes: append([]string{}, e.Causes...), RefreshedAt: &now, InstancesHealth: e.summary(),
	}, nil
}

func (e *environment) summary() *types.InstanceHealthSummary {
	counts := map[types.EnvironmentHealthStatus]int32{}
	for _, i := range e.Instances {
		counts[e.instanceHealth(i)]++
	}
	n := func(h types.EnvironmentHealthStatus) *int32 { v := counts[h]; return &v }
	return &types.InstanceHealthSummary{
		NoData: n(types.EnvironmentHealthStatusNoData), Unknown: n(types.EnvironmentHealthStatusUnknown), Pending: n(types.EnvironmentHealthStatusPending),
		Ok: n(types.EnvironmentHealthStatusOk), Info: n(types.EnvironmentHealthStatusInfo), Warning: n(types.EnvironmentHealthStatusWarning),
		Degraded: n(types.EnvironmentHealthStatusDegraded), Severe: n(types.EnvironmentHealthStatusSevere),
	}
}

// instanceHealth follows the instance's last deployment and, where that went
// well, the environment.
func (e *environment) instanceHealth(i instanceRecord) types.EnvironmentHealthStatus {
	switch {
	case i.Status == "Failed":
		return types.EnvironmentHealthStatusDegraded
	case i.Status == "Deployed" && e.HealthStatus == types.EnvironmentHealthStatusSevere:
		return types.EnvironmentHealthStatusSevere
	case i.Status == "Deployed":
		return types.EnvironmentHealthStatusOk
	}
	return types.EnvironmentHealthStatusPending
}

// DescribeInstancesHealth describes the instances' enhanced health.
func (s *Service) DescribeInstancesHealth(_ context.Context, in *eb.DescribeInstancesHealthInput) (*eb.DescribeInstancesHealthOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.healthOf(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	out := &eb.DescribeInstancesHealthOutput{InstanceHealthList: []types.SingleInstanceHealth{}, RefreshedAt: &now}
	for _, i := range e.Instances {
		h, deployment := e.instanceHealth(i), e.DeploymentID
		out.InstanceHealthList = append(out.InstanceHealthList, types.SingleInstanceHealth{
			InstanceId: ptr(i.ID), HealthStatus: ptr(string(h)), Color: ptr(string(colours[h])), Causes: []string{}, LaunchedAt: timePtr(i.Launched),
			Deployment: &types.Deployment{VersionLabel: ptr(e.Version), DeploymentId: &deployment, Status: ptr(i.Status), DeploymentTime: timePtr(i.Deployed)},
		})
	}
	return out, nil
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
		EnvironmentName: ptr(e.Name), AutoScalingGroups: []types.AutoScalingGroup{}, Instances: []types.Instance{}, LaunchConfigurations: []types.LaunchConfiguration{},
		LaunchTemplates: []types.LaunchTemplate{}, LoadBalancers: []types.LoadBalancer{}, Queues: []types.Queue{}, Triggers: []types.Trigger{},
	}
	for _, i := range e.Instances {
		d.Instances = append(d.Instances, types.Instance{Id: ptr(i.ID)})
	}
	s.mu.Unlock()
	for _, r := range s.operation(ctx, e).resources() {
		switch deref(r.ResourceType) {
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
