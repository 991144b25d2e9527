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
	addressNotHTTP,
	websiteEndpoint,
	accelerateEndpoint,
	bucketWithDots,
	presignedURL,
	urlNotS3,
	roleNameIsProfile,
	profileMissing,
	profileWithoutRole,
	roleNameUnknown,
	trustNotEC2,
	unsignedFetch,
	globalEndpoint,
	wrongRegion,
	kmsKeyDenied,
	endpointPolicy,
	objectMissing,
	fetchDenied,
	fetchFails,
}
