package check

import (
	"slices"

	"beanpole/internal/ebext"
	"beanpole/internal/fact"
)

const environmentNamespace = "aws:elasticbeanstalk:environment"

// option is the value of an option as far as it is known. known is unset when
// nothing says how the environment is made, so that the console, the EB CLI or
// the API may set another one.
func (r *run) option(namespace, name string) (value string, set *ebext.Setting, known bool) {
	set, ok := r.settings.Get(namespace, name)
	if !ok {
		return "", nil, r.direct
	}
	value = set.Value.TextOr("")
	return value, set, fact.Known(value) && (r.direct || set.Level == ebext.Direct)
}

// balanced: the environment has a load balancer.
func (r *run) balanced() fact.Verdict {
	kind, set, known := r.option(environmentNamespace, "EnvironmentType")
	switch {
	case !known && (set == nil || set.Level == ebext.Default):
		return fact.Unknown
	case kind == "SingleInstance":
		return fact.Broken
	}
	return fact.Holds
}

// balancerKind is "classic", "application" or "network"; "" when it is not
// known, or there is none.
func (r *run) balancerKind() string {
	if r.balanced() == fact.Broken {
		return ""
	}
	kind, set, known := r.option(environmentNamespace, "LoadBalancerType")
	if !known && (set == nil || set.Level == ebext.Default) {
		return ""
	}
	return kind
}

// onGenerations tells whether something that is so on the given generations of
// Amazon Linux is so for this deployment: certain when the platform is known.
// While it is not, it may be so if it is on every generation that can still be
// created; those of AL1 were retired on 18 July 2022 [EB:platforms-retiring].
func (r *run) onGenerations(on ...ebext.Generation) (applies, certain bool) {
	if r.platform.Known {
		return slices.Contains(on, r.platform.Generation), true
	}
	if r.platform.Name != "" {
		return false, false // Windows, a custom platform
	}
	return slices.Contains(on, ebext.AL2) && slices.Contains(on, ebext.AL2023), false
}
