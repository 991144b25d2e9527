package door

import "time"

// The SDK's shapes hold optional members as pointers. These go to and fro.

// Value is what p points to, the zero value for nil.
func Value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// Pointer points to v.
func Pointer[T any](v T) *T { return &v }

// Given is nil for a zero value, so that an answer leaves it out.
func Given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// GivenTime is nil for a time that is not set.
func GivenTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
