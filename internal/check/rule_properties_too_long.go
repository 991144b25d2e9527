package check

import (
	"fmt"

	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/source"
)

var propertiesTooLong = &Rule{
	Slug:  "properties-too-long",
	Title: "the environment properties are longer than 4,096 bytes",
	Why: `All environment properties together, written as key=value, may take 4,096 bytes. A
deployment with more is refused with a message that names the limit
[EB:environments-cfg-softwaresettings].`,
	Before: `option_settings:
  aws:elasticbeanstalk:application:environment:
    CONFIG: '{"a": 1, … 5,000 characters more}'`,
	After: `option_settings:
  aws:elasticbeanstalk:application:environment:
    CONFIG_FROM: s3://elasticbeanstalk-eu-west-1-123456789012/config.json`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		total, longest, count := 0, 0, 0
		var at, end source.Pos
		for _, s := range r.made() {
			if s.Namespace != propertyNamespace {
				continue
			}
			count++
			n := len(s.Option) + len("=")
			if text := s.Value.TextOr(""); fact.Known(text) {
				n += len(text)
			}
			total += n
			if s.OptionNode != nil && s.OptionNode.Pos.IsValid() && n > longest {
				longest, at, end = n, s.OptionNode.Pos, s.OptionNode.End
			}
		}
		if total <= mostProperties || longest == 0 {
			return nil
		}
		return []*finding.Finding{{
			Rule: "properties-too-long", Severity: finding.Error, Certain: true, Pos: at, End: end,
			Message: fmt.Sprintf("Elastic Beanstalk will refuse the deployment: %d environment properties take %d bytes, and %d is the limit", count, total, mostProperties),
			Notes: []finding.Note{
				{Label: "cause", Text: fmt.Sprintf("this one is the longest, with %d bytes", longest)},
				{Label: "fix", Text: "keep long values in AWS Secrets Manager, SSM Parameter Store or S3, and only their names here"},
			},
		}}
	},
}

const (
	propertyNamespace = "aws:elasticbeanstalk:application:environment"
	// mostProperties is the limit of all properties together in bytes
	// [EB:environments-cfg-softwaresettings].
	mostProperties = 4096
)
