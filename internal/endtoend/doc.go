// Package endtoend holds the promises that only whole programs can keep, as
// tests: the real beanpole, run as its users run it, with real instances, an
// unmodified curl and an unmodified AWS CLI, interrupted and killed at bad
// moments. It has no code of its own. Its tests need Linux, root, runc and
// nginx, and say so where they skip.
package endtoend
