package live

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/account/reading"
)

// readEverything makes the calls of every row of the table, as far as it comes.
func readEverything(t *testing.T, f *fakeAWS) (*reading.Reading, []error) {
	t.Helper()
	ctx := context.Background()
	x := New(f.asks("--fetch-logs", "--fetch-bundle"))
	var errs []error
	note := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	note(x.Environment(ctx, "shop"))
	x.Needed(ctx, theFetch)
	if x.out.Environment != nil {
		x.Logs(ctx)
	}
	note(x.Stack(ctx, "plain"))
	x.networksOf(ctx, []string{"subnet-1"})
	x.listed(ctx, &reading.Bucket{Name: "certs"}, "tls/server.key", func(*s3.Options) {})
	to, err := os.Create(filepath.Join(t.TempDir(), "bundle"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	note(x.Bundle(ctx, "bundles", "shop.zip", to))
	return x.Reading(), errs
}

// Every row of the table, refused in turn: the reading names its permission and
// the link that stays unknown, or the command ends with AWS's refusal.
func TestEveryRowOfTheTableMayBeRefused(t *testing.T) {
	whole, errs := readEverything(t, &fakeAWS{})
	if len(errs) > 0 || len(whole.NotRead) > 0 {
		t.Fatalf("nothing refused: %v, not read %v", errs, whole.NotRead)
	}
	for _, o := range operations {
		f := &fakeAWS{refuse: o.name}
		r, errs := readEverything(t, f)
		if !slices.Contains(f.calls, o.name) {
			t.Errorf("%s was not asked", o.name)
		}
		noted := slices.ContainsFunc(r.NotRead, func(x reading.Refusal) bool {
			return x.Permission == permission(o.name) && x.Refused && x.Link != "" && x.Name != ""
		})
		ended := slices.ContainsFunc(errs, Denied)
		switch {
		case o.name == "s3:HeadBucket": // S3 tells the region, and so that there is one, with a refusal too
			if len(r.Buckets) != 1 || r.Buckets[0].Region != "eu-west-1" {
				t.Errorf("%s refused: buckets %+v", o.name, r.Buckets)
			}
		case !noted && !ended:
			t.Errorf("%s refused: neither a word in what was not read nor an error: %v, %v", o.name, r.NotRead, errs)
		}
		for _, gone := range r.Absent {
			if !slices.Contains(whole.Absent, gone) {
				t.Errorf("%s refused: %v is said not to exist", o.name, gone)
			}
		}
	}
}
