package engine

import (
	"context"
	"errors"
	"io"

	"beanpole/internal/docker"
)

// buildDockerfile builds the version's image.
func (d *deployment) buildDockerfile(context.Context, *docker.Client, io.Writer) error {
	d.tell("ERROR", "beanpole: it does not build Dockerfiles yet, which AWS would; a Dockerrun.aws.json that names an image runs here")
	return errors.New("Dockerfiles are not built here")
}
