// Package aws holds AWS's words: ARNs, regions, S3 addresses, error codes with
// status and body, and signatures (V4, V2 and CloudFormation's identity
// document), to sign and to verify.
package aws

// S3Address is what the agent (aws-cfn-bootstrap) reads out of a URL that it
// takes for S3. The zero value means: not taken for S3.
type S3Address struct {
	Bucket string
	Key    string // as in the path, still escaped
	Region string // region the agent signs for
	// Default is set for the global endpoint, which names no region: the agent
	// falls back to Signature Version 2.
	Default bool
	// PathStyle is set when the bucket stands in the path.
	PathStyle bool
}

// Recognised reports whether the agent takes the URL for S3 at all.
func (a S3Address) Recognised() bool { return a.Region != "" }
