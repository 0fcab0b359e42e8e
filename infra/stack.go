package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// Props is what a deployment may choose. Everything else comes from the topology, so that
// two deployments cannot differ in anything that matters to the code.
type Props struct {
	Name      string   // prefixes every table and function, so that one account can hold several systems
	Arch      string   // arm64 costs less; x86_64 is for emulators that run functions on such a machine
	MailFrom  string   // sender of mail, whose address or domain is verified in SES
	PublicURL string   // where the links in mail lead; "": the API
	Signing   []string // names of the keys that sign access tokens; the first one does
	Build     string   // folder with <function>.zip, a setting so that tests need no real build
}

// logDays is long enough to look into an incident and short enough that logs do not become
// a second archive beside the events.
const logDays = 14

// system is the stack while it is being built: later parts refer to what earlier ones made.
type system struct {
	stack     awscdk.Stack
	props     Props
	key       awskms.CfnKey
	signing   []awskms.CfnKey // in the order of Props.Signing
	failures  awss3.Bucket
	http      awsapigatewayv2.CfnApi
	mailSet   awsses.CfnConfigurationSet
	tables    map[string]awsdynamodb.CfnTable  // by topology.Table.ID
	queues    map[string]awssqs.CfnQueue       // by topology.Queue.ID
	buckets   map[string]awss3.CfnBucket       // by topology.Bucket.ID
	functions map[string]awslambda.CfnFunction // by topology.Function.Name
}

// NewStack declares the whole system in one stack, because its parts are only correct
// together. It uses Cfn constructs wherever the higher-level ones would add policies with
// wildcards, managed policies or custom resources that nobody asked for.
func NewStack(scope constructs.Construct, id string, props Props) awscdk.Stack {
	s := &system{
		stack: awscdk.NewStack(scope, &id, &awscdk.StackProps{
			Description: jsii.String("Annals: an event-sourced backend"),
			// The usage-reporting resource would be one that the topology does not know.
			AnalyticsReporting: jsii.Bool(false),
		}),
		props:     props,
		tables:    map[string]awsdynamodb.CfnTable{},
		queues:    map[string]awssqs.CfnQueue{},
		buckets:   map[string]awss3.CfnBucket{},
		functions: map[string]awslambda.CfnFunction{},
	}
	for _, t := range topology.Tables() {
		s.tables[t.ID] = s.table(t)
	}
	for _, q := range topology.Queues() {
		s.queues[q.ID] = s.queue(q)
	}
	for _, b := range topology.Buckets() {
		s.buckets[b.ID] = s.bucket(b)
	}
	s.key = s.wrappingKey()
	for _, name := range props.Signing {
		s.signing = append(s.signing, s.signingKey(name))
	}
	s.failures = s.failureBucket()
	s.http = s.httpAPI()
	s.mail()
	for _, f := range topology.Functions() {
		s.functions[f.Name] = s.function(f)
	}
	for _, e := range topology.EventSources() {
		s.eventSource(e)
	}
	for _, q := range topology.Queues() {
		s.queueSource(q)
	}
	for _, schedule := range topology.Schedules() {
		s.schedule(schedule)
	}
	for _, r := range topology.Rules() {
		s.rule(r)
	}
	s.api()
	return s.stack
}

// table is retained and protected even from a stack's deletion: the events are the only
// source of truth, and the keys are what makes them readable.
func (s *system) table(t topology.Table) awsdynamodb.CfnTable {
	attributes := []*awsdynamodb.CfnTable_AttributeDefinitionProperty{attribute(t.Partition)}
	if t.Sort != nil {
		attributes = append(attributes, attribute(*t.Sort))
	}
	var indexes []*awsdynamodb.CfnTable_GlobalSecondaryIndexProperty
	for _, i := range t.Indexes {
		attributes = append(attributes, attribute(i.Partition), attribute(i.Sort))
		indexes = append(indexes, &awsdynamodb.CfnTable_GlobalSecondaryIndexProperty{
			IndexName:  jsii.String(i.Name),
			KeySchema:  keySchema(i.Partition, &i.Sort),
			Projection: &awsdynamodb.CfnTable_ProjectionProperty{ProjectionType: jsii.String("KEYS_ONLY")},
		})
	}
	props := &awsdynamodb.CfnTableProps{
		TableName:                 jsii.String(t.Name(s.props.Name)),
		KeySchema:                 keySchema(t.Partition, t.Sort),
		AttributeDefinitions:      attributes,
		BillingMode:               jsii.String("PAY_PER_REQUEST"),
		DeletionProtectionEnabled: jsii.Bool(true),
		PointInTimeRecoverySpecification: &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
	}
	if len(indexes) > 0 {
		props.GlobalSecondaryIndexes = indexes
	}
	if t.Stream {
		props.StreamSpecification = &awsdynamodb.CfnTable_StreamSpecificationProperty{
			StreamViewType: jsii.String("NEW_IMAGE"),
		}
	}
	if t.Expires != "" {
		props.TimeToLiveSpecification = &awsdynamodb.CfnTable_TimeToLiveSpecificationProperty{
			AttributeName: &t.Expires, Enabled: jsii.Bool(true),
		}
	}
	table := awsdynamodb.NewCfnTable(s.stack, jsii.String(t.ID+"Table"), props)
	table.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return table
}

func attribute(k topology.Key) *awsdynamodb.CfnTable_AttributeDefinitionProperty {
	return &awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: &k.Name, AttributeType: jsii.String(string(k.Type))}
}

func keySchema(partition topology.Key, sort *topology.Key) []*awsdynamodb.CfnTable_KeySchemaProperty {
	keys := []*awsdynamodb.CfnTable_KeySchemaProperty{{AttributeName: &partition.Name, KeyType: jsii.String("HASH")}}
	if sort != nil {
		keys = append(keys, &awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: &sort.Name, KeyType: jsii.String("RANGE")})
	}
	return keys
}

// wrappingKey is retained because losing it loses every key that it wraps. It has no key
// policy of its own: the one that KMS gives by default leaves access to the roles' policies.
func (s *system) wrappingKey() awskms.CfnKey {
	key := awskms.NewCfnKey(s.stack, jsii.String("WrappingKey"), &awskms.CfnKeyProps{
		Description:       jsii.String("Wraps the keys of " + s.props.Name),
		EnableKeyRotation: jsii.Bool(true),
	})
	key.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return key
}

// logGroup is made here rather than by AWS on first use, which would keep logs for ever.
func (s *system) logGroup(id, name string) awslogs.CfnLogGroup {
	group := awslogs.NewCfnLogGroup(s.stack, &id, &awslogs.CfnLogGroupProps{
		LogGroupName:    &name,
		RetentionInDays: jsii.Number(logDays),
	})
	group.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	return group
}

// logicalID makes CommandAuth of command-auth, because CloudFormation's names have no
// hyphens and tools address a function by this name.
func logicalID(name string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}
