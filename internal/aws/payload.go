package aws

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// ErrPayload is what reading a body ends with when it is not the one that the
// signature covers. S3 answers it with 400 XAmzContentSHA256Mismatch.
var ErrPayload = errors.New("body does not match its declared SHA-256")

// Body gives the body that a signed request carries: one whose hash was
// declared ends with ErrPayload instead of io.EOF when it does not match; one
// sent in aws-chunked pieces (STREAMING-…) comes without their frames and
// trailers. The signatures of single pieces are not checked.
func (s Signature) Body(body io.Reader) io.Reader {
	switch {
	case strings.HasPrefix(s.PayloadHash, "STREAMING-"):
		return &chunked{in: bufio.NewReader(body)}
	case len(s.PayloadHash) == sha256.Size*2:
		return &hashed{in: body, sum: sha256.New(), want: strings.ToLower(s.PayloadHash)}
	}
	return body
}

type hashed struct {
	in   io.Reader
	sum  hash.Hash
	want string
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	h.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(h.sum.Sum(nil)) != h.want {
		err = ErrPayload
	}
	return n, err
}

// chunked undoes the content encoding aws-chunked: "hex-length[;extension]",
// CR LF, data, CR LF, …, a piece of length 0, trailers. [S3 API: sigv4-streaming]
type chunked struct {
	in   *bufio.Reader
	left int64
	err  error
}

func (c *chunked) Read(p []byte) (int, error) {
	if c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.in.Read(p)
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && c.left == 0 {
		err = c.line("")
	}
	c.err = err
	return n, err
}

// next reads the head of a piece; io.EOF behind the last one.
func (c *chunked) next() error {
	head, err := c.in.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read aws-chunked head: %w", noEOF(err))
	}
	size, _, _ := strings.Cut(strings.TrimRight(string(head), "\r\n"), ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return fmt.Errorf("read aws-chunked head: bad length %q", size)
	}
	if c.left > 0 {
		return nil
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(c.in, 64<<10)); err != nil { // trailers
		return err
	}
	return io.EOF
}

// line reads up to the next line end and wants just text before it.
func (c *chunked) line(text string) error {
	got, err := c.in.ReadSlice('\n')
	if err != nil {
		return noEOF(err)
	}
	if strings.TrimRight(string(got), "\r\n") != text {
		return errors.New("read aws-chunked body: a piece is longer than it says")
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
