package elasticbeanstalk

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/cloud/door"
)

// LogFiles are the log files of an instance that logs are made of; which of
// them there are depends on the platform.
var LogFiles = []string{
	"/var/log/eb-engine.log", "/var/log/eb-activity.log", "/var/log/cfn-init.log", "/var/log/cfn-init-cmd.log",
	"/var/log/eb-hooks.log", "/var/log/web.stdout.log", "/var/log/tomcat/catalina.out", "/var/log/eb-docker/containers/eb-current-app/stdouterr.log", "/var/log/web-1.log", "/var/log/web-1.error.log", "/var/log/tomcat8/catalina.out", "/var/log/nginx/error.log", "/var/log/nginx/access.log",
}

const (
	tailLines      = 100              // of each file [EB:using-features.logging]
	logLifetime    = 15 * time.Minute // of tail and bundle logs [EB:using-features.logging]
	failedLifetime = time.Hour        // of those of a failed immutable update [EB:environmentmgmt-updates-immutable]
)

// logSample is one instance's logs in S3.
type logSample struct {
	kind        types.EnvironmentInfoType
	instance    string
	bucket, key string
	at          time.Time
	lifetime    time.Duration
}

// RequestEnvironmentInfo has the instances' logs put into S3. It is done when
// the answer comes; on AWS it takes a while longer.
func (s *Service) RequestEnvironmentInfo(ctx context.Context, in *eb.RequestEnvironmentInfoInput) (*eb.RequestEnvironmentInfoOutput, error) {
	o, err := s.infoOperation(ctx, in.InfoType, in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return nil, err
	}
	bucket, err := s.storage(ctx, o.e.Region)
	if err != nil {
		return nil, err
	}
	o.info("requestEnvironmentInfo is starting.")
	l := o.live()
	l.mu.Lock()
	machines := append([]Machine(nil), l.machines...)
	l.mu.Unlock()
	failed := false
	for _, m := range machines {
		if err := o.pullLogs(m, in.InfoType, bucket, logLifetime); err != nil {
			failed = true
			o.error("beanpole: logs of instance %s: %s", m.ID(), reason(err))
		}
	}
	if failed {
		o.error("Failed to pull logs for environment instances.")
	} else {
		o.info("Pulled logs for environment instances.")
	}
	return nil, nil
}

// infoOperation is a request about an environment's logs.
func (s *Service) infoOperation(ctx context.Context, kind types.EnvironmentInfoType, id, name *string) (*operation, error) {
	if kind != types.EnvironmentInfoTypeTail && kind != types.EnvironmentInfoTypeBundle {
		return nil, invalid("beanpole has the InfoTypes tail and bundle, not %q", kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.find(id, name)
	if err != nil {
		return nil, err
	}
	return s.operation(ctx, e), nil
}

// pullLogs puts one instance's logs into S3, in the caller's name.
func (o *operation) pullLogs(m Machine, kind types.EnvironmentInfoType, bucket string, lifetime time.Duration) error {
	disk, ok := m.(FileReader)
	if !ok {
		return fmt.Errorf("its files cannot be read")
	}
	files := map[string][]byte{}
	for _, path := range LogFiles {
		if data, err := disk.ReadFile(path); err == nil { // the platform may not have this one
			files[path] = data
		}
	}
	now := o.s.now().UTC()
	name, done, data := fmt.Sprintf("TailLogs-%d.out", now.UnixMilli()), "tailing", tailLogs(files)
	if kind == types.EnvironmentInfoTypeBundle {
		var err error
		if data, err = bundleLogs(files); err != nil {
			return err
		}
		name, done = fmt.Sprintf("BundleLogs-%d.zip", now.UnixMilli()), "bundling"
	}
	key := "resources/environments/logs/" + string(kind) + "/" + o.e.ID + "/" + m.ID() + "/" + name
	if _, err := door.Invoke[s3.PutObjectInput, s3.PutObjectOutput](o.ctx, o.s.Door, "s3", "PutObject", &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)}); err != nil {
		return err
	}
	o.keepLog(logSample{kind, m.ID(), bucket, key, now, lifetime})
	o.info("[Instance: %s] Successfully finished %s %d log(s)", m.ID(), done, len(files))
	return nil
}

// keepLog remembers logs in S3 until they are deleted, like AWS's.
func (o *operation) keepLog(sample logSample) {
	l := o.live()
	l.mu.Lock()
	l.logs = append(l.logs, sample)
	l.mu.Unlock()
	ctx := door.WithCaller(o.s.ctx, door.CallerOf(o.ctx))
	time.AfterFunc(sample.lifetime, func() {
		if ctx.Err() != nil {
			return // what an earlier process left stays
		}
		l.mu.Lock()
		l.logs = slices.DeleteFunc(l.logs, func(s logSample) bool { return s == sample })
		l.mu.Unlock()
		// When this is refused the object stays, and nothing leads to it.
		_, _ = door.Invoke[s3.DeleteObjectInput, s3.DeleteObjectOutput](ctx, o.s.Door, "s3", "DeleteObject", &s3.DeleteObjectInput{Bucket: &sample.bucket, Key: &sample.key})
	})
}

// tailLogs are the ends of log files as one text. [EB:using-features.logging]
func tailLogs(files map[string][]byte) []byte {
	var out bytes.Buffer
	rule := strings.Repeat("-", 37)
	for _, path := range LogFiles {
		data, ok := files[path]
		if !ok {
			continue
		}
		fmt.Fprintf(&out, "%s\n%s\n%s\n%s\n\n", rule, path, rule, strings.ToValidUTF8(lastLines(string(data), tailLines), "�"))
	}
	return out.Bytes()
}

// lastLines are the last n lines of a text, without the end of the last one.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// bundleLogs are whole log files in a zip archive, by their paths.
func bundleLogs(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, path := range LogFiles {
		data, ok := files[path]
		if !ok {
			continue
		}
		w, err := z.Create(strings.TrimPrefix(path, "/"))
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			return nil, fmt.Errorf("pack logs: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack logs: %w", err)
	}
	return out.Bytes(), nil
}

// RetrieveEnvironmentInfo gives URLs of the logs in S3, the latest last.
func (s *Service) RetrieveEnvironmentInfo(ctx context.Context, in *eb.RetrieveEnvironmentInfoInput) (*eb.RetrieveEnvironmentInfoOutput, error) {
	o, err := s.infoOperation(ctx, in.InfoType, in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return nil, err
	}
	endpoint := door.CallerOf(ctx).Endpoint
	if strings.HasSuffix(endpoint, ".amazonaws.com") { // from an instance, which knows S3 by its name
		endpoint = ""
	}
	l := o.live()
	l.mu.Lock()
	defer l.mu.Unlock()
	out := &eb.RetrieveEnvironmentInfoOutput{EnvironmentInfo: []types.EnvironmentInfoDescription{}}
	for _, sample := range l.logs {
		if sample.kind != in.InfoType {
			continue
		}
		where, err := s.presign(ctx, o.e.Region, sample.bucket, sample.key, endpoint, sample.lifetime)
		if err != nil {
			return nil, err
		}
		out.EnvironmentInfo = append(out.EnvironmentInfo, types.EnvironmentInfoDescription{
			InfoType: sample.kind, Ec2InstanceId: door.Given(sample.instance), SampleTimestamp: door.GivenTime(sample.at), Message: &where,
		})
	}
	return out, nil
}
