package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"beanpole/internal/cfninit"
)

// hosts is a fake network: handlers by host name.
type hosts map[string]http.HandlerFunc

func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	if serve := h[r.URL.Host]; serve != nil {
		serve(rec, r)
	} else {
		rec.WriteHeader(http.StatusNotFound)
	}
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// ran is how a program ended.
type ran struct {
	code              int
	out, errors, root string
}

func (r ran) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(r.root + name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// call runs a program on a new root, to which before adds.
func call(t *testing.T, network hosts, before func(root string), stdin, line string, args ...string) ran {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"var/log", "tmp", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if before != nil {
		before(root)
	}
	var out, errs bytes.Buffer
	words := strings.Fields(line)
	c := &Call{
		Program: words[0], Args: append(words[1:], args...), In: strings.NewReader(stdin), Out: &out, Errors: &errs,
		Runner: cfninit.Runner{Root: root, HTTP: network, Sleep: func(context.Context, time.Duration) {}},
	}
	code := Run(context.Background(), c)
	return ran{code, out.String(), errs.String(), root}
}

const (
	metadataHost = "169.254.169.254"
	regionHost   = "cloudformation.eu-west-1.amazonaws.com"
	keys         = `{"AccessKeyId": "ASIATEST", "SecretAccessKey": "s", "Token": "t", "Expiration": "2030-01-01T00:00:00Z"}`
)

// instanceOf answers as instance metadata does, with a role and its profile.
func instanceOf(profile, role string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{
			"/latest/meta-data/instance-id":                        "i-1",
			"/latest/dynamic/instance-identity/document":           "{}",
			"/latest/dynamic/instance-identity/signature":          "sig",
			"/latest/meta-data/iam/info":                           `{"Code": "Success", "InstanceProfileArn": "arn:aws:iam::1:instance-profile/team/` + profile + `"}`,
			"/latest/meta-data/iam/security-credentials/":          role,
			"/latest/meta-data/iam/security-credentials/" + role:   keys,
			"/latest/meta-data/iam/security-credentials/only-role": keys,
		}
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, text)
	}
}

// stackOf answers DescribeStackResource with metadata.
func stackOf(t *testing.T, metadata string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"DescribeStackResourceResponse": map[string]any{"DescribeStackResourceResult": map[string]any{
			"StackResourceDetail": map[string]any{"Metadata": metadata, "PhysicalResourceId": "phys", "ResourceStatus": "UPDATE_COMPLETE", "LastUpdatedTimestamp": 1400000000.0},
		}}})
	}
}

func TestMetadataComesFromWhereItIsSaid(t *testing.T) {
	const metadata = `{"AWS::CloudFormation::Init": {"config": {"files": {"/etc/app.conf": {"content": "on"}}}}}`
	network := hosts{metadataHost: instanceOf("p", "r"), regionHost: stackOf(t, metadata)}
	write := func(root string) {
		if err := os.WriteFile(root+"/tmp/m.json", []byte(metadata), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{
		"cfn-init /tmp/m.json", "cfn-init -", "/opt/aws/bin/cfn-init --stack s --resource r --region eu-west-1",
		"cfn-init -ss -rr --reg eu-west-1 -v", "cfn-init -s s -r r --region=eu-west-1 --role r", "cfn-init -s s -r r --url https://" + regionHost + " --access-key K --secret-key S",
	} {
		r := call(t, network, write, metadata, line)
		if r.code != 0 || r.errors != "" || r.read(t, "/etc/app.conf") != "on" {
			t.Errorf("%s: status %d, %q, file %q", line, r.code, r.errors, r.read(t, "/etc/app.conf"))
		}
		if log := r.read(t, "/var/log/cfn-init.log"); !strings.Contains(log, "Build complete") || !strings.Contains(log, "--role-names=resolve") {
			t.Errorf("%s: log\n%s", line, log)
		}
	}
}

func TestTheProfilesNameStandsForItsRoleWhereThatIsWanted(t *testing.T) {
	metadata := func(name string) string {
		return `{"AWS::CloudFormation::Init": {"config": {"files": {"/etc/key": {"source": "https://b.s3.eu-west-1.amazonaws.com/k", "authentication": "A"}}}},
			"AWS::CloudFormation::Authentication": {"A": {"type": "S3", "roleName": "` + name + `"}}}`
	}
	network := hosts{metadataHost: instanceOf("the-profile", "the-role"), "b.s3.eu-west-1.amazonaws.com": func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
		}
		io.WriteString(w, "KEY")
	}}
	for _, c := range []struct {
		name, options string
		arrives       bool
	}{
		{"the-profile", "", true},
		{"arn:aws:iam::1:instance-profile/team/the-profile", "", true},
		{"the-role", "", true},
		{"the-profile", "--role-names=aws", false},
		{"the-role", "--role-names=aws", true},
		{"another-profile", "", false},
		{"arn:aws:iam::1:role/the-role", "", false},
	} {
		r := call(t, network, nil, metadata(c.name), "cfn-init - "+c.options)
		if got := r.read(t, "/etc/key") == "KEY"; got != c.arrives || got != (r.code == 0) {
			t.Errorf("roleName %q %s: arrives %v, status %d, %s", c.name, c.options, got, r.code, r.errors)
		}
	}
}

func TestCommandLinesThatCannotBeRead(t *testing.T) {
	for line, want := range map[string]string{
		"cfn-init --nope":                       "cfn-init: error: no such option: --nope\n",
		"cfn-init -s":                           "cfn-init: error: -s option requires an argument\n",
		"cfn-init --re x":                       "cfn-init: error: ambiguous option: --re (--region, --resource, --resume?)\n",
		"cfn-init --verbose=1 f":                "cfn-init: error: --verbose option does not take a value\n",
		"cfn-init --role-names=all f":           "cfn-init: error: option --role-names: invalid choice: 'all' (choose from 'aws', 'resolve')\n",
		"cfn-signal -e x https://h.example.com": "cfn-signal: error: option -e: invalid integer value: 'x'\n",
		"cfn-signal -s maybe https://h":         "cfn-signal: error: option -s: invalid choice: 'maybe' (choose from 'true', 'false')\n",
		"cfn-signal --succ maybe https://h":     "cfn-signal: error: option --success: invalid choice: 'maybe' (choose from 'true', 'false')\n",
		"cfn-signal --exit-code= https://h":     "cfn-signal: error: option --exit-code: invalid integer value: ''\n",
		"cfn-signal -e 08 https://h":            "cfn-signal: error: option -e: invalid integer value: '08'\n",
		"cfn-signal -x 1 -h":                    "cfn-signal: error: no such option: -x\n",
	} {
		r := call(t, hosts{}, nil, "", line)
		if r.code != 2 || !strings.HasPrefix(r.errors, "Usage: cfn-") || !strings.HasSuffix(r.errors, "\n"+want) {
			t.Errorf("%s: status %d, %q", line, r.code, r.errors)
		}
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	const metadata = `{"AWS::CloudFormation::Init": {"config": {
		"packages": {"yum": {"httpd": []}}, "groups": {"web": {}},
		"sources": {"/srv/app": "https://b.s3.eu-west-1.amazonaws.com/app.tgz?X-Amz-Signature=geheim"},
		"files": {"/etc/l": {"mode": "120777", "content": "/etc/t"}, "/etc/x": {"content": "geheim", "mode": "0600", "owner": "root"}},
		"commands": {"1": {"test": "true", "command": ["echo", "a b"]}}, "services": {"systemd": {"httpd": {"enabled": true}}}}},
		"AWS::CloudFormation::Authentication": {"A": {"type": "S3", "roleName": "web", "buckets": ["b"]}, "B": {}}}`
	r := call(t, hosts{}, nil, metadata, "cfn-init --dry-run -")
	want := `authentication B is ignored: Unrecognized authentication type: 
configSet default
  config config
    packages  yum httpd
    groups    web
    sources   /srv/app <- https://b.s3.eu-west-1.amazonaws.com/app.tgz?X-Amz-Signature=***, signed by "A" with the keys of role web
    files     /etc/l -> /etc/t
    files     /etc/x mode 0600 owner root
    commands  1 test: true
    commands  1 command: [u'echo', u'a b']
    services  systemd httpd
`
	if r.code != 0 || r.out != want || r.errors != "" {
		t.Errorf("status %d, %s\n%s", r.code, r.errors, r.out)
	}
	if left, _ := os.ReadDir(r.root + "/var/log"); len(left) > 0 {
		t.Errorf("a dry run wrote %v", left)
	}
}

func TestSignals(t *testing.T) {
	var put, query string
	network := hosts{
		metadataHost: instanceOf("p", "r"),
		"handle.example.com": func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			put = r.Method + " " + r.URL.RawQuery + " " + strings.Join(r.Header["Content-Type"], "?") + " " + string(body)
		},
		regionHost: func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			query = q.Get("Action") + " " + q.Get("StackName") + " " + q.Get("LogicalResourceId") + " " + q.Get("UniqueId") + " " + q.Get("Status")
			io.WriteString(w, "{}")
		},
	}
	r := call(t, network, nil, "", "cfn-signal -e 0 -d some https://handle.example.com/x?a=b")
	if want := `PUT a=b  {"Status": "SUCCESS", "Reason": "", "UniqueId": "i-1", "Data": "some"}`; put != want || r.code != 0 || r.out != "CloudFormation signaled successfully with SUCCESS.\n" {
		t.Errorf("%q, status %d, %q %q", put, r.code, r.out, r.errors)
	}
	r = call(t, network, nil, "", "cfn-signal -e 7 -i me aHR0cHM6Ly9oYW5kbGUuZXhhbXBsZS5jb20veA==")
	if want := `PUT   {"Status": "FAILURE", "Reason": "Configuration failed.", "UniqueId": "me", "Data": ""}`; put != want || r.code != 0 {
		t.Errorf("%q, status %d, %q %q", put, r.code, r.out, r.errors)
	}
	r = call(t, network, nil, "", "cfn-signal -s false --stack st --resource Group --region eu-west-1")
	if want := "SignalResource st Group i-1 FAILURE"; query != want || r.code != 0 || r.out+r.errors != "" {
		t.Errorf("%q, status %d, %q %q", query, r.code, r.out, r.errors)
	}
	for line, want := range map[string]string{
		"cfn-signal":                        "Error: No WaitConditionHandle URL or logical resource id specified\n",
		"cfn-signal --resource r":           "Error: You must specify a stack name when signaling a resource\n",
		"cfn-signal --resource r https://h": "Error: Cannot specify both a WaitConditionHandle URL and a logical resource id\n",
		"cfn-signal ***":                    "Error: Invalid WaitConditionHandle URL specified: ***\n",
		"cfn-signal https://gone.example":   "Error signaling CloudFormation: [Errno 404] HTTP Error 404 : \n",
	} {
		if r := call(t, network, nil, "", line); r.code != 1 || !strings.HasPrefix(r.errors, want) {
			t.Errorf("%s: status %d, %q", line, r.code, r.errors)
		}
	}
}

func TestGetMetadata(t *testing.T) {
	network := hosts{metadataHost: instanceOf("p", "r"), regionHost: stackOf(t, `{"a": {"b.c": [1, "x"], "t": "text"}, "e": {}}`)}
	for key, want := range map[string]string{
		"":         "{\n    \"a\": {\n        \"b.c\": [\n            1, \n            \"x\"\n        ], \n        \"t\": \"text\"\n    }, \n    \"e\": {}\n}\n",
		`a.b\.c`:   "[\n    1, \n    \"x\"\n]\n",
		"a.t":      "text\n",
		"a.nobody": "Error: a.nobody is not present in the metadata for r\n",
	} {
		r := call(t, network, nil, "", "cfn-get-metadata -s s -r r --region eu-west-1 -k", key)
		if r.out+r.errors != want || (r.code != 0) != (r.errors != "") {
			t.Errorf("%q: status %d, %q %q", key, r.code, r.out, r.errors)
		}
	}
}

func TestCredentialFile(t *testing.T) {
	network := hosts{regionHost: stackOf(t, `{"a": 1}`)}
	for _, c := range []struct {
		mode          os.FileMode
		content, want string
	}{
		{0o600, "AWSAccessKeyId=K\nAWSSecretKey=S\n", ""},
		{0o640, "AWSAccessKeyId=K\nAWSSecretKey=S\n", "Error retrieving credentials from file:\n\tCredential file cannot be accessible by group or other. Please chmod 600 the credential file.\n"},
		{0o600, "AWSAccessKeyId=K\n", "Error retrieving credentials from file:\n\tCredential file must contain the keys 'AWSAccessKeyId' and 'AWSSecretKey'\n"},
		{0, "", "Error retrieving credentials from file:\n\tCredential file was not found at /etc/keys\n"},
	} {
		r := call(t, network, func(root string) {
			if c.mode != 0 {
				if err := os.WriteFile(root+"/etc/keys", []byte(c.content), c.mode); err != nil {
					t.Fatal(err)
				}
			}
		}, "", "cfn-get-metadata -s s -r r --region eu-west-1 -f /etc/keys")
		if r.errors != c.want {
			t.Errorf("%o %q: %q", c.mode, c.content, r.errors)
		}
	}
}
