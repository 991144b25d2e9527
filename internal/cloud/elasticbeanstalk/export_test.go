package elasticbeanstalk

import "time"

// SetPause replaces the pauses before instances are replaced.
func (s *Service) SetPause(f func(n int) time.Duration) { s.pause = f }
