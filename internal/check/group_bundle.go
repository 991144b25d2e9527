package check

// bundleRules are about what the source bundle holds beside configuration files: names, hooks, scripts, archives.
var bundleRules = []*Rule{
	configNotRead,
	foreignConfig,
	extraTopFolder,
	dockerNothingToRun,
	dockerrunVersion,
	backslashNames,
	brokenLink,
	ignoredConfig,
	hookNotExecutable,
	hookNotStarted,
	hookNeverRuns,
	procfileLine,
	secretInBundle,
}
