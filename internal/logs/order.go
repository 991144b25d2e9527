package logs

import (
	"slices"
	"strings"
)

// phases are what Elastic Beanstalk's events say in the order in which a
// deployment comes to it. Source: events of deployments as the service and the
// EB CLI print them.
var phases = [][]string{
	{"Environment update is starting", "createEnvironment is starting", "Updating environment "},
	{"Deploying new version to instance(s)", "Using elasticbeanstalk-", "Launched environment", "deployment policy enabled"},
	{"Command failed on instance", "Instance deployment failed", "Failed to run npm install"},
	{"Command execution completed on"},
	{"Unsuccessful command execution on instance", "did not pass health check after command execution"},
	{"Failed to deploy application", "New application version was deployed", "Failed to launch environment", "operation is complete"},
	{"During an aborted deployment", "Environment update completed successfully", "Successfully launched environment"},
}

func phase(text string) int {
	for i, words := range phases {
		for _, w := range words {
			if strings.Contains(text, w) {
				return i
			}
		}
	}
	return -1
}

// uprightByWords turns each run of events without times round, when what they say
// is told backwards. Console and tools that follow it print the newest first.
func uprightByWords(records []*Record) {
	for from := 0; from < len(records); {
		to := from
		for to < len(records) && records[to].ofEvents() && records[to].Time.IsZero() {
			to++
		}
		run := records[from:to]
		up, down, last := 0, 0, -1
		for _, r := range run {
			p := phase(r.Text)
			if p < 0 {
				continue
			}
			if last >= 0 && p > last {
				up++
			} else if p < last {
				down++
			}
			last = p
		}
		if down > up {
			slices.Reverse(run)
		}
		from = max(to, from+1)
	}
}
