package elasticbeanstalk

import (
	"slices"
	"strings"
	"time"

	"beanpole/internal/ebext"
)

// launchNames are the physical names of what a change of makes new instances
// necessary [EB:environments-updating].
func launchNames(all []made) string {
	var names []string
	for _, m := range all {
		switch m.kind {
		case "AWS::AutoScaling::LaunchConfiguration", "AWS::EC2::LaunchTemplate":
			names = append(names, m.physical)
		}
		if m.id == ebext.Group {
			names = append(names, string(m.props.Get("VPCZoneIdentifier").JSON()))
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// exchange puts new instances into the places of all, since settings changed
// that only new ones can have: all at once, or by the options of rolling updates
// [EB:using-features.rollingupdates].
func (o *operation) exchange() *outcome {
	kind := o.e.value(rollingOptions, "RollingUpdateType")
	switch {
	case !o.rollingUpdates() || o.single():
		old := o.current()
		o.info("beanpole: the settings need other instances: all are terminated and replaced (RollingUpdateEnabled is false)")
		o.retire(old)
		fresh, err := o.startMachines(len(old))
		o.keepMachines(fresh)
		if err != nil {
			o.error("beanpole: %s", reason(err))
			return &outcome{answers: []answered{{err: err}}, told: true}
		}
		o.added(fresh)
		return o.deploy(fresh)
	case kind == immutable:
		return o.immutable()
	}
	return o.exchangeBatches(kind == "Health")
}

func (o *operation) rollingUpdates() bool {
	return strings.EqualFold(o.e.value(rollingOptions, "RollingUpdateEnabled"), "true")
}

// exchangeBatches replaces instances batch by batch. Where too few would be left
// in service, a batch's new instances come before its old ones go.
func (o *operation) exchangeBatches(health bool) *outcome {
	old, all := o.current(), &outcome{}
	least, _ := o.sizes(o.stackResources())
	size := max(o.number(rollingOptions, "MaxBatchSize", (least+2)/3), 1)
	keep := min(o.number(rollingOptions, "MinInstancesInService", max(least-size, 0)), len(old))
	pause := o.pauseTime()
	o.info("beanpole: rolling update: %d %s in batches of %d, with at least %d in service", len(old), plural(len(old), "instance"), size, keep)
	leader := true
	for batch := range slices.Chunk(old, size) {
		if o.ended() || o.aborting() {
			return all
		}
		early := len(o.current())-len(batch) < keep
		if !early {
			o.retire(batch)
		}
		fresh, r := o.launchFresh(len(batch), leader)
		leader = false
		all.answers = append(all.answers, r.answers...)
		if all.told = r.told; r.ok() && !o.ended() {
			l := o.live()
			l.mu.Lock()
			l.temporary = nil
			l.mu.Unlock()
			o.keepMachines(fresh)
			o.added(fresh)
			if health {
				all.unhealthy = o.unhealthy(fresh)
			} else if sleep(o.ctx, pause) != nil {
				return all
			}
		}
		if !all.ok() {
			r.tell(o)
			all.told = true
			o.keepFailedLogs(fresh)
			o.retire(fresh)
			return all
		}
		if early {
			o.retire(batch)
		}
	}
	return all
}

// pauseTime is the pause between batches of a time-based rolling update, an ISO
// 8601 duration of at most an hour [EB:command-options-general].
func (o *operation) pauseTime() time.Duration {
	text := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(o.e.value(rollingOptions, "PauseTime"), "P"), "T"))
	d, err := time.ParseDuration(text)
	if err != nil {
		d = 0
	}
	if !o.s.RealTime {
		d /= hastened
	}
	return min(d, time.Hour)
}
