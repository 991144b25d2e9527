package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
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
	w.bundle["Dockerrun.aws.json"] = `{"AWSEBDockerrunVersion": "1", "Image": {"Name": "shop/web", "Update": "false"}, "Ports": [{"ContainerPort": 80}]}`
	deploy(t, i, docker2023, instance.Success)
	if log := logOf(t, i, "eb-engine.log"); strings.Count(log, "docker pull shop/web\n") != 1 || !strings.Contains(log, "shop/web is there, and Update is false") {
		t.Errorf("eb-engine.log: %s", log)
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

// dockerfile uses most of what Dockerfiles have.
const dockerfile = `# syntax=docker/dockerfile:1
ARG BASE=shop/base
FROM ${BASE} AS assets
WORKDIR /src
COPY . .
RUN echo "built of $(ls | tr '\n' ' ')" > out.txt

FROM never/needed AS unused
RUN exit 1

FROM $BASE
ARG VERSION=7
ENV WHO=app \
    WHAT="version $VERSION"
COPY --from=assets --chown=app /src/out.txt /www/built.txt
COPY --chown=1000:1000 *.html /www/
ADD extra.tar.gz /www/
COPY <<EOF /www/inline.txt
inline $VERSION
EOF
RUN ["/bin/sh", "-c", "ls -ln /www/built.txt | cut -c1-10 > /www/mode.txt; echo $WHAT > /www/what.txt"]
RUN mkdir -p /www/run && chown app /www/run
USER app
EXPOSE 8080 9090
HEALTHCHECK CMD true
ENTRYPOINT ["/bin/busybox"]
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
`

func TestADockerfileIsBuiltAndServed(t *testing.T) {
	needs(t, "busybox")
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	a := tar.NewWriter(z)
	a.WriteHeader(&tar.Header{Name: "extra.txt", Mode: 0o644, Size: 5})
	io.WriteString(a, "extra")
	a.Close()
	z.Close()
	root := testimage.Root(t, "sh", "ls", "echo", "mkdir", "cut", "tr", "chown", "busybox", "true")
	w := &world{metadata: noExtensions, bundle: map[string]string{"Dockerfile": dockerfile, "index.html": "<p>hello\n", "secret.key": "hidden", ".dockerignore": "*.key\nDockerfile\n", "extra.tar.gz": archive.String(), "sub/a.txt": "a"}}
	i := startDocker(t, w, map[string]instance.Pulled{"shop/base": {Root: root, Digest: "sha256:" + strings.Repeat("34", 32)}})
	r := deploy(t, i, docker2023, instance.Success)
	if len(r.Events) != 1 {
		t.Errorf("events %+v", r.Events)
	}
	for p, want := range map[string]string{"/": "<p>hello\n", "/built.txt": "built of extra.tar.gz index.html sub \n", "/extra.txt": "extra", "/what.txt": "version 7\n", "/inline.txt": "inline 7\n", "/mode.txt": "-rw-r--r--\n"} {
		if got := get(t, i, p); got != want {
			t.Errorf("%s says %q", p, got)
		}
	}
	var out bytes.Buffer
	if err := i.Exec(t.Context(), []string{"docker", "exec", "current-app", "ls", "-ln", "/www"}, nil, &out, &out); err != nil || !strings.Contains(out.String(), " 1000 ") {
		t.Errorf("owners: %v %s", err, out.String())
	}
	for name, c := range map[string]struct{ dockerfile, says string }{
		"a step fails":   {"FROM shop/base\nRUN echo no luck >&2; exit 3\nEXPOSE 80\n", `exit code: 3`},
		"no such base":   {"FROM shop/gone\n", "failed to solve: shop/gone: pull access denied for shop/gone"},
		"no such file":   {"FROM shop/base\nCOPY gone.txt /\n", `Dockerfile:2: failed to compute cache key: "/gone.txt": not found`},
		"does not parse": {"FROM shop/base\nRUNN x\n", "unknown instruction: RUNN"},
		"leaves":         {"FROM shop/base\nCOPY ../../etc/shadow /\n", "not found"},
	} {
		w.bundle["Dockerfile"] = c.dockerfile
		r := deploy(t, i, docker2023, instance.Failure)
		if log := logOf(t, i, "eb-engine.log"); r.FailedStep != "Docker Specific Build Application" || r.Events[0].Message != "Instance deployment failed to build the Docker image. The deployment failed." ||
			!strings.Contains(log, c.says) {
			t.Errorf("%s: %+v\n%s", name, r, log[max(0, len(log)-1500):])
		}
	}
	w.bundle["Dockerfile"] = "FROM shop/base\nCMD [\"/bin/busybox\", \"httpd\", \"-f\"]\n"
	if r := deploy(t, i, docker2023, instance.Failure); !strings.Contains(logOf(t, i, "eb-engine.log"), "No EXPOSE directive found in Dockerfile") {
		t.Errorf("without a port: %+v", r)
	}
	if got := get(t, i, "/what.txt"); got != "version 7\n" {
		t.Errorf("after versions that failed it says %q", got)
	}
}
