package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// A metric is a number that CloudWatch keeps, by its statistic.
type metric struct {
	namespace, name, stat string
	dimensions            map[string]*string
}

// own is a metric that the functions write to their logs, of the system as a whole.
func (s *system) own(name, stat string) metric {
	return metric{"Annals", name, stat, map[string]*string{"System": &s.props.Name}}
}

func (s *system) ofFunction(name, stat, function string) metric {
	return metric{"AWS/Lambda", name, stat, map[string]*string{"FunctionName": s.functions[function].Ref()}}
}

func (s *system) ofSource(name string, e topology.EventSource) metric {
	return metric{"AWS/Lambda", name, "Sum", map[string]*string{"EventSourceMappingUUID": s.sources[e.Function].Ref()}}
}

// ofQueue takes the name of the queue, by which SQS counts.
func ofQueue(name, queue string) metric {
	return metric{"AWS/SQS", name, "Maximum", map[string]*string{"QueueName": &queue}}
}

func (s *system) ofAPI(name, stat string) metric {
	return metric{"AWS/ApiGateway", name, stat, map[string]*string{"ApiId": s.http.Ref()}}
}

// An alarm is raised if a metric, or what is computed of metrics, is too high or too low in some of
// the last periods of five minutes.
type alarm struct {
	id         string // of the resource; the alarm's name is the same words
	says       string // what has happened, and what to do
	metric     metric
	expression string            // instead of metric: of the metrics by their names, or a query
	metrics    map[string]metric // what an expression is of
	above      float64
	below      float64 // instead of above, if it is not 0
	of, out    float64 // so many of so many periods
	silence    string  // what it means if there are no numbers; "": that all is well
}

// period is that of every alarm, in seconds.
const period = 300

// alarms are raised for what somebody has to look at, and tell a topic if there is one.
func (s *system) alarms() []awscloudwatch.CfnAlarm {
	var all []alarm
	for _, e := range topology.EventSources() {
		id := logicalID(e.Function)
		all = append(all,
			alarm{id: id + "IsLate", above: 60_000, of: 2, out: 2, metric: s.ofFunction("IteratorAge", "Maximum", e.Function),
				says: "What " + e.Function + " takes from the stream is over a minute old; after a day the stream forgets it. Look at the function's errors, throttles and log; if there are none, at the rate of writes."},
			alarm{id: id + "GaveUp", above: 0, of: 1, out: 1, metric: s.ofSource("OnFailureDestinationDeliveredEventCount", e),
				says: e.Function + " could not process records, which are in the bucket of failures. Find out why in its log, deploy what mends it, and redrive: POST /admin/parked/redrive."},
			alarm{id: id + "Dropped", above: 0, of: 1, out: 1, metric: s.ofSource("DroppedEventCount", e),
				says: e.Function + " could not process records, and the bucket of failures did not take them. The events are there: rebuild the views (POST /admin/views/{view}/rebuild), and see that the bucket is."})
	}
	for _, f := range topology.Functions() {
		id := logicalID(f.Name)
		all = append(all,
			alarm{id: id + "Fails", above: 0, of: 2, out: 3, metric: s.ofFunction("Errors", "Sum", f.Name),
				says: "Invocations of " + f.Name + " fail or run out of time. Its log has a line with the reason for each."},
			alarm{id: id + "IsThrottled", above: 0, of: 2, out: 3, metric: s.ofFunction("Throttles", "Sum", f.Name),
				says: "Lambda refuses invocations of " + f.Name + ". Look whether the account's concurrency is used up, and by what; ask for more in Service Quotas."})
	}
	for _, q := range topology.Queues() {
		all = append(all,
			alarm{id: q.ID + "IsLate", above: 900, of: 2, out: 2, metric: ofQueue("ApproximateAgeOfOldestMessage", *s.queues[q.ID].AttrQueueName()),
				says: "A message for " + q.Function + " is over a quarter of an hour old: it fails again and again, or there are too many. The function's log says which."},
			alarm{id: q.ID + "HasDeadLetters", above: 0, of: 1, out: 1, metric: ofQueue("ApproximateNumberOfMessagesVisible", *s.dead[q.ID].AttrQueueName()),
				says: "Messages for " + q.Function + " failed for a day. Mend what its log says and have SQS redrive the dead letters, within two weeks."})
	}
	for _, r := range topology.Rules() {
		// Lambda brings an event three times within minutes, and then forgets it:
		// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
		all = append(all, alarm{id: logicalID(r.Function) + "IsLost", above: 0, of: 1, out: 1, metric: s.ofFunction("AsyncEventsDropped", "Sum", r.Function),
			says: r.Function + " failed three times on an event of " + r.Source + ", which is lost: mail may go on to an address that bounces. Mend what its log says; SES's own suppression list has such addresses too."})
	}
	// In a query of CloudWatch Metrics Insights conditions are joined by AND alone, so each table has one:
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
	ofTables := func(metric, where string) string {
		return "SELECT SUM(" + metric + `) FROM SCHEMA("AWS/DynamoDB", Operation, TableName)` + where
	}
	for _, t := range topology.Tables() {
		all = append(all, alarm{id: t.ID + "TableThrottles", above: 0, of: 2, out: 3,
			expression: ofTables("ThrottledRequests", " WHERE TableName = '"+t.Name(s.props.Name)+"'"),
			says:       "DynamoDB refuses requests to " + t.Name(s.props.Name) + ". One stream or row that everybody writes takes 1,000 writes a second at most, and a quota of the account may be reached."})
	}
	all = append(all,
		alarm{id: "TablesFail", above: 0, of: 2, out: 3, expression: ofTables("SystemErrors", ""),
			says: "DynamoDB fails by itself, for some table of the account. Requests are tried again; look at the AWS Health Dashboard."},
		alarm{id: "StreamsAreParked", above: 0, of: 1, out: 1, metric: metric{"Annals", "Parked", "Maximum", map[string]*string{"System": &s.props.Name}},
			says: "A view or a reactor cannot follow a stream; everything else goes on. GET /admin/parked says which and why. Deploy what mends it and redrive: POST /admin/parked/redrive."},
		alarm{id: "ClockStands", below: 1, of: 2, out: 2, silence: "breaching", metric: s.ofFunction("Invocations", "Sum", "clock"),
			says: "No deadline is answered: the function clock has not run for ten minutes. See whether its rule in EventBridge is enabled and what its log says."},
		alarm{id: "ApiFails", above: 1, of: 2, out: 2, expression: "IF(requests >= 20, 100 * failures / requests, 0)",
			metrics: map[string]metric{"failures": s.ofAPI("5xx", "Sum"), "requests": s.ofAPI("Count", "Sum")},
			says:    "Over 1 % of the requests are answered with a 5xx. The access log has their routes, and the function's log the reason under the same requestId."},
		alarm{id: "ApiIsSlow", above: 2000, of: 3, out: 3, metric: s.ofAPI("Latency", "p99"),
			says: "One request in a hundred takes over two seconds. The dashboard shows which function; look at its cold starts, and at DynamoDB's latency."})

	topic := s.alarmTopic()
	var made []awscloudwatch.CfnAlarm
	for _, a := range all {
		made = append(made, s.alarm(a, topic))
	}
	return made
}

func (s *system) alarm(a alarm, topic *string) awscloudwatch.CfnAlarm {
	silence := "notBreaching"
	if a.silence != "" {
		silence = a.silence
	}
	comparison, threshold := "GreaterThanThreshold", a.above
	if a.below != 0 {
		comparison, threshold = "LessThanThreshold", a.below
	}
	props := &awscloudwatch.CfnAlarmProps{
		AlarmName:          jsii.String(s.props.Name + "-" + a.id),
		AlarmDescription:   jsii.String(a.says + " More: infra/README.md, What each alarm means."),
		ComparisonOperator: &comparison,
		Threshold:          &threshold,
		DatapointsToAlarm:  jsii.Number(a.of),
		EvaluationPeriods:  jsii.Number(a.out),
		TreatMissingData:   &silence,
	}
	if topic != nil {
		props.AlarmActions, props.OkActions = &[]any{topic}, &[]any{topic}
	}
	if a.expression != "" {
		queries := []any{}
		for _, id := range []string{"failures", "requests"} {
			if m, ok := a.metrics[id]; ok {
				queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
					Id: jsii.String(id), ReturnData: jsii.Bool(false),
					MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
						Metric: &awscloudwatch.CfnAlarm_MetricProperty{Namespace: &m.namespace, MetricName: &m.name, Dimensions: dimensions(m)},
						Period: jsii.Number(period), Stat: &m.stat,
					},
				})
			}
		}
		query := &awscloudwatch.CfnAlarm_MetricDataQueryProperty{Id: jsii.String("result"), Expression: &a.expression, ReturnData: jsii.Bool(true)}
		if len(a.metrics) == 0 {
			query.Period = jsii.Number(period)
		}
		props.Metrics = append(queries, query)
	} else {
		props.Namespace, props.MetricName, props.Dimensions, props.Period = &a.metric.namespace, &a.metric.name, dimensions(a.metric), jsii.Number(period)
		if strings.HasPrefix(a.metric.stat, "p") {
			props.ExtendedStatistic = &a.metric.stat
			props.EvaluateLowSampleCountPercentile = jsii.String("ignore")
		} else {
			props.Statistic = &a.metric.stat
		}
	}
	return awscloudwatch.NewCfnAlarm(s.stack, jsii.String(a.id+"Alarm"), props)
}

func dimensions(m metric) []any {
	all := []any{}
	for name, value := range m.dimensions { // each metric has one
		all = append(all, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(name), Value: value})
	}
	return all
}

// alarmTopic is whom alarms tell; nil: nobody.
func (s *system) alarmTopic() *string {
	switch {
	case s.props.AlarmTopic != "":
		return &s.props.AlarmTopic
	case s.props.AlarmMail == "":
		return nil
	}
	cloudWatch := awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)
	ours := &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}}
	// CloudWatch cannot use the key that SNS has of its own.
	key := awskms.NewCfnKey(s.stack, jsii.String("AlarmsKey"), &awskms.CfnKeyProps{
		Description:       jsii.String("Encrypts the alarms of " + s.props.Name),
		EnableKeyRotation: jsii.Bool(true),
		KeyPolicy: document(s.ofAccount(administration, nil), awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{cloudWatch}, Actions: jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"),
			Resources: jsii.Strings("*"), Conditions: ours,
		})),
	})
	key.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	topic := awssns.NewCfnTopic(s.stack, jsii.String("Alarms"), &awssns.CfnTopicProps{
		TopicName: jsii.String(s.props.Name + "-alarms"), KmsMasterKeyId: key.AttrArn(),
		Subscription: []any{&awssns.CfnTopic_SubscriptionProperty{Protocol: jsii.String("email"), Endpoint: &s.props.AlarmMail}},
	})
	awssns.NewCfnTopicPolicy(s.stack, jsii.String("AlarmsPolicy"), &awssns.CfnTopicPolicyProps{
		Topics: &[]*string{topic.Ref()},
		PolicyDocument: document(onlyTLS("sns:Publish", *topic.Ref()), awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Principals: &[]awsiam.IPrincipal{cloudWatch}, Actions: jsii.Strings("sns:Publish"), Resources: &[]*string{topic.Ref()}, Conditions: ours,
		})),
	})
	return topic.Ref()
}
