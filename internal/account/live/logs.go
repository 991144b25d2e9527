package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/account/reading"
)

// Times of the wait for tail logs: instances upload them within some seconds.
var (
	logsWait  = 90 * time.Second
	logsEvery = 2 * time.Second
)

// maxLog and maxBundle bound what is fetched, in bytes: tail logs are the last
// 100 lines of some files, and Elastic Beanstalk takes bundles up to 500 MB.
const (
	maxLog    = 16 << 20
	maxBundle = 512 << 20
)

// Logs requests tail logs of the environment's instances and reads them. It is
// the one thing that changes anything: the instances write them to the
// environment's bucket, where they are deleted after 15 minutes. [EB: using-features.logging]
func (x *Reader) Logs(ctx context.Context) {
	e := x.out.Environment
	asked := time.Now()
	q := question{op: "elasticbeanstalk:RequestEnvironmentInfo", kind: reading.AnEnviron, name: e.Name, link: "document"}
	out, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.RequestEnvironmentInfoInput) (*elasticbeanstalk.RequestEnvironmentInfoOutput, error) {
		return x.c.Beans.RequestEnvironmentInfo(ctx, in)
	}, &elasticbeanstalk.RequestEnvironmentInfoInput{EnvironmentId: &e.ID, InfoType: types.EnvironmentInfoTypeTail})
	if out == nil {
		return
	}
	q.op = "elasticbeanstalk:RetrieveEnvironmentInfo"
	for {
		got, _ := ask(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.RetrieveEnvironmentInfoInput) (*elasticbeanstalk.RetrieveEnvironmentInfoOutput, error) {
			return x.c.Beans.RetrieveEnvironmentInfo(ctx, in)
		}, &elasticbeanstalk.RetrieveEnvironmentInfoInput{EnvironmentId: &e.ID, InfoType: types.EnvironmentInfoTypeTail})
		if got == nil {
			return
		}
		fresh := newest(got.EnvironmentInfo, asked.Add(-time.Minute))
		all := len(fresh) > 0 && len(fresh) >= len(e.Instances)
		if all || time.Since(asked) > logsWait || x.logsFailed(ctx, e, asked) {
			each(fresh, func(i types.EnvironmentInfoDescription) { x.log(ctx, q, e, &i) })
			if len(fresh) == 0 {
				x.refused(q, errors.New("the instances sent no logs"))
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(logsEvery):
		}
	}
}

// logsFailed tells by the environment's events that no logs will come.
func (x *Reader) logsFailed(ctx context.Context, e *reading.Environment, asked time.Time) bool {
	q := question{op: "elasticbeanstalk:DescribeEvents", kind: reading.AnEnviron, name: e.Name, link: "document"}
	since := asked.Add(-time.Second) // AWS's clock may be behind
	out, err := tried(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeEventsInput) (*elasticbeanstalk.DescribeEventsOutput, error) {
		return x.c.Beans.DescribeEvents(ctx, in)
	}, &elasticbeanstalk.DescribeEventsInput{EnvironmentId: &e.ID, StartTime: &since})
	return err == nil && slices.ContainsFunc(out.Events, func(ev types.EventDescription) bool {
		return strings.Contains(aws.ToString(ev.Message), "Failed to pull logs")
	})
}

// newest are the newest logs of each instance, none older than since.
func newest(all []types.EnvironmentInfoDescription, since time.Time) (out []types.EnvironmentInfoDescription) {
	at := map[string]int{}
	for _, i := range all {
		if aws.ToTime(i.SampleTimestamp).Before(since) {
			continue
		}
		id := aws.ToString(i.Ec2InstanceId)
		if j, ok := at[id]; ok {
			if aws.ToTime(out[j].SampleTimestamp).Before(aws.ToTime(i.SampleTimestamp)) {
				out[j] = i
			}
			continue
		}
		at[id] = len(out)
		out = append(out, i)
	}
	return out
}

// log fetches one instance's logs from the address that was given for them.
func (x *Reader) log(ctx context.Context, q question, e *reading.Environment, i *types.EnvironmentInfoDescription) {
	text, err := x.fetched(ctx, aws.ToString(i.Message))
	if err != nil {
		x.refused(q, err)
		return
	}
	x.keep(func(*reading.Reading) {
		e.Logs = append(e.Logs, reading.Log{Instance: aws.ToString(i.Ec2InstanceId), Text: text})
	})
}

func (x *Reader) fetched(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("the address of the logs is none: %w", err)
	}
	answer, err := x.c.Get(r)
	if err != nil {
		return "", fmt.Errorf("fetch the logs: %w", reasonOf(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch the logs: HTTP %d", answer.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxLog))
	if err != nil {
		return "", fmt.Errorf("fetch the logs: %w", err)
	}
	return string(data), nil
}

// reasonOf leaves out the URL, which is as good as a key.
func reasonOf(err error) error { return fmt.Errorf("%s", reason(err)) }

// Bundle fetches the deployed version's source bundle into a file. The error is
// a refusal by AWS, or our own failure; it has been noted.
func (x *Reader) Bundle(ctx context.Context, bucket, key string, to *os.File) error {
	q := question{op: "s3:GetObject", kind: reading.AnObject, name: "s3://" + bucket + "/" + key, link: "document"}
	out, err := tried(ctx, x, q, func(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
		return x.c.Objects.GetObject(ctx, in)
	}, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		x.refused(q, err)
		return fmt.Errorf("fetch the source bundle: %w", reasonOf(err))
	}
	defer out.Body.Close()
	n, err := io.Copy(to, io.LimitReader(out.Body, maxBundle+1))
	switch {
	case err != nil:
		return fmt.Errorf("fetch the source bundle: %w", reasonOf(err))
	case n > maxBundle:
		return fmt.Errorf("fetch the source bundle: it is larger than %d MiB", maxBundle>>20)
	}
	return nil
}

// News reads the events since a time, oldest first, and the environment's
// status.
func (x *Reader) News(ctx context.Context, name string, since time.Time) (events []reading.Event, status string, err error) {
	var failed error
	together(
		func() {
			e, err := x.describe(ctx, name)
			if failed = err; err == nil {
				status = string(e.Status)
			}
		},
		func() {
			q := question{op: "elasticbeanstalk:DescribeEvents", kind: reading.AnEnviron, name: name}
			out, oops := tried(ctx, x, q, func(ctx context.Context, in *elasticbeanstalk.DescribeEventsInput) (*elasticbeanstalk.DescribeEventsOutput, error) {
				return x.c.Beans.DescribeEvents(ctx, in)
			}, &elasticbeanstalk.DescribeEventsInput{EnvironmentName: &name, StartTime: &since, MaxRecords: aws.Int32(maxEvents)})
			if err = oops; oops == nil {
				events = eventsOf(out.Events)
			}
		},
	)
	if err == nil {
		err = failed
	}
	for i, j := 0, len(events)-1; i < j; i, j = i+1, j-1 {
		events[i], events[j] = events[j], events[i]
	}
	return events, status, err
}
