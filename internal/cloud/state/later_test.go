package state

import (
	"errors"
	"fmt"
	"testing"
)

func TestWhatIsWrittenLaterIsReadAtOnceAndStaysInOrder(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := s.Later("step", fmt.Sprintf("%03d", i), i); err != nil {
			t.Fatal(err)
		}
		if err := s.Later("last", "only", i); err != nil {
			t.Fatal(err)
		}
	}
	// A transaction that fails must not take them down with it.
	if err := s.Update(func(*Tx) error { return errors.New("no") }); err == nil {
		t.Error("a failed update has no error")
	}
	var last int
	if ok, err := s.Get("last", "only", &last); !ok || err != nil || last != 99 {
		t.Errorf("the last value is %d, %v, %v", last, ok, err)
	}
	if err := s.Later("last", "only", 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Put("last", "only", 101); err != nil {
		t.Fatal(err)
	}
	if err := s.Later("step", "100", 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n := 0
	err = s.Each("step", func(key string, _ []byte) error {
		if key != fmt.Sprintf("%03d", n) {
			t.Errorf("record %d is %s", n, key)
		}
		n++
		return nil
	})
	if err != nil || n != 101 {
		t.Errorf("%d records, %v", n, err)
	}
	if ok, err := s.Get("last", "only", &last); !ok || err != nil || last != 101 {
		t.Errorf("the last value is %d, %v, %v: what was written later came after what was written after it", last, ok, err)
	}
}

func TestWhatTheAccountIsMadeOfIsNeverWrittenLater(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Later("role", "r", Role{Name: "r"}); err == nil {
		t.Error("a role was written later")
	}
}
