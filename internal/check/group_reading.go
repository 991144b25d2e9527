package check

// readingRules are about how configuration files are read: names, YAML and JSON, keys, shapes.
var readingRules = []*Rule{
	unreadableConfig,
	unknownKey,
	duplicateKey,
	wrongShape,
	unknownAttribute,
	unsupportedManager,
	contentAndSource,
	fileWithoutContent,
	unquotedMode,
	modeNotOctal,
	malformedBase64,
	fileWrittenTwice,
	relativePath,
	ownerMissing,
	oddCharacterRule,
	resourceAttribute,
	resourceCondition,
	templateRefused,
	buildRefused,
}
