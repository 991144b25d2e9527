package check

// profileRules are about instance profiles and IAM resources that a template makes.
var profileRules = []*Rule{
	roleAsProfile,
	noInstanceProfile,
	profileRoles,
	profileMadeLater,
	serviceRole,
	secureReference,
	healthNotReported,
	workerDenied,
	cronOnWebTier,
	imagePullDenied,
	deployerDenied,
}
