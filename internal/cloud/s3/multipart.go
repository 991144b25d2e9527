package s3

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// The kinds of records of uploads in parts.
const (
	uploadKind = "upload"
	partKind   = "part"
)

// minPart is the smallest size of any part but the last: 5 MiB.
const minPart = 5 << 20

// upload is an upload in parts that was begun.
type upload struct {
	ID, Bucket, Key, Type string
	Header, Meta          map[string]string
	Encryption            *state.Encryption `json:",omitempty"`
	Created               time.Time
}

// part is one part of an upload.
type part struct {
	Number   int32
	Size     int64
	MD5      []byte
	File     string
	Modified time.Time
}

func partKey(id string, number int32) string { return fmt.Sprintf("%s/%05d", id, number) }

func noSuchUpload(id string) error {
	return (&aws.Error{Code: "NoSuchUpload", Status: http.StatusNotFound,
		Message: "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."}).With("UploadId", id)
}

// findUpload finds an upload of an object that was begun.
func findUpload(tx *state.Tx, bucketName, key, id *string) (*upload, error) {
	if _, err := bucket(tx, bucketName); err != nil {
		return nil, err
	}
	var u upload
	ok, err := tx.Get(uploadKind, door.Value(id), &u)
	if err == nil && (!ok || u.Bucket != door.Value(bucketName) || u.Key != door.Value(key)) {
		err = noSuchUpload(door.Value(id))
	}
	return &u, err
}

// CreateMultipartUpload begins an upload in parts.
func (s *Service) CreateMultipartUpload(_ context.Context, in *s3.CreateMultipartUploadInput) (*s3.CreateMultipartUploadOutput, error) {
	if err := checkKey(in.Key); err != nil {
		return nil, err
	}
	encryption, err := s.encryptionFor(in.Bucket, in.ServerSideEncryption, in.SSEKMSKeyId, in.SSECustomerAlgorithm)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, 48)
	rand.Read(raw)
	u := upload{ID: base64.RawURLEncoding.EncodeToString(raw), Bucket: door.Value(in.Bucket), Key: door.Value(in.Key), Type: door.Value(in.ContentType), Created: now(), Encryption: encryption,
		Meta: maps.Clone(in.Metadata), Header: headersOf(&s3.PutObjectInput{CacheControl: in.CacheControl, ContentDisposition: in.ContentDisposition,
			ContentEncoding: in.ContentEncoding, ContentLanguage: in.ContentLanguage, Expires: in.Expires})}
	err = s.state.Update(func(tx *state.Tx) error {
		if _, err := bucket(tx, in.Bucket); err != nil {
			return err
		}
		return tx.Put(uploadKind, u.ID, u)
	})
	return &s3.CreateMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, UploadId: door.Pointer(u.ID)}, err
}

// UploadPart stores one part; the same number again replaces it.
func (s *Service) UploadPart(_ context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	n := door.Value(in.PartNumber)
	if n < 1 || n > 10000 {
		return nil, aws.NewError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	put := &s3.PutObjectInput{Body: in.Body, ContentMD5: in.ContentMD5, ChecksumAlgorithm: in.ChecksumAlgorithm, ChecksumCRC32: in.ChecksumCRC32,
		ChecksumCRC32C: in.ChecksumCRC32C, ChecksumCRC64NVME: in.ChecksumCRC64NVME, ChecksumSHA1: in.ChecksumSHA1, ChecksumSHA256: in.ChecksumSHA256}
	sums := newSums(put)
	d, err := s.store(in.Body, sums)
	if err != nil {
		return nil, err
	}
	checksum, err := sums.check(put, d)
	if err != nil {
		s.drop(d.file)
		return nil, err
	}
	var old part
	err = s.state.Update(func(tx *state.Tx) error {
		u, err := findUpload(tx, in.Bucket, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		if _, err := tx.Get(partKind, partKey(u.ID, n), &old); err != nil {
			return err
		}
		return tx.Put(partKind, partKey(u.ID, n), part{Number: n, Size: d.size, MD5: d.md5, File: d.file, Modified: now()})
	})
	if err != nil {
		s.drop(d.file)
		return nil, err
	}
	s.drop(old.File)
	return &s3.UploadPartOutput{ETag: door.Pointer(`"` + etag(d.md5) + `"`), ChecksumCRC32: door.Given(checksum["crc32"]), ChecksumCRC32C: door.Given(checksum["crc32c"]),
		ChecksumCRC64NVME: door.Given(checksum["crc64nvme"]), ChecksumSHA1: door.Given(checksum["sha1"]), ChecksumSHA256: door.Given(checksum["sha256"])}, nil
}

// parts are an upload's parts in the order of their numbers.
func parts(tx *state.Tx, id string) ([]*part, error) {
	var keys []string
	err := tx.Each(partKind, id+"/", func(key string, _ []byte) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []*part
	for _, k := range keys {
		p := &part{}
		if _, err := tx.Get(partKind, k, p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// forget deletes an upload's records and says which files are free then.
func forget(tx *state.Tx, id string) (files []string, err error) {
	all, err := parts(tx, id)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		files = append(files, p.File)
		if err := tx.Delete(partKind, partKey(id, p.Number)); err != nil {
			return nil, err
		}
	}
	return files, tx.Delete(uploadKind, id)
}

// ListParts lists the parts that have arrived.
func (s *Service) ListParts(_ context.Context, in *s3.ListPartsInput) (*s3.ListPartsOutput, error) {
	out := &s3.ListPartsOutput{Bucket: in.Bucket, Key: in.Key, UploadId: in.UploadId, IsTruncated: door.Pointer(false), MaxParts: door.Pointer(int32(10000)),
		StorageClass: types.StorageClassStandard}
	err := s.state.Read(func(tx *state.Tx) error {
		u, err := findUpload(tx, in.Bucket, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		all, err := parts(tx, u.ID)
		for _, p := range all {
			out.Parts = append(out.Parts, types.Part{PartNumber: door.Pointer(p.Number), Size: door.Pointer(p.Size), ETag: door.Pointer(`"` + etag(p.MD5) + `"`), LastModified: door.Pointer(p.Modified)})
		}
		return err
	})
	return out, err
}

// AbortMultipartUpload gives an upload up.
func (s *Service) AbortMultipartUpload(_ context.Context, in *s3.AbortMultipartUploadInput) (*s3.AbortMultipartUploadOutput, error) {
	var files []string
	err := s.state.Update(func(tx *state.Tx) error {
		u, err := findUpload(tx, in.Bucket, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		files, err = forget(tx, u.ID)
		return err
	})
	if err == nil {
		s.drop(files...)
	}
	return &s3.AbortMultipartUploadOutput{}, err
}

// CompleteMultipartUpload makes the object out of the parts that the request
// names.
func (s *Service) CompleteMultipartUpload(_ context.Context, in *s3.CompleteMultipartUploadInput) (*s3.CompleteMultipartUploadOutput, error) {
	var u *upload
	var chosen []*part
	err := s.state.Read(func(tx *state.Tx) (err error) {
		if u, err = findUpload(tx, in.Bucket, in.Key, in.UploadId); err != nil {
			return err
		}
		have, err := parts(tx, u.ID)
		if err != nil {
			return err
		}
		chosen, err = choose(have, in.MultipartUpload)
		return err
	})
	if err != nil {
		return nil, err
	}
	d, tag, err := s.join(chosen)
	if err != nil {
		return nil, err
	}
	o := &state.Object{Bucket: u.Bucket, Key: u.Key, Size: d.size, ETag: tag, Type: u.Type, Modified: now(), File: d.file, Header: u.Header, Meta: u.Meta, Encryption: u.Encryption}
	if err := s.commit(o, conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch}); err != nil {
		return nil, err
	}
	var files []string
	err = s.state.Update(func(tx *state.Tx) (err error) {
		files, err = forget(tx, u.ID)
		return err
	})
	if err == nil {
		s.drop(files...)
	}
	return &s3.CompleteMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, ETag: door.Pointer(`"` + tag + `"`), Location: door.Pointer("/" + u.Bucket + "/" + u.Key)}, err
}

// choose picks the parts that a request names.
func choose(have []*part, named *types.CompletedMultipartUpload) ([]*part, error) {
	if named == nil || len(named.Parts) == 0 {
		return nil, aws.NewError("MalformedXML")
	}
	byNumber := map[int32]*part{}
	for _, p := range have {
		byNumber[p.Number] = p
	}
	var out []*part
	last := int32(0)
	for i, n := range named.Parts {
		p := byNumber[door.Value(n.PartNumber)]
		if door.Value(n.PartNumber) <= last {
			return nil, &aws.Error{Code: "InvalidPartOrder", Status: http.StatusBadRequest, Message: "The list of parts was not in ascending order. Parts must be ordered by part number."}
		}
		last = door.Value(n.PartNumber)
		if p == nil || !sameTag(door.Value(n.ETag), etag(p.MD5)) {
			return nil, &aws.Error{Code: "InvalidPart", Status: http.StatusBadRequest,
				Message: "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."}
		}
		if p.Size < minPart && i < len(named.Parts)-1 {
			return nil, &aws.Error{Code: "EntityTooSmall", Status: http.StatusBadRequest, Message: "Your proposed upload is smaller than the minimum allowed size"}
		}
		out = append(out, p)
	}
	return out, nil
}

// join puts parts together. The entity tag is the MD5 of the parts' MD5s, a
// dash and their number.
func (s *Service) join(chosen []*part) (d stored, tag string, err error) {
	sum := md5.New()
	var readers []io.Reader
	for _, p := range chosen {
		f, err := os.Open(s.path(p.File))
		if err != nil {
			return d, "", fmt.Errorf("join parts: %w", err)
		}
		defer f.Close()
		sum.Write(p.MD5)
		readers = append(readers, f)
	}
	d, err = s.store(io.MultiReader(readers...), io.Discard)
	return d, fmt.Sprintf("%s-%d", hex.EncodeToString(sum.Sum(nil)), len(chosen)), err
}
