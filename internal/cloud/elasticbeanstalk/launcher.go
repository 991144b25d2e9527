package elasticbeanstalk

import (
	"context"
	"net/netip"
	"time"

	"beanpole/internal/access"
	"beanpole/internal/instance"
)

// Launcher starts the environments' instances.
type Launcher interface {
	// Launch returns when the instance can be given commands. An error that is
	// a *source.Problem is the user's to mend, and is shown as an event.
	Launch(ctx context.Context, m MachineSpec) (Machine, error)
}

// MachineSpec says what instance is wanted.
type MachineSpec struct {
	InstanceID                     string // "i-" and 17 hexadecimal digits
	EnvironmentID, EnvironmentName string
	Region, AccountID              string
	// Profile is the instance profile as configured at this moment: a name, an
	// ARN, or "" for none.
	Profile func() string
	// Volume is the root volume's size in bytes, 0 is the platform's default.
	Volume int64
	// Placement is where the instance is; nil is the account's default VPC.
	Placement *access.Placement
	// Notice shows an event, for as long as the instance runs: something of
	// this machine that EC2 has not, or a limit that was met.
	Notice func(text string)
}

// Machine is a running instance.
type Machine interface {
	ID() string
	Address() netip.Addr
	// Do gives one command to the instance and waits for its answer.
	Do(ctx context.Context, c *instance.Command) (*instance.Result, error)
	Stop(ctx context.Context) error
	// Done is closed when the instance is gone.
	Done() <-chan struct{}
}

// FileReader is a Machine whose files can be read, for its logs.
type FileReader interface {
	// ReadFile is a plain file of the instance; the path is absolute.
	ReadFile(path string) ([]byte, error)
	// ReadEnd is at most the last most bytes of it.
	ReadEnd(path string, most int64) ([]byte, error)
}

// Meter is a Machine that knows how busy it is.
type Meter interface {
	// Processor is the processor time that its programs have taken.
	Processor() (user, system time.Duration, ok bool)
	// Load are the averages of 1, 5 and 15 minutes; nil: not known.
	Load() []float64
}

// Stacks is what of CloudFormation is not in its API: which instance may read
// which stack's metadata with its identity document.
type Stacks interface {
	Join(instanceID, stackName string)
	Leave(instanceID string)
	// Waiting reports whether a stack's creation goes no further without
	// signals.
	Waiting(stackName string) bool
}
