package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"beanpole/internal/account/live"
	"beanpole/internal/account/reading"
	"beanpole/internal/diagnose"
	"beanpole/internal/lazyregexp"
)

// watchEvery is how often a live environment is asked: AWS writes events
// within seconds, and throttles who asks more often.
var watchEvery = 5 * time.Second

// quietFor is how long nothing is said before the silence is explained.
var quietFor = 45 * time.Second

// silences say why nothing happens for minutes after an event. Sources: the
// retries of cfn-bootstrap 2.0's util.py; EB: using-features.rolling-version-deploy,
// command-options-general (Timeout 600, DefaultWait).
var silences = []struct {
	after *lazyregexp.Regexp
	says  string
}{
	{lazyregexp.New(`(?i)Waiting for EC2 instances to launch|Created Auto Scaling group`),
		"instances start, install the platform's parts and report; this takes 2 to 5 minutes, and is given up after the command timeout (600 seconds unless set)"},
	{lazyregexp.New(`(?i)Added instance|Deploying new version|Updating environment|Command is executing|Batch \d`),
		"the instances run the deployment; a fetch that fails is retried for about 5 minutes (404 from instance metadata or a server's 5xx), 11 at the longest, before anything is said"},
	{lazyregexp.New(`(?i)Created (load balancer|target group|security group)|createEnvironment is starting`),
		"CloudFormation makes the environment's resources; a load balancer takes 2 to 3 minutes"},
	{lazyregexp.New(`(?i)terminat|deleting`),
		"resources are removed; instances first leave the load balancer (connection draining)"},
	{lazyregexp.New(`(?i)health has transitioned`),
		"the health agent reports every 10 seconds and changes are told after a while; commands on instances may still run"},
}

// silence is what is going on after an event.
func silence(message string) string {
	for _, s := range silences {
		if s.after.MatchString(message) {
			return s.says
		}
	}
	return "Elastic Beanstalk tells nothing while commands run; a command is given up after the command timeout (600 seconds unless set)"
}

// watcher follows one environment.
type watcher struct {
	reader *live.Reader
	name   string
	screen *screen
	from   time.Time
	seen   map[string]bool
	last   time.Time // when something was said
	words  string    // the last event's
	said   bool      // the silence since was explained
	events []reading.Event
	met    bool      // it was there
	mute   time.Time // since when AWS does not answer; zero: it does
	gone   bool      // it was terminated meanwhile
}

// watch prints events as they come until the environment is at rest. Ctrl-C
// ends the watching, not the diagnosis of what came so far. Of an environment
// that was terminated meanwhile the events are left: the diagnosis is then told
// here, and done is set.
func (d *diagnosing) watch(c *cobra.Command) (done bool, err error) {
	if d.account.file != "" || d.environment == "" {
		return true, usageError("--follow watches a live environment; give --environment NAME, without --account or --stack")
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := d.asker(c.ErrOrStderr())
	clients, err := live.Connect(ctx, o)
	if err != nil {
		return true, usageError("cannot ask AWS: %s", o.Why(err, d.region))
	}
	w := &watcher{reader: live.New(clients), name: d.environment, screen: newScreen(c.ErrOrStderr()), seen: map[string]bool{},
		from: time.Now().Add(-2 * time.Minute), last: time.Now()}
	defer w.screen.done()
	err = w.run(ctx)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		w.screen.line("beanpole: stopped watching; this is what can be told so far")
		return false, nil
	case err != nil:
		return true, cannotRead(err, &o, clients.Region)
	case w.gone:
		w.screen.now("")
		return true, d.ofEvents(c, w.events)
	}
	return false, nil
}

// ofEvents diagnoses an environment of which nothing is left but its events.
func (d *diagnosing) ofEvents(c *cobra.Command, events []reading.Event) error {
	newest := slices.Clone(events)
	slices.Reverse(newest)
	d.reading = &reading.Reading{Environment: &reading.Environment{Name: d.environment, Status: "Terminated", Events: newest}}
	read, err := d.readAccount(c.InOrStdin())
	if err != nil {
		return err
	}
	e := &diagnose.Explained{Diagnosis: diagnose.Logs(read)}
	if err := d.write(c.OutOrStdout(), e); err != nil {
		return err
	}
	return status(e)
}

// muteFor is how long AWS may give no answer before the watching ends.
var muteFor = 5 * time.Minute

func (w *watcher) run(ctx context.Context) error {
	for {
		events, status, err := w.reader.News(ctx, w.name, w.from)
		w.print(events)
		switch {
		case err == nil:
			w.met, w.mute = true, time.Time{}
		case w.met && errors.Is(err, live.ErrNone):
			w.screen.line("environment %s is Terminated", clean(w.name))
			w.gone = true
			return nil
		case !w.waits(err, time.Now()):
			return err
		}
		if err == nil && !live.Deploying(status) {
			w.screen.line("environment %s is %s", clean(w.name), status)
			return nil
		}
		w.explain(time.Now())
		if err := pause(ctx, watchEvery); err != nil {
			return err
		}
	}
}

// waits tells whether an error is worth waiting for: AWS throttles, or does not
// answer for a while. It says so once.
func (w *watcher) waits(err error, now time.Time) bool {
	switch {
	case !w.met || !live.Passing(err):
		return false
	case w.mute.IsZero():
		w.mute = now
		w.screen.line("  … AWS gives no answer (%s); still watching", clean(live.Reason(err)))
	}
	return now.Sub(w.mute) < muteFor
}

func (w *watcher) print(events []reading.Event) {
	for _, e := range events {
		key := fmt.Sprint(e.EventDate.UnixNano(), e.Message)
		if w.seen[key] {
			continue
		}
		w.seen[key] = true
		w.events = append(w.events, e)
		text := clean(diagnose.Hide(e.Message))
		w.screen.line("%s    %-5s   %s", e.EventDate.UTC().Format("2006-01-02 15:04:05"), e.Severity, text)
		w.last, w.words, w.said = time.Now(), e.Message, false
		w.screen.now(text)
	}
}

// explain says once for each silence what is going on.
func (w *watcher) explain(now time.Time) {
	if w.said || now.Sub(w.last) < quietFor {
		return
	}
	w.said = true
	w.screen.line("%s", "  … "+silence(w.words))
}
