// Package engine is what runs on an instance: PID 1, and the platform engine
// that carries out the commands of Elastic Beanstalk's command service in the
// order in which the platforms of Amazon Linux 1, 2 and 2023 do.
package engine
