package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

const defaultType = "binary/octet-stream"

func etag(md5 []byte) string { return hex.EncodeToString(md5) }

func noSuchKey(key *string) error { return aws.NewError("NoSuchKey").With("Key", door.Value(key)) }

func checkKey(key *string) error {
	if len(door.Value(key)) > 1024 {
		return &aws.Error{Code: "KeyTooLongError", Status: http.StatusBadRequest, Message: "Your key is too long"}
	}
	return nil
}

// PutObject stores an object.
func (s *Service) PutObject(_ context.Context, in *s3.PutObjectInput) (*s3.PutObjectOutput, error) {
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	encryption, err := s.encryptionFor(in.Bucket, in.ServerSideEncryption, in.SSEKMSKeyId, in.SSECustomerAlgorithm)
	if err != nil {
		return nil, err
	}
	sums := newSums(in)
	d, err := s.store(in.Body, sums)
	if err != nil {
		return nil, err
	}
	checksum, err := sums.check(in, d)
	if err != nil {
		s.drop(d.file)
		return nil, err
	}
	o := &state.Object{Bucket: door.Value(in.Bucket), Key: door.Value(in.Key), Size: d.size, ETag: etag(d.md5), Modified: now(), File: d.file,
		Type: door.Value(in.ContentType), Header: headersOf(in), Meta: maps.Clone(in.Metadata), Checksum: checksum, Encryption: encryption}
	if err := s.commit(o, conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch}); err != nil {
		return nil, err
	}
	out := &s3.PutObjectOutput{ETag: door.Pointer(`"` + o.ETag + `"`)}
	if out.ServerSideEncryption, out.SSEKMSKeyId, err = s.encryption(o); err != nil {
		return nil, err
	}
	out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME = door.Given(checksum["crc32"]), door.Given(checksum["crc32c"]), door.Given(checksum["crc64nvme"])
	out.ChecksumSHA1, out.ChecksumSHA256 = door.Given(checksum["sha1"]), door.Given(checksum["sha256"])
	if len(checksum) > 0 {
		out.ChecksumType = types.ChecksumTypeFullObject
	}
	return out, nil
}

// headersOf are the headers that S3 keeps with an object and sends back.
func headersOf(in *s3.PutObjectInput) map[string]string {
	h := map[string]string{}
	for name, v := range map[string]*string{"Cache-Control": in.CacheControl, "Content-Disposition": in.ContentDisposition,
		"Content-Encoding": in.ContentEncoding, "Content-Language": in.ContentLanguage} {
		if v != nil && *v != "" {
			h[name] = *v
		}
	}
	if in.Expires != nil {
		h["Expires"] = in.Expires.UTC().Format(http.TimeFormat)
	}
	return h
}

// commit writes an object's record in place of an older one, whose data goes.
func (s *Service) commit(o *state.Object, c conditions) error {
	if o.Type == "" {
		o.Type = defaultType
	}
	old := ""
	err := s.state.Update(func(tx *state.Tx) error {
		if _, err := bucket(tx, &o.Bucket); err != nil {
			return err
		}
		before, found, err := tx.Object(o.Bucket, o.Key)
		if err != nil {
			return err
		}
		if err := c.write(before, found, o.Key); err != nil {
			return err
		}
		if found {
			old = before.File
		}
		return tx.PutObject(o)
	})
	if err != nil {
		s.drop(o.File)
		return err
	}
	s.drop(old)
	return nil
}

// conditions are those of a conditional request.
type conditions struct {
	match, noneMatch  *string
	since, notChanged *time.Time
}

func sameTag(header, etag string) bool {
	for _, t := range strings.Split(header, ",") {
		if t = strings.Trim(strings.TrimPrefix(strings.TrimSpace(t), "W/"), `"`); t == "*" || t == etag {
			return true
		}
	}
	return false
}

func preconditionFailed(which string) error {
	return aws.NewError("PreconditionFailed").With("Condition", which)
}

// write decides a conditional write [S3: conditional-writes].
func (c conditions) write(before *state.Object, found bool, key string) error {
	if c.noneMatch != nil && found && sameTag(*c.noneMatch, before.ETag) {
		return preconditionFailed("If-None-Match")
	}
	if c.match != nil && !found {
		return noSuchKey(&key)
	}
	if c.match != nil && !sameTag(*c.match, before.ETag) {
		return preconditionFailed("If-Match")
	}
	return nil
}

// read decides a conditional read in RFC 9110's order.
func (c conditions) read(o *state.Object) error {
	switch {
	case c.match != nil:
		if !sameTag(*c.match, o.ETag) {
			return preconditionFailed("If-Match")
		}
	case c.notChanged != nil && o.Modified.After(*c.notChanged):
		return preconditionFailed("If-Unmodified-Since")
	}
	unchanged := false
	switch {
	case c.noneMatch != nil:
		unchanged = sameTag(*c.noneMatch, o.ETag)
	case c.since != nil:
		unchanged = !o.Modified.After(*c.since)
	}
	if unchanged {
		return (&aws.Error{Code: "NotModified", Status: http.StatusNotModified}).With("ETag", `"`+o.ETag+`"`)
	}
	return nil
}

// content is an object's data.
type content interface {
	io.ReaderAt
	io.Closer
}

// nothing is the data of an empty object that was loaded.
type nothing struct{ strings.Reader }

func (*nothing) Close() error { return nil }

// open finds an object and opens its data.
func (s *Service) open(bucketName, key *string) (*state.Object, content, error) {
	for range 5 { // a new version may take the place of the data just looked up
		o, err := s.object(bucketName, key)
		if err != nil {
			return nil, nil, err
		}
		if o.File == "" && o.Size == 0 {
			return o, &nothing{}, nil
		}
		if o.File == "" {
			return nil, nil, fmt.Errorf("open object %s/%s: it was loaded without content", o.Bucket, o.Key)
		}
		f, err := os.Open(s.path(o.File))
		if err == nil {
			return o, f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("open object: %w", err)
		}
	}
	return nil, nil, fmt.Errorf("open object %s/%s: its data is missing", door.Value(bucketName), door.Value(key))
}

func (s *Service) object(bucketName, key *string) (o *state.Object, err error) {
	err = s.state.Read(func(tx *state.Tx) error {
		if _, err := bucket(tx, bucketName); err != nil {
			return err
		}
		var found bool
		if o, found, err = tx.Object(door.Value(bucketName), door.Value(key)); err == nil && !found {
			err = noSuchKey(key)
		}
		return err
	})
	return o, err
}

// section is a part of a file that closes it. Services behind the same door read
// it in any order.
type section struct {
	*io.SectionReader
	io.Closer
}

// GetObject reads an object or a range of it.
func (s *Service) GetObject(_ context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	o, f, err := s.open(in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	from, n, err := s.selected(o, in)
	if err != nil {
		f.Close()
		return nil, err
	}
	out := shown(o, in.ChecksumMode)
	if out.ServerSideEncryption, out.SSEKMSKeyId, err = s.encryption(o); err != nil {
		f.Close()
		return nil, err
	}
	override(out, in)
	out.ContentLength = door.Pointer(n)
	if in.Range != nil && (n != o.Size || from != 0 || isRange(*in.Range, o.Size)) {
		out.ContentRange = door.Pointer(fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, o.Size))
	}
	out.Body = section{io.NewSectionReader(f, from, n), f}
	return out, nil
}

// HeadObject is GetObject without the data.
func (s *Service) HeadObject(_ context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	o, err := s.object(in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	get := &s3.GetObjectInput{Range: in.Range, IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch, IfModifiedSince: in.IfModifiedSince, IfUnmodifiedSince: in.IfUnmodifiedSince}
	from, n, err := s.selected(o, get)
	if err != nil {
		return nil, err
	}
	g := shown(o, in.ChecksumMode)
	sse, key, err := s.encryption(o)
	if err != nil {
		return nil, err
	}
	out := &s3.HeadObjectOutput{AcceptRanges: g.AcceptRanges, CacheControl: g.CacheControl, ContentDisposition: g.ContentDisposition,
		ContentEncoding: g.ContentEncoding, ContentLanguage: g.ContentLanguage, ContentType: g.ContentType, ExpiresString: g.ExpiresString,
		ETag: g.ETag, LastModified: g.LastModified, Metadata: g.Metadata, ServerSideEncryption: sse, SSEKMSKeyId: key, ContentLength: door.Pointer(n),
		ChecksumCRC32: g.ChecksumCRC32, ChecksumCRC32C: g.ChecksumCRC32C, ChecksumCRC64NVME: g.ChecksumCRC64NVME, ChecksumSHA1: g.ChecksumSHA1,
		ChecksumSHA256: g.ChecksumSHA256, ChecksumType: g.ChecksumType}
	if in.Range != nil && isRange(*in.Range, o.Size) {
		out.ContentRange = door.Pointer(fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, o.Size))
	}
	return out, nil
}

// selected is the part of an object that a request is about.
func (s *Service) selected(o *state.Object, in *s3.GetObjectInput) (from, n int64, err error) {
	c := conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch, since: in.IfModifiedSince, notChanged: in.IfUnmodifiedSince}
	if err := c.read(o); err != nil {
		return 0, 0, err
	}
	if in.Range == nil {
		return 0, o.Size, nil
	}
	from, n, ok, satisfiable := readRange(*in.Range, o.Size)
	if !ok {
		return 0, o.Size, nil // S3 ignores a range that it can't read
	}
	if !satisfiable {
		return 0, 0, aws.NewError("InvalidRange").With("RangeRequested", *in.Range).With("ActualObjectSize", strconv.FormatInt(o.Size, 10))
	}
	return from, n, nil
}

func isRange(header string, size int64) bool {
	_, _, ok, satisfiable := readRange(header, size)
	return ok && satisfiable
}

// readRange reads "bytes=a-b", "bytes=a-" and "bytes=-n".
func readRange(header string, size int64) (from, n int64, ok, satisfiable bool) {
	spec, isBytes := strings.CutPrefix(strings.TrimSpace(header), "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !isBytes || !dash {
		return 0, 0, false, false
	}
	if first == "" {
		k, err := strconv.ParseInt(last, 10, 64)
		if err != nil || k < 0 {
			return 0, 0, false, false
		}
		k = min(k, size)
		return size - k, k, true, k > 0
	}
	a, err := strconv.ParseInt(first, 10, 64)
	if err != nil || a < 0 {
		return 0, 0, false, false
	}
	b := size - 1
	if last != "" {
		if b, err = strconv.ParseInt(last, 10, 64); err != nil || b < a {
			return 0, 0, false, false
		}
		b = min(b, size-1)
	}
	return a, b - a + 1, true, a < size
}

// shown is an object's description as answers carry it.
func shown(o *state.Object, mode types.ChecksumMode) *s3.GetObjectOutput {
	out := &s3.GetObjectOutput{AcceptRanges: door.Pointer("bytes"), ContentType: door.Pointer(o.Type), ETag: door.Pointer(`"` + o.ETag + `"`), LastModified: door.Pointer(o.Modified),
		Metadata: o.Meta, CacheControl: door.Given(o.Header["Cache-Control"]), ContentDisposition: door.Given(o.Header["Content-Disposition"]),
		ContentEncoding: door.Given(o.Header["Content-Encoding"]), ContentLanguage: door.Given(o.Header["Content-Language"]),
		ExpiresString: door.Given(o.Header["Expires"])}
	if mode == types.ChecksumModeEnabled && len(o.Checksum) > 0 {
		out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME = door.Given(o.Checksum["crc32"]), door.Given(o.Checksum["crc32c"]), door.Given(o.Checksum["crc64nvme"])
		out.ChecksumSHA1, out.ChecksumSHA256 = door.Given(o.Checksum["sha1"]), door.Given(o.Checksum["sha256"])
		out.ChecksumType = types.ChecksumTypeFullObject
	}
	return out
}

// override puts in what a request says that the answer's headers shall be.
func override(out *s3.GetObjectOutput, in *s3.GetObjectInput) {
	for _, o := range []struct{ to, from **string }{
		{&out.CacheControl, &in.ResponseCacheControl}, {&out.ContentDisposition, &in.ResponseContentDisposition},
		{&out.ContentEncoding, &in.ResponseContentEncoding}, {&out.ContentLanguage, &in.ResponseContentLanguage},
		{&out.ContentType, &in.ResponseContentType},
	} {
		if *o.from != nil {
			*o.to = *o.from
		}
	}
}

// DeleteObject deletes an object; none is no error.
func (s *Service) DeleteObject(_ context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	old := ""
	err := s.state.Update(func(tx *state.Tx) error {
		b, err := bucket(tx, in.Bucket)
		if err != nil {
			return err
		}
		o, found, err := tx.Object(b.Name, door.Value(in.Key))
		if err != nil || !found {
			return err
		}
		old = o.File
		return tx.DeleteObject(b.Name, o.Key)
	})
	if err != nil {
		return nil, err
	}
	s.drop(old)
	return &s3.DeleteObjectOutput{}, nil
}

// checkMD5 holds data against a Content-MD5 header.
func checkMD5(header *string, d stored) error {
	if header == nil {
		return nil
	}
	want, err := base64.StdEncoding.DecodeString(*header)
	if err != nil || len(want) != len(d.md5) {
		return &aws.Error{Code: "InvalidDigest", Status: http.StatusBadRequest, Message: "The Content-MD5 you specified was invalid."}
	}
	if !bytes.Equal(want, d.md5) {
		return aws.NewError("BadDigest")
	}
	return nil
}
