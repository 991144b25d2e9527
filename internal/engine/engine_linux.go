package engine

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"

	"beanpole/internal/ebext"
	"beanpole/internal/instance"
	"beanpole/internal/platform"
)

// Main is PID 1 of an instance. It says that it is ready, carries out the
// commands that come in, one after the other, and ends with the input, and the
// instance with it. The result is the exit status.
func Main(in io.Reader, out io.Writer) int {
	run := func() int { return runEngine(in, out) }
	if os.Getpid() == 1 {
		return asInit(run)
	}
	return run()
}

// runEngine is the engine, whichever process it is.
func runEngine(in io.Reader, out io.Writer) int {
	// Little of it lives long: it costs less time, and some memory, to collect it
	// less often.
	debug.SetGCPercent(400)
	e := &engine{}
	defer e.stopAll()
	trustBundle()
	if err := e.prepare(); err != nil {
		fmt.Fprintf(os.Stderr, "beanpole: prepare the platform: %v\n", err)
		return 1
	}
	lines := json.NewEncoder(out)
	if err := lines.Encode(instance.Reply{Ready: true}); err != nil {
		return 1
	}
	if err := e.serve(in, lines); err != nil {
		fmt.Fprintf(os.Stderr, "beanpole: read commands: %v\n", err)
		return 1
	}
	return 0
}

// trustBundle has this process read whom it trusts from the root's bundle alone,
// as AWS's agent does. Go would read every file of the folders beside it as well,
// a quarter of what this process does in a deployment. What it starts does not see
// the variable.
func trustBundle() {
	const folders = "SSL_CERT_DIR"
	if _, set := os.LookupEnv(folders); set {
		return
	}
	os.Setenv(folders, "/nonexistent")
	defer os.Unsetenv(folders)
	_, _ = x509.SystemCertPool() // its error is met again where somebody is asked for a certificate
}

// engine is the state of the platform between commands.
type engine struct {
	root        string // "" on an instance; a folder in tests
	deployments int    // started so far

	mu           sync.Mutex // a deployment and systemctl both start and stop
	al1          bool       // the platform of the command in hand, or of the last one
	applications []*application
	units        map[string]*unit   // of unit files, by name
	failed       map[string]error   // by unit: how its last start or stop went wrong
	switched     map[string]bool    // by unit: enabled or disabled by systemctl
	skipped      []instance.Skipped // asked of systemctl during the command in hand, and not carried out
	facts        facts              // what get-config answers
}

// prepare makes what the platform's image has before any deployment.
func (e *engine) prepare() error {
	if err := e.writePackagedProxy(); err != nil {
		return err
	}
	if err := e.linkTools(); err != nil {
		return err
	}
	if err := makeHomes(); err != nil {
		return err
	}
	_, err := e.listen()
	return err
}

// serve carries out commands until the input ends. A command in hand is
// broken off then: nobody waits for it any more.
func (e *engine) serve(in io.Reader, out *json.Encoder) error {
	ctx, cancel := context.WithCancel(context.Background())
	queue := make(chan instance.Request, 64)
	var worker sync.WaitGroup
	worker.Go(func() {
		for r := range queue {
			if ctx.Err() != nil {
				return
			}
			if err := out.Encode(instance.Reply{Seq: r.Seq, Result: e.do(ctx, r.Command)}); err != nil {
				fmt.Fprintf(os.Stderr, "beanpole: answer command: %v\n", err)
			}
		}
	})
	defer worker.Wait()
	defer close(queue)
	defer cancel()
	d := json.NewDecoder(in)
	for {
		var r instance.Request
		if err := d.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if r.Command != nil {
			queue <- r
		}
	}
}

// do carries out one command.
func (e *engine) do(ctx context.Context, c *instance.Command) *instance.Result {
	if c.Name != platform.AppDeploy && c.Name != platform.ConfigDeploy {
		return &instance.Result{Status: instance.Failure, ReturnCode: 1, FailedStep: c.Name,
			Message: fmt.Sprintf("beanpole does not carry out the command %s yet", c.Name)}
	}
	p := ebext.ParsePlatform(c.Platform)
	if !p.Known {
		return &instance.Result{Status: instance.Failure, ReturnCode: 1, FailedStep: c.Name,
			Message: fmt.Sprintf("beanpole does not know the platform %q", c.Platform)}
	}
	if c.Name == platform.ConfigDeploy && e.deployments == 0 {
		return &instance.Result{Status: instance.Failure, ReturnCode: 1, FailedStep: c.Name, Message: "there is no version on this instance to configure"}
	}
	e.deployments++
	e.mu.Lock()
	e.al1, e.skipped = p.Generation == ebext.AL1, nil
	e.mu.Unlock()
	d := newDeployment(e, c, platform.Of(p))
	defer d.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.clock = newClock(c, cancel)
	defer d.clock.stop()
	r := d.carryOut(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	r.Skipped = append(r.Skipped, e.skipped...)
	return r
}

// makeHomes makes the home folder of who runs applications.
func makeHomes() error {
	uid, gid, err := ids(appUser)
	if err != nil {
		return nil // there is nobody but root
	}
	home := "/home/" + appUser
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	return os.Chown(home, uid, gid)
}
