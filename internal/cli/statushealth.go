package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beanpole/internal/finding"
)

// health prints an environment's enhanced health: causes, requests, and each
// instance's. Basic health has nothing more than its colour.
func (c *clients) health(ctx context.Context, out io.Writer, environment *string) {
	h, err := c.beans.DescribeEnvironmentHealth(ctx, &elasticbeanstalk.DescribeEnvironmentHealthInput{
		EnvironmentName: environment, AttributeNames: []ebtypes.EnvironmentHealthAttribute{ebtypes.EnvironmentHealthAttributeAll},
	})
	if err != nil {
		return
	}
	_, width := terminal(out)
	for _, cause := range h.Causes {
		fmt.Fprintln(out, finding.Wrap("  "+clean(cause), width, 4))
	}
	if m := h.ApplicationMetrics; m != nil && m.RequestCount > 0 {
		fmt.Fprintf(out, "  requests in %d s: %s\n", aws.ToInt32(m.Duration), counts(m))
	}
	i, err := c.beans.DescribeInstancesHealth(ctx, &elasticbeanstalk.DescribeInstancesHealthInput{
		EnvironmentName: environment, AttributeNames: []ebtypes.InstancesHealthAttribute{ebtypes.InstancesHealthAttributeAll},
	})
	if err != nil {
		return
	}
	for _, in := range i.InstanceHealthList {
		version := ""
		if d := in.Deployment; d != nil {
			version = fmt.Sprintf("%s %s (%d)", strings.ToLower(aws.ToString(d.Status)), aws.ToString(d.VersionLabel), aws.ToInt64(d.DeploymentId))
		}
		line := fmt.Sprintf("  %s  %-8s  %s", aws.ToString(in.InstanceId), aws.ToString(in.HealthStatus), clean(version))
		fmt.Fprintln(out, finding.Wrap(strings.TrimRight(line, " "), width, 4))
		for _, cause := range in.Causes {
			fmt.Fprintln(out, finding.Wrap("    "+clean(cause), width, 6))
		}
	}
}

// counts are requests by status, and how long they took.
func counts(m *ebtypes.ApplicationMetrics) string {
	parts := []string{fmt.Sprint(m.RequestCount)}
	if s := m.StatusCodes; s != nil {
		for _, k := range []struct {
			name string
			n    *int32
		}{{"2xx", s.Status2xx}, {"3xx", s.Status3xx}, {"4xx", s.Status4xx}, {"5xx", s.Status5xx}} {
			if n := aws.ToInt32(k.n); n > 0 {
				parts = append(parts, fmt.Sprintf("%s: %d", k.name, n))
			}
		}
	}
	if l := m.Latency; l != nil {
		parts = append(parts, fmt.Sprintf("p50 %.3f s, p99 %.3f s", aws.ToFloat64(l.P50), aws.ToFloat64(l.P99)))
	}
	return strings.Join(parts, ", ")
}
