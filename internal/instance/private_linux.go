package instance

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
)

// kept is a file or folder that the machine keeps from its ordinary users.
type kept struct {
	path string
	dir  bool
}

// privateBelow finds what the machine keeps from its ordinary users in some of its
// folders: keys, password hashes, saved connections. Of a folder that is kept,
// the folder alone is named.
func privateBelow(folders ...string) (found []kept, err error) {
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(at string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if e.Type()&fs.ModeSymlink != 0 {
				return nil
			}
			fi, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) || err == nil && fi.Mode()&fs.ModeSymlink != 0 {
				return nil
			}
			if err != nil {
				return err
			}
			switch {
			case fi.IsDir() && fi.Mode()&0o005 != 0o005:
				found = append(found, kept{at, true})
				return fs.SkipDir
			case !fi.IsDir() && fi.Mode()&0o004 == 0:
				found = append(found, kept{at, false})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// machinesOwn is the look at this machine's private files that instances share
// which start at the same time.
var machinesOwn = newTogether[[]kept]()

// together lets callers that come while something is done share the next time it
// is done. What a caller gets was begun after it asked.
type together[T any] struct {
	doing chan struct{} // holds one
	mu    sync.Mutex
	next  *shared[T] // nobody does it yet
}

func newTogether[T any]() *together[T] { return &together[T]{doing: make(chan struct{}, 1)} }

// shared is a result of which several wait.
type shared[T any] struct {
	asked int // callers that wait
	done  chan struct{}
	value T
	err   error
}

// f is told how many callers get its result.
func (t *together[T]) do(f func(asked int) (T, error)) (T, error) {
	t.mu.Lock()
	s, first := t.next, t.next == nil
	if first {
		s = &shared[T]{done: make(chan struct{})}
		t.next = s
	}
	s.asked++
	t.mu.Unlock()
	if first {
		t.doing <- struct{}{}
		t.mu.Lock()
		t.next = nil // who comes from now on waits for the one after
		t.mu.Unlock()
		s.value, s.err = f(s.asked)
		<-t.doing
		close(s.done)
	}
	<-s.done
	return s.value, s.err
}
