package balancing

import (
	"context"
	"slices"
	"strings"
	"time"

	"beanpole/internal/cloud/cloudformation"
)

const (
	scalingType = "AWS::AutoScaling::AutoScalingGroup"
	launchType  = "AWS::AutoScaling::LaunchConfiguration"
)

// The shapes of the API of version 2011-01-01.

type scalingInput struct{ AutoScalingGroupNames []string }

type scalingOutput struct{ AutoScalingGroups []scalingGroup }

type scalingGroup struct {
	AutoScalingGroupName, AutoScalingGroupARN, LaunchConfigurationName, HealthCheckType, VPCZoneIdentifier string
	MinSize, MaxSize, DesiredCapacity, DefaultCooldown, HealthCheckGracePeriod                             int
	AvailabilityZones, LoadBalancerNames, TargetGroupARNs                                                  []string
	Instances                                                                                              []scalingInstance
	CreatedTime                                                                                            *time.Time
	NewInstancesProtectedFromScaleIn                                                                       bool
	Tags                                                                                                   []scalingTag
}

type scalingInstance struct {
	InstanceId, AutoScalingGroupName, AvailabilityZone, LifecycleState, HealthStatus, LaunchConfigurationName string
	ProtectedFromScaleIn                                                                                      bool
}

type scalingTag struct {
	ResourceId, ResourceType, Key, Value string
	PropagateAtLaunch                    bool
}

// groups is DescribeAutoScalingGroups; of names that are not there it says
// nothing, as AWS.
func (s *Service) groups(ctx context.Context, in *scalingInput) (*scalingOutput, error) {
	all, err := s.records(ctx, scalingType)
	if err != nil {
		return nil, err
	}
	out := &scalingOutput{AutoScalingGroups: []scalingGroup{}}
	for _, r := range all {
		if len(in.AutoScalingGroupNames) > 0 && !slices.Contains(in.AutoScalingGroupNames, r.ID) {
			continue
		}
		p := r.Properties
		g := scalingGroup{AutoScalingGroupName: r.ID, AutoScalingGroupARN: s.state.ARN("autoscaling", s.region(ctx), "autoScalingGroup::autoScalingGroupName/"+r.ID),
			LaunchConfigurationName: text(p, "", "LaunchConfigurationName"), HealthCheckType: text(p, "EC2", "HealthCheckType"),
			VPCZoneIdentifier: strings.Join(texts(p, "VPCZoneIdentifier"), ","), MinSize: number(p, 0, "MinSize"), MaxSize: number(p, 0, "MaxSize"),
			DefaultCooldown: number(p, 300, "Cooldown"), HealthCheckGracePeriod: number(p, 0, "HealthCheckGracePeriod"),
			AvailabilityZones: texts(p, "AvailabilityZones"), LoadBalancerNames: texts(p, "LoadBalancerNames"), TargetGroupARNs: texts(p, "TargetGroupARNs"),
			CreatedTime: made(r), Instances: s.scalingInstances(ctx, r), Tags: []scalingTag{}}
		for i := range g.Instances {
			g.Instances[i].AutoScalingGroupName = "" // said of instances alone
		}
		g.DesiredCapacity = max(number(p, g.MinSize, "DesiredCapacity"), len(g.Instances))
		for _, t := range tagsOf(r) {
			g.Tags = append(g.Tags, scalingTag{r.ID, "auto-scaling-group", t.Key, t.Value, true})
		}
		out.AutoScalingGroups = append(out.AutoScalingGroups, g)
	}
	return out, nil
}

// scalingInstances are the instances that run for a group: those of an
// environment's, and none of another.
func (s *Service) scalingInstances(ctx context.Context, r cloudformation.Record) []scalingInstance {
	out := []scalingInstance{}
	if r.LogicalID != "AWSEBAutoScalingGroup" {
		return out
	}
	for _, m := range s.environments.Members(r.Stack) {
		out = append(out, scalingInstance{InstanceId: m.ID, AutoScalingGroupName: r.ID, AvailabilityZone: s.region(ctx) + "a", LifecycleState: "InService",
			HealthStatus: "Healthy", LaunchConfigurationName: text(r.Properties, "", "LaunchConfigurationName")})
	}
	return out
}

type instancesInput struct{ InstanceIds []string }

type instancesOutput struct{ AutoScalingInstances []scalingInstance }

// instances is DescribeAutoScalingInstances.
func (s *Service) instances(ctx context.Context, in *instancesInput) (*instancesOutput, error) {
	all, err := s.records(ctx, scalingType)
	if err != nil {
		return nil, err
	}
	out := &instancesOutput{AutoScalingInstances: []scalingInstance{}}
	for _, r := range all {
		for _, i := range s.scalingInstances(ctx, r) {
			if len(in.InstanceIds) == 0 || slices.Contains(in.InstanceIds, i.InstanceId) {
				i.HealthStatus = "HEALTHY" // here in capitals [Auto Scaling API: AutoScalingInstanceDetails]
				out.AutoScalingInstances = append(out.AutoScalingInstances, i)
			}
		}
	}
	return out, nil
}

type launchInput struct{ LaunchConfigurationNames []string }

type launchOutput struct{ LaunchConfigurations []launchConfiguration }

type launchConfiguration struct {
	LaunchConfigurationName, LaunchConfigurationARN, ImageId, KeyName, InstanceType, IamInstanceProfile, UserData string
	SecurityGroups                                                                                                []string
	CreatedTime                                                                                                   *time.Time
	EbsOptimized                                                                                                  bool
}

// launchConfigurations is DescribeLaunchConfigurations. An environment's has no
// image: what instances run on here is not one of EC2's.
func (s *Service) launchConfigurations(ctx context.Context, in *launchInput) (*launchOutput, error) {
	all, err := s.records(ctx, launchType)
	if err != nil {
		return nil, err
	}
	out := &launchOutput{LaunchConfigurations: []launchConfiguration{}}
	for _, r := range all {
		if len(in.LaunchConfigurationNames) > 0 && !slices.Contains(in.LaunchConfigurationNames, r.ID) {
			continue
		}
		p := r.Properties
		out.LaunchConfigurations = append(out.LaunchConfigurations, launchConfiguration{LaunchConfigurationName: r.ID,
			LaunchConfigurationARN: s.state.ARN("autoscaling", s.region(ctx), "launchConfiguration::launchConfigurationName/"+r.ID), ImageId: text(p, "", "ImageId"),
			KeyName: text(p, "", "KeyName"), InstanceType: text(p, "", "InstanceType"), IamInstanceProfile: text(p, "", "IamInstanceProfile"), UserData: text(p, "", "UserData"),
			SecurityGroups: texts(p, "SecurityGroups"), CreatedTime: made(r), EbsOptimized: text(p, "", "EbsOptimized") == "true"})
	}
	return out, nil
}
