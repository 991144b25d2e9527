// Package agent is the programs that AWS calls CloudFormation's helper
// scripts, as commands: cfn-init reads metadata, has package cfninit carry it
// out, and says in AWS's words and exit statuses how that went.
package agent
