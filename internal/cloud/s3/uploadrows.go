package s3

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/cloud/door"
)

func (s *Service) uploadRows() []door.Row {
	return []door.Row{
		door.RestOp("s3", "CreateMultipartUpload", "s3:PutObject", door.Wire[s3.CreateMultipartUploadInput, s3.CreateMultipartUploadOutput]{
			Match: matches("POST", true, true, "uploads"),
			Decode: func(x *door.Request) (*s3.CreateMultipartUploadInput, error) {
				return &s3.CreateMultipartUploadInput{Bucket: &x.Bucket, Key: &x.Key, ContentType: header(x, "Content-Type"), CacheControl: header(x, "Cache-Control"),
					ContentDisposition: header(x, "Content-Disposition"), ContentEncoding: header(x, "Content-Encoding"), ContentLanguage: header(x, "Content-Language"),
					Expires: headerTime(x, "Expires"), Metadata: metaOf(x), SSECustomerAlgorithm: header(x, "X-Amz-Server-Side-Encryption-Customer-Algorithm"),
					ServerSideEncryption: types.ServerSideEncryption(x.Header.Get("X-Amz-Server-Side-Encryption")),
					SSEKMSKeyId:          header(x, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")}, nil
			},
			Encode: func(x *door.Request, out *s3.CreateMultipartUploadOutput) error {
				return writeXML(x, struct {
					XMLName               struct{} `xml:"InitiateMultipartUploadResult"`
					NS                    string   `xml:"xmlns,attr"`
					Bucket, Key, UploadId string
				}{NS: xmlns, Bucket: door.Value(out.Bucket), Key: door.Value(out.Key), UploadId: door.Value(out.UploadId)})
			},
		}, onObject("s3:PutObject", func(in *s3.CreateMultipartUploadInput) (_, _ *string) { return in.Bucket, in.Key }), s.CreateMultipartUpload),
		door.RestOp("s3", "UploadPart", "s3:PutObject", door.Wire[s3.UploadPartInput, s3.UploadPartOutput]{
			Match: func(x *door.Request) bool {
				return x.Header.Get("X-Amz-Copy-Source") == "" && matches("PUT", true, true, "partNumber", "uploadId")(x)
			},
			Decode: s.decodePart, Encode: encodePart,
		}, onObject("s3:PutObject", func(in *s3.UploadPartInput) (_, _ *string) { return in.Bucket, in.Key }), s.UploadPart),
		door.RestOp("s3", "CompleteMultipartUpload", "s3:PutObject", door.Wire[s3.CompleteMultipartUploadInput, s3.CompleteMultipartUploadOutput]{
			Match: matches("POST", true, true, "uploadId"), Decode: s.decodeComplete,
			Encode: func(x *door.Request, out *s3.CompleteMultipartUploadOutput) error {
				return writeXML(x, struct {
					XMLName                     struct{} `xml:"CompleteMultipartUploadResult"`
					NS                          string   `xml:"xmlns,attr"`
					Location, Bucket, Key, ETag string
				}{NS: xmlns, Location: door.Value(out.Location), Bucket: door.Value(out.Bucket), Key: door.Value(out.Key), ETag: door.Value(out.ETag)})
			},
		}, onObject("s3:PutObject", func(in *s3.CompleteMultipartUploadInput) (_, _ *string) { return in.Bucket, in.Key }), s.CompleteMultipartUpload),
		door.RestOp("s3", "AbortMultipartUpload", "s3:AbortMultipartUpload", door.Wire[s3.AbortMultipartUploadInput, s3.AbortMultipartUploadOutput]{
			Match: matches("DELETE", true, true, "uploadId"),
			Decode: func(x *door.Request) (*s3.AbortMultipartUploadInput, error) {
				return &s3.AbortMultipartUploadInput{Bucket: &x.Bucket, Key: &x.Key, UploadId: door.Pointer(x.URL.Query().Get("uploadId"))}, nil
			},
			Encode: empty[s3.AbortMultipartUploadOutput](http.StatusNoContent),
		}, onObject("s3:AbortMultipartUpload", func(in *s3.AbortMultipartUploadInput) (_, _ *string) { return in.Bucket, in.Key }), s.AbortMultipartUpload),
		door.RestOp("s3", "ListParts", "s3:ListMultipartUploadParts", door.Wire[s3.ListPartsInput, s3.ListPartsOutput]{
			Match: matches("GET", true, true, "uploadId"),
			Decode: func(x *door.Request) (*s3.ListPartsInput, error) {
				return &s3.ListPartsInput{Bucket: &x.Bucket, Key: &x.Key, UploadId: door.Pointer(x.URL.Query().Get("uploadId"))}, nil
			},
			Encode: encodeParts,
		}, onObject("s3:ListMultipartUploadParts", func(in *s3.ListPartsInput) (_, _ *string) { return in.Bucket, in.Key }), s.ListParts),
	}
}

func (s *Service) decodePart(x *door.Request) (*s3.UploadPartInput, error) {
	put, err := s.decodePut(x)
	if err != nil {
		return nil, err
	}
	q := x.URL.Query()
	n, err := queryInt(q, "partNumber")
	return &s3.UploadPartInput{Bucket: put.Bucket, Key: put.Key, PartNumber: n, UploadId: door.Pointer(q.Get("uploadId")), Body: put.Body, ContentMD5: put.ContentMD5,
		ChecksumAlgorithm: put.ChecksumAlgorithm, ChecksumCRC32: put.ChecksumCRC32, ChecksumCRC32C: put.ChecksumCRC32C,
		ChecksumCRC64NVME: put.ChecksumCRC64NVME, ChecksumSHA1: put.ChecksumSHA1, ChecksumSHA256: put.ChecksumSHA256}, err
}

func encodePart(x *door.Request, out *s3.UploadPartOutput) error {
	setHeaders(x.Begin(), map[string]*string{"ETag": out.ETag, "X-Amz-Checksum-Crc32": out.ChecksumCRC32, "X-Amz-Checksum-Crc32c": out.ChecksumCRC32C,
		"X-Amz-Checksum-Crc64nvme": out.ChecksumCRC64NVME, "X-Amz-Checksum-Sha1": out.ChecksumSHA1, "X-Amz-Checksum-Sha256": out.ChecksumSHA256})
	x.W.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) decodeComplete(x *door.Request) (*s3.CompleteMultipartUploadInput, error) {
	var body struct {
		Part []struct {
			PartNumber int32
			ETag       string
		}
	}
	if err := s.readXML(x, &body); err != nil {
		return nil, err
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: &x.Bucket, Key: &x.Key, UploadId: door.Pointer(x.URL.Query().Get("uploadId")),
		IfMatch: header(x, "If-Match"), IfNoneMatch: header(x, "If-None-Match"), MultipartUpload: &types.CompletedMultipartUpload{}}
	for _, p := range body.Part {
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, types.CompletedPart{PartNumber: door.Pointer(p.PartNumber), ETag: door.Pointer(p.ETag)})
	}
	return in, nil
}

func encodeParts(x *door.Request, out *s3.ListPartsOutput) error {
	type xmlPart struct {
		PartNumber         int32
		LastModified, ETag string
		Size               int64
	}
	v := struct {
		XMLName               struct{} `xml:"ListPartsResult"`
		NS                    string   `xml:"xmlns,attr"`
		Bucket, Key, UploadId string
		StorageClass          string
		MaxParts              int32
		IsTruncated           bool
		Part                  []xmlPart
	}{NS: xmlns, Bucket: door.Value(out.Bucket), Key: door.Value(out.Key), UploadId: door.Value(out.UploadId), StorageClass: string(out.StorageClass),
		MaxParts: door.Value(out.MaxParts), IsTruncated: door.Value(out.IsTruncated)}
	for _, p := range out.Parts {
		v.Part = append(v.Part, xmlPart{door.Value(p.PartNumber), stampTime(p.LastModified), door.Value(p.ETag), door.Value(p.Size)})
	}
	return writeXML(x, v)
}
