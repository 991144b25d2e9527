package instance

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWhoAsksTogetherSharesWhatBeganAfterAllHadAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newTogether[int64]()
		var times atomic.Int64
		gate := make(chan struct{})
		work := func(asked int) (int64, error) {
			n := times.Add(1)
			if want := map[int64]int{1: 1, 2: 19, 3: 1}[n]; asked != want {
				t.Errorf("at time %d %d have asked instead of %d", n, asked, want)
			}
			<-gate
			return n, errors.New("as it is")
		}
		var wg sync.WaitGroup
		ask := func(want int64) {
			wg.Go(func() {
				if n, err := all.do(work); n != want || err == nil {
					t.Errorf("the result is %d (%v) instead of that of time %d", n, err, want)
				}
			})
		}
		ask(1)
		synctest.Wait() // it is at work
		for range 19 {
			ask(2) // what is at work began before they asked
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		ask(3)
		wg.Wait()
		if n := times.Load(); n != 3 {
			t.Errorf("done %d times", n)
		}
	})
}
