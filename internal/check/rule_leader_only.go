package check

import "beanpole/internal/finding"

var leaderOnlyTest = &Rule{
	Slug:  "leader-only-test",
	Title: "leader_only makes test go unread",
	Why: `leader_only and test exclude each other, and leader_only takes precedence: Elastic
Beanstalk itself sets the test of such a command, which asks whether the instance is
the leader. The test that was written is lost without a message, and the command runs
on the leader at every deployment.`,
	Before: `container_commands:
  01_seed:
    command: ./seed.sh
    test: test ! -f /var/lib/seeded
    leader_only: true`,
	After: `container_commands:
  01_seed:
    command: test -f /var/lib/seeded || ./seed.sh
    leader_only: true`,
	Since: "0.1.0",
	// [EB:customize-containers-ec2, "Container commands"]
	find: func(r *run) (out []*finding.Finding) {
		for _, e := range r.entries("container_commands") {
			if test := e.get("test"); test != nil && truth(e.get("leader_only")) {
				f := keyFinding("leader-only-test", finding.Warning, test)
				f.Message = "this test will not be asked: leader_only takes precedence, and the command runs at every deployment"
				note(f, "cause", "leader_only and test exclude each other", e.get("leader_only").Pos)
				note(f, "on AWS", "no message at all")
				note(f, "fix", "put the question into the command   command: TEST && …   or leave leader_only out")
				out = append(out, f)
			}
		}
		return out
	},
}
