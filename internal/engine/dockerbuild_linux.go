package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"beanpole/internal/docker"
	"beanpole/internal/docker/build"
	"beanpole/internal/platform"
)

// buildLimit is how long AWS's engine lets a build take, whatever the option
// Timeout says. [log: eb-engine.log "failed to build docker image: Command timed
// out after 300 seconds"]
const buildLimit = 300 * time.Second

// buildDockerfile builds the version's image of its Dockerfile, and says what
// the engine says when that fails.
func (d *deployment) buildDockerfile(ctx context.Context, c *docker.Client, output io.Writer) error {
	command := "docker build -t " + platform.StagingImage + " " + d.at.Staging + "/"
	d.note("Running command: /bin/sh -c %s", command)
	limited, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	var said bytes.Buffer
	img, err := build.Build(limited, c, build.Options{Context: d.staging(), Name: platform.StagingImage, Output: io.MultiWriter(output, &said)})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case limited.Err() != nil:
		d.tell("ERROR", platform.DockerNoBuild)
		return fmt.Errorf("failed to build docker image: Command /bin/sh -c %s failed with error Command timed out after %d seconds", command, int(buildLimit.Seconds()))
	case err != nil:
		d.tell("ERROR", platform.DockerNoBuild)
		return fmt.Errorf("failed to build docker image: Command /bin/sh -c %s failed with error exit status 1. Stderr:%w\n%s", command, err, lastLines(said.String(), 10))
	}
	d.image.Image = *img
	return nil
}

// lastLines is the end of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
