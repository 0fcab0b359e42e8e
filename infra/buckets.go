package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// noncurrentDays is how long an object is kept that something other than the application has
// replaced or deleted: long enough to notice. The application removes what it does not need
// itself, at once.
const noncurrentDays = 30

// bucketName is the only one in the world by the account and the region in it. It is not left
// to CloudFormation, because the queue's policy names the bucket and has to be there before.
func (s *system) bucketName(b topology.Bucket) *string {
	return awscdk.Fn_Join(jsii.String("-"), &[]*string{jsii.String(b.Name(s.props.Name)), awscdk.Aws_ACCOUNT_ID(), awscdk.Aws_REGION()})
}

// bucket is retained like the tables: the events say that the files are there.
func (s *system) bucket(b topology.Bucket) awss3.CfnBucket {
	queue := s.queues[b.Queue]
	id := b.ID + "Bucket"
	bucket := awss3.NewCfnBucket(s.stack, &id, &awss3.CfnBucketProps{
		BucketName: s.bucketName(b),
		PublicAccessBlockConfiguration: &awss3.CfnBucket_PublicAccessBlockConfigurationProperty{
			BlockPublicAcls: jsii.Bool(true), BlockPublicPolicy: jsii.Bool(true), IgnorePublicAcls: jsii.Bool(true), RestrictPublicBuckets: jsii.Bool(true),
		},
		OwnershipControls: &awss3.CfnBucket_OwnershipControlsProperty{
			Rules: []any{&awss3.CfnBucket_OwnershipControlsRuleProperty{ObjectOwnership: jsii.String("BucketOwnerEnforced")}},
		},
		BucketEncryption: &awss3.CfnBucket_BucketEncryptionProperty{
			ServerSideEncryptionConfiguration: []any{&awss3.CfnBucket_ServerSideEncryptionRuleProperty{
				ServerSideEncryptionByDefault: &awss3.CfnBucket_ServerSideEncryptionByDefaultProperty{SseAlgorithm: jsii.String("AES256")},
			}},
		},
		VersioningConfiguration: &awss3.CfnBucket_VersioningConfigurationProperty{Status: jsii.String("Enabled")},
		// Whoever has a signed form or link may use it from any page; there is nothing else to use.
		CorsConfiguration: &awss3.CfnBucket_CorsConfigurationProperty{CorsRules: []any{&awss3.CfnBucket_CorsRuleProperty{
			AllowedOrigins: jsii.Strings(s.props.CORSOrigins...), AllowedMethods: jsii.Strings("GET", "POST"), AllowedHeaders: jsii.Strings("*"),
			ExposedHeaders: jsii.Strings("ETag"), MaxAge: jsii.Number(3600),
		}}},
		LifecycleConfiguration: &awss3.CfnBucket_LifecycleConfigurationProperty{Rules: []any{&awss3.CfnBucket_RuleProperty{
			Id: jsii.String("leftovers"), Status: jsii.String("Enabled"),
			NoncurrentVersionExpiration:    &awss3.CfnBucket_NoncurrentVersionExpirationProperty{NoncurrentDays: jsii.Number(noncurrentDays)},
			AbortIncompleteMultipartUpload: &awss3.CfnBucket_AbortIncompleteMultipartUploadProperty{DaysAfterInitiation: jsii.Number(1)},
			ExpiredObjectDeleteMarker:      jsii.Bool(true),
		}}},
		NotificationConfiguration: &awss3.CfnBucket_NotificationConfigurationProperty{
			QueueConfigurations: []any{&awss3.CfnBucket_QueueConfigurationProperty{Event: jsii.String("s3:ObjectCreated:*"), Queue: queue.AttrArn()}},
		},
	})
	s.keep(bucket)
	bucket.AddDependency(s.policies[b.Queue]) // S3 tries the queue when it is set up
	s.encryptedOnly(id, bucket)
	return bucket
}

// letNotify lets a bucket, and no other one, tell its queue.
func (s *system) letNotify(b topology.Bucket, queue awssqs.CfnQueue) awsiam.PolicyStatement {
	arn := awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("arn:"), awscdk.Aws_PARTITION(), jsii.String(":s3:::"), s.bucketName(b)})
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("s3.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{queue.AttrArn()},
		Conditions: &map[string]any{
			"ArnEquals":    map[string]any{"aws:SourceArn": arn},
			"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()},
		},
	})
}

// encryptedOnly refuses whoever does not use TLS.
func (s *system) encryptedOnly(id string, bucket awss3.CfnBucket) {
	arn := *bucket.AttrArn()
	awss3.NewCfnBucketPolicy(s.stack, jsii.String(id+"Policy"), &awss3.CfnBucketPolicyProps{
		Bucket:         bucket.Ref(),
		PolicyDocument: document(onlyTLS("s3:*", arn, arn+"/*")),
	})
}

// onlyTLS refuses an action of whoever does not use TLS.
func onlyTLS(action string, resources ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Effect:     awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings(action),
		Resources:  jsii.Strings(resources...),
		Conditions: &map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	})
}

func document(statements ...awsiam.PolicyStatement) awsiam.PolicyDocument {
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements})
}
