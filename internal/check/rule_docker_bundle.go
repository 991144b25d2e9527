package check

import (
	"fmt"
	"slices"
	"strings"

	"beanpole/internal/finding"
	"beanpole/internal/platform"
)

var dockerNothingToRun = &Rule{
	Slug:  "docker-nothing-to-run",
	Title: "a Docker bundle holds nothing to run",
	Why: `The Docker platform of Amazon Linux 2 and 2023 runs what docker-compose.yml says,
else what a Dockerfile makes, else the image of Dockerrun.aws.json. The names are taken
as they are, at the root of the bundle: dockerfile and docker/Dockerfile are not seen.`,
	Before: "app/docker/Dockerfile",
	After:  "app/Dockerfile",
	Since:  "0.2.0",

	find: func(r *run) []*finding.Finding {
		if !r.platform.Known {
			return nil
		}
		if of := platform.Of(r.platform); of.Language != platform.Docker || of.AL1() {
			return nil
		}
		names := append([]string{platform.DockerrunFile, platform.Dockerfile}, platform.ComposeFiles...)
		application := func(name string) bool { return !strings.HasPrefix(name, ".") } // else only a part was given
		if !slices.ContainsFunc(r.in.Bundle.Names(), application) || slices.ContainsFunc(names, r.in.Bundle.Has) {
			return nil
		}
		f := fileFinding("docker-nothing-to-run", finding.Error, r.in.Bundle.Path())
		f.Message = "the deployment will fail: the bundle's root holds neither Dockerfile nor Dockerrun.aws.json nor docker-compose.yml"
		note(f, "on AWS", platform.DockerMissing)
		note(f, "fix", "put one of them at the bundle's root, by that name, and see that .gitignore and .ebignore leave it in")
		return []*finding.Finding{f}
	},
}

var dockerrunVersion = &Rule{
	Slug:  "dockerrun-version",
	Title: "the platform refuses the version of Dockerrun.aws.json",
	Why: `AWSEBDockerrunVersion 1 is for one container, on the Docker platform. Version 2 is for
several by Amazon ECS, on the ECS platforms alone. Version 3 stands beside
docker-compose.yml on the Docker platform of Amazon Linux 2 and 2023, and says where
to log in.`,
	Before: `{"AWSEBDockerrunVersion": 2, "containerDefinitions": [...]}`,
	After:  `{"AWSEBDockerrunVersion": 1, "Image": {"Name": "shop/web"}, "Ports": [{"ContainerPort": 8080}]}`,
	Since:  "0.2.0",

	find: func(r *run) []*finding.Finding {
		if !r.platform.Known || !r.in.Bundle.Has(platform.DockerrunFile) {
			return nil
		}
		of := platform.Of(r.platform)
		data, err := r.in.Bundle.Read(platform.DockerrunFile)
		if err != nil || of.Language != platform.Docker && of.Language != platform.ECS {
			return nil
		}
		d, err := platform.ParseDockerrun(string(data))
		if err != nil {
			return nil
		}
		takes := []string{"1"}
		switch {
		case of.Language == platform.ECS:
			takes = []string{"2"}
		case !of.AL1() && slices.ContainsFunc(platform.ComposeFiles, r.in.Bundle.Has):
			return nil // compose's file counts
		}
		if slices.Contains(takes, d.Version) {
			return nil
		}
		f := fileFinding("dockerrun-version", finding.Error, platform.DockerrunFile)
		f.Message = fmt.Sprintf("the deployment will fail: AWSEBDockerrunVersion is %q, and the platform %s takes %s", d.Version, r.platform.Branch, takes[0])
		note(f, "on AWS", "Invalid Dockerrun.aws.json version, abort deployment")
		note(f, "fix", fmt.Sprintf("write a file of version %s, or take the platform of the file's version (1: Docker, 2: ECS, 3: Docker with docker-compose.yml)", takes[0]))
		return []*finding.Finding{f}
	},
}
