package s3

import (
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"beanpole/internal/account"
	"beanpole/internal/fact"
)

// encryption is what a bucket's objects are under, as answers say it: all by
// the bucket's default encryption of now, which AWS asks only when it stores
// one. Data is kept as it came.
func (s *Service) encryption(bucketName *string) (types.ServerSideEncryption, *string, error) {
	b, err := s.bucket(bucketName)
	if err != nil || b.Encryption == nil {
		return types.ServerSideEncryptionAes256, nil, err
	}
	var key *string
	s.state.View(func(a *account.Account) {
		if k, found := a.Key(b.Encryption.Key); found == fact.Holds {
			key = ptr(k.ARN)
		}
	})
	return types.ServerSideEncryption(b.Encryption.Algorithm), key, nil
}
