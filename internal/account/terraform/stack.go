package terraform

import (
	"slices"
	"strings"

	"beanpole/internal/cfn"
	"beanpole/internal/fact"
	"beanpole/internal/source"
)

// builder makes the stack of a plan.
type builder struct {
	plan               *Plan
	account, partition string
	stack              *cfn.Stack
	made               map[*resource]*cfn.Resource
}

// Stack is what the plan will have created, as resources of CloudFormation;
// the logical IDs are Terraform's addresses. What Terraform knows and the
// stack cannot hold is left out. Environments of a worker's tier and all their
// settings are there, in Terraform's order.
func (p *Plan) Stack(env *cfn.Env) *cfn.Stack {
	b := &builder{plan: p, account: env.AccountID, partition: env.Partition, stack: &cfn.Stack{}, made: map[*resource]*cfn.Resource{}}
	for _, r := range p.resources {
		if build := builders[r.kind]; build != nil {
			build(b, r)
		}
	}
	for _, r := range p.resources { // these belong to the others, in any order
		switch r.kind {
		case "aws_iam_role_policy_attachment":
			b.attach(r, "role")
		case "aws_iam_policy_attachment":
			b.attach(r, "roles")
		case "aws_iam_role_policy_attachments_exclusive", "aws_iam_role_policies_exclusive":
			// they add nothing to what the plan creates
		}
	}
	return b.stack
}

var builders = map[string]func(*builder, *resource){
	"aws_iam_role":                                 (*builder).role,
	"aws_iam_instance_profile":                     (*builder).profile,
	"aws_iam_role_policy":                          (*builder).rolePolicy,
	"aws_iam_policy":                               (*builder).managed,
	"aws_s3_bucket":                                (*builder).bucket,
	"aws_s3_bucket_policy":                         (*builder).bucketPolicy,
	"aws_elastic_beanstalk_application":            (*builder).application,
	"aws_elastic_beanstalk_environment":            (*builder).environment,
	"aws_elastic_beanstalk_configuration_template": (*builder).saved,
}

// add adds a resource with its properties: key, node, key, node …; nil nodes
// are left out.
func (b *builder) add(r *resource, kind, id string, kv ...any) *cfn.Resource {
	props := source.NewMap(r.pos)
	for i := 0; i+1 < len(kv); i += 2 {
		if v := kv[i+1].(*source.Node); v != nil {
			props.Set(kv[i].(string), v)
		}
	}
	out := &cfn.Resource{LogicalID: r.address, Type: kind, PhysicalID: id, Properties: props,
		Metadata: source.NewMap(r.pos), Pos: r.pos, Created: fact.Holds}
	b.stack.Resources = append(b.stack.Resources, out)
	b.made[r] = out
	return out
}

func (b *builder) role(r *resource) {
	var inline *source.Node
	if blocks := r.values.Get("inline_policy"); blocks != nil && blocks.Kind == source.Seq {
		inline = &source.Node{Kind: source.Seq, Pos: blocks.Pos}
		for i, it := range blocks.Items {
			if it.Get("policy") == nil && it.Get("name") == nil {
				continue // Terraform's way to say: no policy
			}
			policy := known(it.Get("policy"))
			if policy == nil {
				policy = symbol(r, "inline_policy")
				if written := r.written.Get("inline_policy"); written != nil && i < len(written.Items) && len(written.Items) == len(blocks.Items) {
					policy = b.document(r, written.Items[i].Get("policy"), "inline_policy")
				}
			}
			inline.Items = append(inline.Items, mapping(it.Pos, "PolicyName", known(it.Get("name")), "PolicyDocument", policy))
		}
	} else if r.open("inline_policy") {
		inline = symbol(r, "inline_policy")
	}
	b.add(r, "AWS::IAM::Role", r.physical(),
		"RoleName", r.own("name"), "Path", known(r.values.Get("path")),
		"PermissionsBoundary", b.text(r, "permissions_boundary", "arn"),
		"AssumeRolePolicyDocument", b.policy(r, "assume_role_policy"),
		"Policies", inline, "ManagedPolicyArns", b.list(r, "managed_policy_arns", "arn"))
}

func (b *builder) profile(r *resource) {
	var roles *source.Node
	if role := b.text(r, "role", "name"); role != nil {
		roles = &source.Node{Kind: source.Seq, Pos: role.Pos, End: role.End, Items: []*source.Node{role}}
	}
	b.add(r, "AWS::IAM::InstanceProfile", r.physical(), "InstanceProfileName", r.own("name"),
		"Path", known(r.values.Get("path")), "Roles", roles)
}

func (b *builder) rolePolicy(r *resource) {
	b.add(r, "AWS::IAM::RolePolicy", r.physical(), "PolicyName", source.NewString(r.address, r.pos),
		"RoleName", b.text(r, "role", "name"), "PolicyDocument", b.policy(r, "policy"))
}

func (b *builder) managed(r *resource) {
	name := r.physical()
	b.add(r, "AWS::IAM::ManagedPolicy", b.arn(r, name), "ManagedPolicyName", source.NewString(name, r.pos),
		"PolicyDocument", b.policy(r, "policy"))
}

// bucket also takes the policy that lies in the bucket itself, as providers
// before version 4 had it.
func (b *builder) bucket(r *resource) {
	name := r.physical()
	b.add(r, "AWS::S3::Bucket", name, "BucketName", r.own("bucket"), "PublicAccessBlockConfiguration", b.publicAccess(r),
		"OwnershipControls", b.ownership(r), "BucketEncryption", b.encryption(r))
	if p, ok := r.values.Get("policy").Str(); ok && p != "" || r.open("policy") {
		b.add(r, "AWS::S3::BucketPolicy", name, "Bucket", source.NewString(name, r.pos), "PolicyDocument", b.policy(r, "policy"))
	}
}

func (b *builder) bucketPolicy(r *resource) {
	b.add(r, "AWS::S3::BucketPolicy", r.address, "Bucket", b.text(r, "bucket", "bucket"), "PolicyDocument", b.policy(r, "policy"))
}

func (b *builder) application(r *resource) {
	b.add(r, "AWS::ElasticBeanstalk::Application", r.physical(), "ApplicationName", r.own("name"))
}

func (b *builder) environment(r *resource) {
	b.add(r, "AWS::ElasticBeanstalk::Environment", r.physical(), "EnvironmentName", r.own("name"),
		"ApplicationName", b.text(r, "application", "name"),
		"SolutionStackName", b.text(r, "solution_stack_name", "name"), "PlatformArn", b.text(r, "platform_arn", "arn"),
		"TemplateName", b.text(r, "template_name", "name"),
		"Tier", mapping(r.pos, "Name", known(r.values.Get("tier"))),
		"OptionSettings", b.settings(r))
}

func (b *builder) saved(r *resource) {
	b.add(r, "AWS::ElasticBeanstalk::ConfigurationTemplate", r.physical(),
		"ApplicationName", b.text(r, "application", "name"), "SolutionStackName", b.text(r, "solution_stack_name", "name"),
		"OptionSettings", b.settings(r))
}

// attach adds a managed policy to the roles that an attachment names. Where
// it is not known whether a role is meant, its policies are not all known.
func (b *builder) attach(r *resource, attr string) {
	arn := b.text(r, "policy_arn", "arn")
	roles := b.list(r, attr, "name")
	if roles == nil || arn == nil {
		return
	}
	for _, role := range b.plan.resources {
		if role.kind != "aws_iam_role" {
			continue
		}
		v := fact.Broken
		for _, it := range roles.Items {
			name, ok := it.Str()
			if !ok {
				v = fact.Any(v, fact.Unknown)
				continue
			}
			v = fact.Any(v, fact.Equal(fact.Lower(name), fact.Lower(role.physical())))
		}
		add := arn
		switch v {
		case fact.Broken:
			continue
		case fact.Unknown:
			add = &source.Node{Kind: source.Null, Pos: r.pos}
		}
		props := b.made[role].Properties
		list := props.Get("ManagedPolicyArns")
		if list == nil || list.Kind != source.Seq {
			list = &source.Node{Kind: source.Seq, Pos: r.pos}
		}
		if !slices.ContainsFunc(list.Items, func(n *source.Node) bool { return n.TextOr("") == add.Text && add.Text != "" }) {
			grown := *list
			grown.Items = append(list.Items[:len(list.Items):len(list.Items)], add)
			props.Set("ManagedPolicyArns", &grown)
		}
	}
}

// Object is an object that a plan uploads.
type Object struct {
	Bucket, Key string // may hold parts that are not known
}

// Objects are the objects that the plan uploads.
func (p *Plan) Objects(env *cfn.Env) (out []Object) {
	b := &builder{plan: p, account: env.AccountID, partition: env.Partition}
	for _, r := range p.resources {
		if r.kind != "aws_s3_object" && r.kind != "aws_s3_bucket_object" {
			continue
		}
		bucket, key := b.text(r, "bucket", "bucket"), b.text(r, "key", "key")
		if bucket != nil && key != nil {
			// S3 keys from Terraform lose slashes in front [provider: s3_object]
			out = append(out, Object{bucket.Text, strings.TrimLeft(key.Text, "/")})
		}
	}
	return out
}
