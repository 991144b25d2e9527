// Package diagnose names the cause of a deployment that failed, from what logs
// and events say of it: which step failed first, which later errors are its
// consequences, what the text alone proves, and which further look would settle
// what it leaves open. It knows causes as data (Causes) and never guesses: a
// failure that none of them explains is shown, and called unknown.
package diagnose

import (
	"path"
	"slices"
	"strings"
	"sync"

	"beanpole/internal/access"
	"beanpole/internal/lazyregexp"
)

// Stage is when on the way to a running application something fails. Where
// records have no times, the earlier stage counts as the earlier failure.
type Stage int

// The stages in the order in which a deployment meets them.
const (
	Request     Stage = iota // the API refuses the request
	Stack                    // CloudFormation refuses or fails
	Launch                   // instances do not start or do not report
	PreBuild                 // packages to services, of all configuration files
	Unpack                   // the bundle on the instance, prebuild hooks
	Build                    // dependencies, Buildfile, image
	PostBuild                // container_commands
	Hooks                    // predeploy and postdeploy hooks
	ProxyStart               // nginx or httpd
	Application              // the application's processes
	Health                   // what load balancer and agent see
	Afterwards               // a deployment that counts as good
)

// Cause is one reason for which deployments fail.
type Cause struct {
	// Slug is the name of check's rule where one finds the same thing.
	Slug string
	// Links are those of the access chain that the signs show broken, one of them
	// or more; nil for what is no fetch.
	Links []access.LinkName
	// Title says what failed, in one line that stands alone; ${name} stands for a
	// group of the sign's pattern.
	Title string
	Why   string
	// Fix says what to change.
	Fix []string
	// Settle is the one command, file or fact to look at, where the text does
	// not prove the cause.
	Settle string
	Stage  Stage
	Signs  []Sign
	// Of are the causes that may stand behind this one, when the signs show no
	// more than a symptom; by slug.
	Of []Behind
	// Rules are further rules of check that find the same thing.
	Rules []string
	// Quiet causes let the deployment count as good.
	Quiet bool
	// Generic causes say that a step failed, and not why.
	Generic bool
	// RuledOut are the suspicions that the signs disprove.
	RuledOut []string
}

// Behind is a cause that may stand behind a symptom.
type Behind struct {
	Slug, Title string
	Settle      string
	// Rules are check's rules that find it.
	Rules []string
}

// Sign is a literal text by which a cause is recognised.
type Sign struct {
	// Word is a part of each text that Pattern matches, exactly; it is what long
	// logs are searched for.
	Word string
	// Pattern is matched against the record's text; "" takes Word alone.
	Pattern string
	// Weak signs show the cause only beside a failed deployment, since programs
	// print the same for other reasons.
	Weak bool
	// Not are parts of texts that Pattern matches and that show something else.
	Not []string

	re *lazyregexp.Regexp
}

func (s *Sign) match(text string) map[string]string {
	if !strings.Contains(text, s.Word) || hasAny(text, s.Not) {
		return nil
	}
	if s.Pattern == "" {
		return map[string]string{}
	}
	m := s.re.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	groups := map[string]string{}
	for i, name := range s.re.SubexpNames() {
		if name != "" && m[i] != "" {
			groups[name] = m[i]
		}
	}
	if f := groups["file"]; f != "" {
		groups["base"] = path.Base(f)
	}
	return groups
}

// Causes are all causes that are recognised, the most particular first.
var Causes = sync.OnceValue(func() []*Cause {
	all := slices.Concat(fetchCauses, requestCauses, toolCauses, stackCauses, launchCauses, hostCauses, dockerCauses, dependencyCauses,
		programCauses, instanceCauses, buildCauses, databaseCauses, proxyCauses, runCauses, quietCauses)
	for _, c := range all {
		for i := range c.Signs {
			s := &c.Signs[i]
			s.re = lazyregexp.New(s.Pattern)
		}
	}
	return all
})

// Words are what to look for in logs that are too long to be kept whole.
func Words() []string {
	words := slices.Clone(failureWords)
	for _, c := range Causes() {
		for _, s := range c.Signs {
			words = append(words, s.Word)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
