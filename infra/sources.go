package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// eventSource starts at TRIM_HORIZON so that no commit made during a deployment is missed,
// and bisects so that one bad record does not take its batch to the failure bucket.
func (s *system) eventSource(e topology.EventSource) awslambda.CfnEventSourceMapping {
	return awslambda.NewCfnEventSourceMapping(s.stack, jsii.String(logicalID(e.Function)+"From"+e.Table), &awslambda.CfnEventSourceMappingProps{
		FunctionName:                   s.functions[e.Function].Ref(),
		EventSourceArn:                 s.tables[e.Table].AttrStreamArn(),
		StartingPosition:               jsii.String("TRIM_HORIZON"),
		BatchSize:                      jsii.Number(e.BatchSize),
		MaximumBatchingWindowInSeconds: jsii.Number(e.Window.Seconds()),
		BisectBatchOnFunctionError:     jsii.Bool(true),
		FunctionResponseTypes:          jsii.Strings("ReportBatchItemFailures"),
		MaximumRetryAttempts:           jsii.Number(e.Retries),
		MaximumRecordAgeInSeconds:      jsii.Number(e.MaxAge.Seconds()),
		ParallelizationFactor:          jsii.Number(e.Parallel),
		FilterCriteria:                 filter(e),
		// These count what was given up, which alarms are for.
		MetricsConfig: &awslambda.CfnEventSourceMapping_MetricsConfigProperty{Metrics: jsii.Strings("EventCount")},
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: s.failures.BucketArn()},
		},
	})
}

// filter is one pattern, not two, because patterns are joined by OR and a record has to
// meet both conditions. It is nil, not empty, if every record is wanted.
func filter(e topology.EventSource) any {
	pattern := map[string]any{}
	if len(e.EventNames) > 0 {
		pattern["eventName"] = e.EventNames
	}
	if len(e.StreamTypes) > 0 {
		// A pattern matches a string set if it shares one member with it.
		pattern["dynamodb"] = map[string]any{"NewImage": map[string]any{"types": map[string]any{"SS": e.StreamTypes}}}
	}
	if len(pattern) == 0 {
		return nil
	}
	text, err := json.Marshal(pattern)
	if err != nil {
		panic(err) // strings and maps of strings always marshal
	}
	return &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{
		Filters: []*awslambda.CfnEventSourceMapping_FilterProperty{{Pattern: jsii.String(string(text))}},
	}
}

// deadLetterDays is the longest that SQS keeps a message.
const deadLetterDays = 14

// queue gets a queue of dead letters beside it, for messages that fail again and again.
func (s *system) queue(q topology.Queue) {
	dead := awssqs.NewCfnQueue(s.stack, jsii.String(q.ID+"DeadLetters"), &awssqs.CfnQueueProps{
		QueueName:              jsii.String(q.Name(s.props.Name) + "-dead"),
		MessageRetentionPeriod: jsii.Number((deadLetterDays * 24 * time.Hour).Seconds()),
		SqsManagedSseEnabled:   jsii.Bool(true),
	})
	queue := awssqs.NewCfnQueue(s.stack, jsii.String(q.ID+"Queue"), &awssqs.CfnQueueProps{
		QueueName:            jsii.String(q.Name(s.props.Name)),
		VisibilityTimeout:    jsii.Number(q.Visibility.Seconds()),
		SqsManagedSseEnabled: jsii.Bool(true),
		RedrivePolicy:        map[string]any{"deadLetterTargetArn": dead.AttrArn(), "maxReceiveCount": q.Receives},
	})
	statements := []awsiam.PolicyStatement{onlyTLS("sqs:*", *queue.AttrArn())}
	for _, b := range topology.Buckets() {
		if b.Queue == q.ID {
			statements = append(statements, s.letNotify(b, queue))
		}
	}
	s.queues[q.ID], s.dead[q.ID] = queue, dead
	s.policies[q.ID] = s.queuePolicy(q.ID+"QueuePolicy", queue, statements...)
	s.queuePolicy(q.ID+"DeadLettersPolicy", dead, onlyTLS("sqs:*", *dead.AttrArn()))
}

func (s *system) queuePolicy(id string, queue awssqs.CfnQueue, statements ...awsiam.PolicyStatement) awssqs.CfnQueuePolicy {
	return awssqs.NewCfnQueuePolicy(s.stack, &id, &awssqs.CfnQueuePolicyProps{
		Queues: &[]*string{queue.Ref()}, PolicyDocument: document(statements...),
	})
}

// queueSource hands over one message at a time, so that no failure brings another one back.
func (s *system) queueSource(q topology.Queue) {
	awslambda.NewCfnEventSourceMapping(s.stack, jsii.String(logicalID(q.Function)+"From"+q.ID), &awslambda.CfnEventSourceMappingProps{
		FunctionName:   s.functions[q.Function].Ref(),
		EventSourceArn: s.queues[q.ID].AttrArn(),
		BatchSize:      jsii.Number(1),
		// A limit here, unlike reserved concurrency, takes nothing from the account's other functions.
		ScalingConfig: &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(q.Parallel)},
	})
}

// schedule is a rule, and not one of EventBridge Scheduler, because a rule needs no role: its
// permission is in the function's own policy, for this rule alone.
func (s *system) schedule(schedule topology.Schedule) {
	fn, id := s.functions[schedule.Function], logicalID(schedule.Function)
	rule := awsevents.NewCfnRule(s.stack, jsii.String(id+"Schedule"), &awsevents.CfnRuleProps{
		ScheduleExpression: jsii.String(rate(schedule)),
		Targets:            []any{&awsevents.CfnRule_TargetProperty{Id: &schedule.Function, Arn: fn.AttrArn()}},
	})
	s.permit(id+"SchedulePermission", fn, "events.amazonaws.com", rule.AttrArn())
}

// rate is in the words of EventBridge, which knows a minute from minutes.
func rate(s topology.Schedule) string {
	if n := int(s.Every.Minutes()); n != 1 {
		return fmt.Sprintf("rate(%d minutes)", n)
	}
	return "rate(1 minute)"
}

// failureBucket takes what a consumer could not process. S3 and not a queue, because Lambda
// hands S3 the records themselves, which a stream forgets after a day.
func (s *system) failureBucket() awss3.Bucket {
	return awss3.NewBucket(s.stack, jsii.String("Failures"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		RemovalPolicy:     s.removal(),
		LifecycleRules:    &[]*awss3.LifecycleRule{{Expiration: awscdk.Duration_Days(jsii.Number(90))}},
	})
}
