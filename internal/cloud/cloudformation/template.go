package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
	"beanpole/internal/cfn"
	"beanpole/internal/cloud/door"
	"beanpole/internal/source"
)

// Sizes of a template that AWS takes: in the request, and from S3 (general).
const (
	maxTemplateBody = 51_200
	maxTemplateS3   = 1 << 20
)

type fromService struct{}

// WithoutBodyLimit lets a service of ours hand over a template in the request
// where AWS's would put it into S3 first.
func WithoutBodyLimit(ctx context.Context) context.Context {
	return context.WithValue(ctx, fromService{}, true)
}

// templateText is the template that a request brings or names.
func (s *Service) templateText(ctx context.Context, body, from *string) (string, error) {
	switch {
	case door.Value(body) != "" && door.Value(from) != "", door.Value(body) == "" && door.Value(from) == "":
		return "", invalid("Either Template URL or Template Body must be specified.")
	case door.Value(from) != "":
		return s.fetchTemplate(ctx, *from)
	}
	limit := maxTemplateBody
	if ctx.Value(fromService{}) != nil {
		limit = maxTemplateS3
	}
	if len(*body) > limit {
		return "", invalid("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", limit)
	}
	return *body, nil
}

// fetchTemplate reads a template from the local S3, in the caller's name. No
// request leaves this machine.
func (s *Service) fetchTemplate(ctx context.Context, rawURL string) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", invalid("TemplateURL must be a supported URL.")
	}
	t, ok := aws.ServedS3(u.Host, u.EscapedPath())
	if !ok { // the local S3 by its own address, path style
		bucket, key, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		t = aws.S3Target{Bucket: bucket, Key: key}
	}
	if t.Bucket == "" || t.Key == "" {
		return "", invalid("TemplateURL must reference a valid S3 object to which you have access.")
	}
	out, err := door.Invoke[s3.GetObjectInput, s3.GetObjectOutput](ctx, s.door, "s3", "GetObject", &s3.GetObjectInput{Bucket: &t.Bucket, Key: &t.Key})
	if err != nil {
		var e *aws.Error
		if errors.As(err, &e) {
			return "", invalid("S3 error: %s", e.Message)
		}
		return "", err
	}
	defer out.Body.Close()
	data, err := io.ReadAll(io.LimitReader(out.Body, maxTemplateS3+1))
	if err != nil {
		return "", fmt.Errorf("read template from S3: %w", err)
	}
	if len(data) > maxTemplateS3 {
		return "", invalid("Template may not exceed %d bytes in size.", maxTemplateS3)
	}
	return string(data), nil
}

// parseTemplate reads a template; its mistakes become ValidationErrors.
func parseTemplate(text string) (*cfn.Template, error) {
	t, err := cfn.Parse("template", []byte(text))
	if err != nil {
		return nil, problem("Template format error: ", err)
	}
	if t.Loops() {
		return nil, invalid("the local CloudFormation does not carry out Fn::ForEach; beanpole check does")
	}
	if len(t.Resources) == 0 {
		return nil, invalid("Template format error: At least one Resources member must be defined.")
	}
	return t, nil
}

// problem makes a user's mistake a ValidationError; anything else is ours.
func problem(prefix string, err error) error {
	var p *source.Problem
	if !errors.As(err, &p) {
		return err
	}
	text := prefix + p.What
	if p.Pos.IsValid() {
		text += fmt.Sprintf(" (line %d, column %d)", p.Pos.Line, p.Pos.Col)
	}
	return invalid("%s", text)
}

// checkTemplate refuses what AWS refuses before it makes anything: parameters
// and resources that depend on each other in a circle.
func (s *Service) checkTemplate(t *cfn.Template, st *stack) error {
	declared := map[string]bool{}
	var missing, unknown []string
	for _, p := range t.Parameters {
		declared[p.Name] = true
		if _, given := st.Parameters[p.Name]; !given && p.Default == nil {
			missing = append(missing, p.Name)
		}
	}
	for name := range st.Parameters {
		if !declared[name] {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	switch {
	case len(missing) > 0:
		return invalid("Parameters: [%s] must have values", strings.Join(missing, ", "))
	case len(unknown) > 0:
		return invalid("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	if err := t.Check(st.Parameters); err != nil {
		return problem("", err)
	}
	if _, err := t.Order(s.env(st)); err != nil {
		return problem("", err)
	}
	return nil
}

// iamNames are the IAM types with the property that gives an explicit name; an
// AWS::IAM::Policy's name is no name of an entity
// [CFN:aws-resource-iam-role, CFN:aws-resource-iam-instanceprofile].
var iamNames = map[string]string{
	"AWS::IAM::Role": "RoleName", "AWS::IAM::InstanceProfile": "InstanceProfileName",
	"AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName",
	"AWS::IAM::Policy": "", "AWS::IAM::AccessKey": "", "AWS::IAM::UserToGroupAddition": "",
}

// needs are the capabilities that a template asks for, and the types that make
// it ask.
func needs(t *cfn.Template) (capabilities []types.Capability, because []string) {
	named := false
	for _, r := range t.Resources {
		property, ok := iamNames[r.Type]
		if !ok {
			continue
		}
		because = append(because, r.Type)
		named = named || property != "" && r.Node.At("Properties", property) != nil
	}
	if len(because) == 0 {
		return nil, nil
	}
	if named {
		return []types.Capability{types.CapabilityCapabilityNamedIam}, because
	}
	return []types.Capability{types.CapabilityCapabilityIam}, because
}

// checkCapabilities refuses IAM resources that the caller did not say yes to.
func checkCapabilities(t *cfn.Template, given []types.Capability) error {
	wanted, _ := needs(t)
	for _, w := range wanted {
		ok := false
		for _, g := range given {
			ok = ok || g == w || g == types.CapabilityCapabilityNamedIam
		}
		if !ok {
			return &aws.Error{Code: "InsufficientCapabilitiesException", Status: 400, Message: fmt.Sprintf("Requires capabilities : [%s]", w)}
		}
	}
	return nil
}

// ValidateTemplate reads a template and lists its parameters.
func (s *Service) ValidateTemplate(ctx context.Context, in *cloudformation.ValidateTemplateInput) (*cloudformation.ValidateTemplateOutput, error) {
	sum, err := s.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{TemplateBody: in.TemplateBody, TemplateURL: in.TemplateURL})
	if err != nil {
		return nil, err
	}
	out := &cloudformation.ValidateTemplateOutput{Description: sum.Description, Capabilities: sum.Capabilities,
		CapabilitiesReason: sum.CapabilitiesReason, Parameters: []types.TemplateParameter{}}
	for _, p := range sum.Parameters {
		out.Parameters = append(out.Parameters, types.TemplateParameter{ParameterKey: p.ParameterKey, DefaultValue: p.DefaultValue, Description: p.Description, NoEcho: p.NoEcho})
	}
	return out, nil
}

// GetTemplateSummary lists a template's parameters and types.
func (s *Service) GetTemplateSummary(ctx context.Context, in *cloudformation.GetTemplateSummaryInput) (*cloudformation.GetTemplateSummaryOutput, error) {
	text := ""
	if in.StackName != nil {
		s.mu.Lock()
		st, err := s.existing(in.StackName)
		if err == nil {
			text = st.Template
		}
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
	} else {
		var err error
		if text, err = s.templateText(ctx, in.TemplateBody, in.TemplateURL); err != nil {
			return nil, err
		}
	}
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	out := &cloudformation.GetTemplateSummaryOutput{
		Description: door.Given(t.Root.Get("Description").TextOr("")), Version: door.Given(t.Root.Get("AWSTemplateFormatVersion").TextOr("")),
		Parameters: []types.ParameterDeclaration{},
	}
	for _, p := range t.Parameters {
		d := types.ParameterDeclaration{ParameterKey: door.Given(p.Name), ParameterType: door.Given(p.Type), NoEcho: &p.NoEcho, Description: door.Given(p.Node.Get("Description").TextOr(""))}
		if def, ok := p.Default.Str(); ok {
			d.DefaultValue = &def
		}
		out.Parameters = append(out.Parameters, d)
	}
	seen := map[string]bool{}
	for _, r := range t.Resources {
		if !seen[r.Type] {
			out.ResourceTypes = append(out.ResourceTypes, r.Type)
		}
		seen[r.Type] = true
	}
	caps, because := needs(t)
	if out.Capabilities = caps; len(caps) > 0 {
		out.CapabilitiesReason = door.Given(fmt.Sprintf("The following resource(s) require capabilities: [%s]", strings.Join(because, ", ")))
	}
	return out, nil
}

// GetTemplate gives a stack's template back as it came.
func (s *Service) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput) (*cloudformation.GetTemplateOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.existing(in.StackName)
	if err != nil {
		return nil, err
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &st.Template, StagesAvailable: []types.TemplateStage{types.TemplateStageOriginal, types.TemplateStageProcessed}}, nil
}
