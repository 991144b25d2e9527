package endtoend

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// secretShape is what no event and no log may hold, whoever's it is.
var secretShape = regexp.MustCompile(`PRIVATE KEY|"?SecretAccessKey"?\s*[:=]|X-Amz-Signature=|X-Amz-Security-Token|x-amz-security-token|AWS4-HMAC-SHA256 `)

// kept wants no secret in what `up` printed, in any event, in the server's log
// and in any log on the instances.
func (s *shop) kept(printed string) {
	s.t.Helper()
	secrets := s.secrets()
	places := map[string]string{"what up printed": printed, "events": s.must(0, "events").out}
	if data, err := os.ReadFile(filepath.Join(s.state(), "serve.log")); err != nil {
		s.t.Error(err)
	} else {
		places["serve.log"] = string(data)
	}
	logs := 0
	for _, i := range s.instances() {
		filepath.Walk(filepath.Join(i, "disk", "upper", "var", "log"), func(p string, fi os.FileInfo, err error) error {
			if err != nil || !fi.Mode().IsRegular() {
				return nil
			}
			data, err := os.ReadFile(p)
			if err != nil {
				s.t.Error(err)
			}
			places[p] = string(data)
			logs++
			return nil
		})
	}
	if logs < 3 {
		s.t.Errorf("only %d logs on the instances", logs)
	}
	for place, text := range places {
		if m := secretShape.FindString(text); m != "" {
			s.t.Errorf("%s holds %q", place, m)
		}
		for what, secret := range secrets {
			if strings.Contains(text, secret) {
				s.t.Errorf("%s holds %s", place, what)
			}
		}
	}
}

// secrets are those of this shop: the administrator's key, the instance's
// session, the project's own token, the private key.
func (s *shop) secrets() map[string]string {
	s.t.Helper()
	found := map[string]string{}
	add := func(what, secret string) {
		if len(secret) < 20 {
			s.t.Errorf("there is no %s to look for", what)
			return
		}
		found[what] = secret
	}
	data, err := os.ReadFile(filepath.Join(s.state(), "credentials"))
	if err != nil {
		s.t.Fatal(err)
	}
	if m := regexp.MustCompile(`aws_secret_access_key\s*=\s*(\S+)`).FindSubmatch(data); m != nil {
		add("the administrator's secret key", string(m[1]))
	} else {
		s.t.Error("the credentials file names no secret key")
	}
	var own struct{ Token string }
	if data, err = os.ReadFile(filepath.Join(s.state(), "serve.json")); err == nil {
		err = json.Unmarshal(data, &own)
	}
	if err != nil {
		s.t.Error(err)
	}
	add("the project's own token", own.Token)
	var session struct{ SecretAccessKey, Token string }
	r := s.must(0, "shell", "--", "sh", "-c", "u=http://169.254.169.254/latest/meta-data/iam/security-credentials/; curl -fsS $u$(curl -fsS $u)")
	if err := json.Unmarshal([]byte(r.out), &session); err != nil {
		s.t.Fatalf("%v in %s", err, r)
	}
	add("the session's secret key", session.SecretAccessKey)
	add("the session's token", session.Token)
	key, err := os.ReadFile(filepath.Join(s.dir, "certs", "server.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	add("the private key", strings.Split(string(key), "\n")[1])
	return found
}
