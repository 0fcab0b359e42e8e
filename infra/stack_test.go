package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

func TestTablesAreExactlyThoseOfTheTopology(t *testing.T) {
	type facts struct{ Keys, Stream string }
	got, want := map[string]facts{}, map[string]facts{}
	for _, r := range standard.all("AWS::DynamoDB::Table") {
		types := map[string]string{}
		for _, a := range list(r.Properties["AttributeDefinitions"]) {
			types[at(a, "AttributeName")] = at(a, "AttributeType")
		}
		var keys []string
		for _, k := range list(r.Properties["KeySchema"]) {
			name := at(k, "AttributeName")
			keys = append(keys, fmt.Sprintf("%s %s %s", at(k, "KeyType"), types[name], name))
			delete(types, name)
		}
		if len(types) > 0 {
			t.Errorf("%s defines attributes that are no keys: %v", r.at("TableName"), types)
		}
		put(t, got, r.at("TableName"), facts{strings.Join(keys, ", "), r.at("StreamSpecification", "StreamViewType")})
	}
	for _, table := range topology.Tables() {
		f := facts{Keys: fmt.Sprintf("HASH %s %s", table.Partition.Type, table.Partition.Name)}
		if table.Sort != nil {
			f.Keys += fmt.Sprintf(", RANGE %s %s", table.Sort.Type, table.Sort.Name)
		}
		if table.Stream {
			f.Stream = "NEW_IMAGE"
		}
		want["annals-"+table.Suffix] = f
	}
	same(t, "table", got, want)
}

func TestTablesAreOnDemandProtectedAndRetained(t *testing.T) {
	for _, r := range standard.all("AWS::DynamoDB::Table") {
		r.expect(t, "PAY_PER_REQUEST", "BillingMode")
		r.expect(t, "true", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
		r.expect(t, "true", "DeletionProtectionEnabled")
		r.expectRemoval(t, "Retain")
	}
}

func TestWrappingKeyRotatesAndIsRetained(t *testing.T) {
	key := standard.only(t, "AWS::KMS::Key")
	key.expect(t, "true", "EnableKeyRotation")
	key.expectRemoval(t, "Retain")
}

// Custom resources, managed policies and other extras that constructs may add would be
// parts that neither the topology nor the tests above know.
func TestNothingElseIsDeployed(t *testing.T) {
	functions, routed := len(topology.Functions()), map[string]bool{topology.DefaultRoute: true}
	for _, r := range topology.Routes() {
		routed[r.Function] = true
	}
	want := map[string]int{
		"AWS::ApiGatewayV2::Api":          1,
		"AWS::ApiGatewayV2::Authorizer":   1,
		"AWS::ApiGatewayV2::Integration":  len(routed),
		"AWS::ApiGatewayV2::Route":        len(topology.Routes()) + 1,
		"AWS::ApiGatewayV2::Stage":        1,
		"AWS::DynamoDB::Table":            len(topology.Tables()),
		"AWS::IAM::Role":                  functions,
		"AWS::KMS::Key":                   1,
		"AWS::Lambda::EventSourceMapping": len(topology.EventSources()),
		"AWS::Lambda::Function":           functions,
		"AWS::Lambda::Permission":         len(routed) + 1,
		"AWS::Logs::LogGroup":             functions + 1,
		"AWS::S3::Bucket":                 1,
		"AWS::S3::BucketPolicy":           1,
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
	for _, log := range changed.all("AWS::Logs::LogGroup") {
		if !strings.Contains(log.at("LogGroupName"), "/other-") {
			t.Errorf("the log group %s would collide with another system's", log.at("LogGroupName"))
		}
	}
}
