package cloudformation

import (
	"strings"

	"beanpole/internal/cloud/state"
)

// randomLength is how many characters CloudFormation's random part has
// [CFN:aws-properties-name; EB event texts].
const randomLength = 13

const (
	upperAlphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lowerAlphanumerics = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// physicalName makes up a physical name of at most limit characters:
// <stack>-<logical ID>-<random>. One too long loses the ends of stack name and
// logical ID, never the random part: a load balancer (32) of stack
// awseb-e-3vui9m2zcq-stack is awseb-e-3-AWSEBLoa-…
// [EB event texts; exact split undocumented].
func physicalName(stack, logicalID string, limit int) string {
	room := limit - randomLength - 2
	if over := len(stack) + len(logicalID) - room; over > 0 {
		half := room / 2
		switch {
		case len(logicalID) <= half:
			stack = stack[:room-len(logicalID)]
		case len(stack) <= room-half:
			logicalID = logicalID[:room-len(stack)]
		default:
			stack, logicalID = stack[:room-half], logicalID[:half]
		}
	}
	return stack + "-" + logicalID + "-" + state.Random(upperAlphanumerics, randomLength)
}

// bucketName is the physical name of a bucket: lower case, 63 characters.
func bucketName(stack, logicalID string) string {
	return strings.ToLower(physicalName(stack, logicalID, 63))
}

// randomHex is an ID as EC2 makes them: sg-, eipalloc-, 17 hexadecimal digits.
func randomHex(n int) string { return state.Random("0123456789abcdef", n) }
