package terraform

import (
	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// about is the resource of a kind that belongs to a bucket, nil when the plan
// has none of which that is sure.
func (b *builder) about(bucket *resource, kind string) *resource {
	for _, r := range b.plan.resources {
		if r.kind != kind {
			continue
		}
		if name, ok := b.text(r, "bucket", "bucket").Str(); ok && fact.Equal(name, bucket.physical()) == fact.Holds {
			return r
		}
	}
	return nil
}

// publicAccess is Block Public Access: what the resource leaves out is off.
// [TF:aws_s3_bucket_public_access_block]
func (b *builder) publicAccess(bucket *resource) *source.Node {
	r := b.about(bucket, "aws_s3_bucket_public_access_block")
	if r == nil {
		return nil
	}
	flag := func(attr string) *source.Node {
		if r.open(attr) {
			return symbol(r, attr)
		}
		return known(r.values.Get(attr))
	}
	return mapping(r.pos, "BlockPublicPolicy", flag("block_public_policy"), "RestrictPublicBuckets", flag("restrict_public_buckets"),
		"BlockPublicAcls", flag("block_public_acls"), "IgnorePublicAcls", flag("ignore_public_acls"))
}

func (b *builder) ownership(bucket *resource) *source.Node {
	r := b.about(bucket, "aws_s3_bucket_ownership_controls")
	if r == nil {
		return nil
	}
	rule := mapping(r.pos, "ObjectOwnership", known(item(r.values.Get("rule"), 0).Get("object_ownership")))
	return mapping(r.pos, "Rules", listOf(r.pos, rule))
}

// encryption is the bucket's default encryption. One of which the plan says
// nothing is there and not known.
func (b *builder) encryption(bucket *resource) *source.Node {
	r := b.about(bucket, "aws_s3_bucket_server_side_encryption_configuration")
	if r == nil {
		return nil
	}
	const block = "apply_server_side_encryption_by_default"
	rules := known(r.values.Get("rule"))
	if rules == nil || len(rules.Items) == 0 {
		return source.NewMap(r.pos)
	}
	by := known(item(rules.Items[0].Get(block), 0))
	if by == nil {
		return source.NewMap(r.pos)
	}
	key := known(by.Get("kms_master_key_id"))
	if s, ok := key.Str(); ok && s == "" {
		key = nil
	}
	if item(item(r.unknown.Get("rule"), 0).Get(block), 0).Get("kms_master_key_id") != nil {
		key = symbol(r, "kms_master_key_id")
	}
	how := mapping(r.pos, "SSEAlgorithm", known(by.Get("sse_algorithm")), "KMSMasterKeyID", key)
	return mapping(r.pos, "ServerSideEncryptionConfiguration", listOf(r.pos, mapping(r.pos, "ServerSideEncryptionByDefault", how)))
}

func listOf(at source.Pos, items ...*source.Node) *source.Node {
	return &source.Node{Kind: source.Seq, Pos: at, End: at, Items: items}
}

// BucketRegions are the regions of buckets that are not made in the region of
// the environment, by address: a bucket of another provider, or with a region
// of its own.
func (p *Plan) BucketRegions(env *cfn.Env) map[string]string {
	out := map[string]string{}
	for _, r := range p.resources {
		if r.kind != "aws_s3_bucket" {
			continue
		}
		region := r.values.Get("region").TextOr("")
		// A module's provider that is not configured there is the default one.
		if provider := r.scope.provider(r); region == "" && provider != "aws" && p.root.At("configuration", "provider_config", provider) != nil {
			if region = p.regionOf(provider); region == "" {
				region = fact.Symbol("the region of provider " + provider)
			}
		}
		if region != "" && region != env.Region {
			out[r.address] = region
		}
	}
	return out
}

// provider is the key of the provider that makes a resource, "" when the plan
// does not say.
func (s *scope) provider(r *resource) string {
	list := s.module.Get("resources")
	if list == nil {
		return ""
	}
	for _, it := range list.Items {
		if it.Get("address").TextOr("") == r.kind+"."+r.name {
			return it.Get("provider_config_key").TextOr("")
		}
	}
	return ""
}
