package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/cfn"
	"beanpole/internal/source"
)

// cfnEnv is what the template's functions refer to in the local AWS.
func (d *deployment) cfnEnv() *cfn.Env {
	return d.flags.env(d.stack, d.flags.region, d.flags.account, d.params)
}

// storage is Elastic Beanstalk's own bucket of this region and account.
func (d *deployment) storage() string {
	return "elasticbeanstalk-" + d.flags.serveFlags.region + "-" + d.flags.serveFlags.account
}

// versions are the template's application versions.
func (d *deployment) versions() []*cfn.Declared {
	return declared(d.template, "AWS::ElasticBeanstalk::ApplicationVersion")
}

func declared(t *cfn.Template, typ string) []*cfn.Declared {
	var out []*cfn.Declared
	for _, r := range t.Resources {
		if r.Type == typ {
			out = append(out, r)
		}
	}
	return out
}

// placeBundle gives values to the parameters, not given otherwise, in which
// the application version looks for its source bundle.
func (d *deployment) placeBundle() error {
	for _, v := range d.versions() {
		place := v.Node.At("Properties", "SourceBundle")
		for attribute, value := range map[string]string{
			"S3Bucket": d.storage(),
			"S3Key":    d.stack + "/" + d.label + ".zip",
		} {
			name := refName(place.Get(attribute))
			if _, given := d.params[name]; name == "" || given || d.hasDefault(name) {
				continue
			}
			d.params[name] = value
		}
	}
	return nil
}

// refName is the name that a Ref names, in either form, or "".
func refName(n *source.Node) string {
	if n == nil {
		return ""
	}
	if n.Tag == "!Ref" {
		return n.Text
	}
	return n.Get("Ref").TextOr("")
}

func (d *deployment) hasDefault(parameter string) bool {
	for _, p := range d.template.Parameters {
		if p.Name == parameter {
			return p.Default != nil
		}
	}
	return true // no parameter: a resource's name, which is not ours to give
}

// upStack creates or updates the stack and follows it to its end.
func (d *deployment) upStack(ctx context.Context) error {
	exists, err := d.clearWay(ctx)
	if err != nil {
		return err
	}
	if err := d.placeSeeds(ctx); err != nil {
		return err
	}
	if err := d.upload(ctx); err != nil {
		return err
	}
	d.began = true
	f := d.follow()
	if exists {
		err = d.updateStack(ctx)
	} else {
		err = d.createStack(ctx)
	}
	if err != nil {
		return awsError("create the stack", err)
	}
	ok, err := f.stack(ctx, d.stack)
	if err != nil {
		return err
	}
	if !ok {
		return d.failed(ctx, f)
	}
	if !d.makesEnvironment() {
		return d.upEnvironment(ctx)
	}
	return d.succeeded(ctx, f)
}

// makesEnvironment reports whether the template creates the environment; else
// the API does, as with `eb create`.
func (d *deployment) makesEnvironment() bool {
	return len(declared(d.template, "AWS::ElasticBeanstalk::Environment")) > 0
}

// clearWay looks at an earlier stack of this name. A failed one is removed, as
// AWS would have it removed before the next try; a good one is updated.
func (d *deployment) clearWay(ctx context.Context) (exists bool, err error) {
	out, err := d.clients.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &d.stack})
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, awsError("look for an earlier stack", err)
	}
	status := string(out.Stacks[0].StackStatus)
	switch {
	case strings.HasPrefix(status, "DELETE"):
		return false, nil
	case status == "CREATE_COMPLETE", strings.HasPrefix(status, "UPDATE_") && strings.HasSuffix(status, "COMPLETE"):
		gone, err := d.environmentGone(ctx)
		if err != nil {
			return false, err
		}
		if gone == "" {
			d.screen.line("stack %s exists (%s): it is updated", d.stack, status)
			return true, nil
		}
		d.screen.line("environment %s of stack %s runs no more: the stack is removed first", gone, d.stack)
		return false, d.deleteStack(ctx)
	}
	d.screen.line("stack %s is left from an earlier try (%s): it is removed first", d.stack, status)
	return false, d.deleteStack(ctx)
}

// environmentGone names an environment of the stack that was terminated without
// it, because the local AWS that ran it was killed; "" for none.
func (d *deployment) environmentGone(ctx context.Context) (name string, err error) {
	physical, err := d.physical(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range declared(d.template, "AWS::ElasticBeanstalk::Environment") {
		name := physical[e.LogicalID]
		if name == "" {
			continue
		}
		if running, err := d.running(ctx, name); err != nil || running == nil {
			return name, err
		}
	}
	return "", nil
}

// upload puts the source bundle where the application version looks for it.
func (d *deployment) upload(ctx context.Context) error {
	if _, err := d.clients.beans.CreateStorageLocation(ctx, &elasticbeanstalk.CreateStorageLocationInput{}); err != nil {
		return awsError("make Elastic Beanstalk's bucket", err)
	}
	stack, err := d.template.Evaluate(d.cfnEnv())
	if err != nil {
		return err
	}
	for _, v := range d.versions() {
		r := stack.Resource(v.LogicalID)
		if r == nil {
			continue // its condition is false
		}
		bucket, ok1 := r.Properties.At("SourceBundle", "S3Bucket").Str()
		key, ok2 := r.Properties.At("SourceBundle", "S3Key").Str()
		if !ok1 || !ok2 {
			return &source.Problem{Pos: v.Pos, What: "the application version names no SourceBundle with S3Bucket and S3Key", Remedy: "add them"}
		}
		if err := d.put(ctx, bucket, key); err != nil {
			return err
		}
	}
	return nil
}

// put uploads the bundle, making its bucket if nobody has.
func (d *deployment) put(ctx context.Context, bucket, key string) error {
	input := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(d.zip), ContentType: aws.String("application/zip")}
	_, err := d.clients.objects.PutObject(ctx, input)
	if err != nil && strings.Contains(err.Error(), "NoSuchBucket") {
		if _, err = d.clients.objects.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err == nil {
			input.Body = bytes.NewReader(d.zip)
			_, err = d.clients.objects.PutObject(ctx, input)
		}
	}
	if err != nil {
		return awsError("upload the bundle to s3://"+bucket+"/"+key, err)
	}
	d.screen.line("uploaded the bundle to s3://%s/%s (%d bytes)", bucket, key, len(d.zip))
	return nil
}

func (d *deployment) body() (*string, []cfntypes.Parameter) {
	var params []cfntypes.Parameter
	for k, v := range d.params {
		params = append(params, cfntypes.Parameter{ParameterKey: aws.String(k), ParameterValue: aws.String(v)})
	}
	return aws.String(string(d.flags.templateText)), params
}

var capabilities = []cfntypes.Capability{cfntypes.CapabilityCapabilityIam, cfntypes.CapabilityCapabilityNamedIam}

// createStack asks for the stack without roll-back, so that a failed
// environment can be looked at.
func (d *deployment) createStack(ctx context.Context) error {
	body, params := d.body()
	_, err := d.clients.stacks.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: &d.stack, TemplateBody: body, Parameters: params,
		Capabilities: capabilities, OnFailure: cfntypes.OnFailureDoNothing,
	})
	return err
}

func (d *deployment) updateStack(ctx context.Context) error {
	body, params := d.body()
	_, err := d.clients.stacks.UpdateStack(ctx, &cloudformation.UpdateStackInput{
		StackName: &d.stack, TemplateBody: body, Parameters: params, Capabilities: capabilities,
	})
	if err != nil && strings.Contains(err.Error(), "No updates are to be performed") {
		d.screen.line("nothing has changed since the last deployment")
		return nil
	}
	return err
}

// deleteStack removes this deployment's stack and waits. CloudFormation does
// not delete a bucket that holds objects, so they are emptied first.
func (d *deployment) deleteStack(ctx context.Context) error {
	if err := d.emptyBuckets(ctx); err != nil {
		return err
	}
	if _, err := d.clients.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &d.stack}); err != nil {
		return awsError("delete the stack", err)
	}
	d.screen.now("removing stack " + d.stack)
	defer d.screen.now("")
	for {
		out, err := d.clients.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &d.stack})
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return awsError("watch the stack's deletion", err)
		}
		s := out.Stacks[0]
		if s.StackStatus == cfntypes.StackStatusDeleteFailed {
			return fmt.Errorf("delete stack %s: %s", d.stack, aws.ToString(s.StackStatusReason))
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func (d *deployment) emptyBuckets(ctx context.Context) error {
	out, err := d.clients.stacks.DescribeStackResources(ctx, &cloudformation.DescribeStackResourcesInput{StackName: &d.stack})
	if err != nil {
		return awsError("list the stack's resources", err)
	}
	for _, r := range out.StackResources {
		if aws.ToString(r.ResourceType) != "AWS::S3::Bucket" || r.PhysicalResourceId == nil {
			continue
		}
		objects, err := d.clients.objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: r.PhysicalResourceId})
		if err != nil {
			continue // never made, or gone already
		}
		for _, o := range objects.Contents {
			if _, err := d.clients.objects.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: r.PhysicalResourceId, Key: o.Key}); err != nil {
				return awsError("empty bucket "+*r.PhysicalResourceId, err)
			}
		}
	}
	return nil
}

// pollEvery is how often the local AWS is asked for news.
const pollEvery = 50 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// awsError is an error of the local AWS, as AWS words it: mostly the user's
// doing (a template that AWS refuses), so it gets one line and status 2.
func awsError(doing string, err error) error {
	var api interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if errors.As(err, &api) {
		return usageError("%s: %s: %s", doing, api.ErrorCode(), api.ErrorMessage())
	}
	return fmt.Errorf("%s: %w", doing, err)
}
