package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
)

// nvme is the polynomial of CRC-64/NVME, reflected.
var nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

// algorithms are S3's additional checksums that are carried out here.
var algorithms = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64.New(nvme) },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
}

// sums works out the checksum that an upload says it will have.
type sums struct {
	name string
	sum  hash.Hash // nil: none said
	// Where the expected value comes from: given at once, or in the trailer.
	want *string
	body *payload
}

// newSums reads which checksum an upload carries.
func newSums(in *s3.PutObjectInput) *sums {
	for name, v := range map[string]*string{"crc32": in.ChecksumCRC32, "crc32c": in.ChecksumCRC32C, "crc64nvme": in.ChecksumCRC64NVME, "sha1": in.ChecksumSHA1, "sha256": in.ChecksumSHA256} {
		if v != nil {
			return &sums{name: name, sum: algorithms[name](), want: v}
		}
	}
	p, ok := in.Body.(*payload)
	if name := strings.ToLower(string(in.ChecksumAlgorithm)); ok && algorithms[name] != nil {
		return &sums{name: name, sum: algorithms[name](), body: p}
	}
	return &sums{}
}

func (s *sums) Write(b []byte) (int, error) {
	if s.sum != nil {
		s.sum.Write(b)
	}
	return len(b), nil
}

// check holds the data against every digest that the upload carries, and
// gives the checksum to keep.
func (s *sums) check(in *s3.PutObjectInput, d stored) (map[string]string, error) {
	if err := checkMD5(in.ContentMD5, d); err != nil {
		return nil, err
	}
	if s.sum == nil {
		return nil, nil
	}
	got := base64.StdEncoding.EncodeToString(s.sum.Sum(nil))
	want := door.Value(s.want)
	if s.body != nil {
		if want = s.body.trailer.Get("x-amz-checksum-" + s.name); want == "" {
			return map[string]string{s.name: got}, nil
		}
	}
	if got != want {
		return nil, &aws.Error{Code: "BadDigest", Status: http.StatusBadRequest,
			Message: "The " + strings.ToUpper(s.name) + " you specified did not match the calculated checksum."}
	}
	return map[string]string{s.name: got}, nil
}
