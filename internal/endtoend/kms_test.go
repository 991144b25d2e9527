package endtoend

import (
	"strings"
	"testing"
)

// customerKey is a KMS key that its policy leaves to the account's policies,
// and to whom else stands in MORE.
const customerKey = `  CertificatesKey:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"
            Action: kms:*
            Resource: "*"
MORE
  CertificatesKeyName:
    Type: AWS::KMS::Alias
    Properties:
      AliasName: alias/shop-certificates
      TargetKeyId: !Ref CertificatesKey

`

const forTheRole = `          - Effect: Allow
            Principal:
              AWS: !GetAtt InstanceRole.Arn
            Action: kms:Decrypt
            Resource: "*"
`

const underTheKey = `      BucketName: !Ref CertificateBucket
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault:
              SSEAlgorithm: aws:kms
              KMSMasterKeyID: alias/shop-certificates
`

// The certificate lies under a key that the role may not use: check predicts
// it, S3 refuses the instance, and up says why. Once the key's policy lets the
// role in, the AWS CLI on the instance reads the certificate too.
func TestTheKeyOfTheTemplateDecidesTheFetch(t *testing.T) {
	t.Parallel()
	aws := needCLI(t)
	s := newShop(t)
	s.fix()
	s.edit("infra.yaml", "  Application:\n", strings.Replace(customerKey, "MORE\n", "", 1)+"  Application:\n")
	s.edit("infra.yaml", "      BucketName: !Ref CertificateBucket\n", underTheKey)
	s.edit("infra.yaml", "  Application:\n", "  Application:\n    DependsOn: CertificatesKeyName\n")
	why := `is encrypted under KMS key "alias/shop-certificates"`
	leaves := "the key policy leaves it to IAM, and no policy of the role allows it"
	predicted := s.must(1, "check", "app", "--template", "infra.yaml")
	contains(t, unfolded(predicted.out), "[kms-key-denied]", why, leaves)
	r := s.must(1, s.upArgs()...)
	contains(t, unfolded(r.out), "HTTP Error 403", "[kms-key-denied]", why, leaves)
	if strings.Contains(r.out, "not enforced here") {
		t.Errorf("up says that it does not enforce what it does: %s", r)
	}
	s.down()
	s.edit("infra.yaml", `            Resource: "*"`+"\n", `            Resource: "*"`+"\n"+forTheRole)
	if p := s.run("check", "app", "--template", "infra.yaml"); strings.Contains(p.out, "[kms-key-denied]") {
		t.Errorf("with the role in the key's policy: %s", p)
	}
	s.must(0, s.upArgs()...)
	on := s.run("shell", "--", aws, "s3api", "head-object", "--bucket", "shop-certificates", "--key", "server.crt", "--query", "[ServerSideEncryption,SSEKMSKeyId]", "--output", "text")
	if on.status != 0 || !strings.HasPrefix(on.out, "aws:kms\tarn:aws:kms:us-east-1:123456789012:key/") {
		t.Errorf("head-object on the instance: %s", on)
	}
	s.down()
}
