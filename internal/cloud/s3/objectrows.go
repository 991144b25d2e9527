package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

func (s *Service) objectRows() []door.Row {
	return []door.Row{
		s.copyRow(),
		door.RestOp("s3", "PutObject", "s3:PutObject", door.Wire[s3.PutObjectInput, s3.PutObjectOutput]{
			Match: matches("PUT", true, true), Decode: s.decodePut, Encode: encodePut,
		}, onObject("s3:PutObject", func(in *s3.PutObjectInput) (_, _ *string) { return in.Bucket, in.Key }), s.PutObject),
		door.RestOp("s3", "GetObject", "s3:GetObject", door.Wire[s3.GetObjectInput, s3.GetObjectOutput]{
			Match: matches("GET", true, true), Decode: decodeGet, Encode: encodeGet,
		}, onObject("s3:GetObject", func(in *s3.GetObjectInput) (_, _ *string) { return in.Bucket, in.Key }), s.GetObject),
		door.RestOp("s3", "HeadObject", "s3:GetObject", door.Wire[s3.HeadObjectInput, s3.HeadObjectOutput]{
			Match: matches("HEAD", true, true), Decode: decodeHead, Encode: encodeHead,
		}, func(_ context.Context, in *s3.HeadObjectInput) []door.Ask {
			return []door.Ask{{Action: "s3:GetObject", S3: true, Bucket: door.Value(in.Bucket), Key: door.Value(in.Key), Head: true}}
		}, s.HeadObject),
		door.RestOp("s3", "DeleteObject", "s3:DeleteObject", door.Wire[s3.DeleteObjectInput, s3.DeleteObjectOutput]{
			Match: matches("DELETE", true, true),
			Decode: func(x *door.Request) (*s3.DeleteObjectInput, error) {
				return &s3.DeleteObjectInput{Bucket: &x.Bucket, Key: &x.Key}, nil
			},
			Encode: empty[s3.DeleteObjectOutput](http.StatusNoContent),
		}, onObject("s3:DeleteObject", func(in *s3.DeleteObjectInput) (_, _ *string) { return in.Bucket, in.Key }), s.DeleteObject),
		s.deleteManyRow(),
	}
}

func (s *Service) decodePut(x *door.Request) (*s3.PutObjectInput, error) {
	body, err := s.body(x)
	if err != nil {
		return nil, err
	}
	// SDKs say that the body is chunked in Content-Encoding as well; that is
	// of the transfer and not the object's.
	encoding := header(x, "Content-Encoding")
	if encoding != nil {
		kept := strings.Trim(strings.ReplaceAll(","+strings.ReplaceAll(*encoding, " ", "")+",", ",aws-chunked,", ","), ",")
		encoding = door.Given(kept)
	}
	return &s3.PutObjectInput{Bucket: &x.Bucket, Key: &x.Key, Body: body, ContentType: header(x, "Content-Type"), ContentEncoding: encoding,
		CacheControl: header(x, "Cache-Control"), ContentDisposition: header(x, "Content-Disposition"), ContentLanguage: header(x, "Content-Language"),
		Expires: headerTime(x, "Expires"), ContentMD5: header(x, "Content-MD5"), IfMatch: header(x, "If-Match"), IfNoneMatch: header(x, "If-None-Match"),
		Metadata: metaOf(x), ChecksumAlgorithm: checksumAlgorithm(x), ChecksumCRC32: header(x, "X-Amz-Checksum-Crc32"),
		ChecksumCRC32C: header(x, "X-Amz-Checksum-Crc32c"), ChecksumCRC64NVME: header(x, "X-Amz-Checksum-Crc64nvme"),
		ChecksumSHA1: header(x, "X-Amz-Checksum-Sha1"), ChecksumSHA256: header(x, "X-Amz-Checksum-Sha256"),
		SSECustomerAlgorithm: header(x, "X-Amz-Server-Side-Encryption-Customer-Algorithm"),
		ServerSideEncryption: types.ServerSideEncryption(x.Header.Get("X-Amz-Server-Side-Encryption")),
		SSEKMSKeyId:          header(x, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")}, nil
}

// setHeaders sets those headers that have a value.
func setHeaders(h http.Header, values map[string]*string) {
	for name, v := range values {
		if v != nil {
			h.Set(name, *v)
		}
	}
}

func encodePut(x *door.Request, out *s3.PutObjectOutput) error {
	h := x.Begin()
	setHeaders(h, map[string]*string{"ETag": out.ETag, "X-Amz-Checksum-Crc32": out.ChecksumCRC32, "X-Amz-Checksum-Crc32c": out.ChecksumCRC32C,
		"X-Amz-Checksum-Crc64nvme": out.ChecksumCRC64NVME, "X-Amz-Checksum-Sha1": out.ChecksumSHA1, "X-Amz-Checksum-Sha256": out.ChecksumSHA256,
		"X-Amz-Checksum-Type": door.Given(string(out.ChecksumType)), "X-Amz-Server-Side-Encryption": door.Given(string(out.ServerSideEncryption)),
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": out.SSEKMSKeyId})
	x.W.WriteHeader(http.StatusOK)
	return nil
}

func decodeGet(x *door.Request) (*s3.GetObjectInput, error) {
	q := x.URL.Query()
	in := &s3.GetObjectInput{Bucket: &x.Bucket, Key: &x.Key, Range: header(x, "Range"), IfMatch: header(x, "If-Match"), IfNoneMatch: header(x, "If-None-Match"),
		IfModifiedSince: headerTime(x, "If-Modified-Since"), IfUnmodifiedSince: headerTime(x, "If-Unmodified-Since"),
		ChecksumMode:         types.ChecksumMode(strings.ToUpper(x.Header.Get("X-Amz-Checksum-Mode"))),
		ResponseCacheControl: query(q, "response-cache-control"), ResponseContentDisposition: query(q, "response-content-disposition"),
		ResponseContentEncoding: query(q, "response-content-encoding"), ResponseContentLanguage: query(q, "response-content-language"),
		ResponseContentType: query(q, "response-content-type")}
	if x.Signature.Version == "" && (in.ResponseContentType != nil || in.ResponseContentDisposition != nil) {
		return nil, aws.NewError("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
	}
	return in, nil
}

func decodeHead(x *door.Request) (*s3.HeadObjectInput, error) {
	g, err := decodeGet(x)
	if err != nil {
		return nil, err
	}
	return &s3.HeadObjectInput{Bucket: g.Bucket, Key: g.Key, Range: g.Range, IfMatch: g.IfMatch, IfNoneMatch: g.IfNoneMatch,
		IfModifiedSince: g.IfModifiedSince, IfUnmodifiedSince: g.IfUnmodifiedSince, ChecksumMode: g.ChecksumMode}, nil
}

// describe writes an object's headers and the status.
func describe(x *door.Request, out *s3.GetObjectOutput) {
	h := x.Begin()
	setHeaders(h, map[string]*string{"ETag": out.ETag, "Accept-Ranges": out.AcceptRanges, "Content-Type": out.ContentType, "Cache-Control": out.CacheControl,
		"Content-Disposition": out.ContentDisposition, "Content-Encoding": out.ContentEncoding, "Content-Language": out.ContentLanguage,
		"Expires": out.ExpiresString, "Content-Range": out.ContentRange, "X-Amz-Checksum-Crc32": out.ChecksumCRC32,
		"X-Amz-Server-Side-Encryption":                door.Given(string(out.ServerSideEncryption)),
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": out.SSEKMSKeyId})
	if out.ContentRange == nil { // the checksum is that of the whole object
		setHeaders(h, map[string]*string{"X-Amz-Checksum-Crc32c": out.ChecksumCRC32C, "X-Amz-Checksum-Crc64nvme": out.ChecksumCRC64NVME,
			"X-Amz-Checksum-Sha1": out.ChecksumSHA1, "X-Amz-Checksum-Sha256": out.ChecksumSHA256, "X-Amz-Checksum-Type": door.Given(string(out.ChecksumType))})
	} else {
		h.Del("X-Amz-Checksum-Crc32")
	}
	if out.LastModified != nil {
		h.Set("Last-Modified", out.LastModified.UTC().Format(http.TimeFormat))
	}
	for name, v := range out.Metadata {
		h.Set("X-Amz-Meta-"+name, v)
	}
	h.Set("Content-Length", strconv.FormatInt(door.Value(out.ContentLength), 10))
	status := http.StatusOK
	if out.ContentRange != nil {
		status = http.StatusPartialContent
	}
	x.W.WriteHeader(status)
}

func encodeGet(x *door.Request, out *s3.GetObjectOutput) error {
	defer out.Body.Close()
	describe(x, out)
	if _, err := io.Copy(x.W, out.Body); err != nil {
		// The status is sent: a cut connection is the only way left to say that
		// the data isn't whole.
		panic(http.ErrAbortHandler)
	}
	return nil
}

func encodeHead(x *door.Request, out *s3.HeadObjectOutput) error {
	describe(x, &s3.GetObjectOutput{ETag: out.ETag, AcceptRanges: out.AcceptRanges, ContentType: out.ContentType, CacheControl: out.CacheControl,
		ContentDisposition: out.ContentDisposition, ContentEncoding: out.ContentEncoding, ContentLanguage: out.ContentLanguage, ExpiresString: out.ExpiresString,
		ContentRange: out.ContentRange, ServerSideEncryption: out.ServerSideEncryption, SSEKMSKeyId: out.SSEKMSKeyId, LastModified: out.LastModified, Metadata: out.Metadata,
		ContentLength: out.ContentLength, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C, ChecksumCRC64NVME: out.ChecksumCRC64NVME,
		ChecksumSHA1: out.ChecksumSHA1, ChecksumSHA256: out.ChecksumSHA256, ChecksumType: out.ChecksumType})
	return nil
}

// copySource reads "/bucket/key" or "bucket/key", percent-encoded.
func copySource(text string) (bucket, key string, err error) {
	text, version, _ := strings.Cut(strings.TrimPrefix(text, "/"), "?versionId=")
	text, err = url.PathUnescape(text)
	bucket, key, ok := strings.Cut(text, "/")
	if err != nil || !ok || key == "" || version != "" && version != "null" {
		return "", "", aws.NewError("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return bucket, key, nil
}

// copyRow asks about both ends of the copy.
func (s *Service) copyRow() door.Row {
	put := matches("PUT", true, true)
	row := door.RestOp("s3", "CopyObject", "s3:PutObject", door.Wire[s3.CopyObjectInput, s3.CopyObjectOutput]{
		Match: func(x *door.Request) bool { return put(x) && x.Header.Get("X-Amz-Copy-Source") != "" },
		Decode: func(x *door.Request) (*s3.CopyObjectInput, error) {
			if _, _, err := copySource(x.Header.Get("X-Amz-Copy-Source")); err != nil {
				return nil, err
			}
			return &s3.CopyObjectInput{Bucket: &x.Bucket, Key: &x.Key, CopySource: header(x, "X-Amz-Copy-Source"), ContentType: header(x, "Content-Type"),
				Metadata: metaOf(x), MetadataDirective: types.MetadataDirective(x.Header.Get("X-Amz-Metadata-Directive")),
				SSECustomerAlgorithm: header(x, "X-Amz-Server-Side-Encryption-Customer-Algorithm"),
				ServerSideEncryption: types.ServerSideEncryption(x.Header.Get("X-Amz-Server-Side-Encryption")),
				SSEKMSKeyId:          header(x, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")}, nil
		},
		Encode: func(x *door.Request, out *s3.CopyObjectOutput) error {
			setHeaders(x.W.Header(), map[string]*string{"X-Amz-Server-Side-Encryption": door.Given(string(out.ServerSideEncryption)),
				"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": out.SSEKMSKeyId})
			return writeXML(x, struct {
				XMLName      struct{} `xml:"CopyObjectResult"`
				NS           string   `xml:"xmlns,attr"`
				LastModified string
				ETag         string
			}{NS: xmlns, LastModified: stampTime(out.CopyObjectResult.LastModified), ETag: door.Value(out.CopyObjectResult.ETag)})
		},
	}, onObject("s3:PutObject", func(in *s3.CopyObjectInput) (_, _ *string) { return in.Bucket, in.Key }), s.CopyObject)
	return door.Also(row, func(_ context.Context, in *s3.CopyObjectInput) []door.Ask {
		bucket, key, _ := copySource(door.Value(in.CopySource)) // decoding has checked it
		return []door.Ask{{Action: "s3:GetObject", S3: true, Bucket: bucket, Key: key}}
	})
}

// CopyObject copies an object.
func (s *Service) CopyObject(ctx context.Context, in *s3.CopyObjectInput) (*s3.CopyObjectOutput, error) {
	bucket, key, err := copySource(door.Value(in.CopySource))
	if err != nil {
		return nil, err
	}
	from, err := s.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer from.Body.Close()
	put := &s3.PutObjectInput{Bucket: in.Bucket, Key: in.Key, Body: from.Body, ContentType: from.ContentType, Metadata: from.Metadata,
		CacheControl: from.CacheControl, ContentDisposition: from.ContentDisposition, ContentEncoding: from.ContentEncoding, ContentLanguage: from.ContentLanguage,
		ServerSideEncryption: in.ServerSideEncryption, SSEKMSKeyId: in.SSEKMSKeyId, SSECustomerAlgorithm: in.SSECustomerAlgorithm}
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		put.ContentType, put.Metadata = in.ContentType, in.Metadata
	} else if bucket == door.Value(in.Bucket) && key == door.Value(in.Key) && in.ServerSideEncryption == "" {
		return nil, aws.NewError("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	out, err := s.PutObject(ctx, put)
	if err != nil {
		return nil, err
	}
	return &s3.CopyObjectOutput{ServerSideEncryption: out.ServerSideEncryption, SSEKMSKeyId: out.SSEKMSKeyId, CopyObjectResult: &types.CopyObjectResult{ETag: out.ETag, LastModified: door.Pointer(time.Now().UTC())}}, nil
}

// deleteMany is the XML of a DeleteObjects request.
type deleteMany struct {
	Quiet  bool
	Object []struct {
		Key       string
		VersionId string
	}
}

// deleteManyRow deletes key by key. Whether the caller may is asked for each
// key alone, by way of the row of DeleteObject: the answer is 200 with what
// was refused listed in it, as S3's is.
func (s *Service) deleteManyRow() door.Row {
	return door.RestPerItem("s3", "DeleteObjects", "s3:DeleteObject", door.Wire[s3.DeleteObjectsInput, s3.DeleteObjectsOutput]{
		Match: matches("POST", true, false, "delete"),
		Decode: func(x *door.Request) (*s3.DeleteObjectsInput, error) {
			var body deleteMany
			if err := s.readXML(x, &body); err != nil {
				return nil, err
			}
			if len(body.Object) == 0 || len(body.Object) > 1000 {
				return nil, aws.NewError("MalformedXML")
			}
			in := &s3.DeleteObjectsInput{Bucket: &x.Bucket, Delete: &types.Delete{Quiet: &body.Quiet}}
			for _, o := range body.Object {
				in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: door.Pointer(o.Key)})
			}
			return in, nil
		},
		Encode: encodeDeleted,
	}, func(in *s3.DeleteObjectsInput) []door.Ask {
		var asks []door.Ask
		for _, o := range in.Delete.Objects {
			asks = append(asks, door.Ask{Action: "s3:DeleteObject", S3: true, Bucket: door.Value(in.Bucket), Key: door.Value(o.Key)})
		}
		return asks
	}, s.DeleteObjects)
}

// DeleteObjects deletes the keys that the door let through; refused are the
// others' errors, in the order of the keys, nil for those let through.
func (s *Service) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, refused []*aws.Error) (*s3.DeleteObjectsOutput, error) {
	out := &s3.DeleteObjectsOutput{}
	for i, o := range in.Delete.Objects {
		if e := refused[i]; e != nil {
			out.Errors = append(out.Errors, types.Error{Key: o.Key, Code: door.Pointer(e.Code), Message: door.Pointer(e.Message)})
			continue
		}
		if _, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: in.Bucket, Key: o.Key}); err != nil {
			return nil, fmt.Errorf("delete one of many: %w", err)
		}
		if !door.Value(in.Delete.Quiet) {
			out.Deleted = append(out.Deleted, types.DeletedObject{Key: o.Key})
		}
	}
	return out, nil
}
