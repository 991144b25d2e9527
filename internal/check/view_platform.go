package check

import (
	"beanpole/internal/ebext"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
)

// laterThanAL1 are the generations that came after the Amazon Linux AMI.
var laterThanAL1 = []ebext.Generation{ebext.AL2, ebext.AL2023}

// verb is "will" when every fact is known.
func verb(certain bool) string {
	if certain {
		return "will"
	}
	return "may"
}

// generational finishes a finding that depends on the platform's generation:
// while the platform is not known it is a warning that says so.
func generational(f *finding.Finding, certain bool) *finding.Finding {
	f.Certain = certain
	if !certain {
		f.Severity = finding.Warning
		f.Notes = append(f.Notes, finding.Note{Label: "not known",
			Text: "the platform (--platform); it is so on Amazon Linux 2 and Amazon Linux 2023"})
	}
	return f
}

// proxy is the proxy server that the environment runs, "" when it is not
// known. On every platform after the Amazon Linux AMI it is nginx while the
// option ProxyServer says nothing else [EB:platforms-linux-extend].
func (r *run) proxy() string {
	set, ok := r.settings.Get("aws:elasticbeanstalk:environment:proxy", "ProxyServer")
	if !ok {
		if r.direct {
			return "nginx"
		}
		return ""
	}
	v := set.Value.TextOr("")
	if !fact.Known(v) || set.Level == ebext.Default && !r.direct {
		return ""
	}
	return v
}
