package template

import (
	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// BucketSettings reads what the properties of an AWS::S3::Bucket say
// of access and encryption. Block Public Access and
// ownership are not known when it says nothing: a bucket made before April
// 2023 has other defaults than one made since, and the stack may be older.
// [S3:access-control-block-public-access, S3:about-object-ownership]
func BucketSettings(b *account.Bucket, props *source.Node) {
	if n := props.Get("PublicAccessBlockConfiguration"); n != nil && n.Kind == source.Map {
		b.PublicAccess = &account.PublicAccess{
			BlockPolicy: flag(n.Get("BlockPublicPolicy"), fact.Broken), Restrict: flag(n.Get("RestrictPublicBuckets"), fact.Broken),
			BlockACLs: flag(n.Get("BlockPublicAcls"), fact.Broken), IgnoreACLs: flag(n.Get("IgnorePublicAcls"), fact.Broken), Pos: n.Pos,
		}
	}
	if rules := props.At("OwnershipControls", "Rules"); rules != nil && len(rules.Items) > 0 {
		b.Ownership = rules.Items[0].Get("ObjectOwnership").TextOr("")
	}
	if n := props.Get("BucketEncryption"); n != nil {
		b.Encryption = defaultEncryption(n)
	}
}

func defaultEncryption(n *source.Node) *account.Encryption {
	e := &account.Encryption{Pos: n.Pos}
	rules := n.Get("ServerSideEncryptionConfiguration")
	if rules == nil || rules.Kind != source.Seq || len(rules.Items) == 0 {
		e.Unknown = "the bucket's default encryption"
		return e
	}
	by := rules.Items[0].Get("ServerSideEncryptionByDefault")
	if by == nil { // only a Bucket Key is set
		return nil
	}
	e.Algorithm, e.Key = by.Get("SSEAlgorithm").TextOr(""), by.Get("KMSMasterKeyID").TextOr("")
	if key := by.Get("KMSMasterKeyID"); key != nil && e.Key == "" {
		e.Key = fact.Symbol("KMSMasterKeyID")
	}
	return e
}

// flag reads a boolean property; absent gives the default.
func flag(n *source.Node, absent fact.Verdict) fact.Verdict {
	if n == nil || n.Kind == source.Null {
		return absent
	}
	switch n.TextOr(n.Value()) {
	case "true", "True", "TRUE", "yes", "on":
		return fact.Holds
	case "false", "False", "FALSE", "no", "off":
		return fact.Broken
	}
	return fact.Unknown
}
