package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/account"
	"beanpole/internal/check"
	"beanpole/internal/diagnose"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/logs"
)

// succeeded says where the environment answers.
func (d *deployment) succeeded(ctx context.Context, f *follower) error {
	name := f.env
	if name == "" {
		name = d.env
	}
	d.screen.line("")
	urls := d.clients.urls(ctx, name, "")
	if len(urls) == 0 {
		d.screen.line("%s is up", d.stack)
		return nil
	}
	ill := d.clients.illness(ctx, name)
	if ill == "" && strings.HasPrefix(urls[0], "http://") {
		ill = trouble(ctx, urls[0])
	}
	d.screen.line("%s is up%s:", name, ill)
	for _, u := range urls {
		d.screen.line("  %s", u)
	}
	d.screen.line("end it with: beanpole down")
	return nil
}

// illness says that an environment is up, but not well, and where that shows;
// "" for one that is well or not judged yet.
func (c *clients) illness(ctx context.Context, environment string) string {
	out, err := c.beans.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{
		EnvironmentNames: []string{environment}, IncludeDeleted: aws.Bool(false),
	})
	if err != nil || len(out.Environments) == 0 {
		return ""
	}
	switch h := out.Environments[0].Health; h {
	case ebtypes.EnvironmentHealthRed, ebtypes.EnvironmentHealthYellow:
		return ", but its health is " + string(h) + " (beanpole status, beanpole logs)"
	}
	return ""
}

// urls are the local addresses of an environment's load balancer, from its
// option settings. Where several environments share a port, they go by name.
func (c *clients) urls(ctx context.Context, environment, application string) []string {
	all, err := c.beans.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(false)})
	if err != nil {
		return nil
	}
	host := "localhost"
	for _, e := range all.Environments {
		if aws.ToString(e.EnvironmentName) == environment {
			application = aws.ToString(e.ApplicationName)
			if len(all.Environments) > 1 {
				host = aws.ToString(e.CNAME)
			}
		}
	}
	out, err := c.beans.DescribeConfigurationSettings(ctx, &elasticbeanstalk.DescribeConfigurationSettingsInput{
		ApplicationName: &application, EnvironmentName: &environment,
	})
	if err != nil || len(out.ConfigurationSettings) == 0 {
		return nil
	}
	var settings [][3]string
	for _, s := range out.ConfigurationSettings[0].OptionSettings {
		settings = append(settings, [3]string{aws.ToString(s.Namespace), aws.ToString(s.OptionName), aws.ToString(s.Value)})
	}
	return c.addresses(host, listenersOf(settings))
}

func (c *clients) addresses(host string, listeners map[int]map[string]string) []string {
	var urls []string
	for _, p := range open(listeners) {
		scheme, note := "http", ""
		if protocol := listeners[p]["ListenerProtocol"]; p == 443 || protocol == "HTTPS" || protocol == "SSL" || protocol == "TLS" {
			scheme = "https"
			if protocol == "TCP" {
				note = passed(c.on.portFor(p))
			}
		}
		urls = append(urls, fmt.Sprintf("%s://%s:%d/%s", scheme, host, c.on.portFor(p), note))
	}
	return urls
}

// failed explains a failed deployment below its last event: what the logs on
// the instances say, and the chain that led there.
func (d *deployment) failed(ctx context.Context, f *follower) error {
	d.screen.now("")
	written := d.readLogs(ctx, f)
	report, err := d.explain(ctx)
	if err != nil {
		return err
	}
	sure := confirmed(report, written)
	told := told(report, written, sure)
	d.screen.write(func(w io.Writer) {
		for _, l := range written {
			l.excerpt(w, sure)
		}
		fmt.Fprintln(w)
		switch {
		case told != nil:
			d.files().explained(w, told)
			return
		case len(report.Findings) == 0 && len(f.instances) == 0:
			fmt.Fprintln(w, "No instance was started; the ERROR events above say why.")
			return
		case len(report.Findings) == 0:
			fmt.Fprintln(w, "The cause is not one that beanpole knows; the instance's log files say more: beanpole logs")
			return
		case sure:
			fmt.Fprintln(w, "This is why, and what to change:")
		default:
			fmt.Fprintln(w, "The log files do not name a fetch that failed; of the same files, check says:")
		}
		fmt.Fprintln(w)
		d.files().print(w, report.Findings)
	})
	return errFailed
}

// told is what the log files say of the failure, nil where they name no cause
// or the chain of a fetch says more.
func told(report *check.Report, all []instanceLog, sure bool) *diagnose.Explained {
	if sure {
		return nil
	}
	r := &logs.Reader{Words: diagnose.Words()}
	for _, l := range all {
		if err := r.Read(l.instance+" "+l.path, strings.NewReader(strings.Repeat("\n", l.skipped)+l.text)); err != nil {
			return nil
		}
	}
	e := diagnose.Explain(diagnose.Logs(r.Reading()), report)
	if e.Cause == nil {
		return nil
	}
	return e
}

// instanceLog is one log file of one instance.
type instanceLog struct {
	instance, path, mark, text string
	skipped                    int // lines of the file before text
}

// errorLogs are the files that say why, and what marks the lines that do.
var errorLogs = []struct{ path, mark string }{
	{"/var/log/eb-engine.log", "[ERROR]"},
	{"/var/log/eb-activity.log", "failed"},
	{"/var/log/cfn-init.log", "[ERROR]"},
	{"/var/log/cfn-init-cmd.log", "[ERROR]"},
}

func (d *deployment) readLogs(ctx context.Context, f *follower) (logs []instanceLog) {
	kept := d.clients.keptLogs(ctx, f.env)
	for _, id := range f.instances {
		for _, l := range errorLogs {
			text, gone := kept[id][l.path]
			data, err := d.clients.on.own(ctx, "GET", "files/"+id+l.path, nil)
			if err == nil {
				text = string(data)
			} else if !gone { // the platform may not have this one
				continue
			}
			rest, skipped := since(text, f.from)
			logs = append(logs, instanceLog{id, l.path, l.mark, rest, skipped})
		}
	}
	return logs
}

// stamp is how the lines of errorLogs begin, in UTC.
var stamp = lazyregexp.New(`^\[?(\d{4})[-/](\d\d)[-/](\d\d)[ T](\d\d:\d\d:\d\d)[.,](\d{3})`)

// since splits a log at a time: what earlier deployments wrote on the same
// instance says nothing of this one. skipped counts their lines.
func since(text string, from time.Time) (rest string, skipped int) {
	want, at := from.UTC().Format("2006-01-02 15:04:05.000"), 0
	for line := range strings.Lines(text) {
		if m := stamp.FindStringSubmatch(line); m != nil && m[1]+"-"+m[2]+"-"+m[3]+" "+m[4]+"."+m[5] >= want {
			break
		}
		at += len(line)
		skipped++
	}
	return text[at:], skipped
}

// Lines of a log that are shown: those that say why, and where the cause is not
// known, those before the first of them too.
const (
	maxLogLines = 3
	linesBefore = 8
)

// excerpt prints the lines that say why; short leaves out what led there.
func (l *instanceLog) excerpt(w io.Writer, short bool) {
	var marked []string
	first := -1
	lines := strings.Split(l.text, "\n")
	for i, line := range lines {
		if !strings.Contains(line, l.mark) {
			continue
		}
		if first < 0 {
			first = i
		}
		if len(marked) == 0 || !sameButTime(marked[len(marked)-1], line) {
			marked = append(marked, line)
		}
	}
	if first < 0 {
		return
	}
	shown := marked[max(0, len(marked)-maxLogLines):]
	if !short {
		shown = append(slices.Clone(lines[max(0, first-linesBefore):first]), shown...)
	}
	fmt.Fprintf(w, "\n%s on %s:\n", l.path, l.instance)
	for _, line := range shown {
		fmt.Fprintf(w, "  %s\n", clean(line))
	}
}

// confirmed reports whether the agent's own log says of a fetch that it failed
// which check says of it.
func confirmed(r *check.Report, logs []instanceLog) bool {
	for _, c := range r.Chains {
		for _, l := range logs {
			if c.Cause() != nil && strings.Contains(l.text, "Failed to retrieve "+c.Fetch.URL+": ") {
				return true
			}
		}
	}
	return false
}

// sameButTime compares two log lines without their time stamps: a retried
// fetch writes the same line again and again.
func sameButTime(a, b string) bool {
	_, a, _ = strings.Cut(a, "[")
	_, b, _ = strings.Cut(b, "[")
	return a == b
}

// explain follows the chains of the user's own files over what the local AWS
// really holds: physical names from CloudFormation, objects from S3.
func (d *deployment) explain(ctx context.Context) (*check.Report, error) {
	given, err := d.flags.given()
	if err != nil {
		return nil, err
	}
	in := &check.Input{
		Bundle: d.bundle, Template: d.template, Given: given, Read: d.files().read,
		Platform: d.flags.platform, Environment: d.flags.environment,
	}
	if d.template != nil {
		in.Env = d.cfnEnv()
		physical, err := d.physical(ctx)
		if err != nil {
			return nil, err
		}
		in.Names = physical
	}
	in.Reachable = true
	in.Objects = func(bucket string) (map[string]*account.Object, bool) {
		return d.clients.list(ctx, bucket)
	}
	return check.Run(in)
}

// files are the user's own files, as `check` reads and names them.
func (d *deployment) files() *prediction {
	return &prediction{inputFlags: d.flags.inputFlags, path: d.path, bundle: d.bundle, parsed: d.template}
}

// physical are the physical IDs of the stack's resources.
func (d *deployment) physical(ctx context.Context) (map[string]string, error) {
	out, err := d.clients.stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &d.stack})
	if err != nil {
		return nil, awsError("list the stack's resources", err)
	}
	ids := map[string]string{}
	for _, r := range out.StackResources {
		if id := aws.ToString(r.PhysicalResourceId); id != "" {
			ids[aws.ToString(r.LogicalResourceId)] = id
		}
	}
	return ids, nil
}

// list is all that a bucket holds; ok is false when it could not be told.
func (c *clients) list(ctx context.Context, bucket string) (objects map[string]*account.Object, ok bool) {
	objects = map[string]*account.Object{}
	pages := s3.NewListObjectsV2Paginator(c.objects, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, false
		}
		for _, o := range page.Contents {
			objects[aws.ToString(o.Key)] = &account.Object{Size: aws.ToInt64(o.Size), ETag: strings.Trim(aws.ToString(o.ETag), `"`)}
		}
	}
	return objects, true
}
