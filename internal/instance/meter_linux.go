package instance

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// Processor is the processor time that the instance's programs have taken since
// its start, in user and in system mode; ok is false when its control group
// does not tell.
func (i *Instance) Processor() (user, system time.Duration, ok bool) {
	name := "beanpole-" + i.place.Token
	at := fileOf(name, "user_usec", "cpu.stat")
	if u, found := counted(at, "user_usec"); found { // version 2
		s, found := counted(at, "system_usec")
		return time.Duration(u) * time.Microsecond, time.Duration(s) * time.Microsecond, found
	}
	const tick = 10 * time.Millisecond // version 1 counts in USER_HZ, which is 100
	at = fileOf(name, "user", "cpuacct.stat")
	u, found := counted(at, "user")
	s, foundToo := counted(at, "system")
	return time.Duration(u) * tick, time.Duration(s) * tick, found && foundToo
}

// Load is what the instance's own /proc/loadavg says, and so the machine's: of
// 1, 5 and 15 minutes. A container has none of its own. Nil: not known.
func (i *Instance) Load() (all []float64) {
	data, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(data))
	if err != nil || len(fields) < 3 {
		return nil
	}
	for _, f := range fields[:3] {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil
		}
		all = append(all, v)
	}
	return all
}
