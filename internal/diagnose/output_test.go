package diagnose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"

	"beanpole/internal/logs"
)

// outputs are all forms in which a diagnosis leaves beanpole.
func outputs(t testing.TB, d *Diagnosis) (text, asJSON, page string) {
	t.Helper()
	e := &Explained{Diagnosis: d}
	var lines, j, h strings.Builder
	fmt.Fprintln(&lines, e.Headline())
	for _, n := range e.Notes() {
		fmt.Fprintln(&lines, n.Label, n.Text)
	}
	if err := e.JSON(&j); err != nil {
		t.Fatal(err)
	}
	if err := e.HTML(&h); err != nil {
		t.Fatal(err)
	}
	return lines.String(), j.String(), h.String()
}

// Every answer keeps to the schema, its first line to a terminal's width, and the
// page has no markup of a log.
func TestAnswersKeepToSchemaAndWidth(t *testing.T) {
	raw, err := os.ReadFile("../../docs/diagnosis.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			text, asJSON, page := outputs(t, Logs(reading(t, f.Name, string(f.Data))))
			if first, _, _ := strings.Cut(text, "\n"); utf8.RuneCountInString(first) > headline {
				t.Errorf("%s: %d columns: %s", f.Name, utf8.RuneCountInString(first), first)
			}
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(asJSON))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); err != nil {
				t.Errorf("%s: %v\n%s", f.Name, err, asJSON)
			}
			if strings.Contains(page, "<?xml") || !strings.Contains(page, "<h1>") {
				t.Errorf("%s: markup of a log in the page", f.Name)
			}
		}
	}
}

// Secrets that stand in logs are in no output. Each line stands before a failure
// that nobody knows, so that it is quoted, and within the failure itself.
func TestSecretsAreNotRepeated(t *testing.T) {
	const hidden = "ZQ7"
	for name, line := range map[string]string{
		"access key":         "using AKIAZQ7ZQ7ZQ7ZQ7ZQ7Z for the upload",
		"secret access key":  "aws_secret_access_key = Zq7rXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYabcd",
		"bare secret key":    "key Zq7rXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYabc end",
		"option":             "mysqldump --password=Zq7pass --host db",
		"short option":       "mysql -u admin -pZq7pass shop",
		"basic option":       "curl -u admin:Zq7pass https://example.com",
		"header":             "> Authorization: Basic Zq7YWRtaW46cGFzcw==",
		"bearer":             "curl -H 'x: Bearer Zq7tokentokentoken'",
		"session token":      "X-Amz-Security-Token: Zq7IQoJb3JpZ2luX2Vj",
		"metadata token":     "X-aws-ec2-metadata-token: Zq7AQAEAK",
		"URL with a user":    "postgres://shop:Zq7pass@db.example.com/shop refused",
		"presigned URL":      "GET https://b.s3.amazonaws.com/k?X-Amz-Algorithm=A&X-Amz-Signature=Zq7deadbeef&X-Amz-Expires=60",
		"old presigned URL":  "GET https://b.s3.amazonaws.com/k?AWSAccessKeyId=x&Signature=Zq7dead%2Bbeef&Expires=60",
		"property":           "+ export RDS_PASSWORD=Zq7pass",
		"property in JSON":   `"SECRET_KEY_BASE" : "Zq7base"`,
		"master key":         "RAILS_MASTER_KEY=Zq7master",
		"connection string":  "Server=db;Database=shop;Password=Zq7pass;",
		"JSON web token":     "got eyJZq7hbGciOiJI.eyJzdWIiOiIxMj.SflKxwRJSMeKKF2QT4",
		"GitHub token":       "cloning with ghp_Zq7abcdefghijklmnop",
		"npm token":          "//registry.npmjs.org/:_authToken=Zq7npm",
		"private key":        "-----BEGIN RSA PRIVATE KEY-----\nZq7MIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
		"line of a PEM file": "Zq7MIIEpAIBAAKCAQEAwJ6h3VZ0T4y1Qx2k9bWc8dR5sN7uF1gH3jK5lM9pO2qS",
		"chat hook":          "POST https://hooks.slack.com/services/T00/B00/Zq7XXXXXXXX",
		"quoted with spaces": "export DB_PASS=\"Zq7 pass\"",
		"short name":         "SMTP_PASS: Zq7pass",
		"password with at":   "postgres://shop:Zq7p@Zq7@db/shop",
		"token as user":      "cloning https://Zq7ghtokenabcdef01@github.com/x/y.git",
		"escaped address":    "GET https://b/k?X-Amz-Date=1&amp;X-Amz-Signature=Zq7dead&amp;X-Amz-Security-Token=Zq7tok",
		"other cloud":        "https://storage/k?X-Goog-Signature=Zq7dead",
		"Ruby hash":          ":password => \"Zq7pw\"",
		"JSON header":        `{"headers":{"authorization":"Zq7abcdefg"}}`,
		"JSON in JSON":       `"SecretString":"{\"password\":\"Zq7pw\"}"`,
		"npm token alone":    "npm_Zq7abcdefghijklmnopqrstuvwxyz0123456",
		"npm login":          "_auth = Zq7YWJj",
		"licence key":        "NEW_RELIC_LICENSE_KEY=Zq7key",
		"error tracker":      "https://Zq7abcdef0123456789@sentry.io/1",
		"sshpass":            "sshpass -p Zq7pw ssh x",
		"htpasswd":           "htpasswd -b -c /etc/x shop Zq7pw",
		"composer":           "composer config http-basic.repo.example.com shop Zq7pw",
		"redis":              "redis-cli -a Zq7pw ping",
		"openssl":            "openssl rsa -passin pass:Zq7pw -in k",
		"aws configure":      "aws configure set aws_secret_access_key Zq7rXUtnFEMIK7",
		"parameter":          "aws ssm put-parameter --name x --value Zq7val --type SecureString",
		"login by pipe":      "echo Zq7pw | docker login --password-stdin",
		"bundle config":      "bundle config gems.example.com Zq7user:Zq7pw",
		"Oracle":             "jdbc:oracle:thin:scott/Zq7pw@//h:1521/x",
		"API key header":     "x-api-key: Zq7key",
		"bot":                "https://api.telegram.org/bot123456:Zq7AAEabcdefghijklmnopqrstuvwxyz/sendMessage",
		"key in one line":    "-----BEGIN EC PRIVATE KEY-----\\nZq7MIIEpAIB\\n-----END EC PRIVATE KEY-----",
	} {
		t.Run(name, func(t *testing.T) {
			engine := "2024/03/04 10:00:00.000001 [INFO] Engine command: (app-deploy)\n2024/03/04 10:00:01.000001 [INFO] " + line +
				"\n2024/03/04 10:00:02.000001 [ERROR] An error occurred during execution of command [app-deploy] - [Strange]. Stop running the command. Error: odd\n" + line + "\n"
			command := "2024-03-04 10:00:00,100 [ERROR] Command 01_x (" + line + ") failed\n2024-03-04 10:00:00,101 [ERROR] Error encountered during build of prebuild_0_x: Command 01_x failed\n"
			known := "2024/03/04 10:00:02.000001 [ERROR] An error occurred during execution of command [app-deploy] - [X]. Stop running the command. Error: " + line + ": command not found\n" +
				"2024/03/04 10:00:03.000001 [ERROR] Failed to pull docker image " + line + "\n"
			output := command + "2024-03-04 10:00:00,302 P1 [INFO] Command 01_x\n2024-03-04 10:00:00,303 P1 [INFO] \t" + line + "\n2024-03-04 10:00:00,304 P1 [ERROR] Exited with error code 1\n"
			for _, log := range []string{engine, command, known, output} {
				text, asJSON, page := outputs(t, Logs(reading(t, "log", log)))
				for _, out := range []string{text, asJSON, html.UnescapeString(page)} {
					if strings.Contains(strings.ToUpper(out), hidden) {
						t.Errorf("repeated:\n%s", out)
					}
				}
			}
		})
	}
}

// Paths, hashes and identifiers are not taken for secrets.
func TestHideLeavesWhatIsNoSecret(t *testing.T) {
	for _, s := range []string{
		"Hook /opt/elasticbeanstalk/hooks/appdeploy/pre/50npm.sh failed",
		"commit 4e7a3e95f29640d6d8656772ae9ca101799166ef",
		"web.service: Main process exited, code=exited, status=1/FAILURE",
		"npm ERR! path /var/app/staging/node_modules/bcrypt, exit code: 1",
		"request to https://registry.npmjs.org/@types%2fnode failed",
		"Get \"https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/v2/\": dial tcp 10.0.0.5:443: i/o timeout",
		"tests passed: 12, bypass of cache",
		"CredentialsError: Missing credentials in config",
		"arn:aws:cloudformation:eu-west-2:123456789012:stack/awseb-e-ah32j8un2u-stack/df62aa30-f5f5-11fb-99e9-02a866eae334",
		"https://shop-certificates.s3.us-east-1.amazonaws.com/server.crt: HTTP Error 404",
	} {
		if got := Hide(s); got != s {
			t.Errorf("Hide(%q) = %q", s, got)
		}
	}
}

// Logs of several instances in one stream: the first failure counts, and each
// instance is named once.
func TestInstancesAreToldApart(t *testing.T) {
	d := Logs(reading(t, "stream", `2024-03-04T10:00:05.100000+00:00 i-0aaaaaaaaaaaaaaaa 2024-03-04 10:00:05,000 [INFO] Running config prebuild_0_x
2024-03-04T10:00:06.100000+00:00 i-0bbbbbbbbbbbbbbbb 2024-03-04 10:00:06,000 [ERROR] Error encountered during build of prebuild_0_x: Failed to retrieve https://b.s3.us-east-1.amazonaws.com/k: HTTP Error 404 : <?xml version="1.0" encoding="UTF-8"?>
2024-03-04T10:00:07.100000+00:00 i-0aaaaaaaaaaaaaaaa 2024-03-04 10:00:07,000 [ERROR] Error encountered during build of prebuild_0_x: Yum does not have nosuch available for installation
2024-03-04T10:00:07.200000+00:00 i-0bbbbbbbbbbbbbbbb <Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>
`))
	if d.Cause == nil || d.Cause.Slug != "object-missing" || d.Cause.Record.Instance != "i-0bbbbbbbbbbbbbbbb" {
		t.Errorf("cause: %s", describe(d))
	}
	if got := strings.Join(d.On, " "); got != "i-0bbbbbbbbbbbbbbbb i-0aaaaaaaaaaaaaaaa" {
		t.Errorf("instances %q", got)
	}
	if len(d.Others) != 1 || d.Others[0].Slug != "package-missing" {
		t.Errorf("others: %s", describe(d))
	}
}

func FuzzDiagnose(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range a.Files {
			f.Add(part.Data)
		}
	}
	f.Add([]byte("PK\x03\x04\x00"))
	f.Add([]byte{0xff, 0xfe, 'a', 0, 'b', 0})
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &logs.Reader{Words: Words()}
		if err := r.Read("log", bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		text, asJSON, _ := outputs(t, Logs(r.Reading()))
		if first, _, _ := strings.Cut(text, "\n"); utf8.RuneCountInString(first) > headline {
			t.Errorf("too long: %q", first)
		}
		if !json.Valid([]byte(asJSON)) {
			t.Errorf("no JSON: %s", asJSON)
		}
	})
}
