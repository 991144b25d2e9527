package s3

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// maxChunk bounds one chunk of an aws-chunked body, maxLine its headers.
const (
	maxChunk = 64 << 20
	maxLine  = 4096
)

// payload is a request's body as it was meant: out of its chunks, held
// against the hash that was signed. An end that isn't right is an *aws.Error.
type payload struct {
	r       io.Reader
	length  int64 // declared, -1 when not
	read    int64
	sum     hash.Hash // nil: not hashed
	want    string    // hexadecimal
	trailer http.Header
}

// body makes the payload of a request (S3 API: x-amz-content-sha256).
func (s *Service) body(x *door.Request) (*payload, error) {
	claimed := x.Header.Get("X-Amz-Content-Sha256")
	if x.Signature.Version == "v4" {
		claimed = x.Signature.PayloadHash // the header of a presigned request need not be signed
	}
	if strings.HasPrefix(claimed, "STREAMING-") {
		return s.chunkedBody(x, claimed)
	}
	if x.ContentLength < 0 {
		return nil, aws.NewError("MissingContentLength")
	}
	p := &payload{r: x.Body, length: x.ContentLength}
	if len(claimed) == hex.EncodedLen(sha256.Size) {
		p.sum, p.want = sha256.New(), claimed
	}
	return p, nil
}

func (s *Service) chunkedBody(x *door.Request, claimed string) (*payload, error) {
	n, err := strconv.ParseInt(x.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return nil, aws.NewError("MissingContentLength")
	}
	p := &payload{length: n, trailer: http.Header{}}
	c := &chunks{r: bufio.NewReaderSize(x.Body, 64<<10), trailer: p.trailer, trailing: strings.HasSuffix(claimed, "-TRAILER")}
	switch claimed {
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		if c.signer, err = s.chunkSigner(x); err != nil {
			return nil, err
		}
	default:
		return nil, aws.NewError("InvalidRequest", "The value of x-amz-content-sha256 header is invalid.")
	}
	p.r = c
	return p, nil
}

func (p *payload) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.read += int64(n)
	if p.sum != nil {
		p.sum.Write(b[:n])
	}
	if p.length >= 0 && p.read > p.length {
		return n, aws.NewError("IncompleteBody")
	}
	if err == io.EOF {
		if p.length >= 0 && p.read != p.length {
			return n, aws.NewError("IncompleteBody")
		}
		if p.sum != nil && hex.EncodeToString(p.sum.Sum(nil)) != p.want {
			return n, aws.NewError("XAmzContentSHA256Mismatch")
		}
	}
	return n, err
}

// chunks takes the chunks of an aws-chunked body apart
// [S3 API: sigv4-streaming, sigv4-streaming-trailers].
type chunks struct {
	r        *bufio.Reader
	signer   *chunkSigner // nil: chunks are not signed
	trailing bool
	trailer  http.Header

	left  []byte
	ended bool
}

func (c *chunks) Read(b []byte) (int, error) {
	for len(c.left) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.left)
	c.left = c.left[n:]
	return n, nil
}

// next reads one chunk whole, so that no byte of a chunk with a wrong
// signature is used.
func (c *chunks) next() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || n < 0 || n > maxChunk {
		return aws.NewError("IncompleteBody")
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(c.r, data); err != nil {
		return aws.NewError("IncompleteBody")
	}
	if c.signer != nil {
		sig, _ := strings.CutPrefix(extension, "chunk-signature=")
		if !c.signer.chunk(data, sig) {
			return aws.NewError("SignatureDoesNotMatch")
		}
	}
	if n == 0 {
		c.ended = true
		return c.readTrailer()
	}
	if line, err := c.line(); err != nil || line != "" {
		return aws.NewError("IncompleteBody")
	}
	c.left = data
	return nil
}

func (c *chunks) line() (string, error) {
	var b []byte
	for {
		part, err := c.r.ReadSlice('\n')
		b = append(b, part...)
		if len(b) > maxLine || err != nil && err != bufio.ErrBufferFull {
			return "", aws.NewError("IncompleteBody")
		}
		if err == nil {
			return strings.TrimRight(string(b), "\r\n"), nil
		}
	}
}

// readTrailer reads the headers behind the last chunk; the body may end
// without the empty line.
func (c *chunks) readTrailer() error {
	var signed strings.Builder
	for range 32 {
		if _, err := c.r.Peek(1); err == io.EOF {
			if c.signer != nil && c.trailing {
				return aws.NewError("SignatureDoesNotMatch") // the trailers' own is missing
			}
			return nil
		}
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			if c.signer == nil || !c.trailing {
				return nil
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			if c.signer != nil && !c.signer.trailer(signed.String(), value) {
				return aws.NewError("SignatureDoesNotMatch")
			}
			return nil
		}
		signed.WriteString(name + ":" + value + "\n")
		c.trailer.Set(name, value)
	}
	return aws.NewError("IncompleteBody")
}

// chunkSigner follows the chain of chunk signatures.
type chunkSigner struct {
	key         []byte
	date, scope string
	previous    string
}

// chunkSigner begins the chain with the signature of the request's headers.
func (s *Service) chunkSigner(x *door.Request) (*chunkSigner, error) {
	auth := x.Header.Get("Authorization")
	_, seed, ok1 := strings.Cut(auth, "Signature=")
	_, cred, ok2 := strings.Cut(auth, "Credential=")
	parts := strings.Split(strings.FieldsFunc(cred+",", func(r rune) bool { return r == ',' || r == ' ' })[0], "/")
	secret, _, _, ok3 := s.state.Secret(x.Signature.KeyID)
	if !ok1 || !ok2 || !ok3 || len(parts) < 5 {
		return nil, aws.NewError("SignatureDoesNotMatch")
	}
	parts = parts[len(parts)-4:]
	key := []byte("AWS4" + secret)
	for _, p := range parts {
		key = mac(key, p)
	}
	return &chunkSigner{key: key, date: x.Header.Get("X-Amz-Date"), scope: strings.Join(parts, "/"), previous: strings.TrimSpace(seed)}, nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	io.WriteString(m, text)
	return m.Sum(nil)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func (c *chunkSigner) chunk(data []byte, sig string) bool {
	return c.check("AWS4-HMAC-SHA256-PAYLOAD\n"+c.date+"\n"+c.scope+"\n"+c.previous+"\n"+hexSum(nil)+"\n"+hexSum(data), sig)
}

func (c *chunkSigner) trailer(signed, sig string) bool {
	return c.check("AWS4-HMAC-SHA256-TRAILER\n"+c.date+"\n"+c.scope+"\n"+c.previous+"\n"+hexSum([]byte(signed)), sig)
}

func (c *chunkSigner) check(text, sig string) bool {
	want := hex.EncodeToString(mac(c.key, text))
	c.previous = want
	return hmac.Equal([]byte(want), []byte(sig))
}
