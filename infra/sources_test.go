package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/interview-sandbox/annals/internal/topology"
)

func eventSourcesAreExactlyThoseOfTheTopology(t testing.TB, standard template) {
	type facts struct {
		Stream, Start, Batch, Window, Bisect, Report, Retries, MaxAge, Parallel, Failures, Counts string
		Filters                                                                                   []any
	}
	got, want := map[string]facts{}, map[string]facts{}
	for _, r := range standard.all("AWS::Lambda::EventSourceMapping") {
		if r.at("StartingPosition") == "" {
			continue // of a queue
		}
		f := facts{r.at("EventSourceArn"), r.at("StartingPosition"), r.at("BatchSize"), r.at("MaximumBatchingWindowInSeconds"),
			r.at("BisectBatchOnFunctionError"), r.at("FunctionResponseTypes"), r.at("MaximumRetryAttempts"),
			r.at("MaximumRecordAgeInSeconds"), r.at("ParallelizationFactor"), r.at("DestinationConfig", "OnFailure", "Destination"), r.at("MetricsConfig"), nil}
		if criteria, ok := r.Properties["FilterCriteria"].(map[string]any); ok {
			f.Filters = patterns(t, criteria)
		}
		put(t, got, r.at("FunctionName")+" from "+r.at("EventSourceArn"), f)
	}
	for _, e := range topology.EventSources() {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+e.Function)
		table := slices.IndexFunc(topology.Tables(), func(t topology.Table) bool { return t.ID == e.Table })
		stream := "${" + standard.named(t, "AWS::DynamoDB::Table", "TableName", topology.Tables()[table].Name("annals")).id + ".StreamArn}"
		want[fn.ref()+" from "+stream] = facts{stream, "TRIM_HORIZON", strconv.Itoa(e.BatchSize), seconds(e.Window),
			"true", "[ReportBatchItemFailures]", strconv.Itoa(e.Retries), seconds(e.MaxAge), strconv.Itoa(e.Parallel),
			failureBucket(t, standard).arn(), "{Metrics=[EventCount]}", wanted(e)}
	}
	same(t, "event source", got, want)
}

func queuesAreExactlyThoseOfTheTopology(t testing.TB, standard template) {
	type facts struct{ Visibility, Retention, Encrypted, Redrive string }
	got, want := map[string]facts{}, map[string]facts{}
	for _, r := range standard.all("AWS::SQS::Queue") {
		put(t, got, r.at("QueueName"), facts{r.at("VisibilityTimeout"), r.at("MessageRetentionPeriod"), r.at("SqsManagedSseEnabled"), r.at("RedrivePolicy")})
	}
	sources := map[string]string{}
	for _, r := range standard.all("AWS::Lambda::EventSourceMapping") {
		if r.at("StartingPosition") == "" {
			put(t, sources, r.at("EventSourceArn"), r.at("FunctionName")+" "+r.at("BatchSize")+" "+r.at("ScalingConfig"))
		}
	}
	wantSources := map[string]string{}
	for _, q := range topology.Queues() {
		dead := standard.named(t, "AWS::SQS::Queue", "QueueName", "annals-"+q.Suffix+"-dead")
		want["annals-"+q.Suffix+"-dead"] = facts{"", "1209600", "true", ""}
		want["annals-"+q.Suffix] = facts{seconds(q.Visibility), "", "true",
			"{deadLetterTargetArn=" + dead.arn() + " maxReceiveCount=" + strconv.Itoa(q.Receives) + "}"}
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+q.Function)
		wantSources[standard.named(t, "AWS::SQS::Queue", "QueueName", "annals-"+q.Suffix).arn()] =
			fn.ref() + " 1 {MaximumConcurrency=" + strconv.Itoa(q.Parallel) + "}"
	}
	same(t, "queue", got, want)
	same(t, "source of the queue", sources, wantSources)
}

func TestFilterAsksForNamesAndTypesTogether(t *testing.T) {
	for name, e := range map[string]topology.EventSource{
		"nothing": {},
		"names":   {EventNames: []string{"INSERT"}},
		"types":   {StreamTypes: []string{"payment.captured.v1", "payment.refunded.v1"}},
		"both":    {EventNames: []string{"INSERT"}, StreamTypes: []string{"payment.captured.v1"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []any
			if criteria, ok := filter(e).(*awslambda.CfnEventSourceMapping_FilterCriteriaProperty); ok {
				body, err := json.Marshal(criteria)
				if err != nil {
					t.Fatal(err)
				}
				var m map[string]any
				if err := json.Unmarshal(body, &m); err != nil {
					t.Fatal(err)
				}
				got = patterns(t, m)
			}
			if !reflect.DeepEqual(got, wanted(e)) {
				t.Errorf("got %v, want %v", got, wanted(e))
			}
		})
	}
}

// patterns reads the patterns of filter criteria, whose field names begin with a capital in
// templates and without one in constructs.
func patterns(t testing.TB, criteria map[string]any) []any {
	t.Helper()
	var out []any
	for _, key := range []string{"Filters", "filters"} {
		for _, f := range list(criteria[key]) {
			var pattern any
			if err := json.Unmarshal([]byte(at(f, "Pattern")+at(f, "pattern")), &pattern); err != nil {
				t.Fatal(err)
			}
			out = append(out, pattern)
		}
	}
	return out
}

// wanted is the pattern for an event source, written down apart from the code under test.
func wanted(e topology.EventSource) []any {
	array := func(members []string) (out []any) {
		for _, s := range members {
			out = append(out, s)
		}
		return out
	}
	pattern := map[string]any{}
	if e.EventNames != nil {
		pattern["eventName"] = array(e.EventNames)
	}
	if e.StreamTypes != nil {
		pattern["dynamodb"] = map[string]any{"NewImage": map[string]any{"types": map[string]any{"SS": array(e.StreamTypes)}}}
	}
	if len(pattern) == 0 {
		return nil
	}
	return []any{pattern}
}

func schedulesAndRulesAreExactlyThoseOfTheTopology(t testing.TB, standard template) {
	got, want := map[string]string{}, map[string]string{}
	for _, r := range standard.all("AWS::Events::Rule") {
		put(t, got, r.at("Targets"), r.at("ScheduleExpression")+r.at("EventPattern")+r.at("State"))
	}
	for _, s := range topology.Schedules() {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+s.Function)
		want["[{Arn="+fn.arn()+" Id="+s.Function+"}]"] = map[time.Duration]string{time.Minute: "rate(1 minute)"}[s.Every]
	}
	for _, r := range topology.Rules() {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+r.Function)
		want["[{Arn="+fn.arn()+" Id="+r.Function+"}]"] = map[string]string{
			"feedback": "{detail={mail={tags={ses:configuration-set=[annals]}}} detail-type=[Email Bounced Email Complaint Received] source=[aws.ses]}",
		}[r.Function]
	}
	same(t, "rule", got, want)
	if got := rate(topology.Schedule{Every: 5 * time.Minute}); got != "rate(5 minutes)" {
		t.Errorf("every five minutes is %s", got)
	}
}

// ruleOf finds the rule that runs a function.
func ruleOf(t testing.TB, standard template, fn *resource) *resource {
	t.Helper()
	for _, r := range standard.all("AWS::Events::Rule") {
		if strings.Contains(r.at("Targets"), fn.arn()) {
			return r
		}
	}
	t.Fatalf("no rule runs %s", fn.id)
	return nil
}

func failedRecordsAreKeptPrivatelyForNinetyDays(t testing.TB, standard template) {
	bucket := failureBucket(t, standard)
	bucket.expect(t, "{BlockPublicAcls=true BlockPublicPolicy=true IgnorePublicAcls=true RestrictPublicBuckets=true}", "PublicAccessBlockConfiguration")
	bucket.expect(t, "[{ServerSideEncryptionByDefault={SSEAlgorithm=AES256}}]", "BucketEncryption", "ServerSideEncryptionConfiguration")
	bucket.expect(t, "[{ExpirationInDays=90 Status=Enabled}]", "LifecycleConfiguration", "Rules")
	bucket.expectRemoval(t, "Retain")
	onlyEncrypted(t, standard, bucket)
}

// failureBucket is the one whose name is left to CloudFormation.
func failureBucket(t testing.TB, standard template) *resource {
	t.Helper()
	return standard.named(t, "AWS::S3::Bucket", "BucketName", "")
}

// onlyEncrypted demands that nobody gets to a bucket without TLS.
func onlyEncrypted(t testing.TB, standard template, bucket *resource) {
	t.Helper()
	policy := standard.named(t, "AWS::S3::BucketPolicy", "Bucket", bucket.ref())
	policy.expect(t, "[{Action=s3:* Condition={Bool={aws:SecureTransport=false}} Effect=Deny Principal={AWS=*} Resource=["+
		bucket.arn()+" "+bucket.arn()+"/*]}]", "PolicyDocument", "Statement")
}

// These hold whatever the topology says, or a slip there would be deployed.
func TestEventSourcesReadInOrderOnlyNewCommitsAndGiveUpInTime(t *testing.T) {
	const retention = 24 * time.Hour // of a DynamoDB stream
	for _, e := range topology.EventSources() {
		if e.Parallel != 1 {
			t.Errorf("%s reads a shard %d times at once, which splits its order", e.Function, e.Parallel)
		}
		if !slices.Equal(e.EventNames, []string{"INSERT"}) {
			t.Errorf("%s reads %v, but a commit is only ever inserted", e.Function, e.EventNames)
		}
		// What fails for good is parked, so that only disturbances are retried; 10,000 is the
		// most that Lambda takes.
		if e.Retries < 100 || e.Retries > 10_000 || e.MaxAge < time.Minute || e.MaxAge > retention {
			t.Errorf("%s retries %d times for %v: too little to get over a disturbance, or without an end", e.Function, e.Retries, e.MaxAge)
		}
	}
}
