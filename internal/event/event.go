// Package event is the ordered record of what happened to environments and
// stacks, with subscribe and replay.
package event

import (
	"sync"
	"time"
)

// Severity is Elastic Beanstalk's (DescribeEvents).
type Severity string

const (
	Trace Severity = "TRACE"
	Debug Severity = "DEBUG"
	Info  Severity = "INFO"
	Warn  Severity = "WARN"
	Error Severity = "ERROR"
	Fatal Severity = "FATAL"
)

// Event is one line of the record.
type Event struct {
	Time        time.Time
	Severity    Severity
	Message     string
	Application string
	Environment string
	// EnvironmentID tells environments of one name apart.
	EnvironmentID string
	VersionLabel  string
	Platform      string // platform ARN
	RequestID     string
}

// Log keeps events in order. Its zero value is ready; it is safe for
// concurrent use.
type Log struct {
	mu     sync.Mutex
	events []Event
	subs   map[chan struct{}]bool
	// Sink, when set before first use, is called with each event in order.
	Sink func(Event)
}

// Add appends e; a zero Time becomes now. Times never go backwards.
func (l *Log) Add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	if n := len(l.events); n > 0 && !e.Time.After(l.events[n-1].Time) {
		e.Time = l.events[n-1].Time.Add(time.Millisecond)
	}
	l.events = append(l.events, e)
	if l.Sink != nil {
		l.Sink(e)
	}
	for c := range l.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Replay puts earlier events back without telling Sink, for a restart.
func (l *Log) Replay(es []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, es...)
}

// Since returns the events from index n on, oldest first.
func (l *Log) Since(n int) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = max(n, 0)
	if n >= len(l.events) {
		return nil
	}
	return append([]Event(nil), l.events[n:]...)
}

// Subscribe returns a channel that gets a value when there is something new,
// and the function that ends it.
func (l *Log) Subscribe() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.subs == nil {
		l.subs = map[chan struct{}]bool{}
	}
	l.subs[c] = true
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.subs, c)
	}
}
