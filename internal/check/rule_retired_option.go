package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

var retiredOption = &Rule{
	Slug:  "retired-option",
	Title: "the platform has no such option any more",
	Why: `Platforms of the retired Amazon Linux AMI had option namespaces of their own. On
Amazon Linux 2 and Amazon Linux 2023 most of them are gone: Node.js is started by
package.json or a Procfile, static files are mapped in
aws:elasticbeanstalk:environment:proxy:staticfiles on every platform, and nginx is
configured by files below .platform/nginx. A namespace of another platform is as
unknown. The deployment ends before anything happens on an instance:
  Invalid option specification (Namespace: 'aws:elasticbeanstalk:container:nodejs', OptionName: 'NodeCommand'): Unknown configuration setting.`,
	Before: `option_settings:
  aws:elasticbeanstalk:container:nodejs:
    NodeCommand: npm start`,
	After: `# Procfile
web: npm start`,
	Since: "0.1.0",

	find: func(r *run) (out []*finding.Finding) {
		for i := range r.settings {
			s := &r.settings[i]
			if s.Level == ebext.Default {
				continue
			}
			n := ebext.FindNamespace(s.Namespace)
			if n == nil {
				continue
			}
			on := n.On
			if o := n.Option(s.Option); o != nil && len(o.On) > 0 {
				on = o.On
			}
			if f := r.retired(s, on); f != nil {
				out = append(out, f)
			} else if f := r.foreign(s, n); f != nil {
				out = append(out, f)
			}
		}
		return out
	},
}

// retired reports a setting of an option that only some generations have.
func (r *run) retired(s *ebext.Setting, on []ebext.Generation) *finding.Finding {
	if len(on) == 0 || slices.Contains(on, ebext.AL2) || slices.Contains(on, ebext.AL2023) {
		return nil
	}
	applies, certain := r.onGenerations(ebext.AL2, ebext.AL2023)
	if !applies {
		return nil
	}
	f := r.optionFinding("retired-option", finding.Error, s)
	f.Certain = certain
	f.Notes = []finding.Note{{Label: "on AWS", Text: unknownSetting(s.Namespace, s.Option)}}
	if !certain {
		f.Severity = finding.Warning
		f.Notes = append(f.Notes, finding.Note{Label: "not known", Text: "the platform; only those of the retired Amazon Linux AMI have the option"})
	}
	f.Message = fmt.Sprintf("Elastic Beanstalk %s refuse the deployment: Amazon Linux 2 and 2023 have no option %s", will(f), optionText(s))
	f.Notes = append(f.Notes, finding.Note{Label: "fix", Text: instead(s)})
	return f
}

// instead is what takes the place of a retired option
// [EB:using-features.migration-al].
func instead(s *ebext.Setting) string {
	switch {
	case strings.HasSuffix(s.Namespace, ":staticfiles"):
		return "move the mapping to   aws:elasticbeanstalk:environment:proxy:staticfiles   (there, paths begin with /)"
	case s.Option == "NodeCommand":
		return "write the command into a file Procfile, as   web: " + strings.TrimSpace(orElse(s.Value.TextOr(""), "npm start")) + "   or into scripts.start of package.json"
	case s.Option == "NodeVersion":
		return "write the version into engines.node of package.json, or choose the platform branch of that version"
	case s.Option == "ProxyServer":
		return "move the option to   aws:elasticbeanstalk:environment:proxy"
	case s.Option == "GzipCompression":
		return "remove it; nginx compresses already, and more is configured in .platform/nginx/conf.d/*.conf"
	}
	return "remove it"
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// foreign reports a setting in the namespace of another platform.
func (r *run) foreign(s *ebext.Setting, n *ebext.Namespace) *finding.Finding {
	if len(n.Families) == 0 || !r.platform.Known || r.platform.Branch == "" {
		return nil
	}
	for _, family := range n.Families {
		if strings.Contains(r.platform.Branch, family) {
			return nil
		}
	}
	f := r.optionFinding("retired-option", finding.Error, s)
	f.Message = fmt.Sprintf("Elastic Beanstalk will refuse the deployment: platform %q has no option %s", r.platform.Branch, optionText(s))
	f.Notes = []finding.Note{
		{Label: "on AWS", Text: unknownSetting(s.Namespace, s.Option)},
		{Label: "fix", Text: "remove it, or leave it out of the bundle for this platform"},
	}
	return f
}
