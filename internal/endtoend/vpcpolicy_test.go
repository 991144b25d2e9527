package endtoend

import (
	"strings"
	"testing"
)

// forBundlesOnly is a policy of a VPC endpoint that names Elastic Beanstalk's
// buckets, and forgets the shop's own.
const forBundlesOnly = `
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: "*"
            Action: s3:*
            Resource:
              - arn:aws:s3:::elasticbeanstalk-*
              - arn:aws:s3:::elasticbeanstalk-*/*
`

// The policy of the VPC's endpoint for S3 leaves the certificates' bucket out:
// check predicts it, the instance is refused, and nobody else is; up says why.
// With the bucket in the policy the AWS CLI on the instance reads what the
// policy names, and nothing besides.
func TestThePolicyOfAVPCEndpointDecidesWhatComesThroughIt(t *testing.T) {
	t.Parallel()
	aws := needCLI(t)
	s := newShop(t)
	s.fix()
	s.edit("infra.yaml", "  Application:\n", strings.Replace(vpc, "WAY", endpoint+forBundlesOnly, 1)+"\n  Application:\n")
	s.edit("infra.yaml", "      OptionSettings:\n", inVPC)
	why := `does not let requests to bucket "shop-certificates" through`
	predicted := s.must(1, "check", "app", "--template", "infra.yaml", "--region", "us-east-1")
	contains(t, unfolded(predicted.out), "[endpoint-policy]", why)
	r := s.must(1, s.upArgs()...)
	contains(t, unfolded(r.out), "HTTP Error 403", "[endpoint-policy]", why)
	if strings.Contains(r.out, "not enforced here") {
		t.Errorf("up says that it does not enforce what it does: %s", r)
	}
	// The administrator is not in the VPC.
	if got := s.host(t, aws, "s3", "ls", "s3://shop-certificates"); !strings.Contains(got, "server.key") {
		t.Errorf("from outside: %q", got)
	}
	s.down()
	s.edit("infra.yaml", "              - arn:aws:s3:::elasticbeanstalk-*/*\n", "              - arn:aws:s3:::elasticbeanstalk-*/*\n              - arn:aws:s3:::shop-certificates/*.crt\n              - arn:aws:s3:::shop-certificates/*.key\n")
	s.must(0, s.upArgs()...)
	s.host(t, aws, "s3", "cp", "/etc/hostname", "s3://shop-certificates/notes.txt")
	on := func(key string) ended {
		return s.run("shell", "--", aws, "s3", "cp", "s3://shop-certificates/"+key, "-")
	}
	if r := on("server.crt"); r.status != 0 || !strings.Contains(r.out, "CERTIFICATE") {
		t.Errorf("what the policy names: %s", r)
	}
	if r := on("notes.txt"); r.status == 0 || !strings.Contains(r.errs, "403") {
		t.Errorf("what the policy does not name: %s", r)
	}
	s.down()
}
