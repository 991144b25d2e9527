package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"beanpole/internal/cloud"
	"beanpole/internal/instance"
	"beanpole/internal/source"
)

// defaultPort is where the ecosystem's tools look for a local AWS.
const defaultPort = 4566

// maxHeader bounds a request's line and headers in bytes; S3 takes 8 KiB of
// headers, and a presigned URL holds a session token and a key of 1,024 bytes.
const maxHeader = 64 << 10

// serveFlags are what `serve` and `up` (which starts one) have in common.
type serveFlags struct {
	state    string
	port     int
	ports    []string // LISTENER=PORT
	region   string
	account  string
	realTime bool
	offline  bool
	images   []string // NAME=IMAGE, of the instances' containers
	root     string   // folder of the instances' root; "" is this machine's
	image    string   // that it is made of
	unpacked string   // folder in which the image was unpacked
	checked  bool     // who starts it has seen that this machine can run instances
}

func (f *serveFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.state, "state", "", "`FOLDER` of the local AWS (default: the nearest .beanpole from here upwards)")
	c.Flags().IntVar(&f.port, "port", defaultPort, "`PORT` on 127.0.0.1 at which the local AWS answers")
	c.Flags().StringArrayVar(&f.ports, "listen", nil, "`LISTENER=PORT`: the local port of a load balancer's listener (default 443=8443, 80=8080); may be repeated")
	c.Flags().StringVar(&f.region, "region", regionFromEnvironment(), "AWS `REGION` to be")
	c.Flags().StringVar(&f.account, "account", "123456789012", "AWS `ACCOUNT` to be, 12 digits")
	c.Flags().BoolVar(&f.realTime, "real-time", false, "let the instance's agent wait between its tries as long as on AWS")
	c.Flags().StringVar(&f.image, "image", "", "OCI `IMAGE` that is the instances' root: NAME:TAG, a layout folder, or a file that docker save wrote (default: this machine's own root)")
	c.Flags().StringVar(&f.root, "root", "", "`FOLDER` that is the instances' root")
	c.Flags().StringArrayVar(&f.images, "docker-image", nil, "`NAME=IMAGE`: what NAME in Dockerfile or Dockerrun.aws.json stands for on the Docker platform: a layout folder, a file that docker save wrote, or another NAME:TAG; may be repeated")
	c.Flags().BoolVar(&f.offline, "offline", false, "give instances no way out to the internet")
}

func regionFromEnvironment() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	return "us-east-1"
}

// portFor is the local port of a listener: what --listen says, else 8000 more
// for the ports that only root may open.
func (f *serveFlags) portFor() (func(int) int, error) {
	given := map[int]int{}
	for _, s := range f.ports {
		a, b, ok := strings.Cut(s, "=")
		from, err1 := strconv.ParseUint(a, 10, 16)
		to, err2 := strconv.ParseUint(b, 10, 16)
		if !ok || err1 != nil || err2 != nil || from == 0 || to == 0 {
			return nil, usageError("--listen %q is not LISTENER=PORT, for instance 443=9443", s)
		}
		for other, port := range given {
			if port == int(to) && other != int(from) {
				return nil, usageError("--listen gives port %d to two listeners; give each its own", to)
			}
		}
		given[int(from)] = int(to)
	}
	return func(listener int) int {
		if p, ok := given[listener]; ok {
			return p
		}
		if listener < 1024 {
			return 8000 + listener
		}
		return listener
	}, nil
}

func (f *serveFlags) check() error {
	if f.port < 1 || f.port > 65535 {
		return usageError("--port %d is no port; give one from 1 to 65535", f.port)
	}
	if len(f.account) != 12 || strings.Trim(f.account, "0123456789") != "" {
		return usageError("--account %q is no AWS account; give 12 digits", f.account)
	}
	if f.region == "" {
		return usageError("--region is empty; give one such as us-east-1")
	}
	if err := checkRegion(f.region); err != nil {
		return err
	}
	if _, err := f.portFor(); err != nil {
		return err
	}
	if err := f.checkImages(); err != nil {
		return err
	}
	return f.checkRoot()
}

func serveCommand() *cobra.Command {
	var f serveFlags
	var ready bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "run the local AWS alone, for the AWS CLI and SDKs",
		Long: `serve runs the local AWS until it is interrupted: IAM, STS, S3, CloudFormation
and Elastic Beanstalk at http://127.0.0.1:4566, with IAM enforced on every call.
It prints the two settings that make an AWS CLI or SDK use it.`,
		Example: `  beanpole serve
  AWS_SHARED_CREDENTIALS_FILE=.beanpole/credentials \
    aws --endpoint-url http://127.0.0.1:4566 --region us-east-1 s3 ls`,
		Args: atMost(0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			tell := func(s *serving, err error) {}
			if ready {
				tell, f.checked = tellParent, true
			}
			return serve(c.Context(), &f, c.OutOrStdout(), tell)
		},
	}
	f.register(c)
	c.Flags().BoolVar(&ready, "ready-fd", false, "write to file 3 when ready")
	c.Flags().StringVar(&f.unpacked, "unpacked", "", "`FOLDER` of the image, which was unpacked already")
	for _, ours := range []string{"ready-fd", "unpacked"} {
		c.Flags().Lookup(ours).Hidden = true
	}
	return c
}

// serve runs the local AWS until a signal or a stop request. tell is called
// once, when it is ready or has failed to start.
func serve(ctx context.Context, f *serveFlags, out io.Writer, tell func(*serving, error)) (err error) {
	// What requests leave behind is small and soon gone: it costs less time, and
	// some memory, to collect it less often.
	debug.SetGCPercent(300)
	told := false
	defer func() {
		if !told {
			tell(nil, err)
		}
	}()
	p, err := findProject(f.state)
	if err != nil {
		return err
	}
	if err := p.usable(); err != nil {
		return err
	}
	// The port first: it may be taken, and then nothing is left behind.
	listener, err := f.open()
	if err != nil {
		return err
	}
	defer listener.Close()
	lock, err := p.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := instance.Sweep(p.dir); err != nil {
		return fmt.Errorf("clear away what a killed beanpole left: %w", err)
	}
	if f.unpacked == "" {
		if err := f.unpack(ctx, p, func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()

	local, launcher, err := f.wire(p)
	if err != nil {
		return err
	}
	me := &serving{
		PID: os.Getpid(), Address: listener.Addr().String(), Region: f.region, Account: f.account,
		Token: rand.Text(), Listen: f.ports, Root: f.rootName(), Images: f.images,
	}
	server := &http.Server{
		Handler:           &ownDoor{token: me.Token, next: local, cloud: local, launcher: launcher, stop: stop},
		ReadHeaderTimeout: time.Minute,
		MaxHeaderBytes:    maxHeader,
	}
	go server.Serve(listener)
	if err := p.write(me); err != nil {
		return err
	}
	me.announce(out, p.path("credentials"))
	told = true
	tell(me, nil)

	<-ctx.Done()
	stop() // a second signal ends it at once
	return shutDown(p, server, local)
}

// announce says where the local AWS answers, and how a client reaches it.
func (me *serving) announce(out io.Writer, credentials string) {
	fmt.Fprintf(out, `the local AWS answers at %s (region %s, account %s); end it with Ctrl-C
  export AWS_SHARED_CREDENTIALS_FILE=%s AWS_REGION=%s
  aws --endpoint-url %s cloudformation list-stacks
`, me.url(), me.Region, me.Account, credentials, me.Region, me.url())
}

// open takes the port on loopback that the local AWS answers at.
func (f *serveFlags) open() (net.Listener, error) {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port))
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, usageError("port %d is in use; end what listens there, or give another with --port", f.port)
	}
	if err != nil {
		return nil, usageError("cannot listen on %s: %v; give another port with --port", address, err)
	}
	return listener, nil
}

// wire makes the local AWS and what starts its instances.
func (f *serveFlags) wire(p *project) (*cloud.Cloud, *launcher, error) {
	ports, err := f.portFor()
	if err != nil {
		return nil, nil, err
	}
	l := &launcher{dir: p.dir, realTime: f.realTime, offline: f.offline, root: f.lower(), images: f.dockerImages(p.path("images")), log: os.Stderr, checked: f.checked}
	local, err := cloud.New(cloud.Config{
		Dir: p.dir, Region: f.region, AccountID: f.account,
		Launcher: l, PortFor: ports, RealTime: f.realTime, Log: os.Stderr,
	})
	if err != nil {
		return nil, nil, err
	}
	l.join(local)
	return local, l, nil
}

// shutDown ends requests, environments and instances, in this order.
func shutDown(p *project, server *http.Server, local *cloud.Cloud) error {
	os.Remove(p.path("serve.json"))
	grace, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := local.Close(grace)
	server.Close()
	return errors.Join(err, instance.Sweep(p.dir))
}

// tellParent reports to the process that started this one, over file 3: a
// first line "ready", or the exit status and the one line to print.
func tellParent(_ *serving, err error) {
	f := os.NewFile(3, "parent")
	if f == nil {
		return
	}
	defer f.Close()
	if err == nil {
		fmt.Fprintln(f, "ready")
		return
	}
	var exit *exitError
	var problem *source.Problem
	code := exitOurs
	if errors.As(err, &exit) {
		code = exit.code
	} else if errors.As(err, &problem) {
		code = exitUsage
	}
	fmt.Fprintf(f, "%d %s\n", code, strings.ReplaceAll(err.Error(), "\n", "; "))
}
