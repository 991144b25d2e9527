package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"beanpole/internal/instance"
)

// fetching is metadata whose first config set runs a command and then fetches
// a file, signed by role where one is named.
func fetching(command, url, role string) string {
	config := map[string]any{"files": map[string]any{"/srv/fetched": map[string]any{"source": url, "authentication": "A"}}}
	before := map[string]any{"commands": map[string]any{"01": map[string]any{"command": command}}}
	metadata := map[string]any{"AWS::CloudFormation::Init": map[string]any{"before": before, "fetch": config,
		"configSets": map[string]any{"Infra-EmbeddedPreBuild": []string{"before", "fetch"}, "Infra-EmbeddedPostBuild": []string{}}}}
	if role != "" {
		metadata["AWS::CloudFormation::Authentication"] = map[string]any{"A": map[string]any{"type": "S3", "roleName": role, "buckets": []string{"certs"}}}
	} else {
		delete(config["files"].(map[string]any)["/srv/fetched"].(map[string]any), "authentication")
	}
	text, err := json.Marshal(metadata)
	if err != nil {
		panic(fmt.Sprintf("marshal metadata: %v", err))
	}
	return string(text)
}

// What is gone, and since when, decides what the agent says: without the
// metadata service it cannot sign to CloudFormation; when it goes only after
// that, the fetch that wants a role's credentials fails.
func TestADeploymentWithoutInstanceMetadataFailsAndTheOldVersionServes(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: webApplication}
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	w.metadata = fetching("true", "https://certs.s3.us-east-1.amazonaws.com/client.pem", "web")
	for _, c := range []struct{ gone, log string }{
		{"/", "Exception retrieving InstanceId"},
		{"/latest/meta-data/iam/", "Failed to retrieve https://certs.s3.us-east-1.amazonaws.com/client.pem: [Errno None] ('Connection aborted.', "},
	} {
		w.gone.Store(&c.gone)
		r := deploy(t, i, al2023, instance.Failure)
		if log := logOf(t, i, "cfn-init.log"); r.FailedStep != "PreBuildEbExtension" || !strings.Contains(log, c.log) {
			t.Errorf("%s: %+v\n%s", c.gone, r, log)
		}
		get(t, i, "/")
	}
	w.gone.Store(nil)
	w.metadata = noExtensions
	deploy(t, i, al2023, instance.Success)
	get(t, i, "/")
}

// readAgain is how long the agent may take the resolver's files for what they
// were: Go's resolver looks at them every five seconds.
const readAgain = 5500 * time.Millisecond

func TestADeploymentWithoutDNSFailsAndTheOldVersionServes(t *testing.T) {
	w := &world{metadata: noExtensions, bundle: webApplication}
	i := startInstance(t, w, "")
	deploy(t, i, al2023, instance.Success)
	w.metadata = fetching("cp /etc/resolv.conf /srv; echo nameserver 127.0.0.1 > /etc/resolv.conf; sleep "+fmt.Sprint(readAgain.Seconds()),
		"https://other.s3.us-east-1.amazonaws.com/bundle.zip", "")
	r := deploy(t, i, al2023, instance.Failure)
	if log := logOf(t, i, "cfn-init.log"); !strings.Contains(log, "Failed to retrieve https://other.s3.us-east-1.amazonaws.com/bundle.zip: ('Connection aborted.', gaierror(-") {
		t.Errorf("%+v\n%s", r, log)
	}
	get(t, i, "/")
	if status, out := on(t, i, "cat /srv/resolv.conf > /etc/resolv.conf"); status != 0 {
		t.Fatal(out)
	}
	time.Sleep(readAgain)
	w.metadata = noExtensions
	deploy(t, i, al2023, instance.Success)
}
