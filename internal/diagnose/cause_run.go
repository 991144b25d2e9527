package diagnose

// buildCauses are failures of the application's own build, and of hooks.
var buildCauses = []*Cause{
	{
		Slug: "hook-not-executable", Stage: Unpack,
		Title: "the hook ${file} has no execute bit",
		Why:   "The engine starts the file itself.",
		Fix:   []string{"git update-index --chmod=+x ${file}"},
		Signs: []Sign{
			{Word: "permission denied", Pattern: `fork/exec (?:\S*?/)?(?P<file>\.platform/\S+?): permission denied`},
			{Word: "Permission denied - /opt/elasticbeanstalk/hooks", Pattern: `Permission denied - (?P<file>/opt/elasticbeanstalk/hooks/[^\s,]+?)\.?(?:\s|$)`},
		},
	},
	{
		Slug: "hook-not-started", Stage: Unpack,
		Title: "the script ${file} cannot be started: its first line names a program that does not exist, or there is none",
		Why:   "Line ends of Windows make the interpreter's name end with a carriage return; without #! the kernel knows no interpreter.",
		Fix:   []string{"save the file with line ends of Unix (.gitattributes: *.sh eol=lf), and begin it with #!/bin/bash"},
		Signs: []Sign{
			{Word: "fork/exec", Pattern: `fork/exec (?:\S*?/)?(?P<file>\.platform/\S+?): (?:no such file or directory|exec format error)`},
			{Word: `\r': No such`, Pattern: `env: '(?P<program>\w+)\\r': No such file or directory`},
			{Word: `\r’: No such`, Pattern: `env: ‘(?P<program>\w+)\\r’: No such file or directory`},
			{Word: ": No such file or directory", Pattern: `env: ['‘]?\w+\n['’]?: No such file or directory`},
			{Word: `$'\r': command not found`},
			{Word: "': No such file or directory", Pattern: `(?m)^'?: No such file or directory`},
			{Word: "No such file or directory - /opt/elasticbeanstalk/hooks", Pattern: `No such file or directory - (?P<file>/opt/elasticbeanstalk/hooks/[^\s,]+?)\.?(?:\s|$)`},
			{Word: "^M: bad interpreter", Pattern: `(?P<file>\S+): \S+\^M: bad interpreter`},
			{Word: ": bad interpreter", Pattern: `(?P<file>[^\s:]+): (?:line \d+: )?/\S+?: bad interpreter: No such file or directory`},
		},
	},
	{
		Slug: "extra-top-folder", Stage: Unpack,
		Title: "the platform does not find the application in the bundle's root",
		Why:   "Often all of it lies in one folder of the archive.",
		Fix:   []string{"pack the folder's contents, not the folder"},
		Signs: []Sign{
			{Word: "failed to generate a 'Procfile'", Pattern: `failed to generate a 'Procfile' for`},
			{Word: "Your WSGIPath refers to a file that does not exist"},
			{Word: "Dockerfile and Dockerrun.aws.json are both missing"},
			{Word: "are missing in your source bundle"},
			{Word: "must include a file with a '.runtimeconfig.json' suffix"},
			{Word: "does not contain either a file named application.jar"},
			{Word: "must contain a Dockerfile"},
		},
	},
	{
		Slug: "procfile-line", Stage: Unpack,
		Title: "the platform does not take the Procfile",
		Why:   "A line has no name, or a name that the platform does not allow.",
		Fix:   []string{"write NAME: COMMAND a line"},
		Signs: []Sign{{Word: "parse Procfile"}, {Word: "nvalid Procfile"}, {Word: "read Procfile", Pattern: `(?i)failed to read Procfile`}},
	},
	{
		Slug: "dependencies-not-installed", Stage: Build, Generic: true,
		Title:  "the application's dependencies did not install: ${what}",
		Why:    "npm, pip, Bundler or Composer ended with an error; its own output says which.",
		Settle: "eb-engine.log (Amazon Linux AMI: eb-activity.log): the lines before this one",
		Signs: []Sign{
			{Word: "Failed to run npm install", Pattern: `(?P<what>Failed to run npm install)`},
			{Word: "requirements.txt is invalid", Pattern: `(?P<what>Your requirements\.txt is invalid)`},
			{Word: "npm ERR! code", Pattern: `(?P<what>npm ERR! code [^\n]{1,40})`},
			{Word: "npm error code", Pattern: `(?P<what>npm error code [^\n]{1,40})`},
			{Word: "event returned with error code", Pattern: `(?P<what>Script [^\n]{1,80} handling the \S+ event returned with error code \d+)`},
			{Word: "returned non-zero exit status", Pattern: `(?P<what>npm)', '[^\n]{1,80} returned non-zero exit status -?\d+`},
			{Word: "returned non-zero exit status", Pattern: `(?P<what>pip\d? install [^\n]{1,120} returned non-zero exit status -?\d+)`},
			{Word: "failed to install application dependencies", Pattern: `(?P<what>failed to install application dependencies)`},
			{Word: "failed to install Composer dependencies", Pattern: `(?P<what>failed to install Composer dependencies)`},
			{Word: "installing composer dependencies failed", Pattern: `(?P<what>installing composer dependencies failed[^\n]{0,120})`},
			{Word: "install dependencies in Gemfile failed", Pattern: `(?P<what>install dependencies in Gemfile failed[^\n]{0,120})`},
			{Word: "fail to install dependencies with requirements.txt", Pattern: `(?P<what>fail to install dependencies with requirements\.txt[^\n]{0,120})`},
			{Word: "Use NPM to install dependencies", Pattern: `\[(?P<what>Use NPM to install dependencies)\]\. Stop running`},
		},
	},
	{
		Slug: "command-timeout", Stage: Build, Generic: true,
		Title:  "a step took longer than it may: ${what}",
		Why:    "Commands have 600 seconds (Timeout in aws:elasticbeanstalk:command), a Docker build 300. When nothing was printed for minutes, cfn-init may be retrying a fetch: about five minutes when metadata has no credentials under roleName.",
		Fix:    []string{"raise Timeout, or build before deploying"},
		Settle: "cfn-init.log and eb-engine.log: what was the last step that began?",
		Signs: []Sign{
			{Word: "Command timed out after", Pattern: `(?P<what>Command timed out after \d+ seconds)`},
			{Word: "have not responded in the allowed command timeout", Pattern: `(?P<what>instances have not responded in the allowed command timeout time)`},
			{Word: "but with command timeouts", Pattern: `(?P<what>Update environment operation is complete, but with command timeouts)`},
		},
	},
	{
		Slug: "ebextensions-failed", Stage: PreBuild, Generic: true,
		Title:  "a step of .ebextensions failed: ${what}",
		Why:    "PreBuildEbExtension runs packages to services and commands, PostBuildEbExtension container_commands. The engine does not say which.",
		Settle: "cfn-init.log and, for commands, cfn-init-cmd.log of the same instance: the first line with ERROR",
		Signs: []Sign{
			{Word: "EbExtension build failed", Pattern: `(?P<what>EbExtension build failed)`},
			{Word: "Container commands build failed", Pattern: `(?P<what>Container commands build failed)`},
		},
	},
	{
		Slug: "hook-failed", Stage: Hooks, Generic: true,
		Title:  "the hook ${base} failed (${file})",
		Why:    "It ended with an error of its own; eb-hooks.log has its output.",
		Settle: "eb-hooks.log: the lines of this hook",
		Signs: []Sign{
			{Word: ".platform/", Pattern: `Command (?P<file>\.platform/\S+) failed with error`},
			{Word: "/opt/elasticbeanstalk/hooks/", Pattern: `Hook (?P<file>/opt/elasticbeanstalk/hooks/\S+) failed`},
		},
	},
}

// runCauses are an application that does not run or does not answer.
var runCauses = []*Cause{
	{
		Slug: "application-port", Stage: Application,
		Title:  "nothing listens where the proxy sends requests: ${upstream} refuses connections",
		Why:    "The application is not running, or listens on another port than PORT, or on an address inside a container.",
		Fix:    []string{"listen on the port in the environment variable PORT (8080; Java 5000, Python 8000)"},
		Settle: "web.stdout.log: did the application start, and where does it listen?",
		Signs: []Sign{
			{Word: "while connecting to upstream", Pattern: `connect\(\) (?:to (?P<socket>\S+) )?failed \((?:111: Connection refused|2: No such file or directory)\) while connecting to upstream(?:[^\n]*upstream: "(?P<upstream>[^"]+)")?`},
		},
	},
	{
		Slug: "application-died", Stage: Application, Generic: true,
		Title:  "the application's process ended again and again: ${what}",
		Why:    "It ends with an error of its own.",
		Settle: "web.stdout.log: its last lines",
		Signs: []Sign{
			{Word: "startProcess Failure", Pattern: `startProcess Failure: (?:starting )?process "(?P<what>web\w*)" failed`},
			{Word: "has just started and ended", Pattern: `(?P<what>process \w+ has just started and ended \(exit status \d+\))`},
			{Word: "Worker failed to boot", Pattern: `(?P<what>Worker failed to boot)`},
			{Word: "APPLICATION FAILED TO START", Pattern: `(?P<what>APPLICATION FAILED TO START)`},
			{Word: "web.service", Pattern: `(?P<what>web\.service: (?:Main process exited|Failed with result|Start request repeated too quickly)[^\n]{0,80})`},
			{Word: "Failed to start web.service", Pattern: `(?P<what>Failed to start web\.service[^\n]{0,80})`},
			{Word: "pid source file", Pattern: `Read pid source file (?P<what>/var/pids/\w+\.pid) failed`},
			{Word: "Target WSGI script", Pattern: `(?P<what>Target WSGI script '[^']+' cannot be loaded as Python module)`},
			{Word: "spawned process", Pattern: `(?P<what>exited: \S+ \(exit status \d+; not expected\))`},
		},
	},
	{
		Slug: "application-address", Stage: Application,
		Title: "the application cannot listen where it wants to: ${what}",
		Why:   "Another process has the port (an older one of the same application, or the proxy), or it is below 1024, which the application's user may not take.",
		Fix:   []string{"listen on the port in the environment variable PORT (8080; Java 5000, Python 8000), once"},
		Signs: []Sign{
			{Word: "EADDRINUSE", Pattern: `(?P<what>EADDRINUSE[^\n]{0,60})`},
			{Word: "listen EACCES", Pattern: `(?P<what>listen EACCES[^\n]{0,60})`},
			{Word: "was already in use", Pattern: `(?P<what>Port \d+ was already in use)`},
			{Word: "Connection in use: ", Pattern: `(?P<what>Connection in use: \([^)]*\))`},
			{Word: "bind: address already in use", Pattern: `(?P<what>listen tcp \S+: bind: (?:address already in use|permission denied))`},
		},
	},
	{
		Slug: "application-slow", Stage: Health,
		Title: "the application does not answer the proxy in time: ${what}",
		Why:   "nginx waits 60 seconds; the application is stuck, overloaded, or not there.",
		Fix:   []string{"look at the application's own log of that minute; raise proxy_read_timeout in .platform/nginx/conf.d if so much time is right"},
		Signs: []Sign{{Word: "upstream timed out", Pattern: `(?P<what>upstream timed out \(110: [^)]*\) while [^,\n]{1,60})`, Weak: true}},
	},
	{
		Slug: "env-file", Stage: Application,
		Title: "an environment property holds what the platform's file cannot carry",
		Why:   "Dollars, quotes, backslashes and line ends are not kept in the files in which properties reach the application.",
		Fix:   []string{"encode the value, or read it from Secrets Manager or SSM"},
		Signs: []Sign{{Word: "could not parse environment variables"}, {Word: "Defaulting to a blank string", Pattern: `variable is not set\. Defaulting to a blank string`}},
	},
	{
		Slug: "health-check-answer", Stage: Health,
		Title: "the health check's path does not answer 200: ${what}",
		Why:   "A redirect to HTTPS, a login or a check of the Host header meets the load balancer's own request too.",
		Fix:   []string{"set a health check path that answers 200 to everybody, or allow the code in MatcherHTTPCode"},
		Signs: []Sign{
			{Word: "Target.ResponseCodeMismatch", Pattern: `(?P<what>Target\.ResponseCodeMismatch)`},
			{Word: "Health checks failed with these codes", Pattern: `(?P<what>Health checks failed with these codes: \[[^\]]*\])`},
			{Word: "Target.Timeout", Pattern: `(?P<what>Target\.Timeout)`},
			{Word: "ELB-HealthChecker", Pattern: `HTTP/\d\.\d" (?P<what>[345]\d\d) [^\n]*ELB-HealthChecker`, Weak: true},
		},
	},
	{
		Slug: "health-not-reported", Stage: Health,
		Title: "the instances may not report their health",
		Why:   "Their role lacks elasticbeanstalk:PutInstanceStatistics.",
		Fix:   []string{"attach AWSElasticBeanstalkWebTier to the instances' role"},
		Signs: []Sign{{Word: "PutInstanceStatistics"}, {Word: "None of the instances are sending data", Weak: true}},
	},
	{
		Slug: "instances-unhealthy", Stage: Health, Generic: true,
		Title:  "the instances did not become healthy after the deployment",
		Why:    "The commands ran; the application does not answer the health check as it should.",
		Settle: "describe-instances-health; the health check's path on the instance: curl -i http://localhost/",
		Signs: []Sign{
			{Word: "did not pass health check after command execution"},
			{Word: "ELB health is failing", Weak: true},
		},
	},
	{
		Slug: "bad-gateway", Stage: Health, Generic: true,
		Title:  "the proxy answers 502: the application does not answer it",
		Why:    "The application is not running, or not on its port.",
		Settle: "web.stdout.log and nginx's error.log",
		Signs:  []Sign{{Word: "502 Bad Gateway", Weak: true}, {Word: "HTTP 5xx", Pattern: `\d+(?:\.\d+)? ?% of the requests are (?:failing|erroring) with HTTP 5xx`, Weak: true}},
	},
}

// quietCauses go wrong in a deployment that counts as good.
var quietCauses = []*Cause{
	{
		Slug: "health-not-green", Stage: Afterwards, Quiet: true,
		Title:  "the deployment ended well, and the environment's health stayed ${health}: the tool that waited for green gave up",
		Why:    "Health looks at requests, the load balancer and the instances' load, also of times before the deployment.",
		Settle: "aws elasticbeanstalk describe-environment-health --attribute-names All",
		Signs:  []Sign{{Word: "Environment still has health ", Pattern: `Environment still has health (?P<health>\w+) \d+ seconds after update finished`}},
	},
	{
		Slug: "cron-file-refused", Stage: Afterwards, Quiet: true,
		Title: "cron refuses ${file}: its mode or owner",
		Why:   "A file in /etc/cron.d must belong to root, with mode 0644.",
		Fix:   []string{"mode: \"000644\", owner: root, group: root"},
		Signs: []Sign{{Word: "BAD FILE MODE", Pattern: `BAD FILE MODE \((?P<file>[^)]+)\)`}, {Word: "WRONG FILE OWNER", Pattern: `WRONG FILE OWNER \((?P<file>[^)]+)\)`}},
	},
	{
		Slug: "signature-v2", Stage: Afterwards, Quiet: true,
		Title: "the agent signs with Signature Version 2: a URL lacks its region",
		Why:   "Regions since 2014, and buckets with newer rules, refuse it.",
		Fix:   []string{"write the bucket's region into the URL"},
		Signs: []Sign{{Word: "Falling back to Signature Version 2"}},
	},
	{
		Slug: "authentication-dropped", Stage: Afterwards, Quiet: true,
		Title: "cfn-init dropped an Authentication block: ${what}",
		Why:   "Fetches that name it go unsigned.",
		Fix:   []string{"type: S3 with roleName, or with accessKeyId and secretKey"},
		Signs: []Sign{
			{Word: "Unrecognized authentication type", Pattern: `(?P<what>Unrecognized authentication type: \S+)`},
			{Word: "S3 auth requires either", Pattern: `(?P<what>S3 auth requires either "accessKeyId" and "secretKey" or "roleName")`},
		},
	},
	{
		Slug: "nginx-taken-over", Stage: Afterwards, Quiet: true,
		Title: "Elastic Beanstalk no longer manages nginx: the bundle has .ebextensions/nginx",
		Why:   "On the Amazon Linux AMI that folder replaces the platform's own configuration.",
		Fix:   []string{"carry all of the configuration there, or move to .platform/nginx on Amazon Linux 2023"},
		Signs: []Sign{{Word: "Nginx configuration detected in the '.ebextensions/nginx' directory"}},
	},
}
