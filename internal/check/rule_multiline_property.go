package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

var multilineProperty = &Rule{
	Slug:  "multiline-property",
	Title: "Amazon Linux 2 carries no property of several lines",
	Why: `On an instance of Amazon Linux 2, environment properties stand line by line in a file
from which services take them. But for the Docker platforms, a value with a line break in
it is not supported there, and the application may get a part of it only. Amazon Linux
2023 carries such values [EB:AWSHowTo.secrets.env-vars].`,
	Before: `option_settings:
  aws:elasticbeanstalk:application:environment:
    SIGNING_KEY: |
      -----BEGIN PUBLIC KEY-----
      …`,
	After: `option_settings:
  aws:elasticbeanstalk:application:environment:
    SIGNING_KEY_BASE64: LS0tLS1CRUdJTiBQ…`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		if !r.platform.Known || r.platform.Generation != ebext.AL2 || r.platform.Branch == "" ||
			strings.Contains(r.platform.Branch, "Docker") || strings.Contains(r.platform.Branch, "ECS") {
			return nil
		}
		for _, s := range r.made() {
			text := s.Value.TextOr("")
			if s.Namespace != propertyNamespace || !fact.Known(text) || !strings.Contains(strings.TrimRight(text, "\r\n"), "\n") {
				continue
			}
			f := r.optionFinding("multiline-property", finding.Warning, s)
			f.Certain = false
			f.Message = fmt.Sprintf("the application may not get the whole of %s: the value has several lines", s.Option)
			f.Notes = []finding.Note{
				{Label: "cause", Text: "platform " + r.platform.Branch + " on Amazon Linux 2 does not support line breaks in environment properties"},
				{Label: "fix", Text: "encode the value in Base64 and decode it in the application, or use a platform branch of Amazon Linux 2023"},
			}
			out = append(out, f)
		}
		return out
	},
}
