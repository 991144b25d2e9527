package iam

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"beanpole/internal/fact"
)

func TestOperators(t *testing.T) {
	data, err := os.ReadFile("testdata/operators.txt")
	if err != nil {
		t.Fatal(err)
	}
	origin, count := "", 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if o, ok := strings.CutPrefix(line, "origin: "); ok {
			origin = o
			continue
		}
		if origin == "" {
			t.Fatalf("%s: no origin", line)
		}
		count++
		if got, want := operatorCase(t, line); got.String() != want {
			t.Errorf("%s\n got  %s [%s]", line, got, origin)
		}
	}
	if count < 200 {
		t.Errorf("only %d cases", count)
	}
}

// operatorCase reads and decides one line.
func operatorCase(t *testing.T, line string) (got fact.Verdict, want string) {
	asked, want, _ := strings.Cut(line, " => ")
	name, rest, _ := strings.Cut(asked, " ")
	var policy, request []string
	d := json.NewDecoder(strings.NewReader(rest))
	if err := d.Decode(&policy); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	context := map[string][]string{"aws:PrincipalTag/team": {"red"}, "aws:PrincipalTag/star": {"r*"}}
	if rest = strings.TrimSpace(rest[d.InputOffset():]); rest != "-" {
		if err := json.Unmarshal([]byte(rest), &request); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		context["k"] = request
	}
	op, ok := readOperator(name)
	if !ok {
		t.Fatalf("%s: no such operator", line)
	}
	c := Condition{Operator: name, Key: "K", op: op}
	for _, v := range policy {
		c.Values = append(c.Values, Term{Text: v})
	}
	all := newContext(&Request{Context: context})
	return all.condition(&c, version2012), want
}
