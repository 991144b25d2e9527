// Command beanpole runs an AWS Elastic Beanstalk deployment on your own
// machine and says, before AWS does, whether the instance will get what it
// needs, and if not, why, and what to change.
package main

import (
	"os"

	"beanpole/internal/cli"
)

func main() {
	os.Exit(cli.Run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}
