package check

import (
	"fmt"
	"strings"

	"beanpole/internal/ebext"
	"beanpole/internal/finding"
)

const (
	logsNamespace  = "aws:elasticbeanstalk:cloudwatch:logs"
	agentFragments = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/"
	oldAgentFolder = "/etc/awslogs/"
)

var agentConfigLost = &Rule{
	Slug:  "agent-config-lost",
	Title: "of two CloudWatch agent configurations one is lost",
	Why: `With StreamLogs, Elastic Beanstalk itself configures the CloudWatch agent at each
deployment, with fetch-config, which drops every other configuration: a file that was
put into the agent's folder amazon-cloudwatch-agent.d is gone. The other way round,
fetch-config of one's own ends Elastic Beanstalk's streams. append-config adds to what
is there, from a file elsewhere, in container_commands or a hook.`,
	Before: `files:
  /opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/app.json:
    content: …`,
	After: `files:
  /opt/aws/amazon-cloudwatch-agent/etc/app.json:
    content: …
container_commands:
  01_logs:
    command: amazon-cloudwatch-agent-ctl -a append-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/app.json`,
	Since: "0.1.0",
	// [CW agent guide "Multiple CloudWatch agent configuration files"; EB:AWSHowTo.cloudwatchlogs and AWS's sample
	// logs-streamtocloudwatch-linux.config, which appends]
	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.onGenerations(laterThanAL1...)
		set := r.setting(logsNamespace, "StreamLogs")
		if !applies || set == nil || set.Level == ebext.Default || !on(set.Value.TextOr("")) {
			return nil
		}
		fix := "write it elsewhere, and add it in container_commands   amazon-cloudwatch-agent-ctl -a append-config -m ec2 -s -c file:…"
		for _, e := range r.entries("files") {
			if !strings.HasPrefix(e.name.Text, agentFragments) {
				continue
			}
			f := keyFinding("agent-config-lost", finding.Warning, e.name)
			f.Message = fmt.Sprintf("the CloudWatch agent %s not read this: Elastic Beanstalk's own configuration takes its place", verb(certain))
			note(f, "cause", "StreamLogs is on", place(set.Value.Place())...)
			note(f, "on AWS", "no message at all; the file is gone after the deployment")
			note(f, "fix", fix)
			out = append(out, generational(f, certain))
		}
		if len(uses(r.scripts(), "beanstalk.json")) > 0 {
			return out // Elastic Beanstalk's own file is loaded again
		}
		for _, u := range uses(r.scripts(), "fetch-config") {
			if program, _ := u.program(); program != "amazon-cloudwatch-agent-ctl" || u.script.test {
				continue
			}
			f := &finding.Finding{Rule: "agent-config-lost", Severity: finding.Warning, Pos: u.pos(), End: u.end()}
			f.Message = fmt.Sprintf("this %s end the streams that StreamLogs asks for, or be ended by them", verb(certain))
			note(f, "cause", "fetch-config drops every other configuration, and Elastic Beanstalk calls it too", place(set.Value.Place())...)
			note(f, "on AWS", "no message at all")
			note(f, "fix", "write   append-config")
			out = append(out, generational(f, certain))
		}
		return out
	},
}

var logAgentGone = &Rule{
	Slug:  "log-agent-gone",
	Title: "the CloudWatch Logs agent of old is not there",
	Why: `Since Amazon Linux 2 Elastic Beanstalk streams logs with the CloudWatch agent. The agent
before it, awslogs, which reads /etc/awslogs, is not installed, and Amazon Linux 2023
has no package of it: nothing reads the file, without a message.`,
	Before: `files:
  /etc/awslogs/config/app.conf:
    content: …`,
	After: `files:
  /opt/aws/amazon-cloudwatch-agent/etc/app.json:
    content: …
container_commands:
  01_logs:
    command: amazon-cloudwatch-agent-ctl -a append-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/app.json`,
	Since: "0.1.0",
	// [EB:AWSHowTo.cloudwatchlogs; CWL:AgentReference, which calls awslogs deprecated]
	find: func(r *run) (out []*finding.Finding) {
		applies, certain := r.onGenerations(laterThanAL1...)
		if !applies || r.ownImage() || r.installs("awslogs") {
			return nil
		}
		for _, e := range r.entries("files") {
			if !strings.HasPrefix(e.name.Text, oldAgentFolder) {
				continue
			}
			f := keyFinding("log-agent-gone", finding.Warning, e.name)
			f.Message = fmt.Sprintf("nothing %s read this: the agent awslogs is not installed", verb(certain))
			note(f, "on AWS", "no message at all; the log group stays empty")
			note(f, "fix", "configure the CloudWatch agent instead   amazon-cloudwatch-agent-ctl -a append-config -m ec2 -s -c file:…")
			out = append(out, generational(f, certain))
			break
		}
		return out
	},
}
