package main

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/interview-sandbox/annals/internal/topology"
)

// keyFunctions may use the key table and the wrapping key, and this is why. What is not in this
// table and uses them fails; topology.Functions says with which actions.
var keyFunctions = map[string]string{
	"query":                "opens what is sealed, for those who may read it",
	"projector":            "opens what is sealed, for the rows of read models",
	"rebuild":              "opens what is sealed, for the rows of a new generation",
	"uploads":              "decides on files, whose names are sealed",
	"feedback":             "decides on mailboxes, whose addresses are sealed",
	"reactor":              "seals what its commands record, and destroys the keys of who is erased",
	"clock":                "does what the reactors do, at a deadline",
	"command-operator":     "does what the reactors do, when an operator redrives",
	"command-auth":         "seals addresses and signs tokens",
	"command-user":         "seals names",
	"command-file":         "seals names of files",
	"command-payment":      "seals what people write about payments",
	"command-notification": "decides on what was sealed for an inbox",
	"bootstrap":            "seals the address of the first operator",
}

func onlyTheKeyFunctionsUseTheKeyTableAndTheKey(t testing.TB, standard template) {
	table := standard.named(t, "AWS::DynamoDB::Table", "TableName", "annals-keys").arn()
	key, used := wrappingKey(t, standard).arn(), map[string]bool{}
	for _, fn := range standard.all("AWS::Lambda::Function") {
		name := strings.TrimPrefix(fn.at("FunctionName"), "annals-")
		for _, role := range standard.all("AWS::IAM::Role") {
			if role.arn() != fn.at("Role") {
				continue
			}
			for _, s := range statements(role.Properties["Policies"]) {
				for _, arn := range texts(s["Resource"]) {
					if arn != table && arn != key && arn != "*" && !strings.Contains(arn, ":kms:") && !strings.Contains(arn, ":dynamodb:") {
						continue // something else, by its own name
					}
					used[name] = true
					if keyFunctions[name] == "" {
						t.Errorf("%s may %s on %s: say in keyFunctions why", name, text(s["Action"]), arn)
					}
				}
			}
		}
	}
	for name := range keyFunctions {
		if !used[name] {
			t.Errorf("%s uses neither the key table nor the key: take it out of keyFunctions", name)
		}
	}
}

func wrappingKey(t testing.TB, standard template) *resource {
	t.Helper()
	key := standard.Resources["WrappingKey"]
	if key == nil {
		t.Fatalf("there is no wrapping key")
	}
	return key
}

func theKeysPolicyNamesWhoUsesIt(t testing.TB, standard template) {
	const account = "Effect=Allow Principal={AWS=arn:${AWS::Partition}:iam::${AWS::AccountId}:root} Resource=*}"
	roles := func(action string) string {
		var all []string
		for _, f := range topology.Functions() {
			if slices.Contains(f.KMS, action) {
				role := standard.Resources[logicalID(f.Name)+"Role"]
				if role == nil {
					t.Fatalf("there is no role of %s by the name that the key's policy has", f.Name)
				}
				all = append(all, "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/annals-"+role.id+"-*")
			}
		}
		return "{Action=kms:" + action + " Condition={ArnLike={aws:PrincipalArn=[" + strings.Join(all, " ") + "]}} " + account
	}
	wrappingKey(t, standard).expect(t, "["+
		"{Action=[kms:CancelKeyDeletion kms:DescribeKey kms:DisableKey kms:EnableKey kms:EnableKeyRotation kms:Encrypt kms:GetKeyPolicy "+
		"kms:GetKeyRotationStatus kms:ListGrants kms:ListKeyPolicies kms:ListKeyRotations kms:ListResourceTags kms:PutKeyPolicy kms:RevokeGrant "+
		"kms:RotateKeyOnDemand kms:ScheduleKeyDeletion kms:TagResource kms:UntagResource kms:UpdateKeyDescription] "+account+" "+
		roles("Decrypt")+" "+roles("GenerateDataKey")+" "+
		"{Action=[kms:Decrypt kms:DescribeKey kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom kms:ReEncryptTo kms:CreateGrant] "+
		"Condition={StringEquals={kms:ViaService=dynamodb.${AWS::Region}.amazonaws.com}} "+account+"]", "KeyPolicy", "Statement")
}

// IAM cuts a role's name off at 64 characters, and then the key's policy would not know it.
func TestNamesOfRolesAreNotCutOff(t *testing.T) {
	const ending = len("-ABCDEFGHIJKLM") // what CloudFormation adds
	for _, f := range topology.Functions() {
		if n := longestName + len("-"+logicalID(f.Name)+"Role") + ending; n > 64 {
			t.Errorf("the name of the role of %s may have %d characters", f.Name, n)
		}
	}
}

func keyTableIsEncryptedWithTheWrappingKey(t testing.TB, standard template) {
	for _, table := range standard.all("AWS::DynamoDB::Table") {
		want := "" // DynamoDB encrypts with a key of its own
		if table.at("TableName") == "annals-keys" {
			want = "{KMSMasterKeyId=" + wrappingKey(t, standard).arn() + " SSEEnabled=true SSEType=KMS}"
		}
		table.expect(t, want, "SSESpecification")
	}
}

// What an erasure removes, and backups still have, is gone from them after a week; everything
// else can be brought back from as long ago as possible.
func backupsForgetPersonsInAWeek(t testing.TB, standard template) {
	for _, table := range standard.all("AWS::DynamoDB::Table") {
		days := 35
		if name := table.at("TableName"); name == "annals-keys" || name == "annals-views" {
			days = 7
		}
		table.expect(t, strconv.Itoa(days), "PointInTimeRecoverySpecification", "RecoveryPeriodInDays")
	}
}

func nobodyGetsAnywhereWithoutTLS(t testing.TB, standard template) {
	for kind, policy := range map[string]struct{ kind, of, action string }{
		"AWS::S3::Bucket": {"AWS::S3::BucketPolicy", "Bucket", "s3:*"},
		"AWS::SQS::Queue": {"AWS::SQS::QueuePolicy", "Queues", "sqs:*"},
		"AWS::SNS::Topic": {"AWS::SNS::TopicPolicy", "Topics", "sns:Publish"},
	} {
		for _, r := range standard.all(kind) {
			arns := r.arn()
			if kind == "AWS::S3::Bucket" {
				arns = "[" + arns + " " + arns + "/*]"
			} else if kind == "AWS::SNS::Topic" {
				arns = r.ref()
			}
			deny := "{Action=" + policy.action + " Condition={Bool={aws:SecureTransport=false}} Effect=Deny Principal={AWS=*} Resource=" + arns + "}"
			if !slices.ContainsFunc(standard.all(policy.kind), func(p *resource) bool {
				return strings.Trim(p.at(policy.of), "[]") == r.ref() && slices.ContainsFunc(statements(p.Properties), func(s map[string]any) bool { return text(s) == deny })
			}) {
				t.Errorf("%s can be reached without TLS", r.id)
			}
		}
	}
}

// DynamoDB and CloudWatch Logs encrypt everything by themselves, which cannot be turned off.
func everythingIsEncryptedAtRest(t testing.TB, standard template) {
	for _, bucket := range standard.all("AWS::S3::Bucket") {
		bucket.expect(t, "[{ServerSideEncryptionByDefault={SSEAlgorithm=AES256}}]", "BucketEncryption", "ServerSideEncryptionConfiguration")
	}
	for _, queue := range standard.all("AWS::SQS::Queue") {
		queue.expect(t, "true", "SqsManagedSseEnabled")
	}
	for _, topic := range standard.all("AWS::SNS::Topic") {
		if topic.at("KmsMasterKeyId") == "" {
			t.Errorf("%s is not encrypted", topic.id)
		}
	}
	for _, key := range standard.all("AWS::KMS::Key") {
		if key.at("KeySpec") == "" { // a key that encrypts
			key.expect(t, "true", "EnableKeyRotation")
		}
		if key.at("KeyPolicy") == "" {
			t.Errorf("%s has the policy that KMS makes up", key.id)
		}
	}
}

func noBucketIsPublic(t testing.TB, standard template) {
	for _, bucket := range standard.all("AWS::S3::Bucket") {
		bucket.expect(t, "{BlockPublicAcls=true BlockPublicPolicy=true IgnorePublicAcls=true RestrictPublicBuckets=true}", "PublicAccessBlockConfiguration")
	}
	for _, kind := range []string{"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"} {
		for _, policy := range standard.all(kind) {
			for _, s := range statements(policy.Properties) {
				if s["Effect"] != "Deny" && strings.Contains(text(s["Principal"]), "=*") {
					t.Errorf("%s lets everybody %s", policy.id, text(s["Action"]))
				}
			}
		}
	}
}

var (
	// secretNames are of variables that may hold a secret, and secretValues of what is one: keys
	// of Stripe and of AWS, private keys, and passwords in URLs.
	secretNames  = regexp.MustCompile(`(?i)secret|password|token|pepper|credential|private|(^|_)key($|_)`)
	secretValues = regexp.MustCompile(`\b(sk|rk|whsec)_|AKIA|ASIA|-----BEGIN|://[^/ ]*:[^/ ]*@|\{\{resolve:`)
	// notSecret look like secrets by their names, and are none.
	notSecret = map[string]string{"ANNALS_KMS_KEY": "the ARN of the wrapping key"}
)

func noVariableHoldsASecret(t testing.TB, standard template) {
	for _, fn := range standard.all("AWS::Lambda::Function") {
		variables, _ := fn.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if secretNames.MatchString(name) && notSecret[name] == "" || secretValues.MatchString(text(variables[name])) {
				t.Errorf("%s: the variable %s may hold a secret in clear", fn.id, name)
			}
		}
	}
	for id, o := range standard.Outputs {
		if secretValues.MatchString(text(o.Value)) {
			t.Errorf("the output %s may hold a secret", id)
		}
	}
}

func logsAreNotKeptForEver(t testing.TB, standard template) {
	for _, log := range standard.all("AWS::Logs::LogGroup") {
		if days, err := strconv.Atoi(log.at("RetentionInDays")); err != nil || days < 1 || days > 365 {
			t.Errorf("%s is kept for %d days", log.id, days)
		}
	}
}

func policiesAreWhole(t testing.TB, standard template) {
	var walk func(id string, v any)
	walk = func(id string, v any) {
		switch v := v.(type) {
		case []any:
			for _, member := range v {
				walk(id, member)
			}
		case map[string]any:
			if _, ok := v["Statement"]; ok && (v["Version"] != "2012-10-17" || len(v) != 2) {
				t.Errorf("%s has a policy of the version %v", id, v["Version"])
			}
			for _, member := range v {
				walk(id, member)
			}
		}
	}
	for id, r := range standard.Resources {
		walk(id, r.Properties)
	}
}
