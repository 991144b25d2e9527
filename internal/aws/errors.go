package aws

import (
	"fmt"
	"strings"
)

// Error is an answer of AWS that refuses a request. The words of findings and
// the bytes of the local cloud come from the same values.
type Error struct {
	Code    string
	Status  int // HTTP status
	Message string
	// Fields become further XML elements in S3's bodies (Region, Endpoint,
	// Bucket, …).
	Fields map[string]string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d): %s", e.Code, e.Status, e.Message) }

// With adds a field to e and returns e.
func (e *Error) With(field, value string) *Error {
	if e.Fields == nil {
		e.Fields = map[string]string{}
	}
	e.Fields[field] = value
	return e
}

// NewError is the error of the table under code. The arguments fill the
// blanks of its message; without a message in the table (services that write
// their own) the first argument is the message itself, the others its blanks.
// A code that is not in the table gives status 400.
func NewError(code string, args ...any) *Error {
	row, ok := errorTable[code]
	if !ok {
		row.status = 400
	}
	return &Error{Code: code, Status: row.status, Message: fill(row.message, args)}
}

// Errorf is the error of the table under code with a message of its own.
func Errorf(code, format string, args ...any) *Error {
	e := NewError(code)
	e.Message = fmt.Sprintf(format, args...)
	return e
}

func fill(message string, args []any) string {
	if message == "" && len(args) > 0 {
		if message = fmt.Sprint(args[0]); len(args) == 1 {
			return message // text of a user may stand in it
		}
		args = args[1:]
	}
	blanks := strings.Count(message, "%")
	if blanks == 0 || len(args) < blanks {
		return strings.NewReplacer("%s", "", "%q", "").Replace(message)
	}
	return fmt.Sprintf(message, args[:blanks]...)
}

// Denied is the AccessDenied that IAM-aware services answer since they name
// the request; because is the reason ("no identity-based policy allows the
// s3:GetObject action"), "" when it is not told.
func Denied(who, action, resource, because string) *Error {
	m := fmt.Sprintf("User: %s is not authorized to perform: %s", who, action)
	if resource != "" {
		m += " on resource: " + resource
	}
	if because != "" {
		m += " because " + because
	}
	return Errorf("AccessDenied", "%s", m)
}

type errorRow struct {
	status  int
	message string
}

// errorTable holds the codes that beanpole answers with. S3's from its API
// reference ("List of error codes") and from recorded answers; the Query
// services' from "Common Errors" of IAM, STS, CloudFormation and Elastic
// Beanstalk.
var errorTable = map[string]errorRow{
	// S3
	"AccessDenied":                         {403, "Access Denied"},
	"AccessControlListNotSupported":        {400, "The bucket does not allow ACLs"},
	"AllAccessDisabled":                    {403, "All access to this object has been disabled"},
	"AuthorizationHeaderMalformed":         {400, "The authorization header is malformed; the region '%s' is wrong; expecting '%s'"},
	"AuthorizationQueryParametersError":    {400, ""},
	"BadDigest":                            {400, "The Content-MD5 you specified did not match what we received."},
	"BucketAlreadyExists":                  {409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	"BucketAlreadyOwnedByYou":              {409, "Your previous request to create the named bucket succeeded and you already own it."},
	"BucketNotEmpty":                       {409, "The bucket you tried to delete is not empty"},
	"EntityTooLarge":                       {400, "Your proposed upload exceeds the maximum allowed size"},
	"ExpiredToken":                         {400, "The provided token has expired."},
	"IllegalLocationConstraintException":   {400, "The %s location constraint is incompatible for the region specific endpoint this request was sent to."},
	"IncompleteBody":                       {400, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	"InternalError":                        {500, "We encountered an internal error. Please try again."},
	"InvalidAccessKeyId":                   {403, "The AWS Access Key Id you provided does not exist in our records."},
	"InvalidArgument":                      {400, ""},
	"InvalidBucketName":                    {400, "The specified bucket is not valid."},
	"InvalidLocationConstraint":            {400, "The specified location-constraint is not valid"},
	"InvalidObjectState":                   {403, "The operation is not valid for the object's storage class"},
	"InvalidRange":                         {416, "The requested range is not satisfiable"},
	"InvalidRequest":                       {400, ""},
	"InvalidToken":                         {400, "The provided token is malformed or otherwise invalid."},
	"InvalidURI":                           {400, "Couldn't parse the specified URI."},
	"KMS.DisabledException":                {400, ""},
	"KMS.KMSInvalidStateException":         {400, ""},
	"KMS.NotFoundException":                {400, ""},
	"MalformedPolicy":                      {400, ""},
	"MalformedXML":                         {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MethodNotAllowed":                     {405, "The specified method is not allowed against this resource."},
	"MissingContentLength":                 {411, "You must provide the Content-Length HTTP header."},
	"NoSuchBucket":                         {404, "The specified bucket does not exist"},
	"NoSuchBucketPolicy":                   {404, "The bucket policy does not exist"},
	"NoSuchPublicAccessBlockConfiguration": {404, "The public access block configuration was not found"},
	"NoSuchKey":                            {404, "The specified key does not exist."},
	"NoSuchVersion":                        {404, "The specified version does not exist."},
	"NotImplemented":                       {501, "A header you provided implies functionality that is not implemented"},
	"PermanentRedirect":                    {301, "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint."},
	"PreconditionFailed":                   {412, "At least one of the pre-conditions you specified did not hold"},
	"RequestTimeTooSkewed":                 {403, "The difference between the request time and the current time is too large."},
	"ServiceUnavailable":                   {503, "Service is unable to handle request."},
	"SignatureDoesNotMatch":                {403, "The request signature we calculated does not match the signature you provided. Check your key and signing method."},
	"SlowDown":                             {503, "Please reduce your request rate."},
	"TemporaryRedirect":                    {307, "Please re-send this request to the specified temporary endpoint. Continue to use the original request endpoint for future requests."},
	"XAmzContentSHA256Mismatch":            {400, "The provided 'x-amz-content-sha256' header does not match what was computed."},

	// Query services
	"AccessDeniedException":       {400, ""},
	"AlreadyExistsException":      {400, ""},
	"DeleteConflict":              {409, ""},
	"EntityAlreadyExists":         {409, ""},
	"IncompleteSignature":         {400, ""},
	"InsufficientPrivileges":      {403, ""},
	"InvalidAction":               {400, "Could not find operation %s for version %s"},
	"InvalidClientTokenId":        {403, "The security token included in the request is invalid."},
	"InvalidInput":                {400, ""},
	"InvalidParameterCombination": {400, ""},
	"InvalidParameterValue":       {400, ""},
	"LimitExceeded":               {409, ""},
	"MalformedPolicyDocument":     {400, ""},
	"MissingAction":               {400, "Missing Action"},
	"MissingAuthenticationToken":  {403, "Request is missing Authentication Token"},
	"NoSuchEntity":                {404, ""},
	"OptInRequired":               {403, "The AWS Access Key Id needs a subscription for the service"},
	"ServiceFailure":              {500, ""},
	"Throttling":                  {400, "Rate exceeded"},
	"UnauthorizedOperation":       {403, "You are not authorized to perform this operation."},
	"ValidationError":             {400, ""},
}
