package cli

import (
	"fmt"
	"io"
)

// sink is an output that remembers that it could not be written: a report
// which nobody can read must not end like one that found nothing.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

// or is a command's error, or that of its output.
func (s *sink) or(err error) error {
	if s.err != nil {
		return fmt.Errorf("write the output: %w", s.err)
	}
	return err
}
