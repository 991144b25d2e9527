package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/aws"
	"beanpole/internal/cloud/door"
	"beanpole/internal/cloud/state"
)

// listing is one part of a bucket's listing.
type listing struct {
	objects  []*state.Object
	prefixes []string
	// last is where the next part goes on: the last key or, when group is set,
	// behind all keys that begin with it. more says that there is a next part.
	last  string
	group bool
	more  bool
}

// list walks a bucket in the order of its keys, UTF-8 bytewise as S3 does.
func (s *Service) list(bucketName *string, prefix, delimiter, after string, afterGroup bool, limit int) (l listing, err error) {
	err = s.state.Read(func(tx *state.Tx) error {
		b, err := bucket(tx, bucketName)
		if err != nil || limit == 0 {
			return err
		}
		return tx.EachObject(b.Name, prefix, after, func(key string, data []byte) error {
			if key <= after || afterGroup && strings.HasPrefix(key, after) || l.group && strings.HasPrefix(key, l.last) {
				return nil
			}
			if len(l.objects)+len(l.prefixes) == limit {
				l.more = true
				return state.Stop
			}
			if delimiter != "" {
				if i := strings.Index(key[len(prefix):], delimiter); i >= 0 {
					l.last, l.group = key[:len(prefix)+i+len(delimiter)], true
					l.prefixes = append(l.prefixes, l.last)
					return nil
				}
			}
			o := &state.Object{}
			l.last, l.group = key, false
			l.objects = append(l.objects, o)
			return json.Unmarshal(data, o)
		})
	})
	return l, err
}

// pageSize is how many entries a part may have.
func pageSize(max *int32) (int, error) {
	if max == nil {
		return 1000, nil
	}
	if *max < 0 {
		return 0, aws.NewError("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
	}
	return min(int(*max), 1000), nil
}

// ListObjectsV2 lists a bucket's objects.
func (s *Service) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	limit, err := pageSize(in.MaxKeys)
	if err != nil {
		return nil, err
	}
	after, group := door.Value(in.StartAfter), false
	if in.ContinuationToken != nil {
		if after, group, err = readToken(*in.ContinuationToken); err != nil {
			return nil, err
		}
	}
	l, err := s.list(in.Bucket, door.Value(in.Prefix), door.Value(in.Delimiter), after, group, limit)
	if err != nil {
		return nil, err
	}
	out := &s3.ListObjectsV2Output{Name: in.Bucket, Prefix: door.Pointer(door.Value(in.Prefix)), Delimiter: in.Delimiter, StartAfter: in.StartAfter,
		ContinuationToken: in.ContinuationToken, EncodingType: in.EncodingType, MaxKeys: door.Pointer(int32(limit)),
		KeyCount: door.Pointer(int32(len(l.objects) + len(l.prefixes))), IsTruncated: door.Pointer(l.more),
		Contents: s.contents(l, door.Value(in.FetchOwner)), CommonPrefixes: commonPrefixes(l)}
	if l.more {
		out.NextContinuationToken = door.Pointer(token(l.last, l.group))
	}
	return out, nil
}

// ListObjects is the older listing, which goes on after a marker.
func (s *Service) ListObjects(_ context.Context, in *s3.ListObjectsInput) (*s3.ListObjectsOutput, error) {
	limit, err := pageSize(in.MaxKeys)
	if err != nil {
		return nil, err
	}
	marker, delimiter := door.Value(in.Marker), door.Value(in.Delimiter)
	l, err := s.list(in.Bucket, door.Value(in.Prefix), delimiter, marker, delimiter != "" && strings.HasSuffix(marker, delimiter), limit)
	if err != nil {
		return nil, err
	}
	out := &s3.ListObjectsOutput{Name: in.Bucket, Prefix: door.Pointer(door.Value(in.Prefix)), Delimiter: in.Delimiter, Marker: door.Pointer(marker),
		EncodingType: in.EncodingType, MaxKeys: door.Pointer(int32(limit)), IsTruncated: door.Pointer(l.more), Contents: s.contents(l, true), CommonPrefixes: commonPrefixes(l)}
	if l.more && delimiter != "" {
		out.NextMarker = door.Pointer(l.last)
	}
	return out, nil
}

func (s *Service) contents(l listing, owner bool) []types.Object {
	var out []types.Object
	for _, o := range l.objects {
		t := types.Object{Key: door.Pointer(o.Key), ETag: door.Pointer(`"` + o.ETag + `"`), Size: door.Pointer(o.Size), LastModified: door.Pointer(o.Modified), StorageClass: types.ObjectStorageClassStandard}
		if owner {
			t.Owner = &types.Owner{ID: door.Pointer(s.state.CanonicalID())}
			if o.Owner != "" {
				t.Owner.ID = door.Pointer(canonical(o.Owner))
			}
		}
		out = append(out, t)
	}
	return out
}

// canonical is what stands for another account's canonical user ID, which
// nobody can work out of its number.
func canonical(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])
}

func commonPrefixes(l listing) []types.CommonPrefix {
	var out []types.CommonPrefix
	for _, p := range l.prefixes {
		out = append(out, types.CommonPrefix{Prefix: door.Pointer(p)})
	}
	return out
}

// token is an opaque text that says where to go on.
func token(last string, group bool) string {
	kind := "k"
	if group {
		kind = "p"
	}
	return base64.RawURLEncoding.EncodeToString([]byte(kind + last))
}

func readToken(t string) (after string, group bool, err error) {
	b, err := base64.RawURLEncoding.DecodeString(t)
	if err != nil || len(b) == 0 || b[0] != 'k' && b[0] != 'p' {
		return "", false, aws.NewError("InvalidArgument", "The continuation token provided is incorrect")
	}
	return string(b[1:]), b[0] == 'p', nil
}
