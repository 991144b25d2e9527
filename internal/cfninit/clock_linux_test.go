package cfninit

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// jumping is a clock that is set by a day forth, or two back, each time it is read.
func jumping() func() time.Time {
	at, n := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), 0
	return func() time.Time {
		if n++; n%2 == 0 {
			at = at.AddDate(0, 0, 1)
		} else {
			at = at.AddDate(0, 0, -2)
		}
		return at
	}
}

func TestAClockThatJumpsChangesNeitherWaitsNorOutcome(t *testing.T) {
	run := func(now func() time.Time) (waits []time.Duration, result *Result, content string, err error) {
		tries := 0
		w := world{"169.254.169.254": text200(roleKeys), "certs.s3.eu-west-1.amazonaws.com": func(w http.ResponseWriter, r *http.Request) {
			if tries++; tries < 4 {
				status(503, "<Error><Code>SlowDown</Code></Error>")(w, r)
				return
			}
			text200("pem")(w, r)
		}}
		w["169.254.169.254"] = func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/security-credentials/web") {
				fmt.Fprint(w, roleKeys)
			} else {
				status(404, "")(w, r)
			}
		}
		result, content, _, err = try(t, w, s3URL, func(r *Runner) {
			r.Now, r.Rand = now, func() float64 { return 0.5 }
			r.Sleep = func(_ context.Context, d time.Duration) { waits = append(waits, d) }
		})
		return waits, result, content, err
	}
	wantWaits, want, _, err := run(nil)
	if err != nil || len(wantWaits) != 3 {
		t.Fatalf("%v, waits %v", err, wantWaits)
	}
	waits, got, content, err := run(jumping())
	if err != nil || content != "pem" {
		t.Errorf("%q, %v", content, err)
	}
	if fmt.Sprint(waits) != fmt.Sprint(wantWaits) || got.MetadataCalls != want.MetadataCalls || got.OtherCalls != want.OtherCalls {
		t.Errorf("waits %v and %d, %d calls; with a steady clock %v and %d, %d", waits, got.MetadataCalls, got.OtherCalls, wantWaits, want.MetadataCalls, want.OtherCalls)
	}
}

func TestEachTryIsSignedWithTheTimeThatItHas(t *testing.T) {
	clock := time.Date(2025, 11, 26, 12, 0, 0, 0, time.UTC)
	var dates []string
	w := world{"169.254.169.254": text200(roleKeys), "certs.s3.eu-west-1.amazonaws.com": func(w http.ResponseWriter, r *http.Request) {
		if dates = append(dates, r.Header.Get("X-Amz-Date")); len(dates) == 1 {
			status(500, "<Error><Code>InternalError</Code></Error>")(w, r)
			return
		}
		text200("pem")(w, r)
	}}
	_, content, _, err := try(t, w, s3URL, func(r *Runner) {
		r.Now = func() time.Time { return clock }
		r.Sleep = func(context.Context, time.Duration) { clock = clock.AddDate(1, 0, 0) } // chronyd has set it meanwhile
	})
	if err != nil || content != "pem" || strings.Join(dates, " ") != "20251126T120000Z 20261126T120000Z" {
		t.Errorf("%q, %v; signed at %v", content, err, dates)
	}
}
