package check

import (
	"fmt"
	"strings"

	"beanpole/internal/account"
	"beanpole/internal/fact"
	"beanpole/internal/finding"
	"beanpole/internal/lazyregexp"
	"beanpole/internal/source"
)

var imagePullDenied = &Rule{
	Slug:  "image-pull-denied",
	Title: "the instances' role may not pull the image from ECR",
	Why: `Docker on the instances logs in to Amazon ECR with the instances' role. It needs
ecr:GetAuthorizationToken and ecr:BatchGetImage, which AmazonEC2ContainerRegistryReadOnly
holds; AWSElasticBeanstalkWebTier does not. Without them the deployment fails with
"no basic auth credentials" or "Failed to pull Docker image".`,
	Before: `ManagedPolicyArns: [arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier]`,
	After: `ManagedPolicyArns:
  - arn:aws:iam::aws:policy/AWSElasticBeanstalkWebTier
  - arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly`,
	Since: "0.1.0",

	find: func(r *run) []*finding.Finding {
		role := r.instanceRole()
		if role == nil {
			return nil
		}
		for _, file := range []string{"Dockerrun.aws.json", "docker-compose.yml", "docker-compose.yaml", "Dockerfile"} {
			if !r.in.Bundle.Has(file) {
				continue
			}
			text := r.text(file)
			if text == nil {
				continue
			}
			if m := registryImage.FindStringSubmatchIndex(text.Text); m != nil {
				return r.pullRights(role, text, m)
			}
		}
		return nil
	},
}

// registryImage is an image in a private registry of ECR, where a file names
// one: "Name" and "image" of Dockerrun.aws.json, image of a compose file, FROM.
var registryImage = lazyregexp.New(`(?m)(?:"[Nn]ame"\s*:\s*"|"image"\s*:\s*"|^\s*image:\s*["']?|^FROM\s+(?:--platform=\S+\s+)?)(([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^\s"':@]+))`)

// pullRights reports the first right that the role lacks for an image.
func (r *run) pullRights(role *account.Role, text *source.Node, m []int) []*finding.Finding {
	part := func(i int) string { return text.Text[m[2*i]:m[2*i+1]] }
	repository := "arn:" + r.env().Partition + ":ecr:" + part(3) + ":" + part(2) + ":repository/" + part(4)
	for _, need := range [][2]string{{"ecr:GetAuthorizationToken", "*"}, {"ecr:BatchGetImage", repository}} {
		if !r.denied(role, need[0], need[1]) {
			continue
		}
		f := &finding.Finding{Rule: "image-pull-denied", Severity: finding.Error, Certain: true, Pos: text.PosAt(m[2]), End: text.PosAt(m[3])}
		f.Message = fmt.Sprintf("the instances will not be able to pull this image: their role may not call %s", need[0])
		f.Notes = []finding.Note{
			{Label: "role", Text: fact.Show(role.Name), At: place(role.Pos)},
			{Label: "on AWS", Text: "no basic auth credentials"},
			{Label: "fix", Text: "attach   arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly   to the role"},
		}
		if strings.HasSuffix(need[0], "Image") {
			f.Notes[1].Text = "is not authorized to perform: " + need[0] + " on resource: " + repository
		}
		return []*finding.Finding{f}
	}
	return nil
}
