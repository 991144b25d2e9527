package endtoend

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// asked runs beanpole as somebody who has nothing of the shop but the account's
// credentials and the environment's name.
func (s *shop) asked(t *testing.T, args ...string) ended {
	t.Helper()
	env := environment("AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(s.state(), "credentials"), "AWS_CONFIG_FILE=none", "AWS_EC2_METADATA_DISABLED=true")
	args = append(args, "--environment", "shop-production", "--endpoint-url", fmt.Sprintf("http://127.0.0.1:%d", s.api), "--region", "us-east-1")
	return output(t.Context(), env, nil, append([]string{program}, args...)...)
}

// A deployment that failed on a real instance is explained from its live APIs
// alone, and with the instance's logs; one that is sound is called so.
func TestALiveEnvironmentIsDiagnosedFromItsAPIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, platform string
		logs           bool // the instance's are asked for too
		edit           func(s *shop)
		status         int
		first          string
		says           []string
	}{
		{"the story", al2023, true, func(*shop) {}, 1, "Cause: roleName holds the instance profile's name [role-name-is-profile]",
			[]string{"holds role \"shop-InstanceRole-", "ruled out: document, source, authentication, profile, trust, identity, bucket, object, network"}},
		{"the story on Amazon Linux 1", al1, false, func(*shop) {}, 1, "Cause: roleName holds the instance profile's name", []string{"[role-name-is-profile]", "[Errno 404]"}},
		{"a key", al2023, false, func(s *shop) {
			s.fix()
			s.edit("infra.yaml", "  Application:\n", strings.Replace(customerKey, "MORE\n", "", 1)+"  Application:\n")
			s.edit("infra.yaml", "      BucketName: !Ref CertificateBucket\n", underTheKey)
			s.edit("infra.yaml", "  Application:\n", "  Application:\n    DependsOn: CertificatesKeyName\n")
		}, 1, "[kms-key-denied]", []string{"the key policy leaves it to IAM, and no policy of the role allows it"}},
		{"a VPC endpoint", al2023, true, func(s *shop) {
			s.fix()
			s.edit("infra.yaml", "  Application:\n", strings.Replace(vpc, "WAY", endpoint+forBundlesOnly, 1)+"\n  Application:\n")
			s.edit("infra.yaml", "      OptionSettings:\n", inVPC)
		}, 1, "[endpoint-policy]", []string{`does not let requests to bucket "shop-certificates" through`}},
		{"a sound one", al2023, true, func(s *shop) { s.fix() }, 0, "No failure: environment shop-production is Ready, health Green", []string{"2 fetches: 2 sound"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c.edit(s)
			s.must(c.status, s.upArgs("--parameter", "SolutionStackName="+c.platform)...)
			ways := [][]string{nil}
			if c.logs {
				ways = append(ways, []string{"--fetch-logs"})
			}
			for _, more := range ways {
				r := s.asked(t, append([]string{"diagnose"}, more...)...)
				first, _, _ := strings.Cut(r.out, "\n")
				if r.status != c.status || !strings.Contains(first, c.first) {
					t.Errorf("diagnose %v: %s", more, r)
				}
				contains(t, unfolded(r.out), c.says...)
			}
			s.down()
		})
	}
}
