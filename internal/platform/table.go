package platform

var (
	goProgram     = [][]string{{"go"}}
	nodePrograms  = [][]string{{"node"}, {"npm"}}
	pythonProgram = [][]string{{"python3"}}
	javaProgram   = [][]string{{"java"}}
	rubyProgram   = [][]string{{"ruby"}, {"puma", "bundle"}}
	// PHPServers are the names that PHP's FastCGI server has on AWS and on Debian.
	PHPServers = []string{"php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2", "php-fpm8.1", "php-fpm7.4"}
)

// later are the branches of Amazon Linux 2 and 2023, which differ in ports,
// commands and names of instructions only. Folders and user:
// [EB:custom-platforms-scripts]; ports: the platforms' pages and [log:
// eb-engine.log "setting default port 8080 to application"]; instructions:
// [log: eb-engine.log, the name in "An error occurred during execution of
// command [app-deploy] - [...]"].
var later = map[Language]Platform{
	Go:     {Build: "Golang Specific Build Application", Programs: goProgram, Packages: "golang"},
	NodeJS: {Port: 8080, Build: "Use NPM to install dependencies", Programs: nodePrograms, Packages: "nodejs npm"},
	Python: {Port: 8000, Programs: pythonProgram, Packages: "python3 python3-venv gunicorn"},
	Ruby:   {Socket: "/var/run/puma/my_app.sock", Upstream: "my_app", Programs: rubyProgram, Packages: "ruby puma"},
	PHP:    {Socket: "/run/php-fpm/www.sock", Upstream: "php-fpm", Programs: [][]string{PHPServers}, Packages: "php-fpm"},
	Tomcat: {Port: 8080, User: "tomcat", Log: "/var/log/tomcat/catalina.out", Programs: javaProgram, Packages: "default-jre-headless tomcat10"},
	JavaSE: {Programs: javaProgram, Packages: "default-jre-headless"},
	DotNet: {Programs: [][]string{{"dotnet"}}},
	Docker: {Port: 80, Upstream: "docker", Build: "Docker Specific Build Application"},
	ECS:    {Port: 80, Build: "Start ECS task"},
}

// amazonLinuxAMI are the branches of the Amazon Linux AMI, where each platform
// had folders of its own. [log: eb-activity.log of each;
// EB:using-features.migration-al; EB platform pages]
var amazonLinuxAMI = map[Language]Platform{
	Go:     {Programs: goProgram, Packages: "golang"},
	NodeJS: {Port: 8081, Upstream: "nodejs", Staging: "/tmp/deployment/application", User: "nodejs", Log: "/var/log/nodejs/nodejs.log", Programs: nodePrograms, Packages: "nodejs npm"},
	Python: {Port: 8000, Staging: "/opt/python/ondeck/app", Current: "/opt/python/current/app", User: "wsgi", Apache: true, Programs: pythonProgram, Packages: "python3 python3-venv gunicorn"},
	Ruby:   {Socket: "/var/run/puma/my_app.sock", Upstream: "my_app", Staging: "/var/app/ondeck", Programs: rubyProgram, Packages: "ruby puma"},
	PHP:    {Socket: "/run/php-fpm/www.sock", Upstream: "php-fpm", Staging: "/var/app/ondeck", Apache: true, Programs: [][]string{PHPServers}, Packages: "php-fpm"},
	Tomcat: {Port: 8080, Staging: "/tmp/deployment/application/ROOT", Current: "/var/lib/tomcat8/webapps/ROOT", User: "tomcat", Log: "/var/log/tomcat8/catalina.out", Apache: true, Programs: javaProgram, Packages: "default-jre-headless tomcat10"},
	JavaSE: {Programs: javaProgram, Packages: "default-jre-headless"},
	Docker: {Port: 80, Upstream: "docker"},
	ECS:    {Port: 80},
}
