package state

import (
	"encoding/json"
	"fmt"
	"sync"
)

// late are records on their way to the disk, see Later.
type late struct {
	mu      sync.Mutex
	queue   []lateRecord
	open    int  // records that are not on disk yet
	writing bool // a writer is at work, or about to be
	err     error
	writers sync.WaitGroup
}

type lateRecord struct {
	kind, key string
	data      []byte
}

// Later is Put for the steps of work in the background, for which nobody has
// been given an answer yet: it does not wait for the disk. What comes together
// is written together, always before anything that Update, Put or Delete write
// after it; so a process that is killed leaves the past as it was at one
// moment. The error is that of an earlier write. No kind of which the
// account's view is made can be written so.
func (s *State) Later(kind, key string, v any) error {
	if viewed[kind] {
		return fmt.Errorf("write %s %q later: the account is made of it", kind, key)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s %q: %w", kind, key, err)
	}
	l := &s.late
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, lateRecord{kind, key, data})
	l.open++
	s.wake()
	err, l.err = l.err, nil
	return err
}

// wake sees that somebody writes the queue. The caller holds late.mu.
func (s *State) wake() {
	if s.late.writing || len(s.late.queue) == 0 {
		return
	}
	s.late.writing = true
	s.late.writers.Go(s.writeLate)
}

func (s *State) writeLate() {
	l := &s.late
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.writing = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		if err := s.settle(); err != nil {
			l.mu.Lock()
			l.err, l.writing = err, false // the next Later tries again
			l.mu.Unlock()
			return
		}
	}
}

// settle writes what is queued, and returns when it is on disk.
func (s *State) settle() error { return s.Update(func(*Tx) error { return nil }) }

// settled waits for what Later was given before, if that is not on disk.
func (s *State) settled() error {
	s.late.mu.Lock()
	open := s.late.open
	s.late.mu.Unlock()
	if open == 0 {
		return nil
	}
	return s.settle()
}

// takeLate puts what is queued into a transaction.
func (s *State) takeLate(tx *Tx) ([]lateRecord, error) {
	s.late.mu.Lock()
	taken := s.late.queue
	s.late.queue = nil
	s.late.mu.Unlock()
	for _, r := range taken {
		if err := tx.put(r.kind, r.key, r.data); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// lateDone ends what takeLate began: the records are on disk, or go back.
func (s *State) lateDone(taken []lateRecord, written bool) {
	if len(taken) == 0 {
		return
	}
	l := &s.late
	l.mu.Lock()
	defer l.mu.Unlock()
	if written {
		l.open -= len(taken)
		return
	}
	l.queue = append(taken, l.queue...)
	s.wake()
}
