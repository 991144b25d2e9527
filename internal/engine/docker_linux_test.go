package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"beanpole/internal/docker"
	"beanpole/internal/docker/testimage"
	"beanpole/internal/instance"
)

const docker2023 = "64bit Amazon Linux 2023 v4.5.2 running Docker"

// testRegistry answers for the images of a test.
func testRegistry(t *testing.T, images map[string]instance.Pulled) func(context.Context, docker.Pull) (*instance.Pulled, error) {
	return func(_ context.Context, p docker.Pull) (*instance.Pulled, error) {
		if i, ok := images[p.Name]; ok {
			return &i, nil
		}
		return nil, errors.New("pull access denied for " + p.Name)
	}
}

// shellImage is an image with a shell, and a server of busybox's.
func shellImage(t *testing.T, c docker.Config) instance.Pulled {
	t.Helper()
	return instance.Pulled{Root: testimage.Root(t, "sh", "cat", "id", "ls", "echo", "mkdir", "cp", "sleep", "busybox"), Digest: "sha256:" + strings.Repeat("12", 32), Config: c}
}

// serve is a command that serves its environment and its folder.
var serve = []string{"/bin/sh", "-c", "mkdir -p /www; echo \"container says $GREETING as $(id -u)\" > /www/index.html; echo up; exec /bin/busybox httpd -f -p 80 -h /www"}

func TestTheImageOfADockerrunIsServed(t *testing.T) {
	needs(t, "busybox")
	w := &world{metadata: noExtensions, bundle: map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": "1", "Image": {"Name": "shop/web"}, "Ports": [{"ContainerPort": 80}], "Volumes": [{"HostDirectory": "/srv/shop", "ContainerDirectory": "/data"}], "Logging": "/log"}`,
		".platform/hooks/postdeploy/look.sh": "#!/bin/sh\ndocker ps; docker images; docker exec $(docker ps -q) cat /www/index.html; docker logs -f x\n:\n"}}
	i := startDocker(t, w, map[string]instance.Pulled{"shop/web": shellImage(t, docker.Config{Cmd: serve})})
	r := deploy(t, i, docker2023, instance.Success)
	if len(r.Events) != 1 {
		t.Errorf("events %+v", r.Events)
	}
	if got := get(t, i, "/"); got != "container says hello as 0\n" {
		t.Errorf("it says %q", got)
	}
	hooks := logOf(t, i, "eb-hooks.log")
	for _, want := range []string{"aws_beanstalk/current-app", "container says hello as 0\n", "does not know -f of docker logs"} {
		if !strings.Contains(hooks, want) {
			t.Errorf("eb-hooks.log lacks %q: %s", want, hooks)
		}
	}
	if got, _ := i.ReadFile("/etc/nginx/conf.d/elasticbeanstalk-nginx-docker-upstream.conf"); !strings.Contains(string(got), "server 172.17.0.2:80;") {
		t.Errorf("upstream: %s", got)
	}
	// The next version takes the place of the first.
	w.bundle["Dockerrun.aws.json"] = strings.Replace(w.bundle["Dockerrun.aws.json"], "shop/web", "shop/gone", 1)
	r = deploy(t, i, docker2023, instance.Failure)
	if r.FailedStep != "Docker Specific Build Application" || r.Events[0].Message != "Instance deployment failed to download the Docker image. The deployment failed." {
		t.Errorf("%+v", r)
	}
	if got := get(t, i, "/"); got != "container says hello as 0\n" {
		t.Errorf("after a version that failed it says %q", got)
	}
}

func TestAContainerThatEndsFailsTheDeployment(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": 1, "Image": {"Name": "shop/web", "Update": "true"}, "Ports": [{"ContainerPort": "8000"}], "Entrypoint": "/bin/sh -c", "Command": "exit"}`}}
	i := startDocker(t, w, map[string]instance.Pulled{"shop/web": shellImage(t, docker.Config{Cmd: []string{"/bin/sh", "-c", "echo no way; exit 7"}})})
	w.bundle["Dockerrun.aws.json"] = `{"AWSEBDockerrunVersion": 1, "Image": {"Name": "shop/web"}, "Ports": [{"ContainerPort": "8000"}]}`
	r := deploy(t, i, docker2023, instance.Failure)
	if r.FailedStep != "Run Docker Container" || r.Events[0].Message != "Instance deployment: The Docker container unexpectedly ended after it was started." ||
		!strings.Contains(r.Events[1].Message, "ended (exit status 7); its last words: no way") {
		t.Errorf("%+v", r)
	}
}

func TestWhatADockerBundleLacksIsSaidInThePlatformsWords(t *testing.T) {
	i := startDocker(t, nil, nil)
	for _, c := range []struct {
		name   string
		bundle map[string]string
		log    string
	}{
		{"neither", map[string]string{"index.html": ""}, "Dockerfile and Dockerrun.aws.json are both missing"},
		{"version", map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": 2}`}, "Invalid Dockerrun.aws.json version, abort deployment"},
		{"no JSON", map[string]string{"Dockerrun.aws.json": `{`}, "read Dockerrun.aws.json: unexpected end of JSON input"},
		{"no image", map[string]string{"Dockerrun.aws.json": `{"AWSEBDockerrunVersion": 1}`}, "names no image"},
	} {
		dockerWorld.bundle = c.bundle
		r := deploy(t, i, docker2023, instance.Failure)
		if log := logOf(t, i, "eb-engine.log"); r.FailedStep != "Docker Specific Build Application" || !strings.Contains(log, c.log) {
			t.Errorf("%s: %+v\n%s", c.name, r, log)
		}
	}
}

var dockerWorld = &world{metadata: noExtensions}

func startDocker(t *testing.T, w *world, images map[string]instance.Pulled) *instance.Instance {
	if w == nil {
		w = dockerWorld
	}
	return startInstanceWith(t, w, "", testRegistry(t, images))
}
