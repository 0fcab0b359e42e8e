package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

func alarmsAreForEverythingThatCanGoWrong(t testing.TB, standard template) {
	type facts struct{ Metric, Stat, Of, Above, Periods, Silence, Rest string }
	got, want := map[string]facts{}, map[string]facts{}
	for _, r := range standard.all("AWS::CloudWatch::Alarm") {
		comparison := "GreaterThanThreshold"
		if r.at("AlarmName") == "annals-ClockStands" {
			comparison = "LessThanThreshold"
		}
		r.expect(t, comparison, "ComparisonOperator")
		f := facts{r.at("Namespace") + " " + r.at("MetricName"), r.at("Statistic") + r.at("ExtendedStatistic") + " " + r.at("Period"), "",
			r.at("Threshold"), r.at("DatapointsToAlarm") + "/" + r.at("EvaluationPeriods"), r.at("TreatMissingData"),
			r.at("EvaluateLowSampleCountPercentile") + r.at("AlarmActions") + r.at("OKActions") + r.at("ActionsEnabled")}
		for _, d := range list(r.Properties["Dimensions"]) {
			f.Of += at(d, "Name") + "=" + at(d, "Value")
		}
		if metrics := list(r.Properties["Metrics"]); metrics != nil {
			f.Metric, f.Stat = text(metrics), ""
		}
		put(t, got, r.at("AlarmName"), f)
	}
	alarm := func(name, metric, stat, of, above, periods string) {
		want["annals-"+name] = facts{metric, stat + " 300", of, above, periods, "notBreaching", ""}
	}
	for _, e := range topology.EventSources() {
		id, fn := logicalID(e.Function), standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+e.Function)
		alarm(id+"IsLate", "AWS/Lambda IteratorAge", "Maximum", "FunctionName="+fn.ref(), "60000", "2/2")
		for _, r := range standard.all("AWS::Lambda::EventSourceMapping") {
			if r.at("FunctionName") == fn.ref() {
				alarm(id+"GaveUp", "AWS/Lambda OnFailureDestinationDeliveredEventCount", "Sum", "EventSourceMappingUUID="+r.ref(), "0", "1/1")
				alarm(id+"Dropped", "AWS/Lambda DroppedEventCount", "Sum", "EventSourceMappingUUID="+r.ref(), "0", "1/1")
			}
		}
	}
	for _, f := range topology.Functions() {
		of := "FunctionName=" + standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+f.Name).ref()
		alarm(logicalID(f.Name)+"Fails", "AWS/Lambda Errors", "Sum", of, "0", "2/3")
		alarm(logicalID(f.Name)+"IsThrottled", "AWS/Lambda Throttles", "Sum", of, "0", "2/3")
	}
	for _, q := range topology.Queues() {
		name := func(suffix string) string {
			return "QueueName=${" + standard.named(t, "AWS::SQS::Queue", "QueueName", q.Name("annals")+suffix).id + ".QueueName}"
		}
		alarm(q.ID+"IsLate", "AWS/SQS ApproximateAgeOfOldestMessage", "Maximum", name(""), "900", "2/2")
		alarm(q.ID+"HasDeadLetters", "AWS/SQS ApproximateNumberOfMessagesVisible", "Maximum", name("-dead"), "0", "1/1")
	}
	for _, r := range topology.Rules() {
		alarm(logicalID(r.Function)+"IsLost", "AWS/Lambda AsyncEventsDropped", "Sum", "FunctionName="+standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+r.Function).ref(), "0", "1/1")
	}
	api := "ApiId=" + standard.only(t, "AWS::ApiGatewayV2::Api").ref()
	alarm("StreamsAreParked", "Annals Parked", "Maximum", "System=annals", "0", "1/1")
	alarm("ApiIsSlow", "AWS/ApiGateway Latency", "p99", api, "2000", "3/3")
	alarm("ClockStands", "AWS/Lambda Invocations", "Sum", "FunctionName="+standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-clock").ref(), "1", "2/2")
	stands := want["annals-ClockStands"]
	stands.Silence = "breaching" // a clock that does not run counts nothing
	want["annals-ClockStands"] = stands
	slow := want["annals-ApiIsSlow"]
	slow.Rest = "ignore" // a p99 of a few requests
	want["annals-ApiIsSlow"] = slow

	computed := func(name, metrics, above, periods, silence string) {
		want["annals-"+name] = facts{"[" + metrics + "]", "", "", above, periods, silence, ""}
	}
	input := func(id, namespace, name, of string) string {
		key, value, _ := strings.Cut(of, "=")
		return "{Id=" + id + " MetricStat={Metric={Dimensions=[{Name=" + key + " Value=" + value + "}] MetricName=" + name +
			" Namespace=" + namespace + "} Period=300 Stat=Sum} ReturnData=false} "
	}
	query := func(name, metric, where string) {
		computed(name, "{Expression=SELECT SUM("+metric+`) FROM SCHEMA("AWS/DynamoDB", Operation, TableName)`+where+
			" Id=result Period=300 ReturnData=true}", "0", "2/3", "notBreaching")
	}
	for _, table := range topology.Tables() {
		query(table.ID+"TableThrottles", "ThrottledRequests", " WHERE TableName = 'annals-"+table.Suffix+"'")
	}
	query("TablesFail", "SystemErrors", "")
	computed("ApiFails", input("failures", "AWS/ApiGateway", "5xx", api)+input("requests", "AWS/ApiGateway", "Count", api)+
		"{Expression=IF(requests >= 20, 100 * failures / requests, 0) Id=result ReturnData=true}", "1", "2/2", "notBreaching")
	same(t, "alarm", got, want)
}

// CloudWatch takes nothing else, and refuses the alarm and with it the deployment.
func queriesAreInTheWordsOfMetricsInsights(t testing.TB, standard template) {
	form := regexp.MustCompile(`^SELECT SUM\(\w+\) FROM SCHEMA\("[\w/]+"(, \w+)+\)( WHERE \w+ !?= '[^']+'( AND \w+ !?= '[^']+')*)?$`)
	for _, r := range standard.all("AWS::CloudWatch::Alarm") {
		for _, m := range list(r.Properties["Metrics"]) {
			if query := at(m, "Expression"); strings.HasPrefix(query, "SELECT") && !form.MatchString(query) {
				t.Errorf("%s asks: %s", r.id, query)
			}
		}
	}
}

func alarmsSayWhatToDo(t testing.TB, standard template) {
	for _, r := range standard.all("AWS::CloudWatch::Alarm") {
		if says := r.at("AlarmDescription"); len(says) < 80 || len(says) > 1024 || !strings.HasSuffix(says, " More: infra/README.md, What each alarm means.") {
			t.Errorf("%s says: %s", r.id, says)
		}
	}
}

func TestThePageSaysWhatToDoAboutEveryAlarm(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## What each alarm means")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, r := range deployed.all("AWS::CloudWatch::Alarm") {
		name := strings.TrimPrefix(r.at("AlarmName"), "annals-")
		if !slices.ContainsFunc(strings.Split(section, "`"), func(word string) bool {
			end, many := strings.CutPrefix(word, "…")
			return word == name || many && strings.HasSuffix(name, end)
		}) {
			t.Errorf("infra/README.md does not say what to do about %s", name)
		}
	}
}

func TestAlarmsAreMailedIfSomebodyIsToBeTold(t *testing.T) {
	topic, key := changed.only(t, "AWS::SNS::Topic"), changed.Resources["AlarmsKey"]
	topic.expect(t, "{KmsMasterKeyId="+key.arn()+" Subscription=[{Endpoint=alarms@annals.example Protocol=email}] TopicName=other-alarms}")
	const cloudWatch = " Condition={StringEquals={aws:SourceAccount=${AWS::AccountId}}} Effect=Allow Principal={Service=cloudwatch.amazonaws.com} Resource="
	if s := statements(key.Properties); len(s) != 2 || text(s[1]) != "{Action=[kms:Decrypt kms:GenerateDataKey]"+cloudWatch+"*}" {
		t.Errorf("CloudWatch cannot use the key: %s", text(s))
	}
	changed.only(t, "AWS::SNS::TopicPolicy").expect(t, "{Action=sns:Publish"+cloudWatch+topic.ref()+"}", "PolicyDocument", "Statement", "1")
	for _, r := range changed.all("AWS::CloudWatch::Alarm") {
		r.expect(t, "["+topic.ref()+"]", "AlarmActions")
		r.expect(t, "["+topic.ref()+"]", "OKActions")
	}
}

func theDashboardAnswersThreeQuestions(t testing.TB, standard template) {
	r := standard.only(t, "AWS::CloudWatch::Dashboard")
	r.expect(t, "annals", "DashboardName")
	var board struct {
		Widgets []struct {
			Type          string
			Width, Height int
			Properties    struct {
				Markdown, Region string
				Alarms           []string
				Metrics          [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(r.at("DashboardBody")), &board); err != nil {
		t.Fatal(err)
	}
	answers := map[string]string{} // what is shown, by the question
	question, alarms, shown := "", 0, 0
	for _, w := range board.Widgets {
		switch w.Type {
		case "text":
			question = w.Properties.Markdown
			answers[question] = ""
		case "alarm":
			alarms += len(w.Properties.Alarms)
		case "metric":
			shown += len(w.Properties.Metrics)
			for _, m := range w.Properties.Metrics {
				answers[question] += text(m) + "\n"
			}
			if w.Properties.Region != "${AWS::Region}" || len(w.Properties.Metrics) > 500 {
				t.Errorf("a graph is of the region %s and has %d metrics", w.Properties.Region, len(w.Properties.Metrics))
			}
		}
	}
	if all := len(standard.all("AWS::CloudWatch::Alarm")); alarms != all {
		t.Errorf("%d of %d alarms are shown", alarms, all)
	}
	for question, needs := range map[string][]string{
		"## Is it healthy?":        {"5xx", "Latency", "Errors", "Throttles", "Faults", "Refusals", "Conflicts", "ThrottledRequests"},
		"## How far behind is it?": {"Lag", "IteratorAge", "ApproximateAgeOfOldestMessage", "dead letters", "Parked"},
		"## What does it cost?":    {"ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits", "GlobalSecondaryIndexName", "Duration", "Invocations", "Count", "WriteUnits", "label=Lambda, time at 256 MB", "label=Lambda, invocations", "label=DynamoDB writes", "label=API"},
	} {
		for _, need := range needs {
			if !strings.Contains(answers[question], need) {
				t.Errorf("%s is not answered with %s", question, need)
			}
		}
	}
	if strings.Contains(answers["## What does it cost?"], "+") {
		t.Errorf("a sum of numbers shows nothing while one of them is not there: %s", answers["## What does it cost?"])
	}
	if found := regexp.MustCompile(`\* [^ ]*e-`).FindString(answers["## What does it cost?"]); found != "" {
		t.Errorf("metric math documents no exponents: %s", found)
	}
	if len(answers) != 3 {
		t.Errorf("there are %d questions", len(answers))
	}
	if shown < 100 {
		t.Errorf("only %d metrics are shown", shown)
	}
}

func outputsAreWhatAPersonNeeds(t testing.TB, standard template) {
	got := map[string]string{}
	for name, o := range standard.Outputs {
		got[name] = text(o.Value)
	}
	same(t, "output", got, map[string]string{
		"ApiUrl":             "${" + standard.only(t, "AWS::ApiGatewayV2::Api").id + ".ApiEndpoint}",
		"DashboardUrl":       "https://console.aws.amazon.com/cloudwatch/home?region=${AWS::Region}#dashboards:name=" + standard.only(t, "AWS::CloudWatch::Dashboard").ref(),
		"EventsTableName":    standard.named(t, "AWS::DynamoDB::Table", "TableName", "annals-events").ref(),
		"FilesBucketName":    bucketOf(t, standard, topology.Buckets()[0]).ref(),
		"FailuresBucketName": failureBucket(t, standard).ref(),
		"WrappingKeyArn":     wrappingKey(t, standard).arn(),
		"BootstrapCommand": "aws lambda invoke --function-name " + standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+topology.Bootstrap).ref() +
			` --region ${AWS::Region} --cli-binary-format raw-in-base64-out --payload '{"email":"you@example.com"}' /dev/stdout`,
	})
}

func TestOtherSettingsAreFollowed(t *testing.T) {
	const url = "https://api.annals.example"
	api, stage, domain := changed.only(t, "AWS::ApiGatewayV2::Api"), changed.only(t, "AWS::ApiGatewayV2::Stage"), changed.only(t, "AWS::ApiGatewayV2::DomainName")
	api.expect(t, "true", "DisableExecuteApiEndpoint")
	stage.expect(t, "{ThrottlingBurstLimit=50 ThrottlingRateLimit=50}", "DefaultRouteSettings")
	domain.expect(t, "{DomainName=api.annals.example DomainNameConfigurations=[{CertificateArn="+certificate+" EndpointType=REGIONAL SecurityPolicy=TLS_1_2}]}")
	changed.only(t, "AWS::ApiGatewayV2::ApiMapping").expect(t, "{ApiId="+api.ref()+" DomainName="+domain.ref()+" Stage="+stage.ref()+"}")
	identity := changed.only(t, "AWS::SES::EmailIdentity")
	identity.expect(t, "{DkimSigningAttributes={NextSigningKeyLength=RSA_2048_BIT} EmailIdentity=annals.example FeedbackAttributes={EmailForwardingEnabled=false}}")
	for name, want := range map[string]string{
		"ApiUrl":       url,
		"DomainTarget": "${" + domain.id + ".RegionalDomainName}", "DomainZone": "${" + domain.id + ".RegionalHostedZoneId}",
		"MailRecord1": "${" + identity.id + ".DkimDNSTokenName1} CNAME ${" + identity.id + ".DkimDNSTokenValue1}",
		"MailRecord3": "${" + identity.id + ".DkimDNSTokenName3} CNAME ${" + identity.id + ".DkimDNSTokenValue3}",
	} {
		if got := text(changed.Outputs[name].Value); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for _, bucket := range changed.all("AWS::S3::Bucket") {
		if cors := bucket.at("CorsConfiguration", "CorsRules"); cors != "" && !strings.Contains(cors, "AllowedOrigins=[https://one.example https://two.example]") {
			t.Errorf("origins are those of %s", cors)
		}
	}
	for _, f := range topology.Functions() {
		fn := changed.named(t, "AWS::Lambda::Function", "FunctionName", "other-"+f.Name)
		provider, sealed := "", ""
		if f.Pays {
			provider, sealed = "stripe", ciphertext
		}
		fn.expect(t, provider, "Environment", "Variables", "ANNALS_PAYMENT_PROVIDER")
		fn.expect(t, sealed, "Environment", "Variables", "ANNALS_STRIPE")
	}
	for id, r := range changed.Resources { // the stack is there to be thrown away
		if r.DeletionPolicy != "" && r.DeletionPolicy != "Delete" {
			t.Errorf("%s would stay", id)
		}
		if r.Type == "AWS::DynamoDB::Table" {
			r.expect(t, strconv.FormatBool(false), "DeletionProtectionEnabled")
		}
	}
}
