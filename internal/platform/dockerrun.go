package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Names of what the Docker platform works with. [log: eb-engine.log;
// EB:single-container-docker-configuration]
const (
	DockerrunFile  = "Dockerrun.aws.json"
	Dockerfile     = "Dockerfile"
	StagingImage   = "aws_beanstalk/staging-app"
	CurrentImage   = "aws_beanstalk/current-app"
	ContainerLogs  = "/var/log/eb-docker/containers/eb-current-app" // where the container's output goes
	DockerMissing  = "Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your source bundle. Include at least one of them. The deployment failed."
	DockerNoPull   = "Instance deployment failed to download the Docker image. The deployment failed."
	DockerNoBuild  = "Instance deployment failed to build the Docker image. The deployment failed."
	ContainerEnded = "Instance deployment: The Docker container unexpectedly ended after it was started."
)

// ComposeFiles are the names under which the platform looks for Docker
// Compose's file, which comes before all else since Amazon Linux 2.
// [EB:single-container-docker-configuration]
var ComposeFiles = []string{"docker-compose.yml", "docker-compose.yaml"}

// Dockerrun is a Dockerrun.aws.json of version 1: one container.
// [EB:single-container-docker-configuration]
type Dockerrun struct {
	Version string // of AWSEBDockerrunVersion
	Image   string // "" where a Dockerfile makes it
	Keep    bool   // Update is false: an image that is there is not fetched again
	Port    int    // first ContainerPort, which the proxy leads to; 0: none
	Volumes []DockerVolume
	Logging string // folder in the container whose logs are collected
	// Entrypoint and Command are lines, split as a shell does; "" for the image's.
	Entrypoint, Command string
	Bucket, Key         string // of the file that logs in to the registry
}

// DockerVolume is a folder of the instance that the container sees.
type DockerVolume struct{ Host, Container string }

// word is a string, a number or a boolean: files are written either way.
type word string

func (w *word) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*w = word(s)
		return nil
	}
	if t := strings.TrimSpace(string(data)); t == "null" {
		*w = ""
	} else if t != "" && !strings.ContainsAny(t[:1], "[{") {
		*w = word(t)
	} else {
		return errors.New("a text or a number is wanted")
	}
	return nil
}

// ParseDockerrun reads a Dockerrun.aws.json, of whatever version; what belongs
// to other versions than 1 is left out.
func ParseDockerrun(text string) (*Dockerrun, error) {
	var f struct {
		AWSEBDockerrunVersion word
		Image                 struct{ Name, Update word }
		Ports                 []struct{ ContainerPort word }
		Volumes               []struct{ HostDirectory, ContainerDirectory word }
		Logging               word
		Entrypoint, Command   word
		Authentication        struct{ Bucket, Key word }
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &f); err != nil {
		return nil, fmt.Errorf("read %s: %w", DockerrunFile, err)
	}
	d := &Dockerrun{Version: string(f.AWSEBDockerrunVersion), Image: string(f.Image.Name), Keep: strings.EqualFold(string(f.Image.Update), "false"),
		Logging: string(f.Logging), Entrypoint: string(f.Entrypoint), Command: string(f.Command),
		Bucket: string(f.Authentication.Bucket), Key: string(f.Authentication.Key)}
	if len(f.Ports) > 0 && f.Ports[0].ContainerPort != "" {
		p, err := strconv.ParseUint(string(f.Ports[0].ContainerPort), 10, 16)
		if err != nil || p == 0 {
			return nil, fmt.Errorf("read %s: ContainerPort %q is no port", DockerrunFile, string(f.Ports[0].ContainerPort))
		}
		d.Port = int(p)
	}
	for _, v := range f.Volumes {
		if v.HostDirectory != "" && v.ContainerDirectory != "" {
			d.Volumes = append(d.Volumes, DockerVolume{string(v.HostDirectory), string(v.ContainerDirectory)})
		}
	}
	return d, nil
}
