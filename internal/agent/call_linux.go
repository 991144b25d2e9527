package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"beanpole/internal/cfninit"
)

// Call is one call of a program.
type Call struct {
	Program     string   // the name that it was called by
	Args        []string // without that name
	In          io.Reader
	Out, Errors io.Writer
	// Runner is what the program works with. Its Root is where files are looked
	// for; Log and CommandLog are opened there when they are nil.
	Runner cfninit.Runner
	// LocalCloud says that this is an instance of beanpole's own cloud, which
	// predicts AWS: names of roles are then read as AWS reads them.
	LocalCloud bool
}

// NewCall is a call on this machine. Instance metadata is asked for a session
// token first (IMDSv2), and without one where it gives none.
func NewCall(program string, args []string, in io.Reader, out, errs io.Writer, localCloud bool) *Call {
	return &Call{
		Program: program, Args: args, In: in, Out: out, Errors: errs, LocalCloud: localCloud,
		Runner: cfninit.Runner{TokensFirst: true},
	}
}

// programs are the names that a link to beanpole may have.
var programs = map[string]func(context.Context, *Call) int{
	"cfn-init":         Init,
	"cfn-signal":       Signal,
	"cfn-get-metadata": GetMetadata,
	"cfn-hup":          Hup,
	// On an instance of the local cloud the engine answers to this name first.
	"cfn-elect-cmd-leader": ElectLeader,
}

// IsProgram tells whether this program was called as one of AWS's.
func IsProgram(argv0 string) bool { return programs[filepath.Base(argv0)] != nil }

// Run is the program that c.Program names; the result is its exit status.
func Run(ctx context.Context, c *Call) int { return programs[filepath.Base(c.Program)](ctx, c) }

// message is an error in the words of AWS's programs, printed as it is.
type message string

func (m message) Error() string { return string(m) }

var stackOptions = []option{
	{'s', "stack", "NAME", "stack that holds the resource"},
	{'r', "resource", "ID", "its resource"},
	{'u', "url", "URL", "where CloudFormation answers; must fit the region"},
	{0, "region", "REGION", `the stack's region (default "us-east-1")`},
}

var accessOptions = []option{
	{'f', "credential-file", "FILE", "file with AWSAccessKeyId and AWSSecretKey, for CloudFormation"},
	{0, "role", "ROLE", "ask CloudFormation with the keys of this role of the instance"},
	{0, "access-key", "KEY", "access key, for CloudFormation"},
	{0, "secret-key", "KEY", "its secret"},
	{0, "http-proxy", "URL", "proxy to CloudFormation over http, [scheme://][user:password@]host:port"},
	{0, "https-proxy", "URL", "the same for https"},
}

var (
	helpOption    = option{'h', "help", "", "show this page and exit"}
	verboseOption = option{'v', "verbose", "", "log more"}
)

// refuse prints what is wrong with a command line as optparse does.
func (c *Call) refuse(usage string, err error) int {
	fmt.Fprintf(c.Errors, "%s\n%s: error: %v\n", usage, filepath.Base(c.Program), err)
	return 2
}

// complain prints an error and the help page.
func (c *Call) complain(why, usage string, options []option) int {
	fmt.Fprintf(c.Errors, "Error: %s\n%s\nOptions:\n%s", why, usage, describe(options))
	return 1
}

func (c *Call) help(usage string, options []option) int {
	fmt.Fprintf(c.Out, "%s\nOptions:\n%s", usage, describe(options))
	return 0
}

// say prints an error alone.
func (c *Call) say(err error) int {
	fmt.Fprintln(c.Errors, err)
	return 1
}

// stackAccess is how the options say that CloudFormation is asked.
func (c *Call) stackAccess(l *line) (cfninit.StackAccess, error) {
	a := cfninit.StackAccess{Region: l.values["region"], URL: l.values["url"]}
	switch {
	case l.is("credential-file"):
		var err error
		a.KeyID, a.Secret, err = c.credentialFile(l.values["credential-file"])
		if err != nil {
			return a, message("Error retrieving credentials from file:\n\t" + err.Error())
		}
	case l.is("role"):
		a.Role = l.values["role"]
	default:
		a.KeyID, a.Secret = l.values["access-key"], l.values["secret-key"]
	}
	return a, nil
}

// credentialFile reads a file of keys [cb:util.py].
func (c *Call) credentialFile(name string) (keyID, secret string, err error) {
	data, mode, err := c.Runner.ReadOwnFile(name, 1<<20)
	if err != nil {
		return "", "", message("Credential file was not found at " + name)
	}
	if mode&0o077 != 0 {
		return "", "", message("Credential file cannot be accessible by group or other. Please chmod 600 the credential file.")
	}
	for text := range strings.Lines(string(data)) {
		text = strings.TrimSpace(text)
		if v, ok := strings.CutPrefix(text, "AWSAccessKeyId="); ok {
			keyID = v
		} else if v, ok := strings.CutPrefix(text, "AWSSecretKey="); ok {
			secret = v
		}
	}
	if keyID == "" || secret == "" {
		return "", "", message("Credential file must contain the keys 'AWSAccessKeyId' and 'AWSSecretKey'")
	}
	return keyID, secret, nil
}

// toCloudFormation is the runner for requests to CloudFormation, which go
// through the proxies of the options [cb:util.py].
func (c *Call) toCloudFormation(l *line) (*cfninit.Runner, error) {
	r := c.Runner
	proxies := map[string]*url.URL{}
	for _, scheme := range []string{"http", "https"} {
		text := l.values[scheme+"-proxy"]
		if text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			return nil, message("--" + scheme + "-proxy holds no address of a proxy: [scheme://][user:password@]host:port")
		}
		proxies[scheme] = u
	}
	if len(proxies) == 0 || r.HTTP != nil {
		return &r, nil
	}
	r.HTTP = cfninit.Transport(proxies)
	return &r, nil
}

// openLogs opens log files of /var/log; the first one is what Runner.Log
// writes.
func (c *Call) openLogs(names ...string) (closeAll func()) {
	if c.Runner.Log != nil {
		return func() {}
	}
	return c.Runner.OpenLogs(c.Errors, names...)
}

// failure is the text that a program prints for an error, as AWS's do for one
// of their own; anything else is told with the program's name.
func (c *Call) failure(err error) error {
	var fault *cfninit.BuildError
	var said message
	if errors.As(err, &fault) || errors.As(err, &said) {
		return err
	}
	return fmt.Errorf("%s: %w", filepath.Base(c.Program), err)
}
