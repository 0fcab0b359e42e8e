package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

func tablesAreExactlyThoseOfTheTopology(t testing.TB, standard template) {
	type facts struct{ Keys, Indexes, Stream, Expires string }
	got, want := map[string]facts{}, map[string]facts{}
	for _, r := range standard.all("AWS::DynamoDB::Table") {
		types, used := map[string]string{}, map[string]bool{}
		for _, a := range list(r.Properties["AttributeDefinitions"]) {
			types[at(a, "AttributeName")] = at(a, "AttributeType")
		}
		schema := func(keys any) string {
			var all []string
			for _, k := range list(keys) {
				name := at(k, "AttributeName")
				all = append(all, fmt.Sprintf("%s %s %s", at(k, "KeyType"), types[name], name))
				used[name] = true
			}
			return strings.Join(all, ", ")
		}
		f := facts{Keys: schema(r.Properties["KeySchema"]), Stream: r.at("StreamSpecification", "StreamViewType")}
		for _, i := range list(r.Properties["GlobalSecondaryIndexes"]) {
			f.Indexes += fmt.Sprintf("%s on %s with %s; ", at(i, "IndexName"), schema(i.(map[string]any)["KeySchema"]), at(i, "Projection", "ProjectionType"))
		}
		if len(used) != len(types) {
			t.Errorf("%s defines the attributes %v and has the keys %v", r.at("TableName"), types, used)
		}
		if r.at("TimeToLiveSpecification", "Enabled") == "true" {
			f.Expires = r.at("TimeToLiveSpecification", "AttributeName")
		}
		put(t, got, r.at("TableName"), f)
	}
	for _, table := range topology.Tables() {
		f := facts{Keys: fmt.Sprintf("HASH %s %s", table.Partition.Type, table.Partition.Name), Expires: table.Expires}
		if table.Sort != nil {
			f.Keys += fmt.Sprintf(", RANGE %s %s", table.Sort.Type, table.Sort.Name)
		}
		for _, i := range table.Indexes {
			f.Indexes += fmt.Sprintf("%s on HASH %s %s, RANGE %s %s with KEYS_ONLY; ", i.Name, i.Partition.Type, i.Partition.Name, i.Sort.Type, i.Sort.Name)
		}
		if table.Stream {
			f.Stream = "NEW_IMAGE"
		}
		want["annals-"+table.Suffix] = f
	}
	same(t, "table", got, want)
}

func tablesAreOnDemandProtectedAndRetained(t testing.TB, standard template) {
	for _, r := range standard.all("AWS::DynamoDB::Table") {
		r.expect(t, "PAY_PER_REQUEST", "BillingMode")
		r.expect(t, "true", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
		r.expect(t, "true", "DeletionProtectionEnabled")
		r.expectRemoval(t, "Retain")
	}
}

func wrappingKeyRotatesAndIsRetained(t testing.TB, standard template) {
	key := wrappingKey(t, standard)
	key.expect(t, "true", "EnableKeyRotation")
	key.expectRemoval(t, "Retain")
}

// Custom resources, managed policies and other extras that constructs may add would be
// parts that neither the topology nor the tests above know.
func nothingElseIsDeployed(t testing.TB, standard template) {
	functions, routed := len(topology.Functions()), map[string]bool{topology.DefaultRoute: true}
	for _, r := range topology.Routes() {
		routed[r.Function] = true
	}
	want := map[string]int{
		"AWS::ApiGatewayV2::Api":                     1,
		"AWS::ApiGatewayV2::Authorizer":              1,
		"AWS::ApiGatewayV2::Integration":             len(routed),
		"AWS::ApiGatewayV2::Route":                   len(topology.Routes()) + 1,
		"AWS::ApiGatewayV2::Stage":                   1,
		"AWS::CloudWatch::Alarm":                     3*len(topology.EventSources()) + 2*functions + 2*len(topology.Queues()) + len(topology.Rules()) + len(topology.Tables()) + 5,
		"AWS::CloudWatch::Dashboard":                 1,
		"AWS::DynamoDB::Table":                       len(topology.Tables()),
		"AWS::Events::Rule":                          len(topology.Schedules()) + len(topology.Rules()),
		"AWS::IAM::Role":                             functions,
		"AWS::KMS::Key":                              2, // one wraps, one signs
		"AWS::Lambda::EventSourceMapping":            len(topology.EventSources()) + len(topology.Queues()),
		"AWS::Lambda::Function":                      functions,
		"AWS::Lambda::Permission":                    len(routed) + 1 + len(topology.Schedules()) + len(topology.Rules()),
		"AWS::Logs::LogGroup":                        functions + 1,
		"AWS::S3::Bucket":                            1 + len(topology.Buckets()),
		"AWS::S3::BucketPolicy":                      1 + len(topology.Buckets()),
		"AWS::SES::ConfigurationSet":                 1,
		"AWS::SES::ConfigurationSetEventDestination": 1,
		"AWS::SQS::Queue":                            2 * len(topology.Queues()),
		"AWS::SQS::QueuePolicy":                      2 * len(topology.Queues()),
	}
	got := map[string]int{}
	for _, r := range standard.Resources {
		got[r.Type]++
	}
	same(t, "number of", got, want)
}

func TestSettingsFromTheContextChangeNamesAndArchitecture(t *testing.T) {
	for _, table := range topology.Tables() {
		changed.named(t, "AWS::DynamoDB::Table", "TableName", "other-"+table.Suffix)
	}
	for _, f := range topology.Functions() {
		fn := changed.named(t, "AWS::Lambda::Function", "FunctionName", "other-"+f.Name)
		fn.expect(t, "[x86_64]", "Architectures")
		fn.expect(t, "other", "Environment", "Variables", "ANNALS_PREFIX")
	}
	reactor := changed.named(t, "AWS::Lambda::Function", "FunctionName", "other-reactor")
	reactor.expect(t, "post@annals.example", "Environment", "Variables", "ANNALS_MAIL_FROM")
	reactor.expect(t, "https://pages.annals.example", "Environment", "Variables", "ANNALS_PUBLIC_URL")
	for _, log := range changed.all("AWS::Logs::LogGroup") {
		log.expect(t, "30", "RetentionInDays")
		if !strings.Contains(log.at("LogGroupName"), "/other-") {
			t.Errorf("the log group %s would collide with another system's", log.at("LogGroupName"))
		}
	}
}

func ofMailWhatCameBackOrWasComplainedAboutIsTold(t testing.TB, standard template) {
	set, destination := standard.only(t, "AWS::SES::ConfigurationSet"), standard.only(t, "AWS::SES::ConfigurationSetEventDestination")
	set.expect(t, "annals", "Name")
	destination.expect(t, set.ref(), "ConfigurationSetName")
	destination.expect(t, "feedback", "EventDestination", "Name")
	destination.expect(t, "true", "EventDestination", "Enabled")
	destination.expect(t, "[bounce complaint]", "EventDestination", "MatchingEventTypes")
	destination.expect(t, "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/default", "EventDestination", "EventBridgeDestination", "EventBusArn")
}
