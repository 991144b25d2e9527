package elasticbeanstalk

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
)

// DescribeConfigurationOptions lists the options that AWS documents for a
// platform, with their defaults and what they take. Namespaces that carry a
// name or a port of the user's are not in it.
func (s *Service) DescribeConfigurationOptions(_ context.Context, in *eb.DescribeConfigurationOptionsInput) (*eb.DescribeConfigurationOptionsOutput, error) {
	if in.TemplateName != nil {
		return nil, invalid("No Configuration Template named '%s/%s' found.", door.Value(in.ApplicationName), *in.TemplateName)
	}
	stack, arn := door.Value(in.SolutionStackName), door.Value(in.PlatformArn)
	if in.EnvironmentName != nil {
		s.mu.Lock()
		e, err := s.find(nil, in.EnvironmentName)
		if err == nil {
			stack, arn = e.Platform, e.PlatformARN
		}
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	p := ebext.ParsePlatform(stack)
	if stack == "" {
		p = ebext.ParsePlatform(arn)
	}
	out := &eb.DescribeConfigurationOptionsOutput{SolutionStackName: door.Given(stack), PlatformArn: door.Given(arn), Options: []types.ConfigurationOptionDescription{}}
	defaults := ebext.Defaults(p)
	for _, n := range ebext.Namespaces() {
		for i := range n.Options {
			if o := &n.Options[i]; !strings.HasSuffix(n.Name, ":") && !p.Lacks(n.Name, o.Name) && selected(in.Options, n.Name, o.Name) {
				out.Options = append(out.Options, describeOption(n.Name, o, defaults))
			}
		}
	}
	return out, nil
}

// selected reports whether a request's list of options has one; none has all.
func selected(list []types.OptionSpecification, namespace, name string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(o types.OptionSpecification) bool {
		return door.Value(o.Namespace) == namespace && (o.OptionName == nil || *o.OptionName == name)
	})
}

func describeOption(namespace string, o *ebext.Option, defaults ebext.Settings) types.ConfigurationOptionDescription {
	no := false
	d := types.ConfigurationOptionDescription{Namespace: door.Given(namespace), Name: door.Given(o.Name), UserDefined: &no, ValueType: types.ConfigurationOptionValueTypeScalar,
		ChangeSeverity: door.Given(severityOf(namespace)), ValueOptions: o.Values}
	if slices.Equal(o.Values, []string{"true", "false"}) {
		d.ValueType, d.ValueOptions = types.ConfigurationOptionValueTypeScalar, []string{"true", "false"}
	}
	if o.Min != 0 || o.Max != 0 {
		least, most := int32(o.Min), int32(o.Max)
		d.MinValue, d.MaxValue = &least, &most
	}
	if set, ok := defaults.Get(namespace, o.Name); ok {
		d.DefaultValue = door.Given(set.Value.TextOr(""))
	}
	return d
}

// severityOf is what a change of an option does (API: ChangeSeverity). Of a
// namespace of which it is not documented it is Unknown, one of AWS's values.
func severityOf(namespace string) string {
	switch {
	case namespace == "aws:autoscaling:launchconfiguration", namespace == "aws:ec2:vpc":
		return "RestartEnvironment"
	case slices.ContainsFunc(onInstances, func(p string) bool { return strings.HasPrefix(namespace, p) }):
		return "RestartApplicationServer"
	case strings.HasPrefix(namespace, "aws:autoscaling:"), strings.HasPrefix(namespace, "aws:elb:"), strings.HasPrefix(namespace, "aws:elbv2:"), namespace == "aws:elasticbeanstalk:command":
		return "NoInterruption"
	}
	return "Unknown"
}

// ValidateConfigurationSettings says what is wrong with option settings.
func (s *Service) ValidateConfigurationSettings(_ context.Context, in *eb.ValidateConfigurationSettingsInput) (*eb.ValidateConfigurationSettingsOutput, error) {
	if in.TemplateName != nil {
		return nil, invalid("No Configuration Template named '%s/%s' found.", door.Value(in.ApplicationName), *in.TemplateName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applications[door.Value(in.ApplicationName)] == nil {
		return nil, invalid("No Application named '%s' found.", door.Value(in.ApplicationName))
	}
	p := ebext.Platform{}
	if in.EnvironmentName != nil {
		e, err := s.find(nil, in.EnvironmentName)
		if err != nil {
			return nil, err
		}
		p = ebext.ParsePlatform(e.Platform)
	}
	out := &eb.ValidateConfigurationSettingsOutput{Messages: []types.ValidationMessage{}}
	for _, o := range in.OptionSettings {
		if m := validate(p, door.Value(o.Namespace), door.Value(o.OptionName), door.Value(o.Value)); m != "" {
			out.Messages = append(out.Messages, types.ValidationMessage{Message: &m, Namespace: o.Namespace, OptionName: o.OptionName, Severity: types.ValidationSeverityError})
		}
	}
	return out, nil
}

// validate says what is wrong with one setting, "" for nothing.
func validate(p ebext.Platform, namespace, name, value string) string {
	n := ebext.FindNamespace(namespace)
	if n == nil || !n.Open && n.Option(name) == nil || p.Lacks(namespace, name) {
		return fmt.Sprintf("Invalid option specification (Namespace: '%s', OptionName: '%s'): Unknown configuration setting.", namespace, name)
	}
	o := n.Option(name)
	if o == nil || value == "" {
		return ""
	}
	wrong := ""
	switch number, err := strconv.Atoi(value); {
	case len(o.Values) > 0 && !o.Grows && !slices.Contains(o.Values, value):
		wrong = "Value is not one of the allowed values: [" + strings.Join(o.Values, ", ") + "]"
	case o.Min == 0 && o.Max == 0:
	case err != nil:
		wrong = "Value is not an integer"
	case number < o.Min:
		wrong = fmt.Sprintf("Value is less than minimum allowed value: %d", o.Min)
	case number > o.Max:
		wrong = fmt.Sprintf("Value is greater than maximum allowed value: %d", o.Max)
	}
	if wrong == "" {
		return ""
	}
	return fmt.Sprintf("Invalid option value: '%s' (Namespace: '%s', OptionName: '%s'): %s", value, namespace, name, wrong)
}

// DescribeEnvironmentManagedActions lists none: platforms are not updated here
// by themselves.
func (s *Service) DescribeEnvironmentManagedActions(_ context.Context, in *eb.DescribeEnvironmentManagedActionsInput) (*eb.DescribeEnvironmentManagedActionsOutput, error) {
	return &eb.DescribeEnvironmentManagedActionsOutput{ManagedActions: []types.ManagedAction{}}, s.known(in.EnvironmentId, in.EnvironmentName)
}

// DescribeEnvironmentManagedActionHistory lists none, for the same reason.
func (s *Service) DescribeEnvironmentManagedActionHistory(_ context.Context, in *eb.DescribeEnvironmentManagedActionHistoryInput) (*eb.DescribeEnvironmentManagedActionHistoryOutput, error) {
	return &eb.DescribeEnvironmentManagedActionHistoryOutput{ManagedActionHistoryItems: []types.ManagedActionHistoryItem{}}, s.known(in.EnvironmentId, in.EnvironmentName)
}

// known is an error for an environment that is not there.
func (s *Service) known(id, name *string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(id, name)
	return err
}
