package endtoend

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beanpole/internal/agent"
	"beanpole/internal/cloud"
	"beanpole/internal/cloud/elasticbeanstalk"
	"beanpole/internal/engine"
	"beanpole/internal/instance"
)

// managers are package managers: on the instances of these tests each one
// answers that all went well, and does nothing.
var managers = []string{
	"yum", "dnf", "rpm", "yum-config-manager", "yum-builddep", "amazon-linux-extras",
	"apt-get", "apt", "apt-key", "add-apt-repository", "dpkg",
	"pip", "pip2", "pip2.7", "pip3", "pip3.6", "pip-2.6", "pip-2.7", "pip-3.4", "pip-3.6", "easy_install", "easy_install-2.6", "easy_install-2.7",
	"gem", "gem2.2", "gem2.3", "gem2.4", "bundle", "npm", "yarn", "bower", "composer", "composer.phar", "pecl", "pear", "cpan",
}

// init lets this program be PID 1 of an instance, and the application on it.
func init() {
	asInstance = func(args []string) {
		if engine.IsApplet(args[0]) {
			os.Exit(engine.Applet(args, os.Stdout, os.Stderr))
		}
		if agent.IsProgram(args[0]) {
			os.Exit(agent.Run(context.Background(), agent.NewCall(args[0], args[1:], os.Stdin, os.Stdout, os.Stderr, engine.OnInstance())))
		}
		if len(args) < 2 {
			return
		}
		switch args[1] {
		case "test-instance":
			if err := furnish(args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, "furnish the instance:", err)
				os.Exit(1)
			}
			os.Exit(engine.Main(os.Stdin, os.Stdout))
		case "test-application":
			fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "here")
			})))
			os.Exit(1)
		}
	}
}

// sudo runs a command as root, whoever it should be run as.
const sudo = `#!/bin/sh
while true; do
	case "$1" in
	-u | -g) shift 2 ;;
	-*) shift ;;
	*=*) export "$1"; shift ;;
	*) break ;;
	esac
done
exec "$@"
`

// furnish puts the package managers there, and leads names of the internet to
// where AWS's lead.
func furnish(hosts []string) error {
	for _, m := range managers {
		for _, dir := range []string{"/usr/bin/", "/usr/local/bin/", "/usr/sbin/", "/bin/"} {
			_, err := os.Lstat(dir + m)
			if dir != "/usr/bin/" && err != nil {
				continue
			}
			os.Remove(dir + m) // it may be a link to what others need
			if err := os.WriteFile(dir+m, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat("/usr/bin/sudo"); err != nil { // it is on every Amazon Linux
		if err := os.WriteFile("/usr/bin/sudo", []byte(sudo), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("/etc/rsyslog.d", 0o755); err != nil { // so is rsyslog
		return err
	}
	if len(hosts) == 0 {
		return nil
	}
	at, err := net.LookupHost("s3.us-east-1.amazonaws.com")
	if err != nil {
		return err
	}
	f, err := os.OpenFile("/etc/hosts", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, h := range hosts {
		if _, err := fmt.Fprintf(f, "%s\t%s\n", at[0], h); err != nil {
			return err
		}
	}
	return nil
}

var address = regexp.MustCompile(`(?i)https?://(?:[^/@\s"'` + "`" + `]*@)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)`)

// outsiders are the hosts of a file's URLs that are not AWS's.
func outsiders(text string) []string {
	var out []string
	for _, m := range address.FindAllStringSubmatch(text, -1) {
		h := strings.ToLower(m[1])
		if !strings.HasSuffix(h, ".amazonaws.com") && net.ParseIP(h) == nil && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// stubbed answers for the internet and has the cloud answer for AWS.
type stubbed struct{ cloud http.Handler }

func (s stubbed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if host, _, _ := strings.Cut(r.Host, ":"); !strings.HasSuffix(host, ".amazonaws.com") {
		w.Write(stuff(r.URL.Path))
		return
	}
	s.cloud.ServeHTTP(w, r)
}

// stuff is what lies at a path of the internet, and in S3: an archive where
// the name is one's, a script that does nothing elsewhere.
func stuff(name string) []byte {
	const script = "#!/bin/sh\nexit 0\n"
	var b bytes.Buffer
	switch lower := strings.ToLower(name); {
	case strings.HasSuffix(lower, ".zip"), strings.Contains(lower, "/zipball/"):
		z := zip.NewWriter(&b)
		f, _ := z.Create("stuff/file")
		io.WriteString(f, script)
		z.Close()
	case strings.HasSuffix(lower, ".gz"), strings.HasSuffix(lower, ".tgz"), strings.HasSuffix(lower, ".tar"), strings.Contains(lower, "/tarball/"):
		g := gzip.NewWriter(&b)
		t := tar.NewWriter(g)
		t.WriteHeader(&tar.Header{Name: "stuff/file", Mode: 0o644, Size: int64(len(script))})
		io.WriteString(t, script)
		t.Close()
		g.Close()
	default:
		b.WriteString(script)
	}
	return b.Bytes()
}

// stage starts the instances of one deployment.
type stage struct {
	cloud  *cloud.Cloud
	dir    string
	hosts  []string
	traces *traces

	mu     sync.Mutex
	log    bytes.Buffer // what PID 1 says
	ran    []*instance.Result
	logs   string // of the instance, after its deployment
	failed error  // ours
}

// patience is how long a deployment may take: a command that waits for
// somebody, or never ends, is one that AWS ends too, by its own timeout.
const patience = time.Minute

func (s *stage) Launch(ctx context.Context, m elasticbeanstalk.MachineSpec) (elasticbeanstalk.Machine, error) {
	i, err := instance.Start(ctx, &instance.Spec{
		ID: m.InstanceID, Dir: s.dir, Args: append([]string{"test-instance"}, s.hosts...), CA: s.cloud.Authority().PEM(), Hide: []string{s.dir},
		Metadata: s.cloud.Metadata(cloud.MetadataOptions{InstanceID: m.InstanceID, Region: m.Region, Profile: m.Profile}),
		AWS:      stubbed{s.cloud}, TLS: s.cloud.Authority().TLS(), Offline: true, Volume: m.Volume, Memory: 1 << 30, Log: &s.log,
	})
	if err != nil {
		if ctx.Err() == nil { // the environment is not being ended
			s.failed = err
		}
		return nil, err
	}
	s.traces.note()
	return &player{i, s}, nil
}

// player is an instance whose deployment is taken down.
type player struct {
	*instance.Instance
	stage *stage
}

func (p *player) Do(ctx context.Context, c *instance.Command) (*instance.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := p.Instance.Do(ctx, c)
	if errors.Is(err, context.DeadlineExceeded) {
		r, err = &instance.Result{Status: instance.Failure, FailedStep: "it does not end", TimedOut: true}, nil
	}
	p.stage.mu.Lock()
	defer p.stage.mu.Unlock()
	if err != nil {
		p.stage.failed = err
		return r, err
	}
	p.stage.ran = append(p.stage.ran, r)
	for _, name := range []string{"cfn-init.log", "cfn-init-cmd.log", "eb-engine.log", "eb-activity.log"} {
		data, _ := p.ReadEnd(path.Join("/var/log", name), 6000)
		p.stage.logs += "--- " + name + "\n" + string(data)
	}
	return r, nil
}

// skipWithoutInstances skips where none can run.
func skipWithoutInstances(t *testing.T) {
	t.Helper()
	if why := lacking("runc", "nginx"); why != "" {
		t.Skip(why)
	}
	for _, n := range instance.Missing() {
		t.Skipf("no %s here: %s", n.What, n.Remedy)
	}
}
