package iam

import (
	"encoding/json"
	"errors"
	"flag"
	"math/rand"
	"sort"
	"testing"
	"time"

	"beanpole/internal/iam/simulate"
)

var (
	judgedCount = flag.Int("judged", 4000, "how many random worlds to hold against iam-simulate")
	judgedSeed  = flag.Int64("judged-seed", 1, "where the random worlds begin")
)

// Every difference from iam-simulate is explained by one of the differences in
// judgedifferences_test.go, each of which names the AWS document that decides.
func TestAnotherJudgeAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("asks another judge, in a process of its own")
	}
	judge, err := simulate.Start()
	if errors.Is(err, simulate.ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer judge.Close()
	tally, start := map[string]int{}, time.Now()
	rnd := rand.New(rand.NewSource(*judgedSeed))
	for done := 0; done < *judgedCount; {
		worlds := make([]*judged, min(500, *judgedCount-done))
		for i := range worlds {
			worlds[i] = randomJudged(rnd)
		}
		compare(t, judge, worlds, tally)
		if done += len(worlds); t.Failed() {
			break
		}
	}
	names := make([]string, 0, len(tally))
	for n := range tally {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		t.Logf("%7d %s", tally[n], n)
	}
	t.Logf("%v", time.Since(start).Round(time.Second))
	for _, r := range []Reason{Allowed, ExplicitDeny, ImplicitDeny} {
		if n := tally["agreed: "+outcomes[r]]; n < *judgedCount/20 {
			t.Errorf("only %d of %d agreed upon as %s", n, *judgedCount, outcomes[r])
		}
	}
}

func compare(t *testing.T, judge *simulate.Judge, worlds []*judged, tally map[string]int) {
	t.Helper()
	for i, a := range askJudge(t, judge, worlds) {
		j := worlds[i]
		d := j.ours(t)
		if a.Result == outcomes[d.Reason] {
			tally["agreed: "+a.Result]++
			continue
		}
		if why := explain(t, judge, j, d); why != "" {
			tally["explained: "+why]++
			continue
		}
		text, _ := json.Marshal(j.simulation())
		t.Errorf("we say %s, iam-simulate %s%s:\n%s", outcomeText(d), a.Result, a.Error, text)
		return
	}
}

func askJudge(t *testing.T, judge *simulate.Judge, worlds []*judged) []simulate.Answer {
	t.Helper()
	questions := make([]any, len(worlds))
	for i, j := range worlds {
		questions[i] = j.simulation()
	}
	answers, err := judge.Ask(questions...)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// explain rewrites the world as the documents say that AWS understands it, in
// words of which both judges think the same, and asks both again. It answers
// with the names of the differences, or with nothing when they still differ.
func explain(t *testing.T, judge *simulate.Judge, j *judged, ours Decision) string {
	t.Helper()
	settled := func(x *judged) bool {
		d, a := x.ours(t), askJudge(t, judge, []*judged{x})[0]
		if d.Verdict() != ours.Verdict() && ours.Reason != NotKnown {
			before, _ := json.Marshal(j.simulation())
			after, _ := json.Marshal(x.simulation())
			t.Errorf("rewriting changed our decision from %s to %s:\n%s\n%s", outcomeText(ours), outcomeText(d), before, after)
		}
		return a.Result == outcomes[d.Reason]
	}
	all, names := j.copy(), []string{}
	for _, x := range differences {
		one, more := j.copy(), all.copy()
		if x.applied(t, one) && settled(one) {
			return x.name + " [" + x.document + "]"
		}
		if x.applied(t, more) {
			all, names = more, append(names, x.name)
		}
	}
	if len(names) > 1 && settled(all) {
		return "several of them"
	}
	text, _ := json.Marshal(all.simulation())
	t.Logf("rewritten for %q: we say %s, iam-simulate %+v\n%s", names, outcomeText(all.ours(t)), askJudge(t, judge, []*judged{all}), text)
	return ""
}

// applied rewrites j, and reports whether there was something to rewrite.
func (x difference) applied(t *testing.T, j *judged) bool {
	before := j.ours(t)
	return x.rewrite(j, before) && !(x.partly && j.ours(t).Verdict() != before.Verdict())
}
