package diagnose

// programCauses are what programs say of themselves, in texts so particular that
// they are looked for before those of the step in which they ran.
var programCauses = []*Cause{
	{
		Slug: "application-module", Stage: Application,
		Title: "the application does not start: ${what}",
		Why:   "The entry that the platform starts does not exist in the bundle, or needs a module that is not installed.",
		Fix:   []string{"correct WSGIPath, the Procfile or the start script; add the module to the dependencies"},
		Signs: []Sign{
			{Word: "command not found", Pattern: `^web: (?:/bin/(?:ba)?sh: )?(?:line \d+: )?(?P<what>\S+: command not found)`},
			{Word: "ModuleNotFoundError", Pattern: `(?P<what>ModuleNotFoundError: [^\n]{1,100})`},
			{Word: "ImportError: ", Pattern: `(?P<what>ImportError: (?:No module named|cannot import name|Failed to find application)[^\n]{1,100})`},
			{Word: "Target WSGI script", Pattern: `(?P<what>Target WSGI script not found or unable to stat: \S+)`},
			{Word: "Cannot find module", Not: []string{"Cannot find module '../'"}, Pattern: `(?P<what>Error: Cannot find module '[^']+')`},
			{Word: "Unable to access jarfile", Pattern: `(?P<what>Error: Unable to access jarfile [^\n]{1,80})`},
			{Word: "Could not find or load main class", Pattern: `(?P<what>Could not find or load main class \S+)`},
			{Word: "ERR_MODULE_NOT_FOUND", Pattern: `(?P<what>ERR_MODULE_NOT_FOUND)`},
			{Word: "Could not find module", Pattern: `(?P<what>Could not find module \S+)`},
			{Word: "no main manifest attribute", Pattern: `(?P<what>no main manifest attribute[^\n]{0,60})`},
			{Word: "Failed to find attribute", Pattern: `(?P<what>Failed to find attribute '[^']+' in '[^']+')`},
		},
	},
	{
		Slug: "program-killed", Stage: Build,
		Title:  "a program was killed in its midst (signal 9): ${what}",
		Why:    "The kernel kills so when memory is full; a person or a time limit may have too.",
		Settle: "/var/log/messages or dmesg on the instance: \"Out of memory\"",
		Signs: []Sign{
			{Word: "exit status -9", Pattern: `(?P<what>Command '[^\n]{1,200}' returned non-zero exit status -9)`},
			{Word: "exit code: 137", Pattern: `(?P<what>[^\n]{0,80}exit code: 137)`},
			{Word: "exit status 137", Pattern: `(?P<what>(?:with|error) exit status 137)`},
			{Word: "signal: killed", Pattern: `(?P<what>[^\n]{0,80}signal: killed)`},
		},
		Of: []Behind{
			{"memory-full", "the instance has no memory left", "look for \"Out of memory\" in /var/log/messages; take a larger instance, or add swap", nil},
			{"command-timeout", "the step took longer than it may", "compare how long it ran with Timeout in aws:elasticbeanstalk:command", nil},
		},
	},
	{
		Slug: "exit-127", Stage: PreBuild, Generic: true,
		Title:  "a command ended with status 127, its program was not found: ${what}",
		Why:    "The shell gives 127 for a program that it does not find: misspelt, not in root's short PATH, not installed, or a script whose first line ends as on Windows.",
		Settle: "the lines below and before this one: \"command not found\" names the program; eb-hooks.log for a hook",
		Signs: []Sign{
			{Word: "exit status 127", Pattern: `(?P<what>[^\n:]{1,100}?) failed with error exit status 127`},
			{Word: "exit code: 127", Pattern: `(?P<what>[^\n]{1,100}?) did not complete successfully: exit code: 127`},
			{Word: "non-zero code: 127", Pattern: `The command '(?P<what>[^\n]{1,100})' returned a non-zero code: 127`},
		},
	},
	{
		Slug: "process-gone", Stage: PreBuild,
		Title: "a script ends a process that does not run: ${what}",
		Why:   "kill fails when the process of a process ID file has ended already, and the script with it.",
		Fix:   []string{"let the script go on: kill ... || true"},
		Signs: []Sign{{Word: "No such process", Pattern: `(?P<what>kill: \(?\d+\)? - No such process)`}},
	},
	{
		Slug: "bundler-version", Stage: Build,
		Title: "the platform lacks the Bundler that Gemfile.lock names: ${version}",
		Why:   "BUNDLED WITH at the end of Gemfile.lock asks for one version.",
		Fix:   []string{"bundle update --bundler with a version that the platform has, or gem install bundler in a prebuild hook"},
		Signs: []Sign{
			{Word: "gem install bundler:", Pattern: "gem install bundler:(?P<version>[\\d.]*\\d)"},
			{Word: "Could not find 'bundler' (", Pattern: `Could not find 'bundler' \((?P<version>[\d.]+)\)`},
		},
	},
	{
		Slug: "runtime-version", Stage: Build,
		Title: "the application asks for another version of the language than the platform has: ${what}",
		Why:   "Each platform branch has one version.",
		Fix:   []string{"take the platform branch with that version, or ask for the one that it has"},
		Signs: []Sign{
			{Word: "UnsupportedClassVersionError", Pattern: `(?P<what>UnsupportedClassVersionError[^\n]{0,120})`},
			{Word: "EBADENGINE", Pattern: `(?P<what>npm (?:ERR!|error) code EBADENGINE)`},
			{Word: "requires a different Python", Pattern: `(?P<what>requires a different Python: [^\n]{1,60})`},
			{Word: "GLIBC_", Pattern: "(?P<what>version `GLIBC_[\\d.]+' not found[^\\n]{0,80})"},
			{Word: "import statement outside a module", Pattern: `(?P<what>Cannot use import statement outside a module)`},
			{Word: "your Gemfile specified", Pattern: `(?P<what>Your Ruby version is [\d.]+, but your Gemfile specified [^\n]{1,20})`},
			{Word: "is incompatible with this module", Pattern: `(?P<what>The engine "node" is incompatible with this module[^\n]{0,80})`},
			{Word: "your php version", Pattern: `(?P<what>requires php [^\n]{1,60} your php version \([^)]*\)[^\n]{0,40})`},
		},
	},
	{
		Slug: "dockerrun-invalid", Stage: Build,
		Title: "Dockerrun.aws.json has a version that this platform does not take",
		Why:   "AWSEBDockerrunVersion 1 is for one container, 2 for ECS, 3 beside docker-compose.yml.",
		Fix:   []string{"set AWSEBDockerrunVersion for the platform branch, or take another branch"},
		Signs: []Sign{{Word: "Invalid Dockerrun.aws.json version"}},
	},
	{
		Slug: "ssm-configuration", Stage: Hooks,
		Title: "the platform refuses a CloudWatch configuration of one's own for SSM: ${file}",
		Why:   "Elastic Beanstalk for Windows writes that file itself when logs are streamed.",
		Fix:   []string{"remove the file, or turn StreamLogs off"},
		Signs: []Sign{{Word: "Custom SSM awsCloudWatch plugin configuration files", Pattern: `Custom SSM awsCloudWatch plugin configuration files \((?P<file>[^)]+)\) detected`}},
	},
	{
		Slug: "ecs-task-failed", Stage: Application, Generic: true,
		Title:  "the ECS task did not start",
		Why:    "A container's image, command, memory or port in Dockerrun.aws.json does not work.",
		Settle: "the stopped task's reason in the console of ECS; /var/log/ecs/ecs-agent.log and /var/log/containers on the instance",
		Signs: []Sign{
			{Word: "Failed to start ECS task after"},
			{Word: "03start-task.sh", Pattern: `Hook \S*/03start-task\.sh failed`},
		},
	},
	{
		Slug: "build-failed", Stage: Build, Generic: true,
		Title:  "the application's build failed: ${what}",
		Why:    "A command of the Buildfile, or the one that the platform takes in its place, ended with an error.",
		Settle: "journalctl -u 01build on the instance, or the same command on one's own machine",
		Signs:  []Sign{{Word: "Build application failed on command", Pattern: `Build application failed on command (?P<what>[^\n]{1,80}?) with error`}},
	},
	{
		Slug: "windows-hooks-failed", Stage: Hooks, Generic: true,
		Title:  "a step of the platform for Windows failed: ${what}",
		Why:    "HooksExecutor runs the platform's and the bundle's own steps; IIS's deployment is one of them. beanpole itself neither checks nor runs platforms for Windows.",
		Settle: `C:\Program Files\Amazon\ElasticBeanstalk\logs\AWSDeployment.log and C:\cfn\log\cfn-init.log on the instance`,
		Signs: []Sign{
			{Word: "HooksExecutor.exe", Pattern: `Command hooks \((?P<what>HooksExecutor\.exe [^)]+)\) failed`},
			{Word: "Command hooks failed", Pattern: `(?P<what>Command hooks failed)`},
		},
	},
	{
		Slug: "image-build-failed", Stage: Build, Generic: true,
		Title:  "Docker could not build the image: ${what}",
		Why:    "A step of the Dockerfile failed.",
		Settle: "docker build with the bundle, on one's own machine; eb-engine.log or eb-activity.log",
		Signs: []Sign{
			{Word: "ailed to build Docker image", Not: []string{", retrying...", "timed out"}, Pattern: `(?s)[Ff]ailed to build Docker image(?P<what>[^:\n]*: .{1,200})`},
			{Word: "ailed to build docker image", Not: []string{"timed out"}, Pattern: `(?P<what>[Ff]ailed to build docker image[^\n]{0,160})`},
		},
	},
}
