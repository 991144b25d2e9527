package diagnose

// hostCauses are an instance that is full. They come before what programs say,
// since a program that finds no room says so in words of its own.
var hostCauses = []*Cause{
	{
		Slug: "disk-full", Stage: PreBuild,
		Title: "the instance's disk is full",
		Why:   "The root volume holds 8 to 10 GB unless RootVolumeSize says more; images and logs of earlier deployments stay on it.",
		Fix:   []string{"set RootVolumeSize in aws:autoscaling:launchconfiguration; clear old images and logs"},
		Signs: []Sign{
			{Word: "No space left on device"}, {Word: "no space left on device"}, {Word: "ENOSPC"},
			{Word: "Thin Pool has", Pattern: `Thin Pool has \d+ free data blocks which is less than`},
			{Word: "Disk quota exceeded"},
			{Word: "needed on the / filesystem", Pattern: `At least \d+\w* more space needed on the / filesystem`},
		},
	},
	{
		Slug: "memory-full", Stage: Build,
		Title: "the instance has no memory left: ${what}",
		Why:   "Building on a small instance without swap takes more than it has.",
		Fix:   []string{"take a larger instance, build before deploying, or add a swap file"},
		Signs: []Sign{
			{Word: "Cannot allocate memory", Pattern: `(?P<what>[^\n]{0,60}Cannot allocate memory)`},
			{Word: "ENOMEM", Pattern: `(?P<what>(?:[\w.]+ )?ENOMEM)`},
			{Word: "Out of memory", Pattern: `(?P<what>Out of memory: Kill[^\n]{0,80})`},
			{Word: "oom-kill", Pattern: `(?P<what>[^\n]{0,40}oom-kill[^\n]{0,60})`},
			{Word: "Insufficient shared memory", Pattern: `(?P<what>Insufficient shared memory)`},
			{Word: "Out of memory (allocated", Pattern: `(?P<what>Out of memory \(allocated \d+\))`},
			{Word: "Allowed memory size of", Pattern: `(?P<what>Allowed memory size of \d+ bytes exhausted)`},
			{Word: "heap out of memory", Pattern: `(?P<what>JavaScript heap out of memory)`},
			{Word: "insufficient memory for the Java", Pattern: `(?P<what>There is insufficient memory for the Java Runtime Environment)`},
			{Word: "java.lang.OutOfMemoryError", Pattern: `(?P<what>java\.lang\.OutOfMemoryError[^\n]{0,60})`},
			{Word: "failed to allocate memory", Pattern: `(?P<what>NoMemoryError[^\n]{0,40}|[^\n]{0,30}failed to allocate memory)`},
			{Word: "virtual memory exhausted", Pattern: `(?P<what>virtual memory exhausted[^\n]{0,60})`},
		},
	},
}
