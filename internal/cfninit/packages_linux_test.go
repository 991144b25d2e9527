package cfninit

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stubs are package managers that note how they are called: each argument on a
// line of its own, so that one with a newline shows, and an empty line behind
// each call. How a call ends is the first of ends whose beginning fits.
type stubs struct {
	dir  string
	ends []string // "yum -C -y list installed=1"
}

func newStubs(t *testing.T, programs ...string) *stubs {
	t.Helper()
	s := &stubs{dir: t.TempDir()}
	for _, p := range programs {
		script := "#!/bin/sh\nPATH=/usr/bin:/bin\nfor a in \"${0##*/}\" \"$@\"; do printf '<%s>' \"$a\"; done >> '" + s.dir + "/calls'\n" +
			"echo >> '" + s.dir + "/calls'\n. '" + s.dir + "/ends'\nexit 0\n"
		if err := os.WriteFile(filepath.Join(s.dir, p), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *stubs) run(t *testing.T, r *Runner, metadata string) (calls string, result *Result, err error) {
	t.Helper()
	var ends strings.Builder
	ends.WriteString("case \"${0##*/} $*\" in\n")
	for _, e := range s.ends {
		call, how, _ := strings.Cut(e, "=>")
		ends.WriteString("\"" + call + "\"*) " + how + " ;;\n")
	}
	ends.WriteString("esac\n")
	if err := os.WriteFile(filepath.Join(s.dir, "ends"), []byte(ends.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	r.Env = []string{"PATH=" + s.dir}
	result, err = r.Build(context.Background(), parse(t, metadata), nil)
	data, _ := os.ReadFile(filepath.Join(s.dir, "calls"))
	return regexp.MustCompile(`><`).ReplaceAllString(string(data), " "), result, err
}

func TestPackagesAreAskedForAsTheAgentDoes(t *testing.T) {
	for _, c := range []struct {
		name, packages string
		later          bool // the agent of Amazon Linux 2 and later
		ends           []string
		calls, fault   string
		log            []string
	}{
		{name: "yum: newer goes up, older goes down, what is there stays",
			packages: `{yum: {a: [], b: ["1.9", "1.10"], c: "1.0", d: []}}`,
			ends:     []string{"yum -C -y list installed d=>exit 0", "yum -C -y list installed=>exit 1", "rpm -qa=>echo 'x|1.5-2'"},
			calls: `<yum -y makecache>
<yum -C -y list installed a>
<yum -C -y --showduplicates list available a>
<yum -C -y list installed c-1.0>
<yum -C -y --showduplicates list available c-1.0>
<rpm -qa --queryformat %{NAME}|%{VERSION}-%{RELEASE} --nosignature c>
<yum -C -y list installed b-1.10>
<yum -C -y --showduplicates list available b-1.10>
<rpm -qa --queryformat %{NAME}|%{VERSION}-%{RELEASE} --nosignature b>
<yum -C -y list installed d>
<yum -y install a b-1.10>
<yum -y downgrade c-1.0>
`, log: []string{"[INFO] Yum installed [u'a', u'c', u'b']"}},
		{name: "yum killed by a signal", packages: `{yum: {a: []}}`, ends: []string{"yum -y makecache=>kill -9 $$"},
			calls: "<yum -y makecache>\n", fault: "Could not create yum cache (return code -9)"},
		{name: "a name with a newline is one argument", packages: `{yum: {"a\nrm -rf /srv; $(x)": []}}`,
			ends: []string{"yum -C -y list=>exit 0"}, calls: "<yum -y makecache>\n<yum -C -y list installed a\nrm -rf /srv; $(x)>\n"},
		{name: "a version that is a number", packages: `{yum: {a: [1.5]}}`, calls: "<yum -y makecache>\n", fault: "'float' object has no attribute 'split'"},
		{name: "apt: no version among versions is any", packages: `{apt: {a: ["", 2]}}`, ends: []string{"dpkg-query=>exit 1"},
			calls: "<apt-cache -q gencaches>\n<dpkg-query -f ${Status}|${Package}=${Version} -W a>\n<apt-cache -q show a>\n" +
				"<dpkg-query -f ${Status}|${Package}=${Version} -W a>\n<apt-cache -q show a=2>\n<apt-get -q -y install a a=2>\n",
			log: []string{"[INFO] Attempting to install [u'a', u'a=2'] via APT", "[INFO] APT installed [u'a']"}},
		{name: "apt: the text", packages: `{apt: a}`, calls: "<apt-cache -q gencaches>\n", fault: "string indices must be integers"},
		{name: "rpm: only what is missing", packages: `{rpm: {a: [/a.rpm, ""], b: /b.rpm}}`,
			ends: []string{"rpm -qp --queryformat %{NAME}|%{VERSION}-%{RELEASE} --nosignature /a.rpm=>echo 'a|1-1'",
				"rpm -qp=>echo 'b|2-1'", "rpm -q --quiet a-1-1=>exit 1"},
			calls: "<rpm -qp --queryformat %{NAME}|%{VERSION}-%{RELEASE} --nosignature /a.rpm>\n<rpm -q --quiet a-1-1>\n" +
				"<rpm -qp --queryformat %{NAME}|%{VERSION}-%{RELEASE} --nosignature /b.rpm>\n<rpm -q --quiet b-2-1>\n" +
				"<rpm -U --quiet --nosignature --replacepkgs /a.rpm>\n",
			log: []string{"[WARNING] RPM specified with no location"}},
		{name: "gem: each version", packages: `{rubygems: {a: ["", "2"]}}`, ends: []string{"gem query=>exit 1", "gem install -b --no-ri --no-rdoc a -v=>echo no; exit 3"},
			calls: "<gem query -i -n ^a$>\n<gem install -b --no-ri --no-rdoc a>\n<gem query -i -n ^a$ -v 2>\n<gem install -b --no-ri --no-rdoc a -v = 2>\n",
			fault: "Failed to install gem: a-2 (return code 3)",
			log:   []string{"[INFO] Installing a version  via gem", "[INFO] Gem installed: a-", "[ERROR] Gem failed. Output: no"}},
		{name: "python, with each agent", packages: `{python: {a: "1", b: HTTPS://example.com/b.tgz}}`,
			calls: "<easy_install a==1 HTTPS://example.com/b.tgz>\n"},
		{name: "python since 2.0-29", packages: `{python: {a: "1"}}`, later: true, calls: "<pip3 install a==1>\n",
			log: []string{"[INFO] Attempting to install ['a==1'] via pip3"}},
		{name: "zypper is new", packages: `{zypper: {a: []}}`, log: []string{"[WARNING] Unsupported package manager: zypper"}},
		{name: "zypper in 2.0", packages: `{zypper: {a: "2", b: []}}`, later: true,
			ends: []string{"zypper search --match-exact --installed-only=>exit 104", "rpm -qa=>echo 'a|3-1'"},
			calls: "<zypper search --match-exact --installed-only a-2>\n<zypper search --match-exact --not-installed-only a-2>\n" +
				"<rpm -qa --queryformat %{NAME}|%{VERSION}-%{RELEASE} --nosignature a>\n" +
				"<zypper search --match-exact --installed-only b>\n<zypper search --match-exact --not-installed-only b>\n" +
				"<zypper install -y b>\n<zypper install -y --oldpackage --force-resolution a-2>\n",
			log: []string{"[INFO] Zypper installed ['b', 'a-2']"}},
		{name: "msi", packages: `{msi: {a: x.msi}}`, fault: "MSI support is only available under Windows"},
		{name: "a list of managers", packages: `[yum]`, fault: "'list' object has no attribute 'iteritems'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStubs(t, "yum", "rpm", "apt-cache", "apt-get", "dpkg-query", "gem", "easy_install", "pip3", "zypper")
			s.ends = c.ends
			var log bytes.Buffer
			calls, _, err := s.run(t, &Runner{Log: &log, TokensFirst: c.later}, `AWS::CloudFormation::Init: {config: {packages: `+c.packages+`}}`)
			if calls != c.calls {
				t.Errorf("called\n%s\nwant\n%s", calls, c.calls)
			}
			var fault *BuildError
			if errors.As(err, &fault); (fault == nil) != (c.fault == "") || fault != nil && fault.Text != c.fault {
				t.Errorf("ended with %v, want %q", err, c.fault)
			}
			for _, line := range c.log {
				if !strings.Contains(log.String(), line+"\n") {
					t.Errorf("no %q in\n%s", line, log.String())
				}
			}
		})
	}
}

func TestPackagesOfAnotherFamilyCountAsInstalledWhenThatIsAskedFor(t *testing.T) {
	s := newStubs(t, "pip3", "gem")
	s.ends = []string{"pip3=>echo offline; exit 1", "gem query=>exit 1"}
	calls, result, err := s.run(t, &Runner{AssumePackages: true, TokensFirst: true}, `
AWS::CloudFormation::Init:
  config:
    packages: {yum: {jq: [], git: "2"}, python: {flask: []}, rubygems: {rack: []}, Npm: {x: []}}
`)
	if err != nil || calls != "<pip3 install flask>\n<gem query -i -n ^rack$>\n<gem install -b rack>\n" {
		t.Errorf("called %q, %v", calls, err)
	}
	want := []Assumed{{"config", "yum", []string{"jq", "git"}, ""}, {"config", "python", []string{"flask"}, "Could not successfully install python packages (return code 1)"}}
	if !slices.EqualFunc(result.Assumed, want, func(a, b Assumed) bool {
		return a.Config == b.Config && a.Manager == b.Manager && a.Why == b.Why && slices.Equal(a.Packages, b.Packages)
	}) {
		t.Errorf("taken for installed: %+v", result.Assumed)
	}
	_, _, err = s.run(t, &Runner{}, `AWS::CloudFormation::Init: {config: {packages: {yum: {jq: []}}}}`)
	if err == nil || err.Error() != "[Errno 2] No such file or directory" {
		t.Errorf("without yum, on a real machine: %v", err)
	}
}

func TestVersionsCompareAsTheAgentDoes(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0-1", -1}, {"1.0-2", "1.0-1", 1}, {"1.10", "1.9", 1}, {"1.a", "1.1", -1}, {"1.0a", "1.0", 1}, {"01", "1", 0},
		{"1_0", "1.0", 0}, {"", "1", -1}, {"", "", 0}, {"1:2", "1.2", 0}, {"1.0~rc1", "1.0", 1}, {"1-1", "1-1.amzn1", -1},
		{"20000000000000000001", "20000000000000000000", 1}, {"a10", "a9", 1}, {"B", "a", -1}, {"1.0-1-2", "1.0-1.2", 0},
	} {
		if got := compareRPM(c.a, c.b); got != c.want {
			t.Errorf("compare %q with %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := compareRPM(c.b, c.a); got != -c.want {
			t.Errorf("compare %q with %q: %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}
