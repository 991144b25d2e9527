package cfninit

import (
	"encoding/base64"
	"net/http"
	"testing"

	"beanpole/internal/access"
	"beanpole/internal/source"
)

// What the agent's HTTP library makes of a URL before it sends it.
func TestURLsAreSentAsTheAgentSendsThem(t *testing.T) {
	for _, c := range []struct{ url, sent, err string }{
		{"HTTP://Files.Example.com", "http://Files.Example.com/", ""},
		{"http://h:0080/a b", "http://h:80/a%20b", ""},
		{"http://h:/a", "http://h/a", ""},
		{"http://u:p@h:1/", "http://u:p@h:1/", ""},
		{"http://h:no/a", "", "Failed to parse: h:no"},
		{"http:///a", "", "Invalid URL u'http:///a': No host supplied"},
		{"http://Bücher.example/a", "http://xn--bcher-kva.example/a", ""},
		{"http://Straße.example/a", "http://strasse.example/a", ""},
		{"http://a..b/", "", "URL has an invalid label."},
		{"http://a.b./", "http://a.b./", ""},
		{"http://[::1]:8080/", "http://[::1]:8080/", ""},
		{"s3://b/k", "s3://b/k", ""},
	} {
		sent, fail := prepareURL(c.url)
		why := ""
		if fail != nil {
			why = fail.text
		}
		if sent != c.sent || why != c.err {
			t.Errorf("%s: got %q %q, want %q %q", c.url, sent, why, c.sent, c.err)
		}
	}
}

func TestUserAndPasswordAreSentAsTheAgentSendsThem(t *testing.T) {
	b := &build{Runner: &Runner{}, Result: &Result{}}
	for _, c := range []struct{ block, sent, err string }{
		{`{username: u, password: p}`, "u:p", ""},
		{`{username: u}`, "u:None", ""},
		{`{username: u, password: null}`, "u:None", ""},
		{`{username: 1, password: true}`, "1:True", ""},
		{`{username: u, password: pä}`, "u:p\xe4", ""},
		{`{username: u, password: p€}`, "", `'latin-1' codec can't encode character u'\u20ac' in position 3: ordinal not in range(256)`},
	} {
		block := &Block{}
		n := parse(t, c.block)
		n.Set("type", source.NewString("basic", n.Pos))
		if _, fault := block.read(n); fault != nil {
			t.Fatal(fault)
		}
		req, _ := http.NewRequest(http.MethodGet, "http://h/", nil)
		why := ""
		if fail := b.basic(req, block.User, block.Password); fail != nil {
			why = fail.text
		}
		want := ""
		if c.err == "" {
			want = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.sent))
		}
		if got := req.Header.Get("Authorization"); got != want || why != c.err {
			t.Errorf("%s: got %q %q, want %q %q", c.block, got, why, c.sent, c.err)
		}
	}
}

func TestKeysThatAreNoTextFailAsWithTheAgent(t *testing.T) {
	b := &build{Runner: &Runner{}, Result: &Result{}}
	regional, global := s3URL, "https://certs.s3.amazonaws.com/client.pem"
	for _, c := range []struct{ url, block, err string }{
		{regional, `{accessKeyId: A, secretKey: null}`, "cannot concatenate 'str' and 'NoneType' objects"},
		{regional, `{accessKeyId: null, secretKey: s}`, "unsupported operand type(s) for +: 'NoneType' and 'str'"},
		{regional, `{accessKeyId: [], secretKey: s}`, `can only concatenate list (not "str") to list`},
		{global, `{accessKeyId: A, secretKey: 5}`, "'int' object has no attribute 'encode'"},
		{global, `{accessKeyId: 5, secretKey: s}`, ""},
	} {
		block := &Block{}
		if warning := block.readS3(parse(t, c.block)); warning != "" {
			t.Fatal(warning)
		}
		var s access.Signer
		sign(&s, block)
		req, _ := http.NewRequest(http.MethodGet, c.url, nil)
		keys := signingKeys{idType: s.KeyIDType, secretType: s.SecretType}
		keys.KeyID, keys.Secret = s.KeyID, s.Secret
		why := ""
		if fail := b.sign(req, c.url, keys); fail != nil {
			why = fail.text
		}
		if why != c.err {
			t.Errorf("%s: got %q, want %q", c.block, why, c.err)
		}
	}
}

// What Python 2.7 says of answers of the metadata service.
func TestRoleCredentialsAreReadAsTheAgentReadsThem(t *testing.T) {
	with := func(expiration string) string {
		return `{"AccessKeyId": "A", "SecretAccessKey": "s", "Token": null, "Expiration": ` + expiration + `}`
	}
	for _, c := range []struct{ body, err string }{
		{roleKeys, ""},
		{``, "No JSON object could be decoded"},
		{`null`, "'NoneType' object has no attribute '__getitem__'"},
		{`5`, "'int' object has no attribute '__getitem__'"},
		{`["AccessKeyId"]`, "list indices must be integers, not str"},
		{`"x"`, "string indices must be integers"},
		{`{"AccessKeyId": "A"}`, "'SecretAccessKey'"},
		{with(`null`), "strptime() argument 1 must be string, not None"},
		{with(`5`), "strptime() argument 1 must be string, not int"},
		{with(`"2030-1-2t3:4:5z"`), ""},
		{with(`"2030-01-02T03:04:05Z+1"`), "unconverted data remains: +1"},
		{with(`"2030-01-02T03:04:05.000Z"`), "time data '2030-01-02T03:04:05.000Z' does not match format '%Y-%m-%dT%H:%M:%SZ'"},
		{with(`"2030-02-30T03:04:05Z"`), "day is out of range for month"},
	} {
		_, fail := readCredentials([]byte(c.body))
		why := ""
		if fail != nil {
			why = fail.text
		}
		if why != c.err {
			t.Errorf("%s: got %q, want %q", c.body, why, c.err)
		}
	}
}

func TestErrorPagesAreReadInTheirCoding(t *testing.T) {
	for _, c := range []struct{ body, kind, want string }{
		{"ü", "", "ü"},
		{"\xfc", "", "ü"},
		{"ü", "text/html", "Ã¼"},
		{"ü", "text/html; charset=UTF-8", "ü"},
		{"ü", "application/xml", "ü"},
		{"\xfc", "application/xml; charset=utf-8", "\uFFFD"},
	} {
		if got := text([]byte(c.body), c.kind); got != c.want {
			t.Errorf("%q as %q: got %q, want %q", c.body, c.kind, got, c.want)
		}
	}
}

// A command that can't be started fails with the first thing that is wrong.
func TestCommandsThatAreNoTextsFailAsWithTheAgent(t *testing.T) {
	for _, c := range []struct{ entry, err string }{
		{`{command: [[a]]}`, "'list' object has no attribute 'rfind'"},
		{`{command: [/bin/true, null]}`, "execv() arg 2 must contain only strings"},
		{`{command: [/bin/true, null], env: {A: b}}`, "execve() arg 2 must contain only strings"},
		{`{command: [null], cwd: /nosuch}`, "[Errno 2] No such file or directory: '/nosuch'"},
		{`{command: [], cwd: /nosuch}`, "list index out of range"},
		{`{command: {a: 1}, runas: root}`, `can only concatenate list (not "dict") to list`},
		{`[command]`, "'list' object has no attribute 'get'"},
		{`[command, cwd]`, "list indices must be integers, not str"},
		{`[defaults]`, "list indices must be integers, not str"},
		{`a command`, "'unicode' object has no attribute 'get'"},
		{`a text`, "01 does not specify the 'command' attribute, which is required"},
	} {
		metadata := parse(t, "AWS::CloudFormation::Init: {config: {commands: {\"01\": "+c.entry+"}}}")
		_, err := (&Runner{}).Build(t.Context(), metadata, nil)
		if got := errorText(err); got != c.err {
			t.Errorf("%s: got %q, want %q", c.entry, got, c.err)
		}
	}
}

// Of faults in several places the agent names the one that its dict has first.
func TestMapsAreGoneThroughInTheOrderOfADict(t *testing.T) {
	for _, c := range []struct {
		metadata, err string
		sets          []string
	}{
		{`AWS::CloudFormation::Init: {configSets: {a: no1, b: no2, default: []}}`, "No configuration found with name: no1", nil},
		{`AWS::CloudFormation::Init: {configSets: {b: no2, a: no1, default: []}}`, "No configuration found with name: no1", nil},
		{`{AWS::CloudFormation::Init: {config: {files: {}}}, AWS::CloudFormation::Authentication: {b: null, a: 5}}`, "'int' object has no attribute 'get'", nil},
		{`AWS::CloudFormation::Init: 5`, "argument of type 'int' is not iterable", nil},
		{`5`, "argument of type 'int' is not iterable", nil},
		{`AWS::CloudFormation::Init: {configSets: {grün: []}}`, "Error: no ConfigSet named grün exists", []string{"grün"}},
		{`AWS::CloudFormation::Init: the configSets`, "string indices must be integers", nil},
	} {
		_, err := (&Runner{}).Build(t.Context(), parse(t, c.metadata), c.sets)
		if got := errorText(err); got != c.err {
			t.Errorf("%s: got %q, want %q", c.metadata, got, c.err)
		}
	}
}
