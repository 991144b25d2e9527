package kms

// The requests and answers are written here with AWS's names, since the SDK's
// module of KMS makes tables of all its shapes at every start of the program.
// [KMS API: DescribeKey, GetKeyPolicy, ListGrants, KeyMetadata]

type describeKeyInput struct{ KeyId *string }

type describeKeyOutput struct{ KeyMetadata *keyMetadata }

type keyMetadata struct {
	KeyId, Arn, AWSAccountId                *string
	Enabled                                 bool
	KeyState, KeyManager, KeySpec, KeyUsage string
	Origin                                  string
	EncryptionAlgorithms                    []string
	MultiRegion                             bool
}

type getKeyPolicyInput struct{ KeyId, PolicyName *string }

type getKeyPolicyOutput struct{ Policy, PolicyName *string }

type listGrantsInput struct{ KeyId *string }

type listGrantsOutput struct {
	Grants    []struct{}
	Truncated bool
}
