package instance

import "time"

// Applets are the programs of AWS's platforms that PID 1's program stands for
// on an instance when it is called by their names.
var Applets = []string{"systemctl", "service", "initctl", "chkconfig", "start", "stop", "restart", "docker"}

// Command is one command that Elastic Beanstalk's command service gives to an
// instance. It goes to PID 1 as one JSON line.
type Command struct {
	Name         string            // "app-deploy" or "config-deploy"
	Stack        string            // CloudFormation stack of the environment, name or ID
	Resource     string            // logical ID whose metadata holds the config, "AWSEBAutoScalingGroup"
	Region       string            // region of the stack
	Application  string            // application name
	VersionLabel string            // the version to deploy
	Environment  string            // environment name
	Platform     string            // solution stack name or platform ARN
	BundleURL    string            // presigned URL of the source bundle
	Env          map[string]string // environment properties
	// Options are all option settings in force, by namespace and name.
	Options  map[string]map[string]string
	Timeout  time.Duration // of the whole command; 0 is the service's default, see DefaultTimeout
	RealTime bool          // wait as long as AWS's agent waits between tries
	Leader   bool          // this instance was elected to run leader_only commands
	Port     int           // PORT of the first process; 0 is the platform's own
}

// DefaultTimeout is how long a command may take: the option Timeout of
// aws:elasticbeanstalk:command (default 600 s) and the 240 s that the service
// adds to it. [EB:command-options-general, log]
const DefaultTimeout = (600 + 240) * time.Second

// The two values of Result.Status.
const (
	Success = "SUCCESS"
	Failure = "FAILURE"
)

// Result is the instance's answer to a Command, one JSON line.
type Result struct {
	Status     string // Success or Failure
	ReturnCode int
	Message    string        // AL2: "Engine execution has encountered an error."
	Events     []EngineEvent // what the engine asks to be shown, in order
	Output     string        // AL1: the text that the host manager makes, "" on success
	FailedStep string        // instruction or action that failed: "PreBuildEbExtension"
	// Expected and Longest are what the agent's waits between tries would have
	// taken on AWS: on average, and at most.
	Expected, Longest time.Duration
	MetadataCalls     int    // requests that the agent made to instance metadata
	TimedOut          bool   // the command did not end in its Timeout; waits that were cut short count
	Cause             string // cfn-init's text after "Error occurred during build: "
	// Skipped is what the version asks for and beanpole does not carry out yet.
	Skipped []Skipped
	// Assumed are packages that the version asks for and that could not be
	// installed on this root, which is not AWS's.
	Assumed []Assumed
}

// Skipped is one thing that an instance was asked for and did not do.
type Skipped struct {
	What string // "systemctl restart rsyslog"
	File string // configuration file that asks for it, "" when that is not known
}

// Assumed is what one package manager was asked for and did not install.
type Assumed struct {
	Manager  string // "yum"
	Packages []string
	File     string // configuration file that asks for it
	Why      string // the agent's error, "" when the manager is not there
}

// EngineEvent is one event that an instance asks the service to show.
type EngineEvent struct {
	Message  string
	Severity string // "INFO", "ERROR"
}

// Request is one line to PID 1's standard input. The end of the input tells
// PID 1 that beanpole is gone, and to end.
type Request struct {
	Seq     int      // copied to the Reply
	Command *Command // what to do
}

// Reply is one line from PID 1's standard output. The first one says Ready.
type Reply struct {
	Seq    int
	Ready  bool
	Result *Result
}
