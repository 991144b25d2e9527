package check

// stageRules are about what commands and files do at the time at which they run.
var stageRules = []*Rule{
	applicationNotUnpacked,
	notRepeatable,
	proxyNotRunning,
	leaderOnlyTest,
	cronFileRefused,
	cronLineLost,
	cronJobTwice,
	triggerElsewhere,
	writtenToOldVersion,
	leaderOnlyLocal,
	nameOrder,
	writtenLater,
	propertyInCron,
}
