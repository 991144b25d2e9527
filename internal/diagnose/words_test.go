package diagnose

import (
	"regexp"
	"strings"
	"testing"
)

// A word that stands in ordinary lines makes long logs slow to read; a short one
// lets nothing be skipped.
func TestWordsAreRareInOrdinaryLogs(t *testing.T) {
	ordinary := `2023/12/14 22:04:38.637046 [INFO] Executing instruction: RunAppDeployPreBuildHooks
2023/12/14 22:04:38.637046 [INFO] Running command: /bin/sh -c systemctl show -p PartOf eb-app.target
2023/12/14 22:04:38.637046 [INFO] Copying file /opt/elasticbeanstalk/config/private/healthd/nginx/nginx.conf
10.0.0.1 - - [14/Dec/2023:22:04:38 +0000] "GET /var/app/current/index.html HTTP/1.1" 200 401 "-" "Mozilla/5.0 (Platform)"
2020-03-19 19:46:50,762 [INFO] Running configSets: Infra-EmbeddedPreBuild
2020-03-19 19:46:51,003 [DEBUG] Running command 01_a in /var/app/staging
Dec 14 22:04:38 ip-172-31-1-1 web[1234]: POST /login 403 4096 octets by s3://x, service=nginx, s3.amazonaws.com, package.json
Dec 14 22:04:38 ip-172-31-1-1 web[1234]: user already exists, instance type t3, certbot renewed, Procfile, ROLLBACK
`
	for _, w := range Words() {
		if len(w) < 6 {
			t.Errorf("%q is too short to be looked for", w)
		}
		if strings.Contains(ordinary, w) {
			t.Errorf("%q stands in ordinary lines", w)
		}
	}
}

// A pattern is compiled when its word is met, which no test may have done.
func TestPatternsCompile(t *testing.T) {
	for _, c := range Causes() {
		for _, s := range c.Signs {
			if _, err := regexp.Compile(s.Pattern); err != nil {
				t.Errorf("%s: %v", c.Slug, err)
			}
		}
	}
}
