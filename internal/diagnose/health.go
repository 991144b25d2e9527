package diagnose

import (
	"strings"

	"beanpole/internal/lazyregexp"
	"beanpole/internal/logs"
)

// healthReason is one reason that enhanced health gives for an environment that
// is not well. Texts: page "Enhanced health notifications" of the developer guide
// (environments-health-enhanced-notifications), and events as users posted them.
type healthReason struct {
	re          *lazyregexp.Regexp
	slug        string
	why, settle string
}

// healthReasons are the reasons, those that tell most first: an event may give
// several.
var healthReasons = []healthReason{
	{lazyregexp.New(`Following services are not running: [\w ,.-]+`), "services-not-running",
		"A process of the application or of the platform does not run on the instance.",
		"web.stdout.log and eb-engine.log of the instance: how did that process end?"},
	{lazyregexp.New(`Command failed on (?:all|\d+ out of \d+) instances?|[Cc]ommand failed on instance`), "command-failed-on-instance",
		"A deployment's command failed; health repeats it.",
		"the ERROR events of the deployment before; eb-engine.log (Amazon Linux AMI: eb-activity.log)"},
	{lazyregexp.New(`Incorrect application version (?:found on [^.]*|"[^"]*"[^.]*)`), "wrong-version",
		"An earlier deployment failed on some instances or was given up, so that they run another version than the environment expects.",
		"eb events: the ERROR of the deployment that failed; deploying once more puts all instances on one version"},
	{lazyregexp.New(`[\d.]+ ?% of the requests (?:to the ELB )?are (?:failing|erroring) with HTTP 5xx`), "health-5xx",
		"The application, or the proxy for want of one, answers requests with 5xx.",
		"web.stdout.log and nginx's error.log of an instance at that time"},
	{lazyregexp.New(`Target\.\w+|Health checks failed with these codes: \[[^\]]*\]`), "health-check-answer",
		"The load balancer's own requests to the health check's path are not answered as they should.",
		"curl -i http://localhost/PATH on the instance: it must answer 200 to everybody"},
	{lazyregexp.New(`ELB processes are not healthy on [^.]*|ELB health is failing or not available for [^.]*|Process \w+ has been unhealthy for [^.]*`), "balancer-unhealthy",
		"The load balancer's health check of the instances fails: the application does not listen, the path does not answer 200, or a security group is closed.",
		"describe-instances-health; curl -i http://localhost/PATH on the instance; the security group of the instances"},
	{lazyregexp.New(`[\d.]+ ?% of the requests (?:to the ELB )?are (?:failing|erroring) with HTTP 4xx`), "health-4xx",
		"Many requests are for what does not exist or is not allowed; a health check's own requests, or scanners, count too.",
		"the proxy's access.log: who asks for what? The rule for 4xx can be switched off in ConfigDocument of aws:elasticbeanstalk:healthreporting:system"},
	{lazyregexp.New(`None of the instances are sending data|[Nn]o data received from[^.]*|Instance has not sent any data since[^.]*|not sending data`), "no-health-data",
		"The health agent on the instances does not report: they are stopped, cannot reach Elastic Beanstalk, have no right to PutInstanceStatistics, or are overloaded.",
		"are the instances running? /var/log/healthd/daemon.log on one; the role needs AWSElasticBeanstalkWebTier"},
	{lazyregexp.New(`[\d.]+ ?% of (?:CPU|memory|the )[^.]* in use[^.]*|[Ll]oad average[^.]*|[\d.]+ ?% of memory is in use[^.]*`), "instance-loaded",
		"The instance is short of CPU, memory or disk.",
		"top and df -h on the instance"},
	{lazyregexp.New(`Impaired services on [^.]*|(?:Severe|Degraded|Unhealthy) [^.]*instances?[^.]*`), "instances-impaired",
		"Some instances are unwell; health of the environment follows.",
		"aws elasticbeanstalk describe-instances-health --attribute-names All"},
}

var (
	transition = lazyregexp.New(`[Ee]nvironment health has transitioned (?:from [\w ]+? )?to (Ok|Info|Pending|Unknown|Warning|Degraded|Severe|No Data|Suspended)\b\.?`)
	bareHealth = lazyregexp.New(`^\W*(?:Severe|Degraded|Warning)?\W*(?:[\d.]+ ?% of the requests|Incorrect application version|Following services are not running|ELB (?:health|processes)|None of the instances are sending|Impaired services)`)
	wellAgain  = []string{"Ok", "Info", "Pending", "Unknown"}
)

// health is what the last event about health says, nil when there is none from
// record on, or when it says that the environment is well.
func (t *trial) health(from int) *Step {
	for i := len(t.records) - 1; i >= from; i-- {
		r := t.records[i]
		text := strings.Join(strings.Fields(r.Text), " ")
		if r.Kind != logs.Event && r.Kind != logs.Plain {
			continue
		}
		all := transition.FindAllStringSubmatchIndex(text, -1)
		switch {
		case len(all) > 0:
			m := all[len(all)-1]
			return unwell(r, i, text[m[2]:m[3]], text[m[1]:])
		case bareHealth.MatchString(text):
			return unwell(r, i, "", text)
		}
	}
	return nil
}

// unwell is the step that stands for an event about health.
func unwell(r *logs.Record, order int, state, said string) *Step {
	for _, w := range wellAgain {
		if state == w {
			return nil
		}
	}
	c := &Cause{Slug: "environment-unhealthy", Stage: Health, Generic: true,
		Why:    "Health looks at requests, the load balancer and the instances; the event gives no reason.",
		Settle: "aws elasticbeanstalk describe-environment-health --attribute-names All"}
	what := ""
	for _, h := range healthReasons {
		if m := h.re.FindString(said); m != "" {
			c.Slug, c.Why, c.Settle, what = h.slug, h.why, h.settle, m
			break
		}
	}
	c.Title = "the environment's health is " + state
	switch {
	case state == "" && what != "":
		c.Title = "the environment is not healthy: " + what
	case what != "":
		c.Title = "health is " + state + ": " + what
	}
	c.Title = strings.TrimRight(Hide(c.Title), " .")
	return &Step{Cause: c, Groups: map[string]string{}, Record: r, order: order}
}
