package diagnose

import (
	"maps"
	"slices"
	"strings"
	"time"

	"beanpole/internal/logs"
)

// Outcome is what the logs say of the last deployment that they show.
type Outcome string

const (
	Failed    Outcome = "failed"
	Succeeded Outcome = "succeeded"
	Recovered Outcome = "recovered" // an earlier one failed, the last did not
	NotShown  Outcome = "not shown"
)

// Step is a cause where a record shows it.
type Step struct {
	*Cause
	// Title is the cause's, with the record's own words filled in, without secrets.
	Title  string
	Groups map[string]string
	// shown are Groups without secrets; sign and text are what they came of.
	shown  map[string]string
	sign   *Sign
	text   string
	Record *logs.Record
	// In is the command or configuration that wrote the record, "" where the logs
	// do not tell.
	In    string
	Weak  bool
	order int
}

// Diagnosis is what came of the logs.
type Diagnosis struct {
	Outcome Outcome
	// Cause is the failure that came first, nil when none is known.
	Cause *Step
	// Certain: the text alone proves the cause.
	Certain bool
	// After are the failures that followed, first ones first.
	After []*Step
	// On are the instances on which something failed, first ones first; none
	// where the logs name no instance.
	On []string
	// Others are the first failures of instances that failed otherwise.
	Others []*Step
	// Quiet went wrong beside it.
	Quiet []*Step
	// Perhaps are signs of causes in logs that show no deployment that failed.
	Perhaps []*Step
	// Output is the end of what the failed command wrote, where the logs hold it.
	Output []*logs.Record
	// First is the first record that speaks of a failure, for one whose cause is
	// not known, with Before leading up to it.
	First  *logs.Record
	Before []*logs.Record
	// Began is when the deployment began that is spoken of, zero: not told.
	Began time.Time
	Read  *logs.Reading
}

// Logs diagnoses what was read.
func Logs(r *logs.Reading) *Diagnosis {
	d := diagnosed(r)
	for _, s := range slices.Concat([]*Step{d.Cause}, d.After, d.Others, d.Quiet, d.Perhaps) {
		s.reveal()
	}
	return d
}

func diagnosed(r *logs.Reading) *Diagnosis {
	d := &Diagnosis{Read: r}
	records := slices.Clone(r.Records)
	giveYears(records)
	inOrder(records)
	t := newTrial(records)
	d.Outcome, d.Began = t.outcome()
	steps := t.steps(d.Began)
	for _, s := range steps {
		if s.Quiet {
			d.addQuiet(s)
		}
	}
	steps = slices.DeleteFunc(steps, func(s *Step) bool { return s.Quiet })
	if d.Outcome == Succeeded {
		if s := t.health(t.lastDeployed() + 1); s != nil {
			d.addQuiet(s)
		}
		return d
	}
	d.Cause = choose(steps, d.Outcome)
	if d.Cause != nil {
		if d.Outcome == NotShown {
			d.Outcome = Failed
		}
		d.Certain = !d.Cause.Weak && !d.Cause.Generic && len(d.Cause.Of) == 0
		d.follow(steps)
		d.instances(t, steps)
		d.Output = t.output(d.Cause)
		return d
	}
	d.instances(t, steps)
	if d.Outcome != NotShown {
		d.First, d.Before = t.firstFailure(d.Began)
		return d
	}
	if d.Cause = t.exited(); d.Cause == nil {
		d.Cause = t.health(0)
	}
	d.Output = t.output(d.Cause)
	if d.Cause == nil {
		d.perhaps(steps)
	}
	return d
}

// maxPerhaps is how many signs are shown where nothing is sure.
const maxPerhaps = 3

// perhaps keeps the first step of each cause.
func (d *Diagnosis) perhaps(steps []*Step) {
	for _, s := range steps {
		known := slices.ContainsFunc(d.Perhaps, func(p *Step) bool { return p.Slug == s.Slug })
		if !known && len(d.Perhaps) < maxPerhaps {
			d.Perhaps = append(d.Perhaps, s)
		}
	}
}

// instances tells on which instances something failed, and where it was
// something else.
func (d *Diagnosis) instances(t *trial, steps []*Step) {
	first := map[string]*Step{}
	for _, s := range steps {
		if i := s.Record.Instance; i != "" && first[i] == nil && !s.Weak && !s.Generic {
			first[i] = s
		}
	}
	for _, r := range t.records {
		if i := r.Instance; i != "" && !slices.Contains(d.On, i) && !before(r, d.Began) && (failing(r) || first[i] != nil && first[i].Record == r) {
			d.On = append(d.On, i)
		}
	}
	for _, i := range d.On {
		if s := first[i]; s != nil && d.Cause != nil && !d.Cause.Generic && s.Slug != d.Cause.Slug && i != d.Cause.Record.Instance {
			d.Others = append(d.Others, s)
		}
	}
}

// addQuiet keeps one step of each cause and title.
func (d *Diagnosis) addQuiet(s *Step) {
	for _, q := range d.Quiet {
		if q.Slug == s.Slug && maps.Equal(q.Groups, s.Groups) {
			return
		}
	}
	d.Quiet = append(d.Quiet, s)
}

// follow are the causes that come after the first, each once.
func (d *Diagnosis) follow(steps []*Step) {
	seen := map[string]bool{d.Cause.Slug: true}
	for _, s := range steps {
		if s.order > d.Cause.order && !seen[s.Slug] && !s.Weak && s.Stage >= d.Cause.Stage {
			seen[s.Slug] = true
			d.After = append(d.After, s)
		}
	}
}

// giveYears dates syslog's entries, which have no year, by the newest entry that
// has one.
func giveYears(records []*logs.Record) {
	var newest time.Time
	for _, r := range records {
		if r.Time.Year() > 1 && r.Time.After(newest) {
			newest = r.Time
		}
	}
	if newest.IsZero() {
		return
	}
	for _, r := range records {
		if r.Kind != logs.System || r.Time.Year() != 0 {
			continue
		}
		at := r.Time.AddDate(newest.Year(), 0, 0)
		if at.After(newest.AddDate(0, 0, 1)) {
			at = r.Time.AddDate(newest.Year()-1, 0, 0)
		}
		r.Time = at
	}
}

// inOrder sorts by time; records without one stay behind the one before them.
func inOrder(records []*logs.Record) {
	times := make(map[*logs.Record]time.Time, len(records))
	var last time.Time
	file := ""
	for _, r := range records {
		if r.File != file {
			last, file = time.Time{}, r.File
		}
		if !r.Time.IsZero() && r.Time.Year() > 1 {
			last = r.Time
		}
		times[r] = last
	}
	slices.SortStableFunc(records, func(a, b *logs.Record) int { return times[a].Compare(times[b]) })
}

// running are the logs of what runs all the time: they hold errors of good
// deployments too.
func running(k logs.Kind) bool {
	return k == logs.Proxy || k == logs.System || k == logs.Access || k == logs.CloudInit
}

// together is the time within which a failing step and what says why are
// written.
const together = 10 * time.Second

// choose is the step that failed first. A step that says why is taken rather
// than one beside it that does not.
func choose(steps []*Step, o Outcome) *Step {
	of := func(ok func(*Step) bool) *Step {
		i := slices.IndexFunc(steps, ok)
		if i < 0 {
			return nil
		}
		return steps[i]
	}
	first := of(func(s *Step) bool { return !s.Weak && !running(s.Record.Kind) })
	if first == nil || first.Generic && first.Stage >= ProxyStart {
		if ran := of(func(s *Step) bool { return !s.Weak && running(s.Record.Kind) && !s.Generic }); ran != nil {
			return ran
		}
	}
	if first != nil && first.Slug == "stack-reason-null" { // another event may give the reason
		if why := of(func(s *Step) bool { return !s.Weak && s.Slug == "stack-failed" && near(s.Record, first.Record) }); why != nil {
			first = why
		}
	}
	if first != nil && first.Generic {
		if why := of(func(s *Step) bool {
			return !s.Weak && !s.Generic && !running(s.Record.Kind) && near(s.Record, first.Record) && (s.Stage >= first.Stage-1 || first.Slug == "hook-failed" && s.Stage >= Build)
		}); why != nil {
			return why
		}
	}
	if first != nil && len(first.Of) > 0 && first.Groups["url"] != "" {
		// An event holds the first line of what a log has whole.
		if whole := of(func(s *Step) bool {
			return !s.Weak && !s.Generic && len(s.Of) < len(first.Of) && s.Groups["url"] == first.Groups["url"] && near(s.Record, first.Record)
		}); whole != nil {
			return whole
		}
	}
	if first != nil {
		return first
	}
	if s := of(func(s *Step) bool { return !s.Weak }); s != nil {
		return s
	}
	if o == Failed {
		return of(func(*Step) bool { return true })
	}
	return nil
}

// near tells records that may be of one step.
func near(a, b *logs.Record) bool {
	if a.Instance != b.Instance && a.Instance != "" && b.Instance != "" {
		return false
	}
	if a.Time.IsZero() || b.Time.IsZero() {
		return a.File == b.File || a.Time.IsZero() != b.Time.IsZero()
	}
	return a.Time.Sub(b.Time).Abs() <= together
}

// fill puts the sign's groups into a title; what the text does not name falls
// out with the brackets around it.
func fill(title string, groups map[string]string) string {
	for strings.Contains(title, "${") {
		before, rest, _ := strings.Cut(title, "${")
		name, after, _ := strings.Cut(rest, "}")
		value := strings.TrimRight(groups[name], " .,:;'\"")
		if value == "" {
			before = strings.TrimRight(before, " :'")
			if open := strings.LastIndex(before, " ("); open >= 0 && strings.HasPrefix(after, ")") {
				before, after = before[:open], after[1:]
			}
			before = strings.TrimSuffix(before, " of")
			after = strings.TrimPrefix(after, "'")
		}
		title = before + value + after
	}
	return title
}
