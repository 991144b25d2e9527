package diagnose

import (
	"slices"
	"strings"
	"time"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/logs"
)

// Texts that bound deployments and say how they ended. Sources: events and
// engine logs as AWS prints them, the EB CLI's strings.py.
var (
	begins = []string{
		"createEnvironment is starting", "Environment update is starting", "Engine command: (app-deploy)", "Engine command: (env-launch)",
		"Engine command: (config-deploy)", "CMD-AppDeploy] : Starting activity", "CMD-Startup] : Starting activity", "CMD-SelfStartup] : Starting activity",
	}
	succeeds = []string{
		"Environment update completed successfully", "Successfully launched environment", "New application version was deployed to running EC2 instances",
		"Engine execution has succeeded", "Instance deployment completed successfully", "Successfully deployed new configuration to environment",
		"Command CMD-AppDeploy succeeded", "Command CMD-Startup succeeded", "Command CMD-ConfigDeploy succeeded", "Command CMD-SelfStartup succeeded",
	}
	fails = []string{
		"Failed to deploy application", "Failed to deploy configuration", "Failed to launch environment", "operation is complete, but with errors",
		"operation is complete, but with command timeouts", "Command failed on instance", "Engine execution has encountered an error",
		"Instance deployment failed", "Unsuccessful command execution on instance", "BUILD FAILED!", "Error occurred during build", `"status":"FAILURE"`,
		"Activity execution failed", "Activity failed", "Rollback requested by user", "was not successfully created", "was not successfully updated", "The environment was reverted to the previous configuration setting",
		"Stop running the command", "EbExtension build failed", "Container commands build failed", "EBExtension failed", "Aborting the operation",
		"have not responded in the allowed command timeout", "did not pass health check after command execution", "Failed to run npm install",
	}
	failureWords = slices.Concat(begins, succeeds, fails, []string{
		"[ERROR]", " ERROR ", " FATAL ", "[emerg]", "ignoreErrors set to true", "CREATE_FAILED", "UPDATE_FAILED", "ROLLBACK_",
		"Completed successfully.", "Exited with error code", "Test for Command",
	})
)

// trial is the work on one reading.
type trial struct {
	records []*logs.Record
	// block tells of records in cfn-init-cmd.log which are output of a command
	// whose failure does not matter.
	harmless map[*logs.Record]bool
	// within is the command of cfn-init-cmd.log that wrote a record.
	within map[*logs.Record]string
}

func newTrial(records []*logs.Record) *trial {
	t := &trial{records: records, harmless: map[*logs.Record]bool{}, within: map[*logs.Record]string{}}
	t.findHarmless()
	return t
}

func hasAny(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// whole is a record's text with its head, in which activities stand.
func whole(r *logs.Record) string {
	if r.Kind == logs.Activity && r.Head != "" {
		return "[" + r.Head + "] : " + r.Text
	}
	return r.Text
}

func failing(r *logs.Record) bool {
	if strings.Contains(r.Text, "Ignoring not applicable command") { // a command for other instances
		return false
	}
	if hasAny(r.Text, fails) || r.Joined != "" && hasAny(r.Joined, fails) {
		return true
	}
	switch r.Kind {
	case logs.Event, logs.Engine:
		return r.Severity == "ERROR" || r.Severity == "FATAL"
	case logs.StackEvent:
		return strings.Contains(r.Text, "_FAILED")
	}
	return false
}

// aside are commands of the engine whose success says nothing of a deployment.
var aside = lazyregexp.New(`(?:Engine command: \(|checking whether command |finished execution on command: )(?:tail-log|bundle-log|publish-log|rotate-log)|Executing instruction: Get(?:Bundle|Tail)Logs`)

// deployed reports whether a record says that a deployment succeeded: the engine
// says the same of fetching logs.
func (t *trial) deployed(i int) bool {
	r := t.records[i]
	if !hasAny(r.Text, succeeds) {
		return false
	}
	if r.Kind != logs.Engine {
		return true
	}
	const next = 6 // records in which the engine names the command that it ended
	for _, after := range t.records[i:min(i+next, len(t.records))] {
		if aside.MatchString(after.Text) {
			return false
		}
	}
	for j := i; j >= 0; j-- {
		b := t.records[j]
		switch {
		case b.Kind != logs.Engine || b.Instance != r.Instance:
		case aside.MatchString(b.Text):
			return false
		case hasAny(b.Text, begins), j < i && strings.Contains(b.Text, "Platform Engine finished execution"):
			return true
		}
	}
	return true
}

// lastDeployed is the last record that says that a deployment succeeded, -1 when
// none does.
func (t *trial) lastDeployed() int {
	for i := len(t.records) - 1; i >= 0; i-- {
		if t.deployed(i) {
			return i
		}
	}
	return -1
}

// outputLines are how many lines of a failed command's output are shown.
const outputLines = 6

// output is the end of what a step's command wrote into cfn-init-cmd.log, nil
// when the logs do not hold it, or the step says why itself.
func (t *trial) output(s *Step) (out []*logs.Record) {
	if s == nil {
		return nil
	}
	name := s.Groups["name"]
	if !s.Generic || name == "" {
		return nil
	}
	for _, r := range t.records {
		if t.within[r] != name || t.harmless[r] || before(r, s.Record.Time.Add(-maxCommand)) {
			continue
		}
		if text := strings.Trim(r.Text, "- "); text != "" && text != "Command Output" && !commandBlock.MatchString(r.Text) {
			out = append(out, r)
		}
	}
	if len(out) > outputLines {
		out = out[len(out)-outputLines:]
	}
	return out
}

// exited is the last command in cfn-init-cmd.log, when it ended with an error and
// no other log says more; nil otherwise. One before the last did not end the
// build, so that its failure is ignored.
func (t *trial) exited() *Step {
	var out *Step
	for i, r := range t.records {
		switch {
		case r.Kind != logs.InitCommand:
		case commandBlock.MatchString(r.Text):
			out = nil
		case strings.HasPrefix(r.Text, "Exited with error code") && !t.harmless[r]:
			out = stepOf("command-failed", r, i, map[string]string{"name": t.within[r]})
		}
	}
	return out
}

// stepOf is the step of a cause that no sign of a record shows by itself.
func stepOf(slug string, r *logs.Record, order int, groups map[string]string) *Step {
	for _, c := range Causes() {
		if c.Slug == slug {
			return &Step{Cause: c, Groups: groups, Record: r, order: order}
		}
	}
	return nil
}

// maxCommand is the longest that a command of a deployment may run: Timeout in
// aws:elasticbeanstalk:command is at most an hour.
const maxCommand = time.Hour

// outcome is how the last deployment ended that the records show, and when the
// failed one began.
func (t *trial) outcome() (Outcome, time.Time) {
	failed, succeeded, began := -1, -1, -1
	failedOn, goodOn := map[string]int{}, map[string]int{"": -1}
	for i, r := range t.records {
		switch {
		case failing(r):
			failed = i
			failedOn[r.Instance] = i
		case t.deployed(i):
			succeeded = i
			goodOn[r.Instance] = i
		}
	}
	switch {
	case failed < 0 && succeeded < 0:
		return NotShown, time.Time{}
	case failed < 0:
		return Succeeded, time.Time{}
	}
	for i := failed; i >= 0; i-- {
		r := t.records[i]
		if began >= 0 && (t.deployed(i) || hasAny(r.Text, fails[:6]) || endOfEngine(r, t.records[failed])) {
			break // an earlier deployment
		}
		if hasAny(whole(r), begins) {
			began = i
		}
	}
	var at time.Time
	if began >= 0 {
		at = t.records[began].Time
	}
	if t.mended(failedOn, goodOn) {
		return Recovered, at
	}
	return Failed, at
}

// endOfEngine reports whether a record is the engine's last word on a failure,
// on the instance of another record.
func endOfEngine(r, other *logs.Record) bool {
	return r.Kind == logs.Engine && r.Instance == other.Instance && strings.Contains(r.Text, "Stop running the command")
}

// mended reports whether on each instance that failed a later deployment
// succeeded, or one of the whole environment.
func (t *trial) mended(failedOn, goodOn map[string]int) bool {
	for instance, failed := range failedOn {
		good, ok := goodOn[instance]
		if !ok || good < failed {
			good = goodOn[""]
		}
		if good < failed || !t.begunBetween(failed, good) {
			return false
		}
	}
	return true
}

// begunBetween reports whether a deployment began between two records, or the
// records cannot tell.
func (t *trial) begunBetween(from, to int) bool {
	any := false
	for i, r := range t.records[:to] {
		if hasAny(whole(r), begins) {
			if i > from {
				return true
			}
			any = true
		}
	}
	return !any && t.records[to].Kind != logs.Event
}

// steps are all causes that the records show, from when the deployment began.
func (t *trial) steps(began time.Time) (out []*Step) {
	for i, r := range t.records {
		if t.harmless[r] || before(r, began) {
			continue
		}
		if s := particular(r); s != nil {
			s.order = i
			t.locate(s)
			out = append(out, s)
		}
	}
	return out
}

// locate tells which command a step's record is the output of.
func (t *trial) locate(s *Step) {
	name := t.within[s.Record]
	if name == "" {
		return
	}
	s.In = "command " + name
	if s.Groups["name"] == "" {
		s.Groups["name"] = name
	}
}

func before(r *logs.Record, began time.Time) bool {
	return !began.IsZero() && !r.Time.IsZero() && (r.Time.Year() > 1 || began.Year() <= 1) && r.Time.Before(began.Add(-2*time.Second))
}

// quietLevel tells records of programs' ordinary output, in which words of
// failures may stand by chance.
func quietLevel(r *logs.Record) bool {
	switch r.Kind {
	case logs.Activity:
		return strings.HasPrefix(r.Text, "Completed activity")
	case logs.Engine:
		return r.Severity == "INFO" || r.Severity == "DEBUG"
	case logs.Init:
		return r.Severity == "DEBUG" && !commandOutput.MatchString(r.Text)
	case logs.Proxy:
		return r.Severity == "NOTICE" || r.Severity == "INFO"
	case logs.Access:
		return true
	}
	return false
}

var commandBlock = lazyregexp.New(`^(Test for )?Command (\S+)\s*$`)

// findHarmless marks what commands wrote that ended well, whose failure is
// ignored, or that were tests.
func (t *trial) findHarmless() {
	ignored := t.ignored()
	var block []*logs.Record
	harmless, name := false, ""
	end := func() {
		if harmless {
			for _, r := range block {
				t.harmless[r] = true
			}
		}
		block, harmless = block[:0], false
	}
	for _, r := range t.records {
		if r.Kind != logs.InitCommand {
			continue
		}
		if m := commandBlock.FindStringSubmatch(r.Text); m != nil {
			end()
			harmless, name = m[1] != "" || ignored[m[2]], m[2]
		}
		t.within[r] = name
		if strings.Contains(r.Text, "Completed successfully") {
			harmless = true
		}
		block = append(block, r)
	}
	end()
}

// commandOutput begins what old agents log of a command's output.
var commandOutput = lazyregexp.New(`^Command (\S+) output: `)

var commandFailed = lazyregexp.New(`^Command (\S+) .*failed`)

// ignored are the commands of cfn-init.log whose failure is passed over; their
// own lines become harmless too.
func (t *trial) ignored() map[string]bool {
	out := map[string]bool{}
	var last *logs.Record
	failed := t.namedFailed()
	for _, r := range t.records {
		if r.Kind != logs.Init {
			continue
		}
		if strings.Contains(r.Text, "ignoreErrors set to true") && last != nil {
			t.harmless[last] = true
			out[commandFailed.FindStringSubmatch(last.Text)[1]] = true
		}
		switch m := commandOutput.FindStringSubmatch(r.Text); {
		case commandFailed.MatchString(r.Text):
			last = r
		case m == nil:
			last = nil
		case (last == nil || commandFailed.FindStringSubmatch(last.Text)[1] != m[1]) && !failed[m[1]]:
			t.harmless[r] = true // of a command that ended well
		}
	}
	return out
}

// namedFailed are the commands that cfn-init.log says failed, also where the
// line that begins their failure was cut off.
func (t *trial) namedFailed() map[string]bool {
	out := map[string]bool{}
	for _, r := range t.records {
		if r.Kind != logs.Init || r.Severity != "ERROR" {
			continue
		}
		for _, m := range buildStopped.FindAllStringSubmatch(r.Text, -1) {
			out[m[1]] = true
		}
	}
	return out
}

// buildStopped ends a build for a command.
var buildStopped = lazyregexp.New(`during build(?: of \S+)?: Command (\S+) failed`)

// leading are the records shown before the first that speaks of a failure.
const leading = 4

// firstFailure is the first record that speaks of a failure, with those of the
// same file that lead up to it.
func (t *trial) firstFailure(began time.Time) (*logs.Record, []*logs.Record) {
	for i, r := range t.records {
		if before(r, began) || t.harmless[r] || !failing(r) {
			continue
		}
		var lead []*logs.Record
		for j := i - 1; j >= 0 && len(lead) < leading; j-- {
			if t.records[j].File == r.File {
				lead = append(lead, t.records[j])
			}
		}
		slices.Reverse(lead)
		return r, lead
	}
	return nil, nil
}
