package check

// accessRules are about fetches: every rule that claims chains, and what leads to their links. The more exact one
// stands before the more general one; the last claims whatever is left.
var accessRules = []*Rule{
	authenticationMisplaced,
	listMatchesNothing,
	placeholderBucket,
	sourceNotFetched,
	networkUnreachable,
	sessionTokensOnly,
	authenticationMisspelt,
	urlNotS3,
	roleNameIsProfile,
	profileMissing,
	profileWithoutRole,
	roleNameUnknown,
	trustNotEC2,
	unsignedFetch,
	wrongRegion,
	kmsKeyDenied,
	endpointPolicy,
	objectMissing,
	fetchDenied,
	fetchFails,
}
