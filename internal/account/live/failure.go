package live

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

// Why says in one line why nothing could be read with these options, and what
// to do about it.
func (o *Options) Why(err error, region string) string {
	for _, ask := range []func(error, string) string{o.noProfile, o.noSession, o.noKeys, o.refusedKeys, o.noAnswer} {
		if says := ask(err, region); says != "" {
			return says
		}
	}
	return Reason(err)
}

// profile is the profile in use, "" for the default one.
func (o *Options) profile() string {
	if o.Profile != "" {
		return o.Profile
	}
	return os.Getenv("AWS_PROFILE")
}

// withProfile are the words that a command of the AWS CLI takes for the profile.
func (o *Options) withProfile() string {
	if p := o.profile(); p != "" {
		return " --profile " + p
	}
	return ""
}

// noProfile: the profile is not there, or says what cannot be.
func (o *Options) noProfile(err error, _ string) string {
	var none config.SharedConfigProfileNotExistError
	var role config.SharedConfigAssumeRoleError
	var file config.SharedConfigLoadError
	switch {
	case errors.As(err, &role) && errors.As(role.Err, &none):
		return fmt.Sprintf("profile %q takes the role of source_profile %q, which AWS's configuration files do not have; aws configure list-profiles lists them", o.profile(), none.Profile)
	case errors.As(err, &role):
		return fmt.Sprintf("profile %q: %v", o.profile(), role.Err)
	case errors.As(err, &none):
		return fmt.Sprintf("AWS's configuration files have no profile %q; aws configure list-profiles lists them", none.Profile)
	case errors.As(err, &file):
		return fmt.Sprintf("AWS's configuration file %s cannot be read: %v", file.Filename, file.Err)
	}
	return ""
}

// noSession: a session of IAM Identity Center (SSO), or an MFA code, is needed.
func (o *Options) noSession(err error, _ string) string {
	var token *ssocreds.InvalidTokenError
	said := err.Error()
	login := "sign in again: aws sso login" + o.withProfile()
	switch {
	case errors.Is(err, errNoCode):
		return fmt.Sprintf("profile %q wants a code of an MFA device, and there is no terminal to ask for it; give the keys of a session (aws sts get-session-token)", o.profile())
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(said, "SSO token"):
		return "nobody has signed in to IAM Identity Center (SSO) yet; sign in: aws sso login" + o.withProfile()
	case errors.As(err, &token), strings.Contains(said, "SSO token"), operationOfError(err) == "SSO:GetRoleCredentials" && codeOf(err) == "UnauthorizedException":
		return "the session of IAM Identity Center (SSO) has expired; " + login
	case operationOfError(err) == "SSO:GetRoleCredentials":
		return "IAM Identity Center (SSO) gives no credentials for the profile's account and role: " + Reason(err)
	}
	return ""
}

// operationOfError is the call that failed, "STS:AssumeRole"; the innermost one,
// which may be for credentials.
func operationOfError(err error) (out string) {
	for err != nil {
		var op *smithy.OperationError
		if !errors.As(err, &op) {
			return out
		}
		out, err = op.Service()+":"+op.Operation(), op.Err
	}
	return out
}

// noKeys: there are no credentials at all, or those of another role.
func (o *Options) noKeys(err error, _ string) string {
	var process *processcreds.ProviderError
	said := err.Error()
	switch op := operationOfError(err); {
	case strings.HasPrefix(op, "STS:AssumeRole") && codeOf(err) != "" && !slices.Contains(expired, codeOf(err)):
		return fmt.Sprintf("profile %q may not take its role: %s", o.profile(), Reason(err))
	case errors.As(err, &process):
		return fmt.Sprintf("the credential_process of profile %q failed: %s", o.profile(), reason(err))
	case strings.Contains(said, "EC2 IMDS"), strings.Contains(said, "ec2imds"):
		return "there are no credentials; sign in (aws sso login, aws configure), name a profile with --profile or AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case strings.Contains(said, "static credentials are empty"):
		return "AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY, or the reverse"
	}
	return ""
}

// expired are codes for credentials that were good once.
var expired = []string{"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}

// refusedKeys: AWS does not take the credentials.
func (o *Options) refusedKeys(err error, region string) string {
	code := codeOf(err)
	said := strings.ToLower(err.Error())
	switch {
	case slices.Contains(expired, code):
		return "the credentials have expired; get new ones, with IAM Identity Center (SSO): aws sso login" + o.withProfile()
	case errors.Is(err, errClock), slices.Contains([]string{"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"}, code),
		strings.Contains(said, "signature expired"), strings.Contains(said, "signature not yet current"):
		return "this machine's clock differs from AWS's by more than 5 minutes; set it (timedatectl set-ntp true)"
	case slices.Contains([]string{"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure", "InvalidToken"}, code):
		return fmt.Sprintf("AWS does not know the access key (%s): it was deleted, is of another partition, or region %s is not enabled for the account", code, region)
	case slices.Contains([]string{"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature"}, code):
		return "the secret access key does not belong to the access key (" + code + "); copy both anew"
	case code == "OptInRequired":
		return fmt.Sprintf("region %s is not enabled for the account; enable it, or give another --region", region)
	case slices.Contains(throttled, code):
		return "AWS throttles the account's calls (" + code + "), also after some tries; try again in a minute"
	}
	return ""
}

// throttled are codes with which services ask for fewer calls.
var throttled = []string{"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"}

// noAnswer: nothing was reached.
func (o *Options) noAnswer(err error, region string) string {
	var name *net.DNSError
	var unknown x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	var to *url.Error
	host := ""
	if errors.As(err, &to) {
		if u, err := url.Parse(to.URL); err == nil {
			host = u.Scheme + "://" + u.Host
		}
	}
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("cannot find %s: there is no network, or no region %s", name.Name, region)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing answers at " + host + " (connection refused)"
	case errors.As(err, &unknown), errors.As(err, &certificate):
		return host + " has a certificate that is not trusted; if a proxy makes it, name its CA in AWS_CA_BUNDLE"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return host + " does not answer; is there a network, and a proxy to set (HTTPS_PROXY)?"
	case strings.Contains(err.Error(), "unsupported protocol scheme"):
		return "the endpoint is no URL; --endpoint-url and AWS_ENDPOINT_URL take one such as http://127.0.0.1:4566"
	}
	return ""
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// ForCredentials tells an error of a call for credentials, not for the account.
func ForCredentials(err error) bool {
	op := operationOfError(err)
	return strings.HasPrefix(op, "SSO") || strings.HasPrefix(op, "STS:Assume")
}

// Passing tells an error that may be gone a while later: AWS throttles, fails,
// or cannot be reached for the moment.
func Passing(err error) bool {
	var api smithy.APIError
	if errors.As(err, &api) {
		return slices.Contains(throttled, api.ErrorCode()) || api.ErrorFault() == smithy.FaultServer
	}
	var on net.Error
	return errors.As(err, &on) && !errors.Is(err, context.Canceled)
}
