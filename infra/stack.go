package main

import (
	"cmp"
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

// longestRecovery is how many days DynamoDB's point-in-time recovery can reach back.
const longestRecovery = 35

// system is the stack while it is being built: later parts refer to what earlier ones made.
type system struct {
	stack     awscdk.Stack
	props     Props
	key       awskms.CfnKey
	signing   []awskms.CfnKey // in the order of Props.Signing
	failures  awss3.Bucket
	http      awsapigatewayv2.CfnApi
	mailSet   awsses.CfnConfigurationSet
	tables    map[string]awsdynamodb.CfnTable            // by topology.Table.ID
	queues    map[string]awssqs.CfnQueue                 // by topology.Queue.ID
	policies  map[string]awssqs.CfnQueuePolicy           // of queues, by topology.Queue.ID
	dead      map[string]awssqs.CfnQueue                 // dead letters, by topology.Queue.ID
	buckets   map[string]awss3.CfnBucket                 // by topology.Bucket.ID
	functions map[string]awslambda.CfnFunction           // by topology.Function.Name
	sources   map[string]awslambda.CfnEventSourceMapping // of streams, by topology.EventSource.Function
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
		policies:  map[string]awssqs.CfnQueuePolicy{},
		dead:      map[string]awssqs.CfnQueue{},
		buckets:   map[string]awss3.CfnBucket{},
		functions: map[string]awslambda.CfnFunction{},
		sources:   map[string]awslambda.CfnEventSourceMapping{},
	}
	s.key = s.wrappingKey()
	for _, name := range props.Signing {
		s.signing = append(s.signing, s.signingKey(name))
	}
	for _, t := range topology.Tables() {
		s.tables[t.ID] = s.table(t)
	}
	for _, q := range topology.Queues() {
		s.queue(q)
	}
	for _, b := range topology.Buckets() {
		s.buckets[b.ID] = s.bucket(b)
	}
	s.failures = s.failureBucket()
	s.http = s.httpAPI()
	s.mail()
	for _, f := range topology.Functions() {
		s.functions[f.Name] = s.function(f)
	}
	for _, e := range topology.EventSources() {
		s.sources[e.Function] = s.eventSource(e)
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
	s.dashboard(s.alarms())
	s.outputs()
	return s.stack
}

// keep leaves what holds data where it is when the stack, or its part of the stack, is deleted,
// unless the whole deployment is meant to be thrown away.
func (s *system) keep(r awscdk.CfnResource) { r.ApplyRemovalPolicy(s.removal(), nil) }

func (s *system) removal() awscdk.RemovalPolicy {
	if s.props.Destroy {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN
}

func (s *system) output(id, description string, value *string) {
	awscdk.NewCfnOutput(s.stack, &id, &awscdk.CfnOutputProps{Description: &description, Value: value})
}

// outputs are what a person needs after a deployment, beside what other parts tell.
func (s *system) outputs() {
	s.output("EventsTableName", "Where the events are", s.tables["Events"].Ref())
	s.output("FilesBucketName", "Where the files are", s.buckets["Files"].Ref())
	s.output("FailuresBucketName", "Where records are that could not be processed", s.failures.BucketName())
	s.output("WrappingKeyArn", "What secrets for this deployment are encrypted under", s.key.AttrArn())
	s.output("BootstrapCommand", "Opens an operator's account; with the token in its answer, POST /auth/password/reset sets the password",
		jsii.String("aws lambda invoke --function-name "+*s.functions[topology.Bootstrap].Ref()+" --region "+*s.stack.Region()+
			` --cli-binary-format raw-in-base64-out --payload '{"email":"you@example.com"}' /dev/stdout`))
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
		DeletionProtectionEnabled: jsii.Bool(!s.props.Destroy),
		PointInTimeRecoverySpecification: &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{
			PointInTimeRecoveryEnabled: jsii.Bool(true), RecoveryPeriodInDays: jsii.Number(cmp.Or(t.Recovery, longestRecovery)),
		},
	}
	if t.Wrapped {
		props.SseSpecification = &awsdynamodb.CfnTable_SSESpecificationProperty{
			SseEnabled: jsii.Bool(true), SseType: jsii.String("KMS"), KmsMasterKeyId: s.key.AttrArn(),
		}
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
	s.keep(table)
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

// logGroup is made here rather than by AWS on first use, which would keep logs for ever.
func (s *system) logGroup(id, name string) awslogs.CfnLogGroup {
	group := awslogs.NewCfnLogGroup(s.stack, &id, &awslogs.CfnLogGroupProps{
		LogGroupName:    &name,
		RetentionInDays: jsii.Number(s.props.LogDays),
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
