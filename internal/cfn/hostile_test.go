package cfn

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"beanpole/internal/source"
)

// each writes a line n times, # for its number and @ for the next.
func each(n int, line string) string {
	if testing.Short() && n > 5000 {
		n /= 8
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.NewReplacer("#", strconv.Itoa(i), "@", strconv.Itoa(i+1)).Replace(line))
	}
	return b.String()
}

// TestHostileTemplatesEndSoon: what a template makes stays in proportion to
// its size, in time (of the processor) and in memory.
func TestHostileTemplatesEndSoon(t *testing.T) {
	const role = "Resources:\n  R: {Type: X, Properties: {"
	for name, text := range map[string]string{
		"conditions": "Resources: {R: {Type: X, Condition: C0}}\nConditions:\n" + each(30_000, "  C#: !Not [!Condition C@]\n") + "  C30000: !Equals [a, a]\n",
		"many conditions": "Resources: {R: {Type: X, P: !If [C9, a, b]}}\nConditions:\n" +
			each(50_000, "  C#: !Equals [a, a]\n") + "  All: !And [!Condition C1, !Condition C49999]\n",
		"names in a chain": "Resources:\n" + each(499, "  R#: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref R@}}\n") + "  R499: {Type: AWS::IAM::Role}\n",
		"doubling names": "Resources:\n" + each(30, "  R#: {Type: AWS::IAM::Role, Properties: {RoleName: !Sub '${R@}${R@}'}}\n") +
			"  R30: {Type: AWS::IAM::Role, Properties: {RoleName: zz}}\n",
		"a long name in many places": "Parameters: {A: {Type: String, Default: " + strings.Repeat("x", 100_000) + "}}\n" + role +
			each(20_000, "p#: !Sub 'x${A}', ") + "}}\n",
		"a long list in many places": "Parameters: {A: {Type: String, Default: '" + strings.Repeat(",", 100_000) + "'}}\n" + role +
			each(20_000, "p#: !Split [',', !Ref A], ") + "}}\n",
		"a mapping as text": "Mappings: {M: {a: {b: [" + strings.Repeat("x,", 50_000) + "]}}}\n" + role +
			each(10_000, "p#: {'Fn::ToJsonString': !FindInMap [M, a, b]}, ") + "}}\n",
		"comparing mappings": "Mappings: {M: {a: {b: [" + strings.Repeat("x,", 50_000) + "]}}}\nConditions:\n" +
			each(10_000, "  C#: !Equals [!FindInMap [M, a, b], '']\n") + role + each(10_000, "p#: !If [C#, a, b], ") + "}}\n",
		"looking up a large mapping": "Mappings: {M: {a: {" + each(50_000, "k#: v, ") + "}}}\n" + role +
			each(30_000, "p#: !FindInMap [M, a, k#], ") + "}}\n",
		"many variables":       role + "p: !Sub ['" + each(20_000, "${V#}") + "', {" + each(20_000, "V#: x, ") + "}]}}\n",
		"unknown conditions":   "Parameters: {A: {Type: String}}\nConditions: {C: !Equals [!Ref A, a]}\n" + role + "p: " + strings.Repeat("!If [C, ", 90) + "[" + strings.Repeat("xxxxxxxxxxxxxxxxxxxx,", 20_000) + "]" + strings.Repeat(", 1]", 90) + "}}\n",
		"loops in loops":       "Transform: AWS::LanguageExtensions\nResources:\n" + nestedLoops(20),
		"a loop of long texts": "Transform: AWS::LanguageExtensions\nResources:\n  'Fn::ForEach::L': [N, [" + each(400, "a#, ") + "], {'R${N}': {Type: X, P: '${N}" + strings.Repeat("x", 500_000) + "'}}]\n",
		"a loop of itself":     "Transform: AWS::LanguageExtensions\nResources:\n  'Fn::ForEach::L': [N, ['${N}${N}${N}', '${N}'], {'R${N}': {Type: X}}]\n",
		"too many resources":   "Resources:\n" + each(60_000, "  R#: {Type: X}\n"),
		"references of all":    "Resources:\n" + each(499, "  R#: {Type: X, P: ["+strings.Repeat("!Ref R499, ", 200)+"]}\n") + "  R499: {Type: X}\n",
		"deep":                 role + "p: " + strings.Repeat("!Base64 {'Fn::Base64': ", 60_000),
		"dynamic references":   role + "p: '" + strings.Repeat("{{resolve:", 100_000) + "'}}\n",
		"open braces":          role + "p: !Sub '" + strings.Repeat("${", 100_000) + "'}}\n",
		"cidr":                 role + each(20_000, "p#: !Cidr [10.0.0.0/8, 256, 8], ") + "}}\n",
		"alias bomb":           "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\nResources: {R: {Type: X}}\n",
		"ten megabytes":        "Resources: {R: {Type: X}}\n" + strings.Repeat("# "+strings.Repeat("x", 97)+"\n", 100_000),
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := processorTime(t)
			tm, err := Parse("t", []byte(text))
			if err == nil {
				_, err = tm.Evaluate(&Env{Region: "us-east-1"})
				_ = tm.Check(nil) // it may find something
			}
			took := processorTime(t) - start
			runtime.ReadMemStats(&after)
			var p *source.Problem
			if err != nil && !errors.As(err, &p) {
				t.Errorf("%v is no *source.Problem", err)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the problem has %d bytes", len(err.Error()))
			}
			made := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes: %v, %d MiB allocated: %v", len(text), took, made>>20, err)
			// All that was ever allocated: texts of 8 MB are put together in
			// buffers that double. What the reader needs is held in its own tests.
			if took > 3*time.Second || made > 160<<20+200*uint64(len(text)) {
				t.Errorf("%d bytes took %v and %d MiB", len(text), took, made>>20)
			}
		})
	}
}

// nestedLoops is a loop over ten values that holds another, depth times.
func nestedLoops(depth int) string {
	text := "'R': {Type: X}"
	for i := range depth {
		text = fmt.Sprintf("'Fn::ForEach::L%d': [N%[1]d, [0,1,2,3,4,5,6,7,8,9], {%s}]", i, text)
	}
	return "  " + text + "\n"
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
