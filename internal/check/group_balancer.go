package check

// balancerRules are about load balancers, listeners, processes, health checks and security groups.
var balancerRules = []*Rule{}
