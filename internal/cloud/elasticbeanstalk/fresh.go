package elasticbeanstalk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	cf "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
	"beanpole/internal/source"
)

// temporaryGroup makes the stack of the temporary Auto Scaling group that new
// instances belong to until they are healthy; its name is told. AWS's has this
// name [EB:environmentmgmt-updates-immutable].
func (o *operation) temporaryGroup() (group string, ok bool) {
	properties := source.NewMap(source.Pos{})
	for _, m := range o.stackResources() {
		if m.id == ebext.Group && m.props != nil {
			properties = m.props
		}
	}
	text := `{"Resources": {"` + ebext.Group + `": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": ` + string(properties.JSON()) + `}}}`
	name := o.temporaryStack()
	_, err := cfnCall[cf.CreateStackInput, cf.CreateStackOutput](o, "CreateStack", &cf.CreateStackInput{StackName: &name, TemplateBody: &text, Tags: o.tags()})
	if err != nil {
		o.error("Service:AmazonCloudFormation, Message:%s", reason(err))
		return "", false
	}
	for !o.ended() {
		out, err := cfnCall[cf.DescribeStackResourcesInput, cf.DescribeStackResourcesOutput](o, "DescribeStackResources", &cf.DescribeStackResourcesInput{StackName: &name})
		if err == nil && len(out.StackResources) == 1 && door.Value(out.StackResources[0].PhysicalResourceId) != "" {
			group = door.Value(out.StackResources[0].PhysicalResourceId)
			o.info("Created temporary auto scaling group %s.", group)
			return group, true
		}
		if sleep(o.ctx, pollEvery) != nil {
			break
		}
	}
	return "", false
}

func (o *operation) temporaryStack() string { return "awseb-" + o.e.ID + "-immutable-stack" }

// groupName is the permanent Auto Scaling group's.
func (o *operation) groupName() string {
	for _, r := range o.resources() {
		if door.Value(r.LogicalResourceId) == ebext.Group {
			return door.Value(r.PhysicalResourceId)
		}
	}
	return ""
}

// immutable deploys to new instances alone: one first, then as many as there
// were; when all are healthy they take the old ones' places. A failure leaves
// the old ones as they are [EB:environmentmgmt-updates-immutable; the events'
// texts and order: logs of 2020 to 2026].
func (o *operation) immutable() *outcome {
	old := o.current()
	o.info("Immutable deployment policy enabled. Launching one instance with the new settings to verify health.")
	group, ok := o.temporaryGroup()
	if !ok {
		return &outcome{answers: []answered{{}}, told: true}
	}
	fresh, r := o.proven(1, true, nil)
	if rest := len(old) - 1; r.ok() && rest > 0 && !o.ended() {
		o.info("Test instance passed health checks. Launching remaining new instances.")
		var more *outcome
		fresh, more = o.proven(rest, false, fresh)
		more.answers = append(r.answers, more.answers...)
		r = more
	}
	if o.ended() {
		return r
	}
	if !r.ok() {
		o.dropFresh(fresh, r)
		return r
	}
	o.takeOver(fresh, old, group)
	return r
}

// proven launches instances beside the environment's, deploys to them, puts
// them into the load balancer and waits until these and earlier ones are
// healthy; all of them are returned.
func (o *operation) proven(count int, leader bool, earlier []Machine) ([]Machine, *outcome) {
	fresh, r := o.launchFresh(count, leader)
	all := append(slices.Clone(earlier), fresh...)
	if !r.ok() || o.ended() {
		return all, r
	}
	if !leader {
		o.added(fresh)
		o.info("Successfully launched all instances.")
	}
	if !o.single() {
		o.info("Adding new instance(s) (%s) to the load balancer.", strings.Join(names(fresh), ","))
		o.register(fresh)
	}
	o.info("Waiting for instance(s) (%s) to pass health checks.", strings.Join(names(all), ","))
	if leader {
		o.added(fresh)
	}
	r.unhealthy = o.unhealthy(all)
	return all, r
}

// takeOver puts new instances into the places of the old ones.
func (o *operation) takeOver(fresh, old []Machine, group string) {
	o.info("Detached new instance(s) from temporary auto scaling group %s.", group)
	l := o.live()
	l.mu.Lock()
	l.temporary = nil
	l.mu.Unlock()
	o.keepMachines(fresh)
	o.info("Attached new instance(s) to the permanent auto scaling group %s.", o.groupName())
	o.info("Starting post-deployment configuration on new instances.")
	if b := o.balancer(); b != nil { // their proxies restart; the old ones serve meanwhile
		b.Split(nil, 0)
	}
	o.drain(fresh)
	if r := o.configure(fresh); !r.ok() && !o.ended() { // which undoes nothing any more
		r.tell(o)
	}
	o.register(fresh)
	o.info("Waiting for post-deployment configuration to complete.")
	o.outOfService(fresh)
	o.info("Deployment succeeded. Terminating old instances and temporary Auto Scaling group.")
	o.retire(old)
	o.deleteStackNamed(o.temporaryStack())
	o.tellHastened()
}

// dropFresh ends new instances that failed, and the temporary group; the logs
// of the failed ones stay for an hour.
func (o *operation) dropFresh(fresh []Machine, r *outcome) {
	r.tell(o)
	o.keepFailedLogs(fresh)
	o.warn("beanpole: the new instances and their temporary Auto Scaling group are terminated; the other instances were not touched")
	o.retire(fresh)
	o.deleteStackNamed(o.temporaryStack())
}

// keepFailedLogs puts the logs of instances that are about to end into S3, as
// AWS does after a failed immutable update.
func (o *operation) keepFailedLogs(machines []Machine) {
	bucket, err := o.s.storage(o.ctx, o.e.Region)
	for _, m := range machines {
		if err == nil {
			err = o.pullLogs(m, types.EnvironmentInfoTypeTail, bucket, failedLifetime)
		}
	}
	if err != nil && !o.ended() {
		o.warn("beanpole: the logs of the failed instances could not be kept: %s", reason(err))
	}
}

// splitTraffic launches as many new instances as there are, and gives them a
// part of the requests for a while. When they stay healthy they get all, and
// the old ones end; else the old ones get all again
// [EB:using-features.rolling-version-deploy].
func (o *operation) splitTraffic() *outcome {
	old, b := o.current(), o.balancer()
	o.info("beanpole: traffic-splitting deployment: launching %d new %s beside the others", len(old), plural(len(old), "instance"))
	group, ok := o.temporaryGroup()
	if !ok {
		return &outcome{answers: []answered{{}}, told: true}
	}
	percent := o.number("aws:elasticbeanstalk:trafficsplitting", "NewVersionPercent", 10)
	fresh, r := o.launchFresh(len(old), true)
	defer b.Split(nil, 0)
	if r.ok() && !o.ended() {
		o.added(fresh)
		b.Split(names(fresh), percent)
		o.info("Adding new instance(s) (%s) to the load balancer.", strings.Join(names(fresh), ","))
		o.register(fresh)
		o.info("Waiting for instance(s) (%s) to pass health checks.", strings.Join(names(fresh), ","))
		if r.unhealthy = o.outOfService(fresh); r.ok() {
			r.unhealthy = o.evaluate(fresh, percent)
		}
	}
	if o.ended() {
		return r
	}
	if !r.ok() {
		b.Split(names(fresh), 0)
		o.dropFresh(fresh, r)
		return r
	}
	o.takeOver(fresh, old, group)
	return r
}

// number is an option's value as a number.
func (o *operation) number(namespace, name string, or int) int {
	if n, err := strconv.Atoi(o.e.value(namespace, name)); err == nil {
		return n
	}
	return or
}

// longestEvaluation is the longest evaluation time where nothing keeps AWS's times.
const longestEvaluation = 15 * time.Second

// evaluate watches new instances for the evaluation time, and names those that
// do not stay healthy.
func (o *operation) evaluate(fresh []Machine, percent int) []string {
	whole := time.Duration(o.number("aws:elasticbeanstalk:trafficsplitting", "EvaluationTime", 5)) * time.Minute
	wait := whole
	if !o.s.RealTime {
		wait = min(whole/hastened, o.s.evaluation)
	}
	o.info("beanpole: %d percent of the requests go to the new instances for the evaluation time of %s (here: %s)", percent, span(whole), wait.Round(time.Millisecond))
	b := o.balancer()
	for end := o.s.now().Add(wait); o.s.now().Before(end); {
		var bad []string
		for _, m := range fresh {
			if !b.InService(m.ID()) || o.s.failing(o.e, m) {
				bad = append(bad, m.ID())
			}
		}
		if len(bad) > 0 {
			return bad
		}
		if sleep(o.ctx, min(wait/10, time.Second)) != nil {
			return nil
		}
	}
	return nil
}
