package elasticbeanstalk

import (
	"context"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beanpole/internal/cloud/door"
)

// Rows are the operations with their actions and resources
// [service authorization reference: AWS Elastic Beanstalk].
func (s *Service) Rows() []door.Row {
	return []door.Row{
		op("CreateApplication", func(ctx context.Context, in *eb.CreateApplicationInput) string {
			return s.arn(ctx, "application/"+door.Value(in.ApplicationName))
		}, s.CreateApplication),
		op("DescribeApplications", nil, s.DescribeApplications),
		op("DeleteApplication", func(ctx context.Context, in *eb.DeleteApplicationInput) string {
			return s.arn(ctx, "application/"+door.Value(in.ApplicationName))
		}, s.DeleteApplication),
		op("CreateApplicationVersion", func(ctx context.Context, in *eb.CreateApplicationVersionInput) string {
			return s.arn(ctx, "applicationversion/"+door.Value(in.ApplicationName)+"/"+door.Value(in.VersionLabel))
		}, s.CreateApplicationVersion),
		op("DescribeApplicationVersions", nil, s.DescribeApplicationVersions),
		op("DeleteApplicationVersion", func(ctx context.Context, in *eb.DeleteApplicationVersionInput) string {
			return s.arn(ctx, "applicationversion/"+door.Value(in.ApplicationName)+"/"+door.Value(in.VersionLabel))
		}, s.DeleteApplicationVersion),
		op("CreateStorageLocation", nil, s.CreateStorageLocation),
		op("CheckDNSAvailability", nil, s.CheckDNSAvailability),
		op("ListAvailableSolutionStacks", nil, s.ListAvailableSolutionStacks),
		op("CreateEnvironment", func(ctx context.Context, in *eb.CreateEnvironmentInput) string {
			return s.arn(ctx, "environment/"+door.Value(in.ApplicationName)+"/"+door.Value(in.EnvironmentName))
		}, s.CreateEnvironment),
		op("UpdateEnvironment", func(ctx context.Context, in *eb.UpdateEnvironmentInput) string {
			return s.environmentARN(ctx, in.EnvironmentId, in.EnvironmentName)
		}, s.UpdateEnvironment),
		op("AbortEnvironmentUpdate", func(ctx context.Context, in *eb.AbortEnvironmentUpdateInput) string {
			return s.environmentARN(ctx, in.EnvironmentId, in.EnvironmentName)
		}, s.AbortEnvironmentUpdate),
		op("SwapEnvironmentCNAMEs", func(ctx context.Context, in *eb.SwapEnvironmentCNAMEsInput) string {
			return s.environmentARN(ctx, in.SourceEnvironmentId, in.SourceEnvironmentName)
		}, s.SwapEnvironmentCNAMEs),
		op("TerminateEnvironment", func(ctx context.Context, in *eb.TerminateEnvironmentInput) string {
			return s.environmentARN(ctx, in.EnvironmentId, in.EnvironmentName)
		}, s.TerminateEnvironment),
		op("RequestEnvironmentInfo", func(ctx context.Context, in *eb.RequestEnvironmentInfoInput) string {
			return s.environmentARN(ctx, in.EnvironmentId, in.EnvironmentName)
		}, s.RequestEnvironmentInfo),
		op("RetrieveEnvironmentInfo", func(ctx context.Context, in *eb.RetrieveEnvironmentInfoInput) string {
			return s.environmentARN(ctx, in.EnvironmentId, in.EnvironmentName)
		}, s.RetrieveEnvironmentInfo),
		op("DescribeEnvironments", nil, s.DescribeEnvironments),
		op("DescribeEnvironmentResources", nil, s.DescribeEnvironmentResources),
		op("DescribeEvents", nil, s.DescribeEvents),
		op("DescribeConfigurationSettings", nil, s.DescribeConfigurationSettings),
		op("DescribeConfigurationOptions", nil, s.DescribeConfigurationOptions),
		op("ValidateConfigurationSettings", func(ctx context.Context, in *eb.ValidateConfigurationSettingsInput) string {
			return s.arn(ctx, "application/"+door.Value(in.ApplicationName))
		}, s.ValidateConfigurationSettings),
		op("DescribeEnvironmentManagedActions", nil, s.DescribeEnvironmentManagedActions),
		op("DescribeEnvironmentManagedActionHistory", nil, s.DescribeEnvironmentManagedActionHistory),
		op("DescribeEnvironmentHealth", nil, s.DescribeEnvironmentHealth),
		op("DescribeInstancesHealth", nil, s.DescribeInstancesHealth),
	}
}

func op[I, O any](name string, resource func(context.Context, *I) string, h func(context.Context, *I) (*O, error)) door.Row {
	return door.Op("elasticbeanstalk", name, "elasticbeanstalk:"+name, resource, h)
}

func (s *Service) arn(ctx context.Context, resource string) string {
	return s.State.ARN("elasticbeanstalk", s.regionOf(ctx), resource)
}

func (s *Service) environmentARN(ctx context.Context, id, name *string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, err := s.find(id, name); err == nil {
		return s.arn(ctx, "environment/"+e.Application+"/"+e.Name)
	}
	return s.arn(ctx, "environment/*/"+door.Value(name))
}
