package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

func functionsAreExactlyThoseOfTheTopology(t testing.TB, standard template) {
	type facts struct{ Memory, Timeout, Runtime, Handler, Arch, Loop, Environment, Code string }
	got, want := map[string]facts{}, map[string]facts{}
	for _, r := range standard.all("AWS::Lambda::Function") {
		code, err := os.ReadFile(filepath.Join(assets, "asset."+r.at("Code", "S3Key")))
		if err != nil {
			t.Errorf("%s has no code: %v", r.id, err)
		}
		r.expect(t, "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}", "Code", "S3Bucket")
		put(t, got, r.at("FunctionName"), facts{r.at("MemorySize"), r.at("Timeout"), r.at("Runtime"), r.at("Handler"),
			r.at("Architectures"), r.at("RecursiveLoop"), r.at("Environment", "Variables"), string(code)})
	}
	for _, f := range topology.Functions() {
		environment := "ANNALS_PREFIX=annals"
		if f.Mails {
			environment = "ANNALS_MAIL_FROM=Annals <annals@example.com> " + environment + " ANNALS_PUBLIC_URL=${" + standard.only(t, "AWS::ApiGatewayV2::Api").id + ".ApiEndpoint}"
		}
		buckets := ""
		for _, b := range topology.Buckets() {
			if slices.ContainsFunc(f.Objects, func(g topology.ObjectGrant) bool { return g.Bucket == b.ID }) {
				buckets += "ANNALS_BUCKET_" + strings.ToUpper(b.ID) + "=" + bucketOf(t, standard, b).ref() + " "
			}
		}
		if len(f.KMS) > 0 {
			environment = "ANNALS_KMS_KEY=" + wrappingKey(t, standard).arn() + " " + environment
		}
		signing := ""
		if len(f.Signing) > 0 {
			signing = " ANNALS_SIGNING_KEYS=" + signingKey(t, standard, "1").arn()
		}
		for _, q := range topology.Queues() {
			if slices.Contains(f.Sends, q.ID) {
				environment += " ANNALS_QUEUE_" + strings.ToUpper(q.ID) + "=" + standard.named(t, "AWS::SQS::Queue", "QueueName", "annals-"+q.Suffix).ref()
			}
		}
		loop := ""
		if f.Name == "rebuild" { // watches a rebuild with messages to itself, more of them than Lambda lets pass for no mistake
			loop = "Allow"
		}
		want["annals-"+f.Name] = facts{strconv.Itoa(f.Memory), seconds(f.Timeout), "provided.al2023", "bootstrap",
			"[arm64]", loop, "{" + buckets + environment + signing + "}", string(zipOf(f.Name))}
	}
	same(t, "function", got, want)
}

func everyFunctionHasItsOwnRole(t testing.TB, standard template) {
	users := map[string]string{}
	for _, fn := range standard.all("AWS::Lambda::Function") {
		if other, taken := users[fn.at("Role")]; taken {
			t.Errorf("%s has the role of %s", fn.id, other)
		}
		users[fn.at("Role")] = fn.id
	}
	for _, role := range standard.all("AWS::IAM::Role") {
		if users[role.arn()] == "" {
			t.Errorf("%s is no function's role", role.id)
		}
		delete(users, role.arn())
		role.expect(t, "", "ManagedPolicyArns")
		if policies := list(role.Properties["Policies"]); len(policies) != 1 || at(policies[0], "PolicyName") != "function" {
			t.Errorf("%s has the policies %s", role.id, text(policies))
		}
		trust := list(role.Properties["AssumeRolePolicyDocument"].(map[string]any)["Statement"])
		if got, want := text(trust), "[{Action=sts:AssumeRole Effect=Allow Principal={Service=lambda.amazonaws.com}}]"; got != want {
			t.Errorf("%s may be assumed by %s, want %s", role.id, got, want)
		}
	}
	for role, fn := range users {
		t.Errorf("%s has the role %s, which this stack does not make", fn, role)
	}
}

func permissionsAreExactlyTheGrantsOfTheTopology(t testing.TB, standard template) {
	tables := map[string]string{} // ARN by topology.Table.ID
	streams := map[string]string{}
	queried := map[string][]string{} // ARNs of what a Query can be of
	for _, table := range topology.Tables() {
		r := standard.named(t, "AWS::DynamoDB::Table", "TableName", "annals-"+table.Suffix)
		tables[table.ID], streams[table.ID] = r.arn(), "${"+r.id+".StreamArn}"
		if table.Sort != nil {
			queried[table.ID] = append(queried[table.ID], r.arn())
		}
		for _, i := range table.Indexes {
			queried[table.ID] = append(queried[table.ID], r.arn()+"/index/"+i.Name)
		}
	}
	key, bucket := wrappingKey(t, standard).arn(), failureBucket(t, standard).arn()
	sources := topology.EventSources() // the filters in them take a while
	for _, f := range topology.Functions() {
		fn := standard.named(t, "AWS::Lambda::Function", "FunctionName", "annals-"+f.Name)
		want := map[string][]string{}
		grant := func(arn string, actions ...string) {
			want[arn] = slices.Compact(slices.Sorted(slices.Values(append(want[arn], actions...))))
		}
		grant(standard.named(t, "AWS::Logs::LogGroup", "LogGroupName", "/aws/lambda/annals-"+f.Name).arn(),
			"logs:CreateLogStream", "logs:PutLogEvents")
		for _, g := range f.Grants {
			for _, a := range g.Actions {
				if a == "Query" {
					for _, arn := range queried[g.Table] {
						grant(arn, "dynamodb:Query")
					}
				} else {
					grant(tables[g.Table], "dynamodb:"+a)
				}
				if through := key + " if {StringEquals={kms:ViaService=dynamodb.${AWS::Region}.amazonaws.com}}"; g.Table == "Keys" {
					grant(through, "kms:Decrypt", "kms:DescribeKey")
					if a == "PutItem" {
						grant(through, "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo")
					}
				}
			}
		}
		for _, a := range f.KMS {
			grant(key, "kms:"+a)
		}
		for _, a := range f.Signing {
			grant(signingKey(t, standard, "1").arn(), "kms:"+a)
		}
		for _, q := range topology.Queues() {
			arn := standard.named(t, "AWS::SQS::Queue", "QueueName", "annals-"+q.Suffix).arn()
			if slices.Contains(f.Sends, q.ID) {
				grant(arn, "sqs:SendMessage")
			}
			if q.Function == f.Name {
				grant(arn, "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
			}
		}
		if f.Mails {
			for _, resource := range []string{"identity/annals@example.com", "identity/example.com", "configuration-set/annals"} {
				grant("arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"+resource, "ses:SendEmail")
			}
		}
		for _, g := range f.Objects {
			for _, b := range topology.Buckets() {
				for _, a := range g.Actions {
					switch arn := bucketOf(t, standard, b).arn(); {
					case b.ID != g.Bucket:
					case a == "ListBucket" || a == "ListBucketVersions":
						grant(arn, "s3:"+a)
					default:
						grant(arn+"/*", "s3:"+a)
					}
				}
			}
		}
		for _, e := range sources {
			if e.Function == f.Name {
				grant(streams[e.Table], "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")
				grant(bucket, "s3:ListBucket")
				grant(bucket+"/*", "s3:PutObject")
			}
		}

		got := map[string][]string{}
		for _, role := range standard.all("AWS::IAM::Role") {
			if role.arn() != fn.at("Role") {
				continue
			}
			for _, s := range statements(role.Properties["Policies"]) {
				if s["Effect"] != "Allow" || s["NotAction"] != nil || s["NotResource"] != nil {
					t.Errorf("%s: the statement %s is not a plain permission", f.Name, text(s))
				}
				for _, arn := range texts(s["Resource"]) {
					if s["Condition"] != nil {
						arn += " if " + text(s["Condition"])
					}
					got[arn] = slices.Sorted(slices.Values(append(got[arn], texts(s["Action"])...)))
				}
			}
		}
		same(t, f.Name+" on", got, want)
	}
}

func noStatementAllowsAWildcard(t testing.TB, standard template) {
	objects := map[string][]string{} // S3 has no other name for a bucket's objects
	for _, b := range standard.all("AWS::S3::Bucket") {
		objects[b.arn()+"/*"] = []string{"s3:PutObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion"}
	}
	for id, r := range standard.Resources {
		for _, s := range statements(r.Properties) {
			if s["Effect"] == "Deny" {
				continue
			}
			if s["NotAction"] != nil || s["NotResource"] != nil || s["NotPrincipal"] != nil {
				t.Errorf("%s allows everything but something: %s", id, text(s))
			}
			for _, action := range texts(s["Action"]) {
				if strings.Contains(action, "*") {
					t.Errorf("%s allows %s", id, action)
				}
			}
			for _, arn := range texts(s["Resource"]) {
				for _, action := range texts(s["Action"]) {
					// In a key's policy "*" is the name of that key.
					if strings.ContainsAny(arn, "*?") && r.Type != "AWS::KMS::Key" && !slices.Contains(objects[arn], action) {
						t.Errorf("%s allows %s on %s", id, action, arn)
					}
				}
			}
		}
	}
}

func noPolicyAllowsToUpdateOrDeleteAnEvent(t testing.TB, standard template) {
	harmless := []string{ // a list of what may be, so that an action nobody thought of fails
		"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:DescribeTable", "dynamodb:GetItem",
		"dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan",
		"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
	}
	others := map[string]bool{} // whatever is not exactly another table's ARN could be the event table
	for _, r := range standard.all("AWS::DynamoDB::Table") {
		others[r.arn()] = r.at("TableName") != "annals-events"
	}
	for id, r := range standard.Resources {
		for _, s := range statements(r.Properties) {
			if s["Effect"] == "Deny" {
				continue
			}
			for _, arn := range append(texts(s["Resource"]), texts(s["NotResource"])...) {
				if r.Type == "AWS::KMS::Key" {
					continue // "*" is the key there
				}
				for _, action := range append(texts(s["Action"]), texts(s["NotAction"])...) {
					foreign := !strings.HasPrefix(action, "dynamodb:") && !strings.Contains(action, "*") && s["NotAction"] == nil
					if !others[arn] && !foreign && !slices.Contains(harmless, action) {
						t.Errorf("%s allows %s on %s", id, action, arn)
					}
				}
			}
		}
	}
}

func everyFunctionLogsToItsOwnGroupForTwoWeeks(t testing.TB, standard template) {
	for _, fn := range standard.all("AWS::Lambda::Function") {
		log := standard.named(t, "AWS::Logs::LogGroup", "LogGroupName", "/aws/lambda/"+fn.at("FunctionName"))
		fn.expect(t, log.ref(), "LoggingConfig", "LogGroup")
	}
	for _, log := range standard.all("AWS::Logs::LogGroup") {
		log.expect(t, "14", "RetentionInDays")
		log.expectRemoval(t, "Delete")
	}
}
