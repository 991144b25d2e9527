package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"beanpole/internal/docker"
	"beanpole/internal/platform"
)

// Where the platform keeps a container's ID, and the variables that it gets.
// [names: public hooks of the Docker platforms]
const (
	containerID  = "/opt/elasticbeanstalk/deployment/.aws_beanstalk.current-container-id"
	containerEnv = "/opt/elasticbeanstalk/deployment/env.list"
	dockerName   = "current-app"
	// latestLog leads to the newest container's output, under the name that its
	// log group has in CloudWatch Logs.
	latestLog = platform.ContainerLogs + "/stdouterr.log"
)

// dockerImage is what the Docker platform runs.
type dockerImage struct {
	docker.Image
	run platform.Dockerrun
}

// docker tells the platform that runs one container.
func (d *deployment) docker() bool { return d.at.Language == platform.Docker && !d.al1 }

// buildImage gets the version's image: built of its Dockerfile, or fetched as
// Dockerrun.aws.json says. A Dockerfile comes first.
// [EB:single-container-docker-configuration]
func (d *deployment) buildImage(ctx context.Context, output io.Writer) error {
	files := staged(d.staging())
	for _, name := range platform.ComposeFiles {
		if files.Has(name) {
			d.tell("ERROR", "beanpole: it does not carry out %s yet, which AWS would; a Dockerfile or a Dockerrun.aws.json of version 1 runs here", name)
			return fmt.Errorf("%s is not carried out here", name)
		}
	}
	hasRun, hasFile := files.Has(platform.DockerrunFile), files.Has(platform.Dockerfile)
	if !hasRun && !hasFile {
		d.tell("ERROR", platform.DockerMissing)
		return errors.New("Dockerfile and Dockerrun.aws.json are both missing, abort deployment") //lint:ignore ST1005 the engine's own words
	}
	if hasRun {
		run, err := platform.ParseDockerrun(files.Read(platform.DockerrunFile))
		if err != nil {
			return err
		}
		if run.Version != "1" {
			// [gh:aws-samples/eb-docker-nginx-proxy#9]
			return fmt.Errorf("Invalid Dockerrun.aws.json version, abort deployment: it is %q, and this platform takes 1, or 3 beside docker-compose.yml", run.Version) //lint:ignore ST1005 the engine's own words
		}
		d.image.run = *run
	}
	c := docker.Dial(d.path(docker.Socket))
	var err error
	if hasFile {
		err = d.buildDockerfile(ctx, c, output)
	} else {
		err = d.pullImage(ctx, c)
	}
	if err == nil && d.image.run.Port == 0 {
		if d.image.run.Port = d.image.Config.FirstPort(); d.image.run.Port == 0 {
			// [log: eb-activity.log of the Amazon Linux AMI's platform; later (inferred)]
			err = errors.New("No EXPOSE directive found in Dockerfile, and no Ports in Dockerrun.aws.json, abort deployment") //lint:ignore ST1005 the engine's own words
		}
	}
	if err != nil {
		return err
	}
	if d.image.Config.HealthCheck {
		d.note("beanpole: nobody looks at the image's HEALTHCHECK, nor does the proxy on AWS")
	}
	if hasFile {
		return nil
	}
	_, err = c.Commit(ctx, docker.Commit{Layer: d.image.Layer, Name: platform.StagingImage, Config: d.image.Config})
	return err
}

// pullImage fetches the image that Dockerrun.aws.json names.
func (d *deployment) pullImage(ctx context.Context, c *docker.Client) error {
	run := &d.image.run
	if run.Image == "" {
		return errors.New("Dockerrun.aws.json names no image, and there is no Dockerfile") //lint:ignore ST1005 a file's name
	}
	if run.Bucket != "" {
		d.tell("WARN", "beanpole: it does not log in to registries with s3://%s/%s yet, as AWS would; map the image with --docker-image %s=IMAGE if it is private", run.Bucket, run.Key, run.Image)
	}
	if run.Keep {
		all, err := c.Images(ctx)
		if err != nil {
			return err
		}
		for _, i := range all {
			if slices.Contains(i.Names, run.Image) || slices.Contains(i.Names, run.Image+":latest") {
				d.note("%s is there, and Update is false: it is not pulled again", run.Image)
				d.image.Image = i
				return nil
			}
		}
	}
	d.note("Running command: docker pull %s", run.Image)
	i, err := c.Pull(ctx, docker.Pull{Name: run.Image})
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		d.tell("ERROR", platform.DockerNoPull)
		return fmt.Errorf("failed to pull docker image: Command /bin/sh -c docker pull %s failed with error exit status 1. Stderr:%w", run.Image, err)
	}
	d.image.Image = *i
	return nil
}

// runContainer starts the version's container, and sees whether it lives.
func (d *deployment) runContainer(ctx context.Context) error {
	c := docker.Dial(d.path(docker.Socket))
	if _, err := c.Commit(ctx, docker.Commit{Layer: d.image.Layer, Name: platform.CurrentImage, Config: d.image.Config}); err != nil {
		return err
	}
	a, err := d.containerProcess()
	if err != nil {
		return err
	}
	a.now = a.run()
	err = d.watchContainer(ctx, c, a)
	if err != nil {
		stopTogether([]*application{a})
		return err
	}
	d.engine.mu.Lock()
	d.engine.applications = []*application{a}
	d.engine.mu.Unlock()
	return removeUnnamed(ctx, c)
}

// removeUnnamed removes the images of earlier versions, whose names the new one
// has.
func removeUnnamed(ctx context.Context, c *docker.Client) error {
	all, err := c.Images(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		if len(i.Names) == 0 {
			if err := c.RemoveImage(ctx, i.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// containerProcess is the container as a process of the instance, eb-docker,
// which is started again when it ends.
func (d *deployment) containerProcess() (*application, error) {
	run := &d.image.run
	var env bytes.Buffer
	for _, name := range sortedKeys(d.command.Env) {
		fmt.Fprintf(&env, "%s=%s\n", name, strings.ReplaceAll(d.command.Env[name], "\n", " "))
	}
	if err := writeIn(d.path(containerEnv), env.String()); err != nil {
		return nil, err
	}
	argv := []string{"docker", "run", "--rm", "--name", dockerName, "--cidfile", containerID, "--env-file", containerEnv}
	for _, v := range run.Volumes {
		argv = append(argv, "-v", v.Host+":"+v.Container)
	}
	if run.Logging != "" {
		argv = append(argv, "-v", platform.ContainerLogs+":"+run.Logging)
	}
	entrypoint := strings.Fields(run.Entrypoint)
	if len(entrypoint) > 0 {
		argv = append(argv, "--entrypoint", entrypoint[0])
	}
	argv = append(append(argv, platform.CurrentImage), slices.Concat(entrypoint[min(1, len(entrypoint)):], strings.Fields(run.Command))...)
	if err := os.MkdirAll(d.path(platform.ContainerLogs), 0o755); err != nil {
		return nil, err
	}
	d.note("Running command: %s", strings.Join(argv, " "))
	start := func() (*exec.Cmd, error) {
		os.Remove(d.path(containerID))
		c := exec.Command("/proc/self/exe", argv[1:]...)
		c.Args[0] = argv[0]
		w := &containerLog{d: d}
		c.Dir, c.Env, c.Stdout, c.Stderr = "/", []string{"PATH=" + searchPath}, w, w
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		c.WaitDelay = time.Second
		return c, c.Start()
	}
	a := &application{name: "eb-docker"}
	a.run = func() *process {
		return supervise(start, a.ended(d.engineLog.w, "docker"), d.path("/var/pids/eb-docker.pid"))
	}
	return a, nil
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// watchContainer waits until the container takes connections, or has lived as
// long as a deployment looks. [EB event "unexpectedly ended"]
func (d *deployment) watchContainer(ctx context.Context, c *docker.Client, a *application) error {
	until := time.Now().Add(firstLook)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if a.falls.Load() > 0 {
			why, _ := a.fall.Load().(string)
			d.tell("ERROR", platform.ContainerEnded)
			d.tell("ERROR", "beanpole: the container %s; its last words: %s", strings.Split(why, ",")[0], d.lastWords())
			return errors.New("Docker container unexpectedly ended after it was started: see " + platform.ContainerLogs) //lint:ignore ST1005 the engine's own words
		}
		if d.container == "" {
			d.container = d.containerAddress(ctx, c)
		}
		late := time.Now().After(until)
		if d.container != "" && (late || d.accepting(ctx)) {
			d.note("The container listens at %s", d.container)
			return nil
		}
		if late && time.Now().After(until.Add(10*firstLook)) {
			return errors.New("the container does not start")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// containerAddress is where the container is reached, "" as long as it is not
// there.
func (d *deployment) containerAddress(ctx context.Context, c *docker.Client) string {
	all, err := c.Containers(ctx)
	if err != nil {
		return ""
	}
	for _, x := range all {
		if x.Name == dockerName && x.Address != "" {
			return net.JoinHostPort(x.Address, strconv.Itoa(d.image.run.Port))
		}
	}
	return ""
}

// lastWords are the last lines that a container has said.
func (d *deployment) lastWords() string {
	data, err := os.ReadFile(d.path(latestLog))
	if err != nil || len(bytes.TrimSpace(data)) == 0 {
		return "none"
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}

// containerLog is the file of a container's output, which has its ID in its
// name: it is known when the container says its first word.
type containerLog struct {
	d  *deployment
	mu sync.Mutex
	to io.WriteCloser
}

func (w *containerLog) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to == nil {
		id, err := os.ReadFile(w.d.path(containerID))
		if err != nil {
			id = []byte("000000000000") // it could not be started
		}
		name := "eb-" + docker.Short(string(id)) + "-stdouterr.log"
		if w.to, err = openLog(w.d.path(platform.ContainerLogs + "/" + name)); err != nil {
			return 0, err
		}
		latest := w.d.path(latestLog)
		os.Remove(latest)
		if err := os.Symlink(name, latest); err != nil {
			return 0, err
		}
	}
	return w.to.Write(p)
}
