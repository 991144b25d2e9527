package live

import (
	"context"
	"strings"

	"beanpole/internal/account/reading"
)

// key reads a KMS key under the name by which a bucket or an object calls it.
// AWS's own key for S3 has a policy that is known.
func (x *Reader) key(ctx context.Context, name, region string) {
	if name == "" || strings.HasSuffix(name, "alias/aws/s3") || !x.first(reading.AKey, name) {
		return
	}
	var got struct {
		KeyMetadata struct {
			ID      string `json:"KeyId"`
			ARN     string `json:"Arn"`
			Account string `json:"AWSAccountId"`
			State   string `json:"KeyState"`
		}
	}
	q := question{op: "kms:DescribeKey", kind: reading.AKey, name: name, link: "object", none: []string{"NotFoundException"}}
	answered, none := x.askKeys(ctx, q, region, map[string]string{"KeyId": name}, &got)
	if none != "" {
		x.absent(reading.AKey, name)
	}
	m := got.KeyMetadata
	if !answered || m.ID == "" {
		return
	}
	k := reading.Key{Asked: name, ID: m.ID, ARN: m.ARN, Owner: m.Account, Enabled: m.State == "Enabled"}
	together(
		func() { x.keyPolicy(ctx, &k, region) },
		func() { x.grants(ctx, &k, region) },
	)
	x.keep(func(r *reading.Reading) { r.Keys = append(r.Keys, k) })
}

// askKeys makes the call of KMS that q names into out.
func (x *Reader) askKeys(ctx context.Context, q question, region string, params map[string]string, out any) (answered bool, none string) {
	got, none := ask(ctx, x, q, func(ctx context.Context, in map[string]string) (*struct{}, error) {
		return &struct{}{}, x.c.Keys.Ask(ctx, region, strings.TrimPrefix(q.op, "kms:"), in, out)
	}, params)
	return got != nil, none
}

func (x *Reader) keyPolicy(ctx context.Context, k *reading.Key, region string) {
	var got struct{ Policy string }
	q := question{op: "kms:GetKeyPolicy", kind: reading.AKey, name: k.Asked, link: "object"}
	if answered, _ := x.askKeys(ctx, q, region, map[string]string{"KeyId": k.ARN, "PolicyName": "default"}, &got); !answered {
		k.PolicyUnknown = "the policy of key " + k.ID + " (permission kms:GetKeyPolicy)"
		return
	}
	k.Policy = got.Policy
}

// grantsAnswer is one page of a key's grants. [KMS API: ListGrants]
type grantsAnswer struct {
	Grants []struct {
		ID          string `json:"GrantId"`
		Grantee     string `json:"GranteePrincipal"`
		Operations  []string
		Constraints struct {
			Subset map[string]string `json:"EncryptionContextSubset"`
			Equals map[string]string `json:"EncryptionContextEquals"`
			Source string            `json:"SourceArn"`
		}
	}
	Truncated  bool
	NextMarker string
}

func (x *Reader) grants(ctx context.Context, k *reading.Key, region string) {
	params := map[string]string{"KeyId": k.ARN}
	for {
		var got grantsAnswer
		q := question{op: "kms:ListGrants", kind: reading.AKey, name: k.Asked, link: "object"}
		if answered, _ := x.askKeys(ctx, q, region, params, &got); !answered {
			return
		}
		for _, g := range got.Grants {
			k.Grants = append(k.Grants, reading.Grant{
				ID: g.ID, Grantee: g.Grantee, Operations: g.Operations,
				ContextSubset: g.Constraints.Subset, ContextEquals: g.Constraints.Equals, SourceARN: g.Constraints.Source,
			})
		}
		if !got.Truncated {
			k.GrantsRead = true
			return
		}
		params["Marker"] = got.NextMarker
	}
}
