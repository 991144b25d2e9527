package cfninit

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"beanpole/internal/access"
	"beanpole/internal/aws"
	"beanpole/internal/source"
)

// sha256 of nothing, the payload of a GET.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// unrecognised is how the agent fails when it is to sign for a URL that it
// does not take for S3 [cb-run].
const unrecognised = "'NoneType' object has no attribute 'is_default'"

// download fetches a file's source into w.
func (b *build) download(ctx context.Context, f *access.Fetch, w *os.File, template *source.Node) error {
	var fault *BuildError
	err := b.retry(ctx, fetchTries, func() *failure {
		url, fail := prepareURL(f.URL)
		if fail != nil {
			return fail
		}
		attempt, stop := context.WithCancel(ctx)
		defer stop()
		resp, fail := b.request(attempt, url, &f.Signer)
		if fail != nil {
			return fail
		}
		defer resp.Body.Close()
		if fail = badAnswer(resp); fail != nil {
			fail.text = b.hide(fail.text)
			return fail
		}
		fail, fault = b.store(resp, w, template, stop)
		if fault != nil {
			return nil
		}
		return fail
	})
	if fault != nil {
		return fault
	}
	if err != nil {
		return tool("Failed to retrieve %s: %s", hideURL(f.URL), hideURL(err.text))
	}
	return nil
}

// request sends the first request of an attempt, with credentials read anew.
func (b *build) request(ctx context.Context, url string, s *access.Signer) (*http.Response, *failure) {
	req, fail := newRequest(ctx, url)
	if fail != nil && s.Kind == access.Nobody {
		return nil, fail
	}
	switch s.Kind {
	case access.Basic:
		if fail == nil {
			fail = b.basic(req, s.User, s.Password)
		}
	case access.RoleKeys, access.StaticKeys:
		creds := signingKeys{aws.Credentials{KeyID: s.KeyID, Secret: s.Secret}, s.KeyIDType, s.SecretType}
		if s.Kind == access.RoleKeys {
			var err *remote
			if creds, err = b.credentials(ctx, format(s.Role)); err != nil {
				return nil, &failure{kind: ioFailure, text: err.errno()}
			}
		}
		b.secrets = append(b.secrets, creds.Secret, creds.Token)
		if !aws.AgentS3(url).Recognised() {
			return nil, &failure{kind: unexpected, text: unrecognised}
		}
		if fail == nil {
			if fail = b.sign(req, url, creds); fail != nil {
				return nil, fail
			}
			return b.follow(ctx, req, url, &creds)
		}
	}
	if fail != nil {
		return nil, fail
	}
	return b.follow(ctx, req, url, nil)
}

// sign signs with Signature Version 4 for the region in the URL, with
// Version 2 for the global endpoint, which names none.
func (b *build) sign(req *http.Request, url string, creds signingKeys) *failure {
	addr := aws.AgentS3(url)
	if addr.Default {
		b.log("WARNING", "Falling back to Signature Version 2 as no region was specified in S3 URL")
		bucket := addr.Bucket
		if addr.PathStyle {
			bucket = "" // it stands in the path already
		}
		if creds.secretType != "" {
			return &failure{kind: unexpected, text: "'" + creds.secretType + "' object has no attribute 'encode'"}
		}
		aws.SignV2S3(req, creds.Credentials, bucket, b.now().UTC())
		return nil
	}
	if why := creds.unfit(); why != "" {
		return &failure{kind: unexpected, text: why}
	}
	aws.SignV4(req, emptyPayload, creds.Credentials, addr.Region, "s3", b.now().UTC())
	return nil
}

// signingKeys are credentials, with the names of the types of those that are no text.
type signingKeys struct {
	aws.Credentials
	idType, secretType string
}

// unfit is why Signature Version 4 can't be made with the keys, in the words
// of the agent's interpreter.
func (k signingKeys) unfit() string {
	switch {
	case k.secretType != "":
		return "cannot concatenate 'str' and '" + k.secretType + "' objects"
	case k.idType == "list":
		return `can only concatenate list (not "str") to list`
	case k.idType != "":
		return "unsupported operand type(s) for +: '" + k.idType + "' and 'str'"
	}
	return ""
}

// basic sets user name and password, in Latin-1 as the agent 1.4 does.
func (b *build) basic(req *http.Request, user, password string) *failure {
	if !b.python2() {
		req.SetBasicAuth(user, password)
		return nil
	}
	plain, why := latin1(user + ":" + password)
	if why != "" {
		return &failure{kind: unexpected, text: why}
	}
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString(plain))
	return nil
}

// newRequest is a GET as the agent's HTTP library sends it.
func newRequest(ctx context.Context, url string) (*http.Request, *failure) {
	low := strings.ToLower(url)
	if !strings.HasPrefix(low, "http://") && !strings.HasPrefix(low, "https://") {
		return nil, &failure{kind: ioFailure, text: "No connection adapters were found for '" + url + "'"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, &failure{kind: ioFailure, text: "Invalid URL " + quote(url, true)}
	}
	req.URL.User = nil
	req.URL.Fragment = ""
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	req.Header.Set("User-Agent", "beanpole")
	return req, nil
}

// badAnswer is the failure that an answer's status stands for, if any. Every
// status below 400 is a success, also a redirect that names no place.
func badAnswer(resp *http.Response) *failure {
	if resp.StatusCode < 400 {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(decoded(resp), 1<<20))
	return &failure{kind: badStatus, status: resp.StatusCode, text: fmt.Sprintf("HTTP Error %d : %s", resp.StatusCode, text(body, resp.Header.Get("Content-Type")))}
}

// text is an error page's text in the coding that its type names, where a text
// without one is Latin-1; anything else is UTF-8 if it can be, else Latin-1.
func text(body []byte, contentType string) string {
	kind, parameters, _ := mime.ParseMediaType(contentType)
	charset := strings.ToLower(strings.Trim(parameters["charset"], `'"`))
	if charset == "" && strings.Contains(kind, "text") {
		charset = "iso-8859-1"
	}
	switch charset {
	case "utf-8", "utf8":
		return strings.ToValidUTF8(string(body), "\uFFFD")
	case "iso-8859-1", "latin-1", "latin1":
	default:
		if utf8.Valid(body) {
			return string(body)
		}
	}
	runes := make([]rune, len(body))
	for i, c := range body {
		runes[i] = rune(c)
	}
	return string(runes)
}

// store writes an answer's body and checks it against its ETag. With a
// context the body is a template. A body that comes too slowly is stopped.
func (b *build) store(resp *http.Response, w *os.File, context *source.Node, stop context.CancelFunc) (*failure, *BuildError) {
	etag := b.etag(resp)
	if err := w.Truncate(0); err != nil {
		return nil, osError(err, "")
	}
	if _, err := w.Seek(0, io.SeekStart); err != nil {
		return nil, osError(err, "")
	}
	slow := newPaced(resp.Body, b.patience(), stop)
	defer slow.timer.Stop()
	resp.Body = io.NopCloser(slow)
	var template bytes.Buffer
	var out io.Writer = w
	if context != nil && context.Kind != source.Null {
		out = &template
	}
	got, err := copyBody(out, decoded(resp), etag != "")
	var full *writeFailure
	if errors.As(err, &full) {
		// Not tried again, as AWS's agent does: that would fill the disk four times more.
		return &failure{kind: unexpected, text: errnoText(full.error)}, nil
	}
	if err != nil && !whole(resp, err) {
		return brokenBody(err), nil
	}
	if etag != "" && etag != got {
		return &failure{kind: checksum, text: fmt.Sprintf("[Errno None] Expected digest %s; received %s", etag, got)}, nil
	}
	if out == w {
		return nil, nil
	}
	text, fault := b.render(template.String(), context)
	if fault != nil {
		return nil, fault
	}
	if why := notASCII(text); b.python2() && why != "" {
		return &failure{kind: unexpected, text: why}, nil
	}
	if _, err := w.WriteString(text); err != nil {
		return nil, osError(err, "")
	}
	return nil, nil
}

// brokenBody words a body that can't be read to its end.
func brokenBody(err error) *failure {
	if errors.Is(err, errHeader) {
		return &failure{kind: ioFailure, text: "('Received response with content-encoding: gzip, but failed to decode it.', error('Error -3 while decompressing: incorrect header check',))"}
	}
	return &failure{kind: ioFailure, text: fmt.Sprintf("('Connection broken: %v',)", err)}
}

// whole: a body that is shorter than announced is taken as it is [cb-run].
func whole(resp *http.Response, err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) && resp.ContentLength >= 0 && resp.Header.Get("Content-Encoding") == ""
}

// etag is the checksum that the body must have, "" for none. It is looked at
// for URLs that the agent takes for S3 only.
func (b *build) etag(resp *http.Response) string {
	etag := strings.Trim(resp.Header.Get("ETag"), `"`)
	switch {
	case etag == "" || !aws.AgentS3(resp.Request.URL.String()).Recognised():
		return ""
	case resp.Header.Get("x-amz-server-side-encryption") == "aws:kms":
		b.log("WARNING", "file uses KMS encryption; skipping checksum comparison")
		return ""
	case strings.Contains(etag, "-"):
		b.log("WARNING", "cannot check consistency of file uploaded multipart; etag has - character present")
		return ""
	}
	return etag
}

// decoded undoes a Content-Encoding, as the agent's library does.
func decoded(resp *http.Response) io.Reader {
	switch strings.ToLower(resp.Header.Get("Content-Encoding")) {
	case "gzip":
		return &lazy{open: func() (io.Reader, error) { return gzip.NewReader(resp.Body) }}
	case "deflate":
		return &lazy{open: func() (io.Reader, error) {
			r := bufio.NewReader(resp.Body)
			if head, err := r.Peek(2); err == nil && head[0]&0xf == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
				return zlib.NewReader(r)
			}
			return flate.NewReader(r), nil
		}}
	}
	return resp.Body
}

// errHeader: a body is not in the form that its Content-Encoding says.
var errHeader = errors.New("wrong Content-Encoding")

// lazy opens its reader at the first read, so that an error of the opening is
// an error of reading.
type lazy struct {
	open func() (io.Reader, error)
	r    io.Reader
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.r == nil {
		r, err := l.open()
		if err != nil {
			return 0, fmt.Errorf("%w: %v", errHeader, err)
		}
		l.r = r
	}
	return l.r.Read(p)
}

// Put sends data to a URL that is its own permission, as a wait condition's
// handle is; five times at most. It is sent without a type, which the
// signature in the URL does not cover [cb:bin/cfn-signal]. The error is a
// *BuildError with the agent's text.
func (r *Runner) Put(ctx context.Context, at string, data []byte) error {
	b := &build{Runner: r, Result: &Result{}}
	err := b.retry(ctx, fetchTries, func() *failure {
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, at, bytes.NewReader(data))
		if err != nil {
			return &failure{kind: ioFailure, text: "Invalid URL " + quote(hideURL(at), true)}
		}
		req.Header.Set("Content-Type", "")
		resp, fail := b.send(req)
		if fail != nil {
			return fail
		}
		defer resp.Body.Close()
		return badAnswer(resp)
	})
	if err != nil {
		return &BuildError{Text: hideURL(err.errno())}
	}
	return nil
}
