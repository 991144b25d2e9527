package live

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"beanpole/internal/account/reading"
)

// key reads a KMS key under the name by which a bucket or an object calls it.
// AWS's own key for S3 has a policy that is known.
func (x *Reader) key(ctx context.Context, name, region string) {
	if name == "" || strings.HasSuffix(name, "alias/aws/s3") || !x.first(reading.AKey, name) {
		return
	}
	in := func(o *kms.Options) {
		if region != "" {
			o.Region = region
		}
	}
	q := question{op: "kms:DescribeKey", kind: reading.AKey, name: name, link: "object", none: []string{"NotFoundException"}}
	out, none := ask(ctx, x, q, func(ctx context.Context, i *kms.DescribeKeyInput) (*kms.DescribeKeyOutput, error) {
		return x.c.Keys.DescribeKey(ctx, i, in)
	}, &kms.DescribeKeyInput{KeyId: &name})
	if none != "" {
		x.absent(reading.AKey, name)
	}
	if out == nil || out.KeyMetadata == nil {
		return
	}
	m := out.KeyMetadata
	k := reading.Key{Asked: name, ID: aws.ToString(m.KeyId), ARN: aws.ToString(m.Arn), Owner: aws.ToString(m.AWSAccountId), Enabled: m.KeyState == types.KeyStateEnabled}
	together(
		func() { x.keyPolicy(ctx, &k, in) },
		func() { x.grants(ctx, &k, in) },
	)
	x.keep(func(r *reading.Reading) { r.Keys = append(r.Keys, k) })
}

func (x *Reader) keyPolicy(ctx context.Context, k *reading.Key, in func(*kms.Options)) {
	q := question{op: "kms:GetKeyPolicy", kind: reading.AKey, name: k.Asked, link: "object"}
	out, _ := ask(ctx, x, q, func(ctx context.Context, i *kms.GetKeyPolicyInput) (*kms.GetKeyPolicyOutput, error) {
		return x.c.Keys.GetKeyPolicy(ctx, i, in)
	}, &kms.GetKeyPolicyInput{KeyId: &k.ARN, PolicyName: aws.String("default")})
	if out == nil {
		k.PolicyUnknown = "the policy of key " + k.ID + " (permission kms:GetKeyPolicy)"
		return
	}
	k.Policy = aws.ToString(out.Policy)
}

func (x *Reader) grants(ctx context.Context, k *reading.Key, in func(*kms.Options)) {
	ask1 := &kms.ListGrantsInput{KeyId: &k.ARN}
	for {
		q := question{op: "kms:ListGrants", kind: reading.AKey, name: k.Asked, link: "object"}
		out, _ := ask(ctx, x, q, func(ctx context.Context, i *kms.ListGrantsInput) (*kms.ListGrantsOutput, error) {
			return x.c.Keys.ListGrants(ctx, i, in)
		}, ask1)
		if out == nil {
			return
		}
		for _, g := range out.Grants {
			grant := reading.Grant{ID: aws.ToString(g.GrantId), Grantee: aws.ToString(g.GranteePrincipal)}
			if c := g.Constraints; c != nil {
				grant.ContextSubset, grant.ContextEquals, grant.SourceARN = c.EncryptionContextSubset, c.EncryptionContextEquals, aws.ToString(c.SourceArn)
			}
			for _, op := range g.Operations {
				grant.Operations = append(grant.Operations, string(op))
			}
			k.Grants = append(k.Grants, grant)
		}
		if !out.Truncated {
			k.GrantsRead = true
			return
		}
		ask1.Marker = out.NextMarker
	}
}
