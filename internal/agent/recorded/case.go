package recorded

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Case is one recorded run.
type Case struct {
	Name string
	// Area is the subject: "files", "auth", "sources", …
	Area         string
	Metadata     json.RawMessage
	MetadataText Text `json:"metadata_text"`
	NoFile       bool `json:"no_file"`
	Stdin        string
	Args         []string
	ConfigSets   []string
	Environment  map[string]string
	Umask        string // octal, "" for 022
	Pystache     *bool
	Before       []entry
	Absent       []string
	Tools        map[string][]stub
	HTTP         []*rule
	TLSNames     []string `json:"tls_names"`
	TLSUntrusted bool     `json:"tls_untrusted"`
	Expect       expectation
}

type expectation struct {
	Exit           int
	Stdout, Stderr string
	Error          *string
	Tree           []entry
	Removed        []string
	Users          []string
	Groups         []string
	Requests       []request
	Waits          struct {
		Count int
		Max   float64 `json:"max_total_seconds"`
	}
	Commands       [][]json.RawMessage
	CommandExits   []*int `json:"command_exits"`
	Log            []string
	CmdLog         []string `json:"cmd_log"`
	State          []entry
	OrderDependent []string `json:"order_dependent"`
}

// Text is a text that may be absent, or there and null.
type Text struct {
	Given, Null bool
	Text        string
}

// UnmarshalJSON notes that the text was given.
func (t *Text) UnmarshalJSON(data []byte) error {
	t.Given, t.Null = true, string(data) == "null"
	if t.Null {
		return nil
	}
	return json.Unmarshal(data, &t.Text)
}

// entry is a file, directory or link, in `before`, `tree` and `state`.
type entry struct {
	Path, Type, Mode string
	Owner, Group     any
	Target           string
	Content          string `json:"content_b64"`
	SHA256           string
	MTime            any
	Text             *string

	content string // instead of Content
}

// decode is the content of an entry of `before`.
func (e *entry) decode() ([]byte, error) { return base64.StdEncoding.DecodeString(e.Content) }

func (e entry) String() string {
	sum := e.SHA256
	if len(sum) > 12 {
		sum = sum[:12]
	}
	mtime := ""
	if e.MTime != nil {
		mtime = fmt.Sprint("of ", e.MTime)
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %v %v %s %s %s", e.Path, e.Type, e.Mode, e.Owner, e.Group, sum, e.Target, mtime)), " ")
}

// unordered: the recorded result depends on the order of a Python 2 dict.
func (c *Case) unordered(what string) bool { return slices.Contains(c.Expect.OrderDependent, what) }

// Names are the names of the files of a folder of cases, sorted.
func Names(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "cases", "*.json"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no cases in %s: a folder of cases holds base.json and cases/*.json", dir)
	}
	for i, f := range files {
		files[i] = filepath.Base(f)
	}
	return files, err
}

// Read reads one case of a folder.
func Read(dir, name string) (*Case, error) {
	data, err := os.ReadFile(filepath.Join(dir, "cases", name))
	if err != nil {
		return nil, err
	}
	c := &Case{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("read case %s: %w", name, err)
	}
	return c, nil
}
