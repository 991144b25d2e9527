package check

// tlsRules are about the proxy on the instance: nginx and Apache files, certificates and keys.
var tlsRules = []*Rule{
	pemUnreadable,
	pemWrongKind,
	keyPassphrase,
	certificateOrder,
	certificateKeyMismatch,
	certificateExpired,
	nginxRefused,
	certificateFileMissing,
	directiveRemoved,
	upstreamUndefined,
	proxyFileNotRead,
	nginxMainIncomplete,
	portNotServed,
	healthCheckRedirected,
	apacheWithoutModSSL,
	apacheListensTwice,
	proxyChangeUndone,
	tlsPortClosed,
}
