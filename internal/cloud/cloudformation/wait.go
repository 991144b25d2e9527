package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"beanpole/internal/aws"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

// longestWait is how long a resource may wait for its signals on AWS
// [CFN:aws-attribute-creationpolicy, CFN:aws-resource-cloudformation-waitcondition].
const longestWait = 12 * time.Hour

// waitHandle is AWS::CloudFormation::WaitConditionHandle; Ref is its address,
// to which anybody can put a signal
// [CFN:aws-resource-cloudformation-waitconditionhandle].
var waitHandle = kind{
	create: func(q *request) (made, error) {
		bucket, host := handleBucket+q.stack.Region, "s3.amazonaws.com"
		if q.stack.Region != "us-east-1" {
			host = "s3." + q.stack.Region + ".amazonaws.com"
		}
		q.s.mu.Lock()
		delete(q.s.boxes, q.stack.ID+"/"+q.logical) // what an earlier handle of this name got
		q.s.mu.Unlock()
		key := url.QueryEscape(q.stack.ID + "/" + q.logical)
		query := aws.PresignV2S3("PUT", bucket, key, q.s.state.OwnKey(), q.s.now().Add(2*longestWait))
		return made{physical: "https://" + bucket + "." + host + "/" + key + "?" + query}, nil
	},
	update: notUpdated("WaitConditionHandle"),
}

// waitCondition is AWS::CloudFormation::WaitCondition. Whether it has a handle
// or a creation policy, waitFor does the waiting.
var waitCondition = kind{
	create: func(q *request) (made, error) {
		return made{physical: q.stack.ID + "/" + q.logical, attributes: map[string]string{"Data": "{}"}}, nil
	},
	update: notUpdated("WaitCondition"),
}

func notUpdated(typ string) func(*request) (made, error) {
	return func(*request) (made, error) {
		return made{}, because("Update to resource type AWS::CloudFormation::%s is not supported.", typ)
	}
}

// manyInstances are types of which each instance signals: failures are counted
// and told one by one.
var manyInstances = map[string]bool{"AWS::AutoScaling::AutoScalingGroup": true}

// wait is what a resource waits for.
type wait struct {
	box     *mailbox
	count   int // signals
	percent int // of them that must be successes; 100 but for Auto Scaling groups
	within  time.Duration
	byGroup bool // an Auto Scaling group's
	handle  bool // signals are put to a handle
}

// waitOf is what a resource that was made waits for; nil for nothing. The error
// is a status reason.
func (s *Service) waitOf(st *stack, r *resource, props, policy *source.Node) (*wait, error) {
	w := &wait{count: 1, percent: 100, within: 5 * time.Minute, byGroup: manyInstances[r.Type]}
	var err error
	switch {
	case policy.Get("ResourceSignal") != nil:
		if n := policy.At("ResourceSignal", "Count"); n != nil {
			if w.count, err = strconv.Atoi(n.Value()); err != nil || w.count < 0 {
				return nil, because("Invalid Count in the CreationPolicy: %s", n.Value())
			}
		}
		if text := policy.At("ResourceSignal", "Timeout").TextOr(""); text != "" {
			if w.within, err = isoDuration(text); err != nil {
				return nil, err
			}
		}
	case r.Type == "AWS::CloudFormation::WaitCondition":
		if w, err = waitOnHandle(props); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	if n := policy.At("AutoScalingCreationPolicy", "MinSuccessfulInstancesPercent"); w.byGroup && n != nil {
		if w.percent, err = strconv.Atoi(n.Value()); err != nil || w.percent < 0 || w.percent > 100 {
			return nil, because("Invalid MinSuccessfulInstancesPercent: %s", n.Value())
		}
	}
	if w.count == 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	logical := r.LogicalID
	if w.handle {
		if logical = st.handle(props.Get("Handle").TextOr("")); logical == "" {
			return nil, because("WaitCondition handle %s is no handle of this stack", props.Get("Handle").TextOr(""))
		}
	}
	if !w.handle {
		delete(s.boxes, st.ID+"/"+logical) // what an earlier resource of this name got
	}
	w.box = s.box(st.ID, logical)
	w.box.waits = true
	return w, nil
}

// waitOnHandle reads a wait condition's properties.
func waitOnHandle(props *source.Node) (*wait, error) {
	w := &wait{count: 1, percent: 100, handle: true}
	for _, name := range []string{"Handle", "Timeout"} {
		if !props.Get(name).IsScalar() {
			return nil, because("Property %s cannot be empty.", name)
		}
	}
	var err error
	if n := props.Get("Count"); n != nil {
		if w.count, err = strconv.Atoi(n.Value()); err != nil || w.count < 1 {
			return nil, because("Invalid Count: %s", n.Value())
		}
	}
	seconds, err := strconv.Atoi(props.Get("Timeout").Value())
	if err != nil || seconds < 0 {
		return nil, because("Invalid Timeout: %s", props.Get("Timeout").Value())
	}
	w.within = time.Duration(seconds) * time.Second
	return w, nil
}

// handle is the logical ID of the handle with an address, "" for none. The
// caller holds the service's mu.
func (st *stack) handle(address string) string {
	for _, r := range st.Resources {
		if r.Type == "AWS::CloudFormation::WaitConditionHandle" && r.PhysicalID == address {
			return r.LogicalID
		}
	}
	return ""
}

var iso = lazyregexp.New(`^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$`)

// isoDuration reads PT#H#M#S.
func isoDuration(text string) (time.Duration, error) {
	m := iso.FindStringSubmatch(text)
	if m == nil || text == "PT" {
		return 0, because("Invalid Timeout: %s is not of the form PT#H#M#S", text)
	}
	var d time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, _ := strconv.ParseInt("0"+m[i+1], 10, 32) // digits, or none; beyond 32 bits the largest
		d += time.Duration(n) * unit
	}
	return d, nil
}

// bounded is how long a wait may take here.
func (s *Service) bounded(w *wait) time.Duration {
	within := min(w.within, longestWait)
	if s.patience > 0 {
		within = min(within, s.patience)
	}
	return within
}

// announce tells that a resource waits, and for how long at most.
func (s *Service) announce(st *stack, r *resource, w *wait) error {
	within := s.bounded(w)
	note := fmt.Sprintf("beanpole: waits for %s, %s at most", countOf(w.count), within)
	if within < w.within {
		note += fmt.Sprintf(" (on AWS %s)", w.within)
	}
	return s.mark(st, r, types.ResourceStatusCreateInProgress, note)
}

// await waits for a resource's signals; ok is false when it failed, which its
// record tells then. The error is ours, or of an operation cut short.
func (s *Service) await(ctx context.Context, st *stack, r *resource, w *wait) (ok bool, err error) {
	defer func() {
		s.mu.Lock()
		w.box.waits = false
		s.mu.Unlock()
	}()
	end := time.NewTimer(s.bounded(w))
	defer end.Stop()
	for late := false; ; {
		s.mu.Lock()
		signals, news := w.box.signals, w.box.news
		s.mu.Unlock()
		if why, done := w.judge(signals, late); done {
			return s.waited(st, r, w, signals, why)
		}
		select {
		case <-news:
		case <-end.C:
			late = true
			if w.byGroup {
				if err := s.mark(st, r, types.ResourceStatusCreateInProgress, w.missing(len(signals))); err != nil {
					return false, err
				}
			}
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func countOf(n int) string {
	if n == 1 {
		return "1 signal"
	}
	return fmt.Sprintf("%d signals", n)
}

// missing is what an Auto Scaling group's event says of instances that are
// silent.
func (w *wait) missing(had int) string {
	return fmt.Sprintf("Failed to receive %d resource signal(s) for the current batch.  Each resource signal timeout is counted as a FAILURE.", w.count-had)
}

// judge tells whether the wait is over and, when it failed, why in
// CloudFormation's words [as posted by users].
func (w *wait) judge(signals []signal, late bool) (why string, done bool) {
	good, bad := 0, 0
	for _, sig := range signals {
		switch {
		case sig.Status == success:
			good++
		case w.handle:
			return fmt.Sprintf("WaitCondition received failed message: '%s' for uniqueId: %s", sig.Reason, sig.ID), true
		case !w.byGroup:
			return "Received FAILURE signal with UniqueId " + sig.ID, true
		default:
			bad++
		}
	}
	switch {
	case w.byGroup && good+bad < w.count && !late:
		return "", false
	case good*100 >= w.count*w.percent:
		return "", true
	case w.byGroup && bad > 0:
		return fmt.Sprintf("Received %d FAILURE signal(s) out of %d.  Unable to satisfy %d%% MinSuccessfulInstancesPercent requirement", bad, w.count, w.percent), true
	case w.byGroup:
		return fmt.Sprintf("Received %d SUCCESS signal(s) out of %d.  Unable to satisfy %d%% MinSuccessfulInstancesPercent requirement", good, w.count, w.percent), true
	case late && w.handle:
		return fmt.Sprintf("WaitCondition timed out. Received %d conditions when expecting %d", good, w.count), true
	case late:
		return fmt.Sprintf("Failed to receive %d resource signal(s) within the specified duration", w.count-good), true
	}
	return "", false
}

// waited ends a wait.
func (s *Service) waited(st *stack, r *resource, w *wait, signals []signal, why string) (ok bool, err error) {
	if why != "" {
		return false, s.mark(st, r, types.ResourceStatusCreateFailed, why)
	}
	if w.handle {
		data := map[string]string{}
		for _, sig := range signals {
			data[sig.ID] = sig.Data
		}
		text, err := json.Marshal(data)
		if err != nil {
			return false, fmt.Errorf("write the data of %s: %w", r.LogicalID, err)
		}
		s.mu.Lock()
		r.Attributes = map[string]string{"Data": string(text)}
		s.mu.Unlock()
	}
	return true, s.mark(st, r, types.ResourceStatusCreateComplete, noteOn(r))
}

// waiting are the resources of a creation that wait for their signals while
// others are made.
type waiting struct {
	s      *Service
	st     *stack
	outer  context.Context // of the creation
	ctx    context.Context // of the waits
	cancel context.CancelFunc
	ends   map[string]chan struct{} // by logical ID, closed at the end of the wait
	ended  chan string              // logical IDs at the end of their waits

	heard int // how many ends were taken note of

	mu     sync.Mutex
	failed bool
	err    error
}

// waiting is for a stack of so many resources.
func (s *Service) waiting(ctx context.Context, st *stack, resources int) *waiting {
	inner, cancel := context.WithCancel(ctx)
	return &waiting{s: s, st: st, outer: ctx, ctx: inner, cancel: cancel, ends: map[string]chan struct{}{}, ended: make(chan string, resources)}
}

// start has a resource wait beside what else is done.
func (w *waiting) start(r *resource, on *wait) {
	end := make(chan struct{})
	w.ends[r.LogicalID] = end
	go func() {
		defer func() { w.ended <- r.LogicalID }() // there is room
		defer close(end)
		ok, err := w.s.await(w.ctx, w.st, r, on)
		if ok || w.ctx.Err() != nil {
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failed, w.err = true, errors.Join(w.err, err)
	}()
}

// waits reports whether a resource waits now.
func (w *waiting) waits(id string) bool {
	end := w.ends[id]
	if end == nil {
		return false
	}
	select {
	case <-end:
		return false
	default:
		return true
	}
}

// next waits until one of the waits ends; ok is false when one has failed.
func (w *waiting) next() (ok bool, err error) {
	w.s.idle(w.st, true)
	defer w.s.idle(w.st, false)
	<-w.ended
	w.heard++
	if err := w.outer.Err(); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.failed, w.err
}

// all waits until all have ended, or one has failed: ok is false then.
func (w *waiting) all() (ok bool, err error) {
	for ok = true; ok && err == nil && w.heard < len(w.ends); {
		ok, err = w.next()
	}
	return ok, err
}

// stop ends the waits that are left; their resources are cancelled.
func (w *waiting) stop() error {
	w.cancel()
	for id, end := range w.ends {
		<-end
		r := w.st.resource(id)
		if w.outer.Err() != nil || r == nil || r.Status != types.ResourceStatusCreateInProgress {
			continue
		}
		if err := w.s.mark(w.st, r, types.ResourceStatusCreateFailed, "Resource creation cancelled"); err != nil {
			return err
		}
	}
	return nil
}

// idle notes that nothing is left to do on a stack but to wait for signals.
func (s *Service) idle(st *stack, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.idle = yes
}

// Waiting reports whether a stack's creation goes no further without signals.
func (s *Service) Waiting(stackName string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.find(stackName)
	return st != nil && st.idle
}
