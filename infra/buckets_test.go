package main

import (
	"slices"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

const hereOnly = "-${AWS::AccountId}-${AWS::Region}"

// bucketOf finds a bucket of the topology.
func bucketOf(t testing.TB, standard template, b topology.Bucket) *resource {
	t.Helper()
	return standard.named(t, "AWS::S3::Bucket", "BucketName", "annals-"+b.Suffix+hereOnly)
}

func bucketsArePrivateEncryptedVersionedAndRetained(t testing.TB, standard template) {
	for _, b := range topology.Buckets() {
		bucket := bucketOf(t, standard, b)
		bucket.expect(t, "{BlockPublicAcls=true BlockPublicPolicy=true IgnorePublicAcls=true RestrictPublicBuckets=true}", "PublicAccessBlockConfiguration")
		bucket.expect(t, "[{ObjectOwnership=BucketOwnerEnforced}]", "OwnershipControls", "Rules")
		bucket.expect(t, "[{ServerSideEncryptionByDefault={SSEAlgorithm=AES256}}]", "BucketEncryption", "ServerSideEncryptionConfiguration")
		bucket.expect(t, "Enabled", "VersioningConfiguration", "Status")
		// Only what the application does not serve may ever expire.
		bucket.expect(t, "[{AbortIncompleteMultipartUpload={DaysAfterInitiation=1} ExpiredObjectDeleteMarker=true Id=leftovers "+
			"NoncurrentVersionExpiration={NoncurrentDays=30} Status=Enabled}]", "LifecycleConfiguration", "Rules")
		bucket.expect(t, "[{AllowedHeaders=[*] AllowedMethods=[GET POST] AllowedOrigins=[*] ExposedHeaders=[ETag] MaxAge=3600}]", "CorsConfiguration", "CorsRules")
		bucket.expectRemoval(t, "Retain")
		onlyEncrypted(t, standard, bucket)
	}
}

func bucketsTellTheirQueuesAndNobodyElseDoes(t testing.TB, standard template) {
	for _, b := range topology.Buckets() {
		i := slices.IndexFunc(topology.Queues(), func(q topology.Queue) bool { return q.ID == b.Queue })
		queue := standard.named(t, "AWS::SQS::Queue", "QueueName", topology.Queues()[i].Name("annals"))
		bucketOf(t, standard, b).expect(t, "[{Event=s3:ObjectCreated:* Queue="+queue.arn()+"}]", "NotificationConfiguration", "QueueConfigurations")
		policy := standard.named(t, "AWS::SQS::QueuePolicy", "Queues", "["+queue.ref()+"]")
		if depends := bucketOf(t, standard, b).DependsOn; !slices.Contains(depends, policy.id) {
			t.Errorf("the bucket is made after %v, and has to come after %s", depends, policy.id)
		}
		policy.expect(t, "[{Action=sqs:* Condition={Bool={aws:SecureTransport=false}} Effect=Deny Principal={AWS=*} Resource="+queue.arn()+"} {Action=sqs:SendMessage Condition={ArnEquals={aws:SourceArn=arn:${AWS::Partition}:s3:::annals-"+b.Suffix+hereOnly+
			"} StringEquals={aws:SourceAccount=${AWS::AccountId}}} Effect=Allow Principal={Service=s3.amazonaws.com} Resource="+queue.arn()+"}]", "PolicyDocument", "Statement")
	}
}
