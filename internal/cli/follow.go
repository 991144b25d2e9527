package cli

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"beanpole/internal/lazyregexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// follower prints what happens to a deployment while it happens.
type follower struct {
	d         *deployment
	from      time.Time
	stackSeen map[string]bool
	beanSeen  int
	instances []string // IDs named in events, in order
	failed    bool     // Elastic Beanstalk said so
	env       string   // environment named by events
	held      []line   // not printed yet: something earlier may still turn up
}

func (d *deployment) follow() *follower {
	return &follower{d: d, from: time.Now().UTC().Truncate(time.Millisecond), stackSeen: map[string]bool{}}
}

// stack follows a stack until it is done; ok says whether it succeeded.
func (f *follower) stack(ctx context.Context, name string) (ok bool, err error) {
	f.d.screen.now("waiting for stack " + name)
	defer f.d.screen.now("")
	for {
		// The status first: what is printed after it is then complete.
		out, err := f.d.clients.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return false, awsError("watch the stack", err)
		}
		status := string(out.Stacks[0].StackStatus)
		done := !strings.HasSuffix(status, "IN_PROGRESS")
		if err := f.news(ctx, name, done); err != nil {
			return false, err
		}
		if done {
			good := status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE"
			return good && !f.failed, nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return false, err
		}
	}
}

// settling is how long it takes at most until both lists tell of an event.
const settling = 50 * time.Millisecond

// line is one event to be printed.
type line struct {
	at             time.Time
	severity, text string
}

// news prints the events that are new, stack's and environment's in the order
// in which they happened. What happened just now waits for the next time, since
// the other may still tell of something earlier, unless this is the last time.
func (f *follower) news(ctx context.Context, stack string, last bool) error {
	settled := time.Now().Add(-settling)
	lines, err := f.beanNews(ctx)
	if err == nil && stack != "" {
		var more []line
		more, err = f.stackNews(ctx, stack)
		lines = append(lines, more...)
	}
	if err != nil {
		return err
	}
	f.held = append(f.held, lines...)
	slices.SortStableFunc(f.held, func(a, b line) int { return a.at.Compare(b.at) })
	n := 0
	for n < len(f.held) && (last || f.held[n].at.Before(settled)) {
		f.print(f.held[n])
		n++
	}
	f.held = f.held[n:]
	return nil
}

func (f *follower) stackNews(ctx context.Context, stack string) (lines []line, err error) {
	out, err := f.d.clients.stacks.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	if err != nil {
		return nil, awsError("read the stack's events", err)
	}
	slices.Reverse(out.StackEvents)
	for _, e := range out.StackEvents {
		id := aws.ToString(e.EventId)
		if f.stackSeen[id] || e.Timestamp != nil && e.Timestamp.Before(f.from) {
			continue
		}
		f.stackSeen[id] = true
		if strings.HasSuffix(string(e.ResourceStatus), "_IN_PROGRESS") && !aboutSignals(aws.ToString(e.ResourceStatusReason)) {
			continue
		}
		text := aws.ToString(e.LogicalResourceId) + " " + string(e.ResourceStatus)
		if reason := aws.ToString(e.ResourceStatusReason); reason != "" {
			text += ": " + reason
		}
		lines = append(lines, line{aws.ToTime(e.Timestamp), "STACK", text})
	}
	return lines, nil
}

// aboutSignals tells the events of a resource that waits for signals: what is
// in progress is told of no other.
func aboutSignals(reason string) bool {
	return strings.HasPrefix(reason, "beanpole: waits for ") || strings.HasPrefix(reason, "Received ") || strings.HasPrefix(reason, "Failed to receive ")
}

var instanceID = lazyregexp.New(`\bi-[0-9a-f]{8,17}\b`)

func (f *follower) beanNews(ctx context.Context) (lines []line, err error) {
	in := &elasticbeanstalk.DescribeEventsInput{StartTime: &f.from, MaxRecords: aws.Int32(1000)}
	if f.d.env != "" {
		in.EnvironmentName = &f.d.env
	}
	out, err := f.d.clients.beans.DescribeEvents(ctx, in)
	if err != nil {
		return nil, awsError("read the environment's events", err)
	}
	events := out.Events
	slices.Reverse(events)
	for _, e := range events[min(f.beanSeen, len(events)):] {
		f.beanSeen++
		message := aws.ToString(e.Message)
		lines = append(lines, line{aws.ToTime(e.EventDate), string(e.Severity), message})
		for _, id := range instanceID.FindAllString(message, -1) {
			if !slices.Contains(f.instances, id) {
				f.instances = append(f.instances, id)
			}
		}
		if e.EnvironmentName != nil {
			f.env = *e.EnvironmentName
		}
		if e.Severity == ebtypes.EventSeverityError || e.Severity == ebtypes.EventSeverityFatal {
			f.failed = true
		}
	}
	return lines, nil
}

// print writes one event as the EB CLI does, and lets the bottom line say what
// is going on since.
func (f *follower) print(l line) {
	f.d.screen.line("%s    %-5s   %s", l.at.UTC().Format("2006-01-02 15:04:05"), l.severity, clean(l.text))
	f.d.screen.now(clean(l.text))
}

// clean keeps text of AWS's or the user's from steering the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r != utf8.RuneError && unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
