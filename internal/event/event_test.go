package event

import (
	"sync"
	"testing"
	"time"
)

func TestTimesNeverGoBackwardsAndTheSinkSeesThemInOrder(t *testing.T) {
	var log Log
	var seen []Event
	log.Sink = func(e Event) { seen = append(seen, e) }
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	log.Add(Event{Time: at, Message: "a"})
	log.Add(Event{Time: at, Message: "b"})
	log.Add(Event{Time: at.Add(-time.Hour), Message: "c"})
	got := log.Since(0)
	for i, want := range []string{"a", "b", "c"} {
		if got[i].Message != want || seen[i] != got[i] {
			t.Errorf("event %d is %+v, the sink saw %+v", i, got[i], seen[i])
		}
		if i > 0 && !got[i].Time.After(got[i-1].Time) {
			t.Errorf("event %d is not after the one before", i)
		}
	}
}

func TestReplayIsNotToldToTheSinkAndComesFirst(t *testing.T) {
	var log Log
	told := 0
	log.Sink = func(Event) { told++ }
	log.Replay([]Event{{Message: "old", Time: time.Now().Add(time.Hour)}})
	log.Add(Event{Message: "new"})
	got := log.Since(0)
	if told != 1 || len(got) != 2 || got[0].Message != "old" || !got[1].Time.After(got[0].Time) {
		t.Errorf("told %d, events %+v", told, got)
	}
}

func TestSinceIsSafeBeyondBothEnds(t *testing.T) {
	var log Log
	log.Add(Event{Message: "a"})
	if got := log.Since(-3); len(got) != 1 {
		t.Errorf("from before the first: %v", got)
	}
	if got := log.Since(7); got != nil {
		t.Errorf("from behind the last: %v", got)
	}
}

func TestSubscribersMissNoEventOfManyWriters(t *testing.T) {
	var log Log
	news, end := log.Subscribe()
	const writers, each = 8, 50
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				log.Add(Event{Message: "x"})
			}
		})
	}
	for seen := 0; seen < writers*each; {
		select {
		case <-news:
			seen += len(log.Since(seen))
		case <-time.After(10 * time.Second):
			t.Fatalf("no news after %d events", seen)
		}
	}
	all.Wait()
	select { // the last of the news may have been read already
	case <-news:
	default:
	}
	end()
	log.Add(Event{Message: "y"})
	select {
	case <-news:
		t.Error("told after the subscription ended")
	default:
	}
}
