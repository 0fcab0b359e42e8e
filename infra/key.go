package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// administration is what the account's administrators may do with a key. Decrypting is not among
// it, so that nobody reads what is sealed without changing the key's policy, which CloudTrail shows.
var administration = []string{
	"kms:CancelKeyDeletion", "kms:DescribeKey", "kms:DisableKey", "kms:EnableKey", "kms:EnableKeyRotation", "kms:Encrypt",
	"kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants", "kms:ListKeyPolicies", "kms:ListKeyRotations", "kms:ListResourceTags",
	"kms:PutKeyPolicy", "kms:RevokeGrant", "kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
	"kms:UpdateKeyDescription",
}

// What DynamoDB does with a table's key in the name of whoever reads or writes the table.
var (
	tableReads  = []string{"kms:Decrypt", "kms:DescribeKey"}
	tableWrites = []string{"kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
)

// wrappingKey is retained because losing it loses every key that it wraps.
func (s *system) wrappingKey() awskms.CfnKey {
	// DynamoDB asks for the grant when the table is made, in the name of whoever makes it.
	table := slices.Concat(tableReads, tableWrites, []string{"kms:CreateGrant"})
	key := awskms.NewCfnKey(s.stack, jsii.String("WrappingKey"), &awskms.CfnKeyProps{
		Description:       jsii.String("Wraps the keys of " + s.props.Name),
		EnableKeyRotation: jsii.Bool(true),
		KeyPolicy: s.keyPolicy([]string{"Decrypt", "GenerateDataKey"}, func(f topology.Function) []string { return f.KMS },
			s.ofAccount(table, s.throughDynamoDB())),
	})
	s.keep(key)
	return key
}

// keyPolicy lets each action be done by the functions that may do it, and the account administer
// the key. Roles are named by how their names begin: their ARNs would name the key, which names them.
func (s *system) keyPolicy(actions []string, allowed func(topology.Function) []string, others ...awsiam.PolicyStatement) awsiam.PolicyDocument {
	statements := []awsiam.PolicyStatement{s.ofAccount(administration, nil)}
	for _, action := range actions {
		var roles []*string
		for _, f := range topology.Functions() {
			if slices.Contains(allowed(f), action) {
				roles = append(roles, s.roleBegins(f))
			}
		}
		statements = append(statements, s.ofAccount([]string{"kms:" + action}, map[string]any{"ArnLike": map[string]any{"aws:PrincipalArn": roles}}))
	}
	return document(append(statements, others...)...)
}

// ofAccount allows actions on the key that the policy is of to those of the account whose own
// policies allow them as well. A key's policy knows no other name for the key than "*".
func (s *system) ofAccount(actions []string, conditions map[string]any) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewAccountRootPrincipal()},
		Actions:    jsii.Strings(actions...),
		Resources:  jsii.Strings("*"),
		Conditions: &conditions,
	})
}

// roleBegins is what is known of the ARN of a function's role: CloudFormation ends it with
// characters of its own.
func (s *system) roleBegins(f topology.Function) *string {
	return awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("arn:"), awscdk.Aws_PARTITION(), jsii.String(":iam::"), awscdk.Aws_ACCOUNT_ID(),
		jsii.String(":role/" + s.props.Name + "-" + logicalID(f.Name) + "Role-*")})
}

// throughDynamoDB holds for what DynamoDB does with the key in somebody's name.
func (s *system) throughDynamoDB() map[string]any {
	return map[string]any{"StringEquals": map[string]any{"kms:ViaService": *awscdk.Fn_Join(jsii.String("."), &[]*string{
		jsii.String("dynamodb"), awscdk.Aws_REGION(), jsii.String("amazonaws.com")})}}
}

// throughTable lets a role use a table that the key encrypts, and decrypt nothing else with that.
func (s *system) throughTable(actions []string) awsiam.PolicyStatement {
	kms := tableReads
	if slices.ContainsFunc(actions, func(a string) bool { return a != "GetItem" }) {
		kms = slices.Concat(tableReads, tableWrites)
	}
	conditions := s.throughDynamoDB()
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(kms...), Resources: &[]*string{s.key.AttrArn()}, Conditions: &conditions,
	})
}
