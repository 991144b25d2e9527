package check

// balancerRules are about load balancers, listeners, processes, health checks, security groups and
// references to resources that Elastic Beanstalk makes.
var balancerRules = []*Rule{
	listenerProtocols,
	listenerCertificate,
	sslPolicyEmpty,
	tlsOnNetworkBalancer,
	otherBalancer,
	singleInstance,
	resourceNotMade,
	groupSize,
	healthCheckTwice,
	healthCheckInterval,
	plainToTLSPort,
	processUnknown,
	sharedBalancer,
	listenerExists,
	groupNameInVPC,
	instancePortClosed,
	efsMountedEarly,
	trafficSplitting,
}
