package aws

import (
	"strings"

	"beanpole/internal/lazyregexp"
)

// regionFacts is what S3 does differently by the age of a region.
type regionFacts struct {
	sigV2  bool // launched before 2014-01-30: Signature Version 2 is taken
	global bool // launched before 2019-03-20: the global endpoint leads there
	dash   bool // has the old "s3-REGION" host names
}

// The regions, by launch date. [S3:VirtualHosting; S3 Signature Version 2
// deprecation page; AWS's launch announcements]. GovCloud and China are
// partitions of their own: the global endpoint knows nothing of them.
var regions = map[string]regionFacts{
	"us-east-1":      {true, true, true},    // 2006
	"eu-west-1":      {true, true, true},    // 2007-11
	"us-west-1":      {true, true, true},    // 2009-12
	"ap-southeast-1": {true, true, true},    // 2010-04
	"ap-northeast-1": {true, true, true},    // 2011-03
	"us-west-2":      {true, true, true},    // 2011-11
	"sa-east-1":      {true, true, true},    // 2011-12
	"ap-southeast-2": {true, true, true},    // 2012-11
	"us-gov-west-1":  {true, false, true},   // 2011-08
	"cn-north-1":     {false, false, false}, // limited preview 2014-01; Version 4 only
	"eu-central-1":   {false, true, true},   // 2014-10
	"ap-northeast-2": {false, true, true},   // 2016-01
	"ap-south-1":     {false, true, true},   // 2016-06
	"us-east-2":      {false, true, true},   // 2016-10
	"ca-central-1":   {false, true, true},   // 2016-12
	"eu-west-2":      {false, true, true},   // 2016-12
	"cn-northwest-1": {false, false, false}, // 2017-12
	"eu-west-3":      {false, true, true},   // 2017-12
	"ap-northeast-3": {false, true, true},   // 2018-02, local region
	"us-gov-east-1":  {false, false, false}, // 2018-11
	"eu-north-1":     {false, true, true},   // 2018-12
	"ap-east-1":      {},                    // 2019-04, the first that must be opted into
	"me-south-1":     {},                    // 2019-07
	"af-south-1":     {},                    // 2020-04
	"eu-south-1":     {},                    // 2020-04
	"ap-southeast-3": {},                    // 2021-12
	"me-central-1":   {},                    // 2022-08
	"eu-central-2":   {},                    // 2022-11
	"eu-south-2":     {},                    // 2022-11
	"ap-south-2":     {},                    // 2022-11
	"ap-southeast-4": {},                    // 2023-01
	"il-central-1":   {},                    // 2023-08
	"ca-west-1":      {},                    // 2023-12
	"ap-southeast-5": {},                    // 2024-08
	"mx-central-1":   {},                    // 2025-01
	"ap-southeast-7": {},                    // 2025-01
	"ap-east-2":      {},                    // 2025-06
	"ap-southeast-6": {},                    // 2025-09
}

var regionShape = lazyregexp.New(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)

// SigV2Allowed reports whether S3 takes Signature Version 2 in region: only in
// those launched before 2014-01-30. False for a name that is not known.
func SigV2Allowed(region string) bool { return regions[region].sigV2 }

// GlobalEndpointRoutes reports whether the global endpoint s3.amazonaws.com
// leads to buckets of region: only in those launched before 2019-03-20; the
// others answer 400. False for a name that is not known. [S3:VirtualHosting]
func GlobalEndpointRoutes(region string) bool { return regions[region].global }

// KnownRegion reports whether region is one of AWS's, as far as this table
// goes.
func KnownRegion(region string) bool {
	_, ok := regions[region]
	return ok
}

// isRegion also takes names that look like a region younger than the table.
func isRegion(s string) bool { return KnownRegion(s) || regionShape.MatchString(s) }

// PartitionOf is the partition that a region belongs to: a group of regions
// with accounts of its own. [AWS Fault Isolation Boundaries, "Partitions"]
func PartitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
