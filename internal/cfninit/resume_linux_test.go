package cfninit

import (
	"context"
	"os"
	"strings"
	"testing"
)

func TestARunGoesOnWhereTheLastOneEnded(t *testing.T) {
	root := stateRoot(t)
	var log strings.Builder
	r := &Runner{Root: root, KeepState: true, Log: &log}
	if _, err := r.Resume(context.Background()); err != ErrNothingKept {
		t.Errorf("without an earlier run: %v", err)
	}
	_, err := r.Build(context.Background(), parse(t, `
AWS::CloudFormation::Init:
  configSets: {one: [a, bad, c], two: [d]}
  a: {files: {/etc/a: {content: x}}}
  bad: {files: {relative: {content: x}}}
  c: {files: {/etc/c: {content: x}}}
  d: {files: {/etc/d: {content: x}}}
`), []string{"one", "two"})
	if errorText(err) != "File specified with non-absolute path: relative" {
		t.Fatal(err)
	}
	must(t, os.Remove(root+"/etc/a"))
	result, err := r.Resume(context.Background())
	if err != nil || strings.Join(result.Changed, " ") != "/etc/c /etc/d" {
		t.Errorf("went on with %v, %v\n%s", result.Changed, err, log.String())
	}
	result, err = r.Resume(context.Background())
	if err != nil || len(result.Changed) > 0 || !strings.Contains(log.String(), "nothing was left to do") {
		t.Errorf("after the end: %v, %v", result.Changed, err)
	}
	must(t, os.Chmod(root+resumePath, 0o666))
	if _, err = r.Resume(context.Background()); err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("with a state that anybody may write: %v", err)
	}
}
