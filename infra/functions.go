package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"

	"github.com/interview-sandbox/annals/internal/topology"
)

// function gets a role and a log group of its own, so that no function can do or write what
// only another one should.
func (s *system) function(f topology.Function) awslambda.CfnFunction {
	id, name := logicalID(f.Name), s.props.Name+"-"+f.Name
	logs := s.logGroup(id+"Log", "/aws/lambda/"+name)
	code := awss3assets.NewAsset(s.stack, jsii.String(id+"Code"), &awss3assets.AssetProps{
		Path: jsii.String(filepath.Join(s.props.Build, f.Name+".zip")),
	})
	environment := map[string]*string{"ANNALS_PREFIX": &s.props.Name}
	if len(f.KMS) > 0 {
		environment["ANNALS_KMS_KEY"] = s.key.AttrArn()
	}
	if len(f.Signing) > 0 {
		environment[topology.SigningKeysSetting] = s.signingARNs()
	}
	for _, q := range topology.Queues() {
		if slices.Contains(f.Sends, q.ID) {
			environment[q.Setting()] = s.queues[q.ID].Ref() // its URL
		}
	}
	if f.Mails {
		environment["ANNALS_MAIL_FROM"], environment["ANNALS_PUBLIC_URL"] = &s.props.MailFrom, s.publicURL()
	}
	if f.Pays && s.props.Stripe != "" {
		environment["ANNALS_PAYMENT_PROVIDER"], environment["ANNALS_STRIPE"] = jsii.String("stripe"), &s.props.Stripe
	}
	for _, g := range f.Objects {
		environment[declared(g).Setting()] = s.buckets[g.Bucket].Ref() // its name
	}
	// Lambda takes a function that sends to the queue which it is run by for a mistake, and after about
	// 16 times in a row stops handing it messages, unless it is told otherwise:
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
	var loop *string
	for _, q := range topology.Queues() {
		if q.Function == f.Name && slices.Contains(f.Sends, q.ID) {
			loop = jsii.String("Allow")
		}
	}
	fn := awslambda.NewCfnFunction(s.stack, jsii.String(id+"Function"), &awslambda.CfnFunctionProps{
		FunctionName:  &name,
		Runtime:       jsii.String("provided.al2023"),
		Handler:       jsii.String("bootstrap"),
		Architectures: jsii.Strings(s.props.Arch),
		MemorySize:    jsii.Number(f.Memory),
		Timeout:       jsii.Number(f.Timeout.Seconds()),
		Role:          s.role(id+"Role", f, logs).AttrArn(),
		Code:          &awslambda.CfnFunction_CodeProperty{S3Bucket: code.S3BucketName(), S3Key: code.S3ObjectKey()},
		Environment:   &awslambda.CfnFunction_EnvironmentProperty{Variables: environment},
		RecursiveLoop: loop,
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: logs.Ref()},
	})
	// Without this, sam local invoke does not find the zip behind the bucket and key.
	code.AddResourceMetadata(fn, jsii.String("Code"))
	return fn
}

// role is written out in full, action by action and ARN by ARN, because "no role can change
// an event" has to be readable here and provable from the template.
func (s *system) role(id string, f topology.Function, logs awslogs.CfnLogGroup) awsiam.CfnRole {
	policy := awsiam.NewPolicyDocument(nil)
	policy.AddStatements(allow(logs.AttrArn(), "logs:CreateLogStream", "logs:PutLogEvents"))
	for _, g := range f.Grants {
		s.grant(policy, g)
	}
	if len(f.KMS) > 0 {
		policy.AddStatements(allow(s.key.AttrArn(), prefixed("kms:", f.KMS)...))
	}
	for _, key := range s.signing {
		if len(f.Signing) > 0 {
			policy.AddStatements(allow(key.AttrArn(), prefixed("kms:", f.Signing)...))
		}
	}
	for _, q := range topology.Queues() {
		if slices.Contains(f.Sends, q.ID) {
			policy.AddStatements(allow(s.queues[q.ID].AttrArn(), "sqs:SendMessage"))
		}
		if q.Function == f.Name {
			policy.AddStatements(allow(s.queues[q.ID].AttrArn(), "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"))
		}
	}
	if f.Mails {
		for _, arn := range s.mailARNs() {
			policy.AddStatements(allow(arn, "ses:SendEmail"))
		}
	}
	for _, g := range f.Objects {
		s.grantObjects(policy, g)
	}
	sources := slices.DeleteFunc(topology.EventSources(), func(e topology.EventSource) bool { return e.Function != f.Name })
	for _, e := range sources {
		// ListStreams grants nothing on one stream's ARN, but AWS documents it so, and Lambda
		// names it when it refuses a role for an event source.
		policy.AddStatements(allow(s.tables[e.Table].AttrStreamArn(),
			"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"))
	}
	if len(sources) > 0 {
		policy.AddStatements(
			allow(s.failures.BucketArn(), "s3:ListBucket"),
			allow(s.failures.ArnForObjects(jsii.String("*")), "s3:PutObject"))
	}
	return awsiam.NewCfnRole(s.stack, &id, &awsiam.CfnRoleProps{
		AssumeRolePolicyDocument: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
			Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:    jsii.Strings("sts:AssumeRole"),
				Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil)},
			})},
		}),
		// Inline, so that a function and its event sources never exist before their permissions.
		Policies: []*awsiam.CfnRole_PolicyProperty{{PolicyName: jsii.String("function"), PolicyDocument: policy}},
	})
}

func prefixed(service string, actions []string) (all []string) {
	for _, a := range actions {
		all = append(all, service+a)
	}
	return all
}

// grant allows a table's actions on its ARN, and Query on those of its indexes as well: IAM
// takes each index for a resource of its own.
func (s *system) grant(policy awsiam.PolicyDocument, g topology.Grant) {
	tables := topology.Tables()
	table := tables[slices.IndexFunc(tables, func(t topology.Table) bool { return t.ID == g.Table })]
	arn := s.tables[g.Table].AttrArn()
	own := slices.DeleteFunc(slices.Clone(g.Actions), func(a string) bool { return a == "Query" && table.Sort == nil })
	if len(own) > 0 {
		policy.AddStatements(allow(arn, prefixed("dynamodb:", own)...))
	}
	if table.Wrapped {
		policy.AddStatements(s.throughTable(g.Actions))
	}
	if slices.Contains(g.Actions, "Query") {
		for _, i := range table.Indexes {
			policy.AddStatements(allow(jsii.String(*arn+"/index/"+i.Name), "dynamodb:Query"))
		}
	}
}

// grantObjects allows what is done with objects on all of the bucket, and the lists on the
// bucket itself.
func (s *system) grantObjects(policy awsiam.PolicyDocument, g topology.ObjectGrant) {
	arn := s.buckets[g.Bucket].AttrArn()
	lists, others := split(g.Actions, func(a string) bool { return strings.HasPrefix(a, "List") })
	if len(lists) > 0 {
		policy.AddStatements(allow(arn, prefixed("s3:", lists)...))
	}
	if len(others) > 0 {
		policy.AddStatements(allow(jsii.String(*arn+"/*"), prefixed("s3:", others)...))
	}
}

func split(all []string, first func(string) bool) (yes, no []string) {
	for _, s := range all {
		if first(s) {
			yes = append(yes, s)
		} else {
			no = append(no, s)
		}
	}
	return yes, no
}

func declared(g topology.ObjectGrant) topology.Bucket {
	buckets := topology.Buckets()
	return buckets[slices.IndexFunc(buckets, func(b topology.Bucket) bool { return b.ID == g.Bucket })]
}

// allow takes one resource so that a statement cannot mix one resource's actions with another's.
func allow(resource *string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(actions...),
		Resources: &[]*string{resource},
	})
}
