// Package agreement holds the project's central promise as a test: random
// worlds are predicted by `check` and then run by the agent over HTTP against
// the local cloud, and outcome and error text must be equal. Those that fail are
// deployed, and `diagnose` must name the planted cause. It has no code of its own.
package agreement
