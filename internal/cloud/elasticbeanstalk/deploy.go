package elasticbeanstalk

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/account"
	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/ebext"
	"beanpole/internal/event"
	"beanpole/internal/fact"
	"beanpole/internal/instance"
	"beanpole/internal/platform"
)

// maxEventText is how long an instance's part of an event may be [hm].
const maxEventText = 512

// answered is one instance's answer to a command.
type answered struct {
	id     string
	result *instance.Result // nil: none came
	err    error
	took   time.Duration
}

func (a *answered) ok() bool { return a.result != nil && a.result.Status == instance.Success }

// outcome is a command's on all instances, in their order.
type outcome struct {
	answers []answered
	// unhealthy are those that carried the command out and did not pass their
	// health checks then.
	unhealthy []string
	told      bool // what failed was told
	exchanged bool // new instances were to take the places of all
}

// deploy gives app-deploy to all instances at once and waits for all. The
// first of them is the leader.
func (o *operation) deploy(machines []Machine) *outcome {
	return o.give(platform.AppDeploy, machines, true)
}

// configure gives config-deploy: settings changed, and no version.
func (o *operation) configure(machines []Machine) *outcome {
	return o.give(platform.ConfigDeploy, machines, true)
}

// deployLed is deploy with or without a leader: instances that replace others
// elect none [EB:customize-containers-ec2].
func (o *operation) deployLed(machines []Machine, leader bool) *outcome {
	return o.give(platform.AppDeploy, machines, leader)
}

// give gives a command to all instances at once and waits for all.
func (o *operation) give(name string, machines []Machine, leader bool) *outcome {
	r := &outcome{answers: make([]answered, len(machines))}
	command, err := o.command(name)
	var all sync.WaitGroup
	for i, m := range machines {
		r.answers[i] = answered{id: m.ID(), err: err}
		if err != nil {
			continue
		}
		all.Go(func() {
			a := &r.answers[i]
			ctx, cancel := context.WithTimeout(o.ctx, command.Timeout)
			defer cancel()
			began := time.Now()
			mine := *command
			mine.Leader = leader && i == 0
			a.result, a.err = m.Do(ctx, &mine)
			a.took = time.Since(began)
		})
	}
	all.Wait()
	if !o.ended() {
		o.noteInstances(r)
		r.tellEngine(o)
		r.tellSkipped(o)
		r.tellAssumed(o)
	}
	return r
}

// command is what the instances are told.
func (o *operation) command(name string) (*instance.Command, error) {
	bundle, err := o.presign()
	if err != nil {
		return nil, err
	}
	c := &instance.Command{
		Name: name, Stack: o.e.stackName(), Resource: ebext.Group, Region: o.e.Region, Application: o.e.Application,
		VersionLabel: o.e.Version, Environment: o.e.Name, Platform: o.e.Platform, BundleURL: bundle, Env: map[string]string{}, Timeout: instance.DefaultTimeout,
		Options: map[string]map[string]string{},
	}
	for _, set := range o.e.settings().InForce() {
		if c.Options[set.Namespace] == nil {
			c.Options[set.Namespace] = map[string]string{}
		}
		c.Options[set.Namespace][set.Option] = set.Value.TextOr("")
		if set.Namespace == "aws:elasticbeanstalk:application:environment" {
			c.Env[set.Option] = set.Value.TextOr("")
		}
	}
	if n, err := strconv.Atoi(o.e.value("aws:elasticbeanstalk:command", "Timeout")); err == nil && n > 0 {
		c.Timeout = time.Duration(n)*time.Second + 240*time.Second // the service's own margin [log]
	}
	if n, err := strconv.Atoi(c.Env["PORT"]); err == nil {
		c.Port = n
	}
	return c, nil
}

// presign makes the bundle's URL, signed with the caller's own key: the
// instance needs no permission of its own to get it.
func (o *operation) presign() (string, error) {
	o.s.mu.Lock()
	v, err := o.s.findVersion(o.e.Application, o.e.Version)
	o.s.mu.Unlock()
	if err != nil {
		return "", err
	}
	return o.s.presign(o.ctx, o.e.Region, v.Bucket, v.Key, "", time.Hour)
}

// presign makes an object's URL, signed with the caller's key. It leads to S3
// under AWS's name, which only instances are led to this local AWS by, or to
// an endpoint.
func (s *Service) presign(ctx context.Context, region, bucket, key, endpoint string, lifetime time.Duration) (string, error) {
	id := door.CallerOf(ctx).KeyID
	secret, token, _, ok := s.State.Secret(id)
	if !ok {
		return "", fmt.Errorf("sign an object's URL: the caller's key is gone")
	}
	s.State.View(func(a *account.Account) {
		if b, found := a.Bucket(bucket); found == fact.Holds && b.Region != "" {
			region = b.Region
		}
	})
	where := &url.URL{Scheme: "https", Host: bucket + ".s3." + region + ".amazonaws.com", Path: "/" + key}
	if strings.Contains(bucket, ".") { // which no certificate covers
		where.Host, where.Path = "s3."+region+".amazonaws.com", "/"+bucket+"/"+key
	}
	if endpoint != "" {
		var err error
		if where, err = url.Parse(endpoint); err != nil {
			return "", fmt.Errorf("sign an object's URL: %w", err)
		}
		where.Path = "/" + bucket + "/" + key
	}
	return aws.PresignV4("GET", where.String(), aws.Credentials{KeyID: id, Secret: secret, Token: token}, region, "s3", lifetime, s.now())
}

// noteInstances writes down how the deployment went on each instance.
func (o *operation) noteInstances(r *outcome) {
	o.set(func(e *environment) {
		for i := range e.Instances {
			for _, a := range r.answers {
				if a.id != e.Instances[i].ID {
					continue
				}
				e.Instances[i].Status = "Failed"
				if a.ok() {
					e.Instances[i].Status, e.Instances[i].Deployed = "Deployed", o.s.now().UTC()
					e.Instances[i].Version, e.Instances[i].DeploymentID = e.Version, e.DeploymentID
				}
			}
		}
	})
}

func (r *outcome) count() (good, bad int) {
	for i := range r.answers {
		if r.answers[i].ok() {
			good++
		}
	}
	return good, len(r.answers) - good
}

func (r *outcome) ok() bool {
	_, bad := r.count()
	return bad == 0 && len(r.unhealthy) == 0
}

// silent reports that no instance failed, but some did not answer in time.
func (r *outcome) silent() bool {
	late := false
	for i := range r.answers {
		a := &r.answers[i]
		if a.ok() {
			continue
		}
		if !a.late() {
			return false
		}
		late = true
	}
	return late
}

func (a *answered) late() bool {
	return a.result == nil && errors.Is(a.err, context.DeadlineExceeded)
}

func (r *outcome) deployment() types.ConfigurationDeploymentStatus {
	if r.ok() {
		return types.ConfigurationDeploymentStatusDeployed
	}
	return types.ConfigurationDeploymentStatusFailed
}

// which instances failed, as health causes say it.
func (r *outcome) which() string {
	_, bad := r.count()
	return part(bad, len(r.answers))
}

// part is some of all instances, as health causes say it.
func part(some, all int) string {
	if some >= all {
		return "all instances"
	}
	return fmt.Sprintf("%d out of %d instances", some, all)
}

// tellEngine shows the events that the instances' engines ask for.
func (r *outcome) tellEngine(o *operation) {
	for _, a := range r.answers {
		if a.result == nil {
			continue
		}
		for _, e := range a.result.Events {
			o.tell(severity(e.Severity), "%s", cut(e.Message))
		}
	}
}

// tellSkipped says once what the version asks for and beanpole does not carry
// out, so that an instance without it does not look complete.
func (r *outcome) tellSkipped(o *operation) {
	var all []string
	for _, a := range r.answers {
		if a.result == nil {
			continue
		}
		for _, s := range a.result.Skipped {
			text := "`" + s.What + "`"
			if s.File != "" {
				text += " (" + s.File + ")"
			}
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	if len(all) > 0 {
		o.warn("%s", cut("beanpole: not carried out here yet, though AWS would: "+strings.Join(all, ", ")))
	}
}

// tellAssumed says once which packages count as installed although they are
// not, so that their absence does not pass for what AWS would do.
func (r *outcome) tellAssumed(o *operation) {
	var all []string
	for _, a := range r.answers {
		if a.result == nil {
			continue
		}
		for _, p := range a.result.Assumed {
			why := p.Why
			if why == "" {
				why = "there is no " + p.Manager
			}
			text := fmt.Sprintf("%s %s (%s): %s", p.Manager, strings.Join(p.Packages, ", "), p.File, why)
			if !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	if len(all) > 0 {
		o.warn("%s", cut("beanpole: this instance's root is not Amazon Linux; packages that AWS would install count as installed. If something here needs them, install them on this machine, or use an image of Amazon Linux (--image): "+strings.Join(all, "; ")))
	}
}

func severity(s string) event.Severity {
	switch sev := event.Severity(s); sev {
	case event.Trace, event.Debug, event.Warn, event.Error, event.Fatal:
		return sev
	}
	return event.Info
}

// tell shows once what failed on which instance, and the summary.
func (r *outcome) tell(o *operation) {
	_, bad := r.count()
	if r.told || bad == 0 {
		return
	}
	r.told = true
	var late []string
	for i := range r.answers {
		a := &r.answers[i]
		switch {
		case a.ok():
		case a.late():
			late = append(late, a.id)
		case a.result == nil:
			o.error("beanpole: instance %s gave no answer: %s", a.id, reason(a.err))
		default:
			o.error("[Instance: %s] Command failed on instance. Return code: %d Output: %s.", a.id, a.result.ReturnCode, a.text(o.platform))
		}
	}
	if len(late) > 0 {
		o.warn("The following instances have not responded in the allowed command timeout time (they might still finish eventually on their own): [%s].", strings.Join(late, ", "))
	}
	good, bad := r.count()
	o.info("Command execution completed on all instances. Summary: [Successful: %d, Failed: %d].", good, bad)
}

// text is what an instance says of its failure: the host manager's text on
// Amazon Linux AMI [hm], the engine's one sentence after it.
func (a *answered) text(p ebext.Platform) string {
	if p.Generation == ebext.AL1 {
		return cut(a.result.Output)
	}
	return cut(a.result.Message)
}

func cut(s string) string {
	if r := []rune(s); len(r) > maxEventText {
		return string(r[:maxEventText])
	}
	return s
}

// tellWaits says how long AWS would have taken, where that was cut short.
func (r *outcome) tellWaits(o *operation) {
	var worst *answered
	for i := range r.answers {
		a := &r.answers[i]
		if a.result != nil && !a.ok() && a.result.Longest > 0 && (worst == nil || a.result.Longest > worst.result.Longest) {
			worst = a
		}
	}
	if worst == nil || worst.took >= worst.result.Expected {
		return
	}
	o.info("beanpole: on AWS the instance's agent would have waited between its tries for about %s, %s at the longest; here the waits were cut short.",
		span(worst.result.Expected), span(worst.result.Longest))
}

// failedIDs are the instances on which the command failed, quoted.
func (r *outcome) failedIDs() string {
	var ids []string
	for i := range r.answers {
		if !r.answers[i].ok() {
			ids = append(ids, r.answers[i].id)
		}
	}
	return quoted(ids)
}

func quoted(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return "'" + strings.Join(ids, "', '") + "'"
}
