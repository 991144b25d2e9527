package diagnose

// proxyCauses are what nginx and httpd say before they refuse to start.
var proxyCauses = []*Cause{
	{
		Slug: "key-passphrase", Stage: ProxyStart,
		Title: "the private key needs a pass phrase",
		Why:   "The proxy starts without anybody who could type one.",
		Fix:   []string{"openssl rsa -in KEY -out KEY writes it without"},
		Signs: []Sign{{Word: "Enter PEM pass phrase"}, {Word: "bad password read"}, {Word: "problems getting password"}},
	},
	{
		Slug: "certificate-missing", Stage: ProxyStart,
		Title: "the proxy cannot read its certificate or key ${file}: ${what}",
		Why:   "The file was not written (a fetch that failed or was skipped, a command that runs later), is empty, or is no PEM.",
		Fix:   []string{"write the file before the proxy is tested; look for an earlier failure that left it empty"},
		Signs: []Sign{
			{Word: "cannot load certificate", Pattern: `cannot load certificate(?: key)? "(?P<file>[^"]+)": (?P<what>[^\n]{1,120})`},
			{Word: "SSLCertificate", Pattern: `SSLCertificate(?:Key)?File: file '(?P<file>[^']+)' (?P<what>does not exist or is empty)`},
			{Word: "BIO_new_file", Pattern: `BIO_new_file\("(?P<file>[^"]+)"\) failed \(SSL: (?P<what>[^\n]{1,100})`},
		},
	},
	{
		Slug: "certificate-key-mismatch", Stage: ProxyStart,
		Title: "certificate and private key do not belong together",
		Why:   "Their public keys differ.",
		Fix:   []string{"use the key that the certificate was made with"},
		Signs: []Sign{{Word: "key values mismatch"}},
	},
	{
		Slug: "listen-twice", Stage: ProxyStart,
		Title: "the proxy's port is taken: ${what}",
		Why:   "Two Listen lines name one port (mod_ssl brings its own), or another program has it.",
		Fix:   []string{"remove the second Listen; let nothing else listen on the proxy's port"},
		Signs: []Sign{
			{Word: "could not bind to address", Pattern: `(?P<what>could not bind to address \S+)`},
			{Word: "Address already in use", Pattern: `(?P<what>bind\(\) to \S+ failed \(98: (?:Unknown error|Address already in use)\))`},
		},
	},
	{
		Slug: "nginx-refused", Stage: ProxyStart,
		Title: "the proxy does not take its configuration: ${what}",
		Why:   "A file of .platform/nginx or .platform/httpd, or one that a command wrote, is wrong or at the wrong level: conf.d/*.conf is read outside of server, conf.d/elasticbeanstalk/*.conf inside.",
		Fix:   []string{"correct the file at the line that the message names"},
		Signs: []Sign{
			{Word: "[emerg]", Pattern: `\[emerg\] (?:\d+#\d+: )?(?P<what>(?:unknown directive|"[^"]+" directive is (?:not allowed|duplicate)|duplicate|invalid|unexpected|directive|host not found in upstream|no "[^"]+"|open\(\))[^\n]{0,160})`},
			{Word: "Invalid command", Pattern: `(?P<what>Invalid command '[^']+', perhaps misspelled[^\n]{0,80})`},
			{Word: "Syntax error on line", Pattern: `(?P<what>Syntax error on line \d+ of [^\n]{1,100})`},
			{Word: "host not found in upstream", Pattern: `(?P<what>host not found in upstream "[^"]+"[^\n]{0,80})`},
		},
	},
	{
		Slug: "proxy-failed", Stage: ProxyStart, Generic: true,
		Title:  "the proxy did not start: ${what}",
		Why:    "nginx's or httpd's own error log says why.",
		Settle: "/var/log/nginx/error.log, or: nginx -t",
		Signs: []Sign{
			{Word: "[emerg]", Pattern: `\[emerg\] (?:\d+#\d+: )?(?P<what>[^\n]{1,160})`},
			{Word: "startProcess Failure", Pattern: `startProcess Failure: (?:starting )?process "(?P<what>nginx|httpd)" failed`},
			{Word: "pid source file", Pattern: `Read pid source file (?P<what>\S*/(?:httpd|nginx)\.pid) failed`},
			{Word: "Nginx start failed", Pattern: `(?P<what>Nginx start failed[^\n]{0,80})`},
			{Word: "ailed to start", Pattern: `(?P<what>[Ff]ailed to start (?:the )?(?:nginx|proxy)[^\n]{0,100})`},
			{Word: "nginx: configuration file", Pattern: `(?P<what>nginx: configuration file \S+ test failed)`},
		},
	},
}
