package elasticbeanstalk

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

const (
	metricsWindow = 10 * time.Second // that of AWS's agent (API: ApplicationMetrics Duration)
	healthdEnd    = 2 << 20          // bytes of a log that are read from its end
)

// requests are what an instance's proxy answered within the window.
type requests struct {
	status    [6]int    // by hundreds
	latencies []float64 // seconds, sorted
}

func (r *requests) count() int { return len(r.latencies) }

func (r *requests) add(other *requests) {
	for i, n := range other.status {
		r.status[i] += n
	}
	r.latencies = append(r.latencies, other.latencies...)
	slices.Sort(r.latencies)
}

// requestsOf reads what nginx wrote for the health agent: a file an hour
// [EB:health-enhanced-serverlogs].
func requestsOf(m Machine, now time.Time) *requests {
	r := &requests{}
	disk, ok := m.(FileReader)
	if !ok {
		return r
	}
	from := now.Add(-metricsWindow)
	hours := []time.Time{from}
	if from.Hour() != now.Hour() {
		hours = append(hours, now)
	}
	for _, at := range hours {
		data, err := disk.ReadEnd("/var/log/nginx/healthd/application.log."+at.Format("2006-01-02-15"), healthdEnd)
		if err != nil {
			continue // nothing was asked in this hour
		}
		for line := range bytes.Lines(data) {
			r.take(line, from)
		}
	}
	slices.Sort(r.latencies)
	return r
}

// take counts one line: time"path"status"seconds"seconds upstream"forwarded for.
func (r *requests) take(line []byte, from time.Time) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte(`"`))
	if len(fields) < 4 {
		return
	}
	// The path may hold a quotation mark: what follows is counted from behind.
	n := len(fields)
	at, err1 := strconv.ParseFloat(string(fields[0]), 64)
	status, err2 := strconv.Atoi(string(fields[max(n-4, 1)]))
	took, err3 := strconv.ParseFloat(string(fields[max(n-3, 2)]), 64)
	since := at - float64(from.UnixMilli())/1000
	within := since >= 0 && since <= 2*metricsWindow.Seconds() && took >= 0 && took < 1e6 // and no NaN
	if err1 != nil || err2 != nil || err3 != nil || !within || status < 100 || status > 599 {
		return
	}
	r.status[status/100]++
	r.latencies = append(r.latencies, took)
}

// metrics are requests as the API gives them.
func (r *requests) metrics() *types.ApplicationMetrics {
	number := func(n int) *int32 { v := int32(n); return &v }
	m := &types.ApplicationMetrics{Duration: number(int(metricsWindow.Seconds())), RequestCount: int32(r.count())}
	if r.count() == 0 {
		return m
	}
	m.StatusCodes = &types.StatusCodes{Status2xx: number(r.status[2]), Status3xx: number(r.status[3]), Status4xx: number(r.status[4]), Status5xx: number(r.status[5])}
	p := func(part float64) *float64 {
		v := r.latencies[min(int(math.Ceil(part*float64(r.count())))-1, r.count()-1)]
		return &v
	}
	m.Latency = &types.Latency{P999: p(.999), P99: p(.99), P95: p(.95), P90: p(.90), P85: p(.85), P75: p(.75), P50: p(.50), P10: p(.10)}
	return m
}

// fewest requests in the window from which on their statuses say something
// about the application (general: AWS tells the rate and judges nothing below).
const fewest = 10

// verdict is what failed requests say of health. The texts are AWS's; the
// shares from which on health is worse are not documented (general).
func (r *requests) verdict(ignore4xx bool) (h types.EnvironmentHealthStatus, causes []string) {
	h = types.EnvironmentHealthStatusOk
	n := r.count()
	if n == 0 {
		return h, nil
	}
	for _, kind := range []struct {
		hundreds int
		text     string
		ignored  bool
	}{{4, "erroring with HTTP 4xx", ignore4xx}, {5, "failing with HTTP 5xx", false}} {
		share := 100 * float64(r.status[kind.hundreds]) / float64(n)
		if kind.ignored || share < 1 {
			continue
		}
		causes = append(causes, fmt.Sprintf("%.1f %% of the requests are %s.", share, kind.text))
		switch {
		case n < fewest:
		case share >= 50:
			h = worse(h, types.EnvironmentHealthStatusSevere)
		case share >= 10:
			h = worse(h, types.EnvironmentHealthStatusDegraded)
		default:
			h = worse(h, types.EnvironmentHealthStatusWarning)
		}
	}
	if len(causes) > 0 && n < fewest {
		causes = append(causes, fmt.Sprintf("Insufficient request rate (%.1f requests/min) to determine application health.", float64(n)*float64(time.Minute)/float64(metricsWindow)))
	}
	return h, causes
}

// order of severity.
var order = []types.EnvironmentHealthStatus{
	types.EnvironmentHealthStatusOk, types.EnvironmentHealthStatusInfo, types.EnvironmentHealthStatusPending, types.EnvironmentHealthStatusUnknown,
	types.EnvironmentHealthStatusNoData, types.EnvironmentHealthStatusWarning, types.EnvironmentHealthStatusDegraded, types.EnvironmentHealthStatusSevere,
}

func worse(a, b types.EnvironmentHealthStatus) types.EnvironmentHealthStatus {
	if slices.Index(order, a) >= slices.Index(order, b) {
		return a
	}
	return b
}
