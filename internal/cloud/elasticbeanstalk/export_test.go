package elasticbeanstalk

import "time"

// SetPause replaces the pauses before instances are replaced.
func (s *Service) SetPause(f func(n int) time.Duration) { s.pause = f }

// SetServiceWait replaces the longest wait for instances to pass health checks.
func (s *Service) SetServiceWait(d time.Duration) { s.serviceWait = d }
