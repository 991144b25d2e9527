package platform

// Action is what an instruction of a deployment does.
type Action int

// The actions, by what they touch.
const (
	Nothing     Action = iota // nothing in the environments that beanpole makes
	ElectLeader               // who runs leader_only commands
	PreBuild                  // packages to services of every .config file
	Stage                     // unpack the bundle
	PreBuildHooks
	Build       // dependencies, Buildfile, the default command
	RenderProxy // the proxy's files, with the bundle's own over them
	PostBuild   // container_commands
	CleanExtensions
	PreDeployHooks
	StopProxy
	Flip // the new version takes the old one's place, and starts
	StartProxy
	RunContainer // of the Docker platform
	TrackPIDs
	PostDeployHooks
)

// Instruction is one step of a deployment under AWS's name for it.
type Instruction struct {
	Name string
	Do   Action
}

// The commands that the command service gives.
const (
	AppDeploy    = "app-deploy"    // a version is deployed
	ConfigDeploy = "config-deploy" // settings changed that replace no instance
)

// appDeploy is the order of an application deployment on Amazon Linux 2 and
// 2023. [log: eb-engine.log, whole runs of 2020 to 2026]
var appDeploy = []Instruction{
	{"ElectLeader", ElectLeader},
	{"stopSqsd", Nothing},
	{"PreBuildEbExtension", PreBuild},
	{"StageApplication", Stage},
	{"RunAppDeployPreBuildHooks", PreBuildHooks},
	{"", Build}, // the platform's own name for it
	{"configure proxy Nginx", RenderProxy},
	{"PostBuildEbExtension", PostBuild},
	{"CleanEbExtensions", CleanExtensions},
	{"RunAppDeployPreDeployHooks", PreDeployHooks},
	{"stop X-Ray", Nothing},
	{"stop proxy", StopProxy},
	{"FlipApplication", Flip},
	{"start X-Ray", Nothing},
	{"start proxy with new configuration", StartProxy},
	{"configureSqsd", Nothing},
	{"startSqsd", Nothing},
	{"Track pids in healthd", TrackPIDs},
	{"RunAppDeployPostDeployHooks", PostDeployHooks},
}

// configDeploy is the order of a configuration deployment there: the version
// is staged and built anew from its bundle, without .ebextensions, and with
// .platform/confighooks in the place of .platform/hooks.
// [EB:platforms-linux-extend; gh:aws/elastic-beanstalk-roadmap#84, #88, #110]
// The hooks' instructions are named after those of an application deployment
// (inferred).
var configDeploy = []Instruction{
	{"stopSqsd", Nothing},
	{"StageApplication", Stage},
	{"RunConfigDeployPreBuildHooks", PreBuildHooks},
	{"", Build},
	{"configure proxy Nginx", RenderProxy},
	{"CleanEbExtensions", CleanExtensions},
	{"RunConfigDeployPreDeployHooks", PreDeployHooks},
	{"stop X-Ray", Nothing},
	{"stop proxy", StopProxy},
	{"FlipApplication", Flip},
	{"start X-Ray", Nothing},
	{"start proxy with new configuration", StartProxy},
	{"configureSqsd", Nothing},
	{"startSqsd", Nothing},
	{"Track pids in healthd", TrackPIDs},
	{"RunConfigDeployPostDeployHooks", PostDeployHooks},
}

// runContainer is what the Docker platform does when the new version lies where
// the old one did: the proxy's files name the container's address, so that they
// are made after it has one. (inferred from AWS's own upstream files)
var runContainer = []Instruction{
	{"Run Docker Container", RunContainer},
	{"configure proxy Nginx", RenderProxy},
}

// Order is how the platform's engine carries a command out; nil for one that
// it does not know. The Amazon Linux AMI has stages of hooks instead.
func (p *Platform) Order(command string) []Instruction {
	var order []Instruction
	switch command {
	case AppDeploy:
		order = appDeploy
	case ConfigDeploy:
		order = configDeploy
	}
	out := make([]Instruction, 0, len(order)+1)
	for _, s := range order {
		switch {
		case s.Do == Build:
			s.Name = p.Build
		case s.Do == RenderProxy && p.Language == Docker:
			continue
		}
		out = append(out, s)
		if s.Do == Flip && p.Language == Docker {
			out = append(out, runContainer...)
		}
	}
	return out
}

// Hooks is the folder of the bundle whose programs a command runs since Amazon
// Linux 2, and Steps are the folders in it. [EB:platforms-linux-extend.hooks]
func Hooks(command string) string {
	if command == ConfigDeploy {
		return ".platform/confighooks"
	}
	return ".platform/hooks"
}

// HookSteps are the folders of hooks, in the order in which they run.
var HookSteps = []string{"prebuild", "predeploy", "postdeploy"}
