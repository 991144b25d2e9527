package cli

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// maxKept bounds what is read of an instance's kept logs, in bytes.
const maxKept = 16 << 20

// keptLogs are the ends of the log files of instances that are gone, which a
// failed deployment to new instances keeps in S3: by instance and path.
func (c *clients) keptLogs(ctx context.Context, environment string) map[string]map[string]string {
	out, err := c.beans.RetrieveEnvironmentInfo(ctx, &elasticbeanstalk.RetrieveEnvironmentInfoInput{
		EnvironmentName: &environment, InfoType: ebtypes.EnvironmentInfoTypeTail,
	})
	if err != nil {
		return nil // nothing was kept
	}
	kept := map[string]map[string]string{}
	for _, i := range out.EnvironmentInfo {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, aws.ToString(i.Message), nil)
		if err != nil {
			continue
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(res.Body, maxKept))
		res.Body.Close()
		if err == nil && res.StatusCode == http.StatusOK {
			kept[aws.ToString(i.Ec2InstanceId)] = tailed(string(text))
		}
	}
	return kept
}

// tailed takes tail logs apart: each file's end stands below its path between
// two rules.
func tailed(text string) map[string]string {
	rule := strings.Repeat("-", 37) + "\n"
	parts := strings.Split(text, rule)
	files := map[string]string{}
	for i := 1; i+1 < len(parts); i += 2 {
		files[strings.TrimSpace(parts[i])] = parts[i+1]
	}
	return files
}
