package check

// platformRules are about what differs between the generations of Amazon Linux.
var platformRules = []*Rule{
	proxyFileLost,
	proxyFolderIgnored,
	al1Path,
	al1Hook,
	packageMissing,
	extrasMissing,
	cronNotInstalled,
	upstartGone,
	certbotAuto,
	metadataWithoutToken,
	agentConfigLost,
	logAgentGone,
}
